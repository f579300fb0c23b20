//! Why the classifier was not measured.

use std::path::PathBuf;

use beacon_analysis::classify::ModelError;
use beacon_core::verdict::Verdict;
use thiserror::Error;

/// Why the classifier was not measured.
#[derive(Debug, Error)]
pub(crate) enum ClassifierBenchError {
    /// A file that cannot be opened.
    #[error("{} cannot be opened", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file that is no CSV.
    #[error("{} is not the CSV, in UTF-8 and with a head, that it should be", path.display())]
    Csv {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: csv::Error,
    },
    /// A column that is not there.
    #[error("{} has no column `{column}`; it has {columns}", path.display())]
    NoColumn {
        /// Of which file.
        path: PathBuf,
        /// Which is missing.
        column: String,
        /// Which there are.
        columns: String,
    },
    /// No row has a label that means a verdict.
    #[error("no row of {} has a label that means a verdict; say what they mean with --map LABEL=VERDICT", path.display())]
    NoRows {
        /// Which file.
        path: PathBuf,
    },
    /// A `--map` that cannot be read.
    #[error("`--map {0}` should be LABEL=VERDICT, with {allowed}", allowed = Verdict::names())]
    Map(String),
    /// The built-in weights cannot be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The fitted weights cannot be written.
    #[error("the weights cannot be written to {}", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Figures on the wrong side of their bounds.
    #[error("{}", missed.join("; "))]
    Missed {
        /// Each with its bound.
        missed: Vec<String>,
    },
    /// The result is no JSON.
    #[error("the result cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}
