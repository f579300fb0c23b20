//! What the commands of analysis take.

use std::path::PathBuf;

use beacon_core::verdict::Verdict;
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The job's id.
    pub(crate) job: String,
    /// How to write them.
    #[arg(long, value_enum)]
    pub(crate) format: Format,
    /// Into this file, replaced when all of it is written, instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A JSON object a line: everything, and exact.
    Jsonl,
    /// RFC 4180 with a header, for spreadsheets: no cell is a formula.
    Csv,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The job's id.
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    pub(crate) job: Option<String>,
    /// The directory that it is written to; made if need be.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Write it anew from the export.jsonl and job.json of this directory alone, without a Beacon.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,
    /// Compare the answers by this OpenAI-compatible endpoint too, such as `http://127.0.0.1:11434/v1`: they
    /// are sent there, with the key in `BEACON_EMBEDDINGS_KEY`.
    #[arg(long, value_name = "URL", requires = "embedding_model", conflicts_with = "from")]
    pub(crate) embeddings: Option<String>,
    /// The embedding model to ask for.
    #[arg(long, value_name = "NAME", requires = "embeddings")]
    pub(crate) embedding_model: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// One job's id.
    pub(crate) a: String,
    /// The other's: differences are of it, minus the first.
    pub(crate) b: String,
}

#[derive(Debug, Args)]
pub(crate) struct Classify {
    /// The job's id.
    pub(crate) job: String,
    /// Do not wait for the new findings.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Label {
    /// The execution's id.
    pub(crate) execution: String,
    /// What its answer says.
    #[arg(value_enum, required_unless_present = "withdraw", conflicts_with = "withdraw")]
    pub(crate) verdict: Option<Given>,
    /// Why, for people; kept with the label.
    #[arg(long, value_name = "TEXT", conflicts_with = "withdraw")]
    pub(crate) note: Option<String>,
    /// Take the label back, so that the classifier's verdict counts again.
    #[arg(long)]
    pub(crate) withdraw: bool,
}

/// A verdict as a person gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Given {
    /// It answers what was asked.
    Answered,
    /// It declines to answer.
    Refused,
    /// It answers a part and declines the rest, or declines and then answers after all.
    #[value(alias = "partly-refused")]
    PartlyRefused,
    /// It neither answers nor declines.
    Evasive,
}

impl From<Given> for Verdict {
    fn from(given: Given) -> Self {
        match given {
            Given::Answered => Self::Answered,
            Given::Refused => Self::Refused,
            Given::PartlyRefused => Self::PartlyRefused,
            Given::Evasive => Self::Evasive,
        }
    }
}
