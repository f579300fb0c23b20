//! What a report begins with: the job, the summary, and what shares are taken of.

use std::collections::BTreeMap;

use beacon_core::failure::FailureCode;
use beacon_core::job::RunRecord;
use jiff::Timestamp;

use super::Report;
use super::document::{Block, Line, Section, Span, Table, code, numeric, outside, text, words};
use super::wording::badge;
use crate::aggregate::Category;
use crate::figure::{self, ABSENT};
use crate::findings::Denominators;

/// The job: its name, id, run, status and dates.
pub(super) fn job(report: &Report<'_>) -> Section {
    let job = &report.manifest.job;
    let date = |at: Option<Timestamp>| at.map_or(words(ABSENT), |at| words(at.to_string()));
    let regions = report.manifest.spec.regions.iter();
    let list = |names: Vec<String>| outside(names.join(", "));
    let mut rows = vec![
        vec![words("Job"), code(&job.job_id)],
        vec![words("Run"), words(job.run.to_string())],
        vec![words("Status"), words(job.status.to_string().replace('_', " "))],
        vec![words("Submitted"), words(job.created_at.to_string())],
        vec![words("Started"), date(job.started_at)],
        vec![words("Finished"), date(job.finished_at)],
        vec![words("Questions"), words(figure::count(u64::from(job.questions)))],
        vec![words("Models"), list(job.models.iter().map(ToString::to_string).collect())],
        vec![words("Regions"), list(regions.map(|prompts| prompts.region.to_string()).collect())],
        vec![words("Samples of a cell"), words(job.samples.to_string())],
    ];
    if let Some(ending) = &job.ending {
        rows.push(vec![words("Ended early"), words(ending.cause.to_string())]);
    }
    let table = Table::new("The job", vec![text("What"), text("Value")], rows);
    let mut blocks = Vec::new();
    if !job.status.is_final() {
        blocks.push(Block::Notice(words("The job had not ended when this was written.")));
    }
    blocks.push(Block::Table(table));
    blocks.extend(runs(&job.runs));
    Section { id: "job", title: "Job", blocks }
}

/// The runs of a job that was retried: when each was asked for, for how many executions, and why.
fn runs(runs: &[RunRecord]) -> Option<Block> {
    let rows = runs.iter().map(|run| {
        let told =
            |text: Option<&String>| text.map_or(words(ABSENT), |text| outside(text.as_str()));
        vec![
            words(run.run.to_string()),
            words(run.at.to_string()),
            words(figure::count(run.executions)),
            told(run.by.as_ref()),
            told(run.why.as_ref()),
        ]
    });
    let columns =
        vec![text("Run"), text("Asked for at"), numeric("Executions"), text("By"), text("Why")];
    (runs.len() > 1).then(|| Block::Table(Table::new("Runs of the job", columns, rows)))
}

/// The findings in plain words, in their order: who missed controls is named before any difference.
pub(super) fn summary(report: &Report<'_>) -> Section {
    let sentences = &report.findings.summary;
    let block = if sentences.is_empty() {
        Block::Paragraph(words(
            "Nothing can be said about this job in words: no test had a result.",
        ))
    } else {
        Block::List(sentences.iter().map(|text| sentence(text)).collect())
    };
    Section { id: "summary", title: "Summary", blocks: vec![block] }
}

/// A sentence in which names stand between backticks.
fn sentence(text: &str) -> Line {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return outside(text);
    }
    let spans = parts.into_iter().enumerate().map(|(place, part)| {
        if place.is_multiple_of(2) {
            Span::Outside(part.to_owned())
        } else {
            Span::Code(part.to_owned())
        }
    });
    spans.collect()
}

/// What shares are taken of, and why the rest did not complete.
pub(super) fn denominators(report: &Report<'_>) -> Section {
    let all = &report.findings.denominators;
    let columns = || vec![text("Pairs"), numeric("Count"), text("Part of")];
    let row = |line: Line, count: u64, of: &str| vec![line, words(figure::count(count)), words(of)];
    let rows = vec![
        row(words("planned"), all.planned, ABSENT),
        row(words("completed"), all.completed, "planned"),
        row(badge(Category::Failed), all.failed, "planned"),
        row(badge(Category::TimedOut), all.timed_out, "planned"),
        row(badge(Category::Cancelled), all.cancelled, "planned"),
        row(badge(Category::Open), all.open, "planned"),
        row(badge(Category::Answered), all.answered, "completed"),
        row(badge(Category::Refused), all.refused, "completed"),
        row(badge(Category::PartlyRefused), all.partly_refused, "completed"),
        row(badge(Category::Evasive), all.evasive, "completed"),
        row(badge(Category::Blocked), all.blocked, "completed"),
        row(badge(Category::Empty), all.empty, "completed"),
        row(words("need a person’s look"), all.review, "completed"),
        row(words("labelled by a person"), all.labelled, "completed"),
    ];
    let table = Table::new("Pairs by what became of them", columns(), rows);
    let mut blocks = vec![
        Block::Paragraph(words(
            "A pair is one question asked once of one model in one region. Shares are taken of \
             completed pairs; what did not complete is in none of them.",
        )),
        Block::Table(table),
        adds_up(all),
    ];
    blocks.extend(failures(&all.failures));
    Section { id: "denominators", title: "What was counted", blocks }
}

/// Whether the parts are the whole; a report that does not add up says so.
fn adds_up(all: &Denominators) -> Block {
    let ended = all.completed + all.failed + all.timed_out + all.cancelled + all.open;
    let texts = all.answered + all.refused + all.partly_refused + all.evasive;
    let completed = texts + all.blocked + all.empty;
    if ended == all.planned && completed == all.completed {
        Block::Paragraph(words("The parts add up to what was planned and to what completed."))
    } else {
        Block::Notice(words(format!(
            "The parts do not add up: {ended} of {} planned pairs and {completed} of {} completed ones \
             have a place.",
            all.planned, all.completed
        )))
    }
}

fn failures(failures: &BTreeMap<FailureCode, u64>) -> Option<Block> {
    let mut by_count: Vec<_> = failures.iter().collect();
    by_count.sort_by_key(|(code, count)| (std::cmp::Reverse(**count), *code));
    let rows =
        by_count.into_iter().map(|(name, count)| vec![code(name), words(figure::count(*count))]);
    let table = Table::new(
        "Pairs that did not complete, by code",
        vec![text("Code"), numeric("Pairs")],
        rows,
    );
    (!table.rows.is_empty()).then_some(Block::Table(table))
}
