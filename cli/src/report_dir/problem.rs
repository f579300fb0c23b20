//! Why a report is not written.

use std::path::PathBuf;

use beacon_core::verdict::RulesVersion;
use beacon_core::{JobId, QuestionIndex};
use thiserror::Error;

/// Why a report is not written.
#[derive(Debug, Error)]
pub(crate) enum ReportError {
    #[error("the job `{job}` is {status}: its report is written when it has ended")]
    NotFinal { job: JobId, status: &'static str },
    #[error("the job `{0}` was retried while it was exported: write its report when it has ended")]
    Retried(JobId),
    #[error(
        "`{folder}` holds `{name}`, which is no part of a report: choose another directory with --out"
    )]
    Stranger { folder: PathBuf, name: String },
    #[error(
        "`{folder}` holds the report of another job, `{theirs}` of {created:.0}: choose another directory \
         with --out"
    )]
    OtherReport { folder: PathBuf, theirs: JobId, created: jiff::Timestamp },
    #[error("`{path}` cannot be {act}")]
    File {
        path: PathBuf,
        act: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("`{path}` is no job.json of a report (line {line}, column {column})")]
    NotAJob { path: PathBuf, line: usize, column: usize },
    #[error("`{path}` has more than {most} bytes, which no job.json has")]
    TooLong { path: PathBuf, most: u64 },
    #[error(
        "`{path}` is of the form `{form}`, and this Beacon reads {}",
        beacon_analysis::manifest::FORMAT
    )]
    Form { path: PathBuf, form: String },
    #[error("`{path}`, line {line}: {problem}")]
    Line { path: PathBuf, line: u64, problem: LineProblem },
    #[error(
        "`{path}` holds {there} of the job's {expected} pairs: it was cut off, or is not its whole export"
    )]
    Missing { path: PathBuf, there: u64, expected: u64 },
    #[error(
        "some answers were judged by the rules `{}` and some by `{}`, since the job was just judged anew: write \
         the report again", first.0, second.0
    )]
    Rules { first: RulesVersion, second: RulesVersion },
    #[error("the report could not be made: it ended in a panic")]
    Panic,
}

/// What is wrong with a line of export.jsonl. Nothing of its texts is told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum LineProblem {
    #[error("it is cut off after {bytes} bytes")]
    CutOff { bytes: usize },
    #[error("it is no pair as `beacon export --format jsonl` writes it (column {column})")]
    NotAPair { column: usize },
    #[error("it has more than {most} bytes, which no pair has")]
    TooLong { most: u64 },
    #[error("it is of the job `{found}`, and job.json is of `{expected}`")]
    OtherJob { found: JobId, expected: JobId },
    #[error("the job has no question {}", question.0)]
    NoQuestion { question: QuestionIndex },
    #[error("the job has no such pair: its model, region or sample is another's")]
    NotOfTheJob,
    #[error("its pair has a line of its own already")]
    Twice,
}

impl LineProblem {
    /// What serde has against a line, without its texts.
    pub(super) fn of(error: &serde_json::Error, bytes: usize) -> Self {
        match error.classify() {
            serde_json::error::Category::Eof => Self::CutOff { bytes },
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Data => Self::NotAPair { column: error.column() },
        }
    }
}
