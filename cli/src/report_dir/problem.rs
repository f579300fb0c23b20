//! Why a report is not written.

use std::path::PathBuf;

use beacon_core::spec::SpecHash;
use beacon_core::verdict::RulesVersion;
use beacon_core::{ExecutionId, JobId, QuestionIndex};
use thiserror::Error;

use super::folder::{EXPORT, JOB};

/// Where the data of a report come from, as errors name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A directory that holds them.
    Folder(PathBuf),
    /// A job of a Beacon. The file that it is exported to is gone when its report is not written.
    Job(JobId),
}

impl Origin {
    fn export(&self) -> String {
        match self {
            Self::Folder(folder) => format!("`{}`", folder.join(EXPORT).display()),
            Self::Job(job) => format!("the export of `{job}`"),
        }
    }

    fn job(&self) -> String {
        match self {
            Self::Folder(folder) => format!("`{}`", folder.join(JOB).display()),
            Self::Job(job) => format!("the job `{job}`"),
        }
    }
}

/// Why a report is not written.
#[derive(Debug, Error)]
pub(crate) enum ReportError {
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
    #[error("{} cannot be read", origin.export())]
    Export {
        origin: Origin,
        #[source]
        source: std::io::Error,
    },
    #[error("{}, line {line}: {problem}", origin.export())]
    Line { origin: Origin, line: u64, problem: LineProblem },
    #[error(
        "{} holds {there} of the job's {expected} pairs: it was cut off, or is not its whole export",
        origin.export()
    )]
    Missing { origin: Origin, there: u64, expected: u64 },
    #[error(
        "{} holds answers judged by the rules `{first}` and others by `{second}`, since the job was judged anew \
         while it was exported: export it anew", origin.export()
    )]
    Rules { origin: Origin, first: RulesVersion, second: RulesVersion },
    #[error(transparent)]
    Untrusted(#[from] Mismatch),
    #[error("the report could not be made: it ended in a panic")]
    Panic,
}

impl ReportError {
    /// What could not be done to a file.
    pub(super) fn file(
        path: impl Into<PathBuf>,
        act: &'static str,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, act, source }
    }
}

/// What a hash that a report would print is not of.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Mismatch {
    #[error(
        "{} cannot be trusted: its specification has the SHA-256 {}, and it names {}; one of the two was \
         changed", origin.job(), found.0, named.0
    )]
    Spec { origin: Origin, found: SpecHash, named: SpecHash },
    #[error(
        "{} cannot be trusted: the pair {pair} names the SHA-256 of another prompt than the job has for it; one \
         of the two was changed", origin.export()
    )]
    Prompt { origin: Origin, pair: ExecutionId },
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
