//! What people see.
#![expect(clippy::print_stderr, reason = "printing is what this file is for")]

use std::error::Error;
use std::fmt::Display;
use std::io::{ErrorKind, Write};

use beacon_core::job::JobStatus;
use beacon_core::view::{Counts, ExecutionView, JobView, Summary, SummaryRow};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use crate::api::ApiError;
use crate::command::CommandError;
use crate::doctor::{Check, Status};
use crate::spec_file::SpecFile;

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
    if let CommandError::Output(error) = error
        && error.kind() == ErrorKind::BrokenPipe
    {
        return;
    }
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
    eprintln!("error: {}", one_line(&text));
    if let CommandError::Spec(ApiError::Refused(view), file) = error {
        details(view, file);
    }
}

fn details(view: &beacon_core::view::ErrorView, file: &SpecFile) {
    for problem in &view.details {
        eprintln!("  {}: {}", one_line(&file.locate(problem)), one_line(&problem.message));
    }
}

/// One JSON object.
pub(crate) fn json<T: Serialize>(view: &T) -> Result<(), CommandError> {
    line(&mut std::io::stdout().lock(), view)?;
    Ok(())
}

/// A JSON document as a file of its own, indented.
pub(crate) fn document<T: Serialize>(view: &T) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, view).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
}

/// One JSON object on a line of its own.
pub(crate) fn line<T: Serialize>(out: &mut impl Write, view: &T) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, view)?;
    out.write_all(b"\n")
}

/// A job's counts, one below the other.
pub(crate) fn status(view: &JobView) {
    say(format!("job        {}  (run {})", view.job_id, view.run));
    say(format!("status     {}", status_name(view.status)));
    say(format!("expected   {}", view.expected));
    for (name, count) in named(&view.counts) {
        say(format!("{name:<10} {count}"));
    }
    say(format!("duration   {}", duration(view.duration_ms)));
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
        status_name(view.status),
        view.expected,
        parts.join(", "),
        duration(view.duration_ms)
    ));
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
            status_name(job.status).to_owned(),
            job.run.to_string(),
            job.counts.completed.to_string(),
            job.expected.to_string(),
            format!("{:.0}", job.created_at),
        ]);
    }
    say(table);
}

/// One execution in full.
pub(crate) fn execution(view: &ExecutionView) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, view).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
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

fn status_name(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Queued => "queued",
        JobStatus::Running => "running",
        JobStatus::Cancelling => "cancelling",
        JobStatus::Completed => "completed",
        JobStatus::Failed => "failed",
        JobStatus::Cancelled => "cancelled",
        JobStatus::TimedOut => "timed_out",
    }
}

fn duration(ms: u64) -> String {
    if ms < 60_000 {
        format!("{}.{} s", ms / 1000, ms % 1000 / 100)
    } else {
        format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000)
    }
}

/// Names and messages come from outside: no control characters reach the terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
