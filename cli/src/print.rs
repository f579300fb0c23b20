//! What people see.
#![expect(clippy::print_stderr, reason = "printing is what this file is for")]

mod cost;

use std::error::Error;
use std::fmt::Display;
use std::io::Write;

use beacon_analysis::export::{escaped, steers};
use beacon_core::Run;
use beacon_core::view::{Counts, Details, ErrorView, JobView, Summary, SummaryRow};
use beacon_evidence::answer::OneExecution;
use beacon_evidence::published::{PublishedKey, PublishedKeys};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use crate::api::ApiError;
use crate::command::CommandError;
use crate::doctor::{Check, Status};
use crate::spec_file::SpecFile;
pub(crate) use cost::estimated;

/// Said before anything else where answers are made up.
pub(crate) const SIMULATED: &str = "SIMULATED providers: their answers are made up. \
For real ones set HYBRID_ROUTER_URL or give --providers FILE.";

/// A line on standard output. One that nobody reads any more is no error.
fn say(text: impl Display) {
    let _closed = writeln!(std::io::stdout(), "{text}");
}

/// A line for people; on standard error where standard output is for programs.
pub(crate) fn note(json: bool, text: &str) {
    if json {
        eprintln!("{text}");
    } else {
        say(text);
    }
}

/// The error that ended the command, with its causes.
pub(crate) fn failure(error: &CommandError) {
    if error.is_closed_pipe() {
        return;
    }
    eprintln!("error: {}", causes(error));
    if let CommandError::Spec(ApiError::Refused(view), file) = error {
        details(view, file);
    }
}

/// An error with its causes, on one line.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    one_line(&text)
}

fn details(view: &ErrorView, file: &SpecFile) {
    let Some(Details::Fields(problems)) = &view.details else { return };
    for problem in problems {
        eprintln!("  {}: {}", one_line(&file.locate(problem)), one_line(&problem.message));
    }
}

/// One JSON object.
pub(crate) fn json<T: Serialize>(view: &T) -> Result<(), CommandError> {
    line(&mut std::io::stdout().lock(), view)?;
    Ok(())
}

/// What a command did: an object for programs, or a line for people.
pub(crate) fn done<T: Serialize>(json: bool, view: &T, told: &str) -> Result<(), CommandError> {
    if json {
        return self::json(view);
    }
    say(told);
    Ok(())
}

/// A JSON document as a file of its own, indented.
pub(crate) fn document<T: Serialize>(view: &T) -> Result<(), CommandError> {
    Ok(pretty(&mut std::io::stdout().lock(), view)?)
}

/// The same to anywhere.
pub(crate) fn pretty<T: Serialize>(out: &mut impl Write, view: &T) -> std::io::Result<()> {
    let json = serde_json::to_string_pretty(view)?;
    out.write_all(escaped(&json).as_bytes())?;
    out.write_all(b"\n")
}

/// One JSON object on a line of its own.
pub(crate) fn line<T: Serialize>(out: &mut impl Write, view: &T) -> std::io::Result<()> {
    let json = serde_json::to_string(view)?;
    out.write_all(escaped(&json).as_bytes())?;
    out.write_all(b"\n")
}

/// A job's counts, one below the other.
pub(crate) fn status(view: &JobView) {
    say(format!("job        {}  (run {})", view.job_id, view.run));
    say(format!("status     {}", view.status));
    say(format!("expected   {}", view.expected));
    for (name, count) in named(&view.counts) {
        say(format!("{name:<10} {count}"));
    }
    say(format!("duration   {}", duration(view.duration_ms)));
    for note in notes(view).into_iter().chain(cost::lines(view)) {
        say(note);
    }
    if view.simulated {
        say("simulated  yes: answers are made up");
    }
}

/// A job's results by region and model, and its failures by code.
pub(crate) fn results(summary: &Summary) {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header([
        "region",
        "model",
        "expected",
        "completed",
        "failed",
        "text",
        "empty",
        "blocked",
        "truncated",
    ]);
    for row in &summary.rows {
        table.add_row(cells(row));
    }
    for index in 2..9 {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    say(table);
    for failure in &summary.failures {
        say(format!(
            "{:>6} × {}  e.g. {}",
            failure.count,
            failure.code,
            one_line(&failure.example)
        ));
    }
}

/// How a job ended, on one line.
pub(crate) fn conclusion(view: &JobView) {
    let parts: Vec<String> = named(&view.counts)
        .into_iter()
        .filter(|(name, count)| *count > 0 || matches!(*name, "completed" | "failed"))
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    say(format!(
        "{} {}: {} expected, {} in {}",
        view.job_id,
        view.status,
        view.expected,
        parts.join(", "),
        duration(view.duration_ms)
    ));
    for note in notes(view).into_iter().chain(cost::lines(view)) {
        say(note);
    }
}

/// Why a job ended early, its runs after the first, and what may have been charged for in vain.
fn notes(view: &JobView) -> Vec<String> {
    let by = |token: &Option<String>| {
        token.as_ref().map_or_else(String::new, |token| format!(", token {}", one_line(token)))
    };
    let mut notes = Vec::new();
    if let Some(ending) = &view.ending {
        let (at, by) = (ending.at, by(&ending.by));
        notes.push(format!("ended early: {} ({at:.0}{by})", ending.cause));
    }
    for record in view.runs.iter().filter(|record| record.run > Run::FIRST) {
        let (at, by) = (record.at, by(&record.by));
        let why =
            record.why.as_ref().map_or_else(String::new, |why| format!(": {}", one_line(why)));
        let (run, executions) = (record.run, record.executions);
        notes.push(format!("run {run} asked {executions} executions anew ({at:.0}{by}){why}"));
    }
    match view.maybe_billed {
        0 => {}
        1 => notes.push("1 attempt may have been charged for, though no answer came".to_owned()),
        many => {
            notes.push(format!("{many} attempts may have been charged for, though no answer came"));
        }
    }
    notes
}

fn cells(row: &SummaryRow) -> Vec<String> {
    let (counts, outcomes) = (&row.counts, &row.outcomes);
    let numbers = [
        row.expected,
        counts.completed,
        counts.failed + counts.timed_out,
        outcomes.text,
        outcomes.empty,
        outcomes.blocked,
        outcomes.truncated,
    ];
    let mut cells = vec![row.region.to_string(), row.model_id.to_string()];
    cells.extend(numbers.iter().map(ToString::to_string));
    cells
}

/// Checks, one a line, with what to do about a failure below it.
pub(crate) fn checks(checks: &[Check]) {
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or_default();
    for check in checks {
        let mark = match check.status {
            Status::Ok => "✓",
            Status::Failed => "✗",
            Status::NotApplicable | Status::Skipped => "–",
        };
        let took = match check.duration_ms {
            None => String::new(),
            Some(0) => " (under 1 ms)".to_owned(),
            Some(ms) => format!(" ({ms} ms)"),
        };
        say(format!("{mark} {:<width$}  {}{took}", check.name, one_line(&check.detail)));
        if let Some(fix) = &check.fix {
            say(format!("    → {}", one_line(fix)));
        }
    }
    match checks.iter().filter(|check| check.status == Status::Failed).count() {
        0 => say("nothing is wrong"),
        1 => say("1 check failed"),
        failed => say(format!("{failed} checks failed")),
    }
}

/// All jobs, one a line.
pub(crate) fn jobs(jobs: &[JobView]) {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["job", "name", "status", "run", "completed", "expected", "created"]);
    for job in jobs {
        table.add_row([
            job.job_id.to_string(),
            one_line(&job.name),
            job.status.to_string(),
            job.run.to_string(),
            job.counts.completed.to_string(),
            job.expected.to_string(),
            format!("{:.0}", job.created_at),
        ]);
    }
    say(table);
}

/// Public keys, one a line.
pub(crate) fn keys(published: &PublishedKeys) {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["key id", "public key", "first used"]);
    for PublishedKey { key_id, public_key, first_used_at, .. } in &published.keys {
        table.add_row([key_id.to_string(), public_key.to_string(), format!("{first_used_at:.0}")]);
    }
    say(table);
}

/// One execution in full.
pub(crate) fn execution(view: &OneExecution) -> Result<(), CommandError> {
    Ok(pretty(&mut std::io::stdout().lock(), view)?)
}

fn named(counts: &Counts) -> [(&'static str, u64); 6] {
    [
        ("completed", counts.completed),
        ("failed", counts.failed),
        ("timed_out", counts.timed_out),
        ("cancelled", counts.cancelled),
        ("running", counts.running),
        ("pending", counts.pending),
    ]
}

fn duration(ms: u64) -> String {
    if ms < 60_000 {
        format!("{}.{} s", ms / 1000, ms % 1000 / 100)
    } else {
        format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000)
    }
}

/// Names and messages come from outside: nothing of them steers the terminal.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if steers(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_steers_no_terminal() {
        assert_eq!(one_line("\u{1b}[2J \u{202e}a\nb"), " [2J  a b");
    }
}
