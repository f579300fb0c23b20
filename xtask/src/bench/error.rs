//! Why a benchmark has no result, or one that is too bad.

use std::process::ExitStatus;

use thiserror::Error;

use crate::test::TestError;

/// Why the benchmark did not succeed.
#[derive(Debug, Error)]
pub(crate) enum BenchError {
    /// The system refuses something that the benchmark needs.
    #[error("{what} cannot be used")]
    Io {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// An answer or a file is not the JSON that it should be.
    #[error("{what} is not the JSON that it should be")]
    Json {
        /// What was read.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// What a tool needs is not there.
    #[error(transparent)]
    Tool(#[from] TestError),
    /// A program that should have succeeded did not.
    #[error("{program} ended with {status}; the last it said:\n{output}")]
    Failed {
        /// Which program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The end of its standard error.
        output: String,
    },
    /// A run that did something else than what is to be measured.
    #[error("{what}: expected {expected}, found {found}")]
    Wrong {
        /// What was looked at.
        what: &'static str,
        /// What should have been there.
        expected: String,
        /// What was.
        found: String,
    },
    /// All was measured, and some of it is worse than allowed.
    #[error("{missed} of the limits missed")]
    Missed {
        /// How many.
        missed: usize,
    },
}

/// Makes an error of the system one of the benchmark.
pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> BenchError {
    move |source| BenchError::Io { what, source }
}

/// Makes an error of the JSON reader one of the benchmark.
pub(crate) fn json(what: &'static str) -> impl FnOnce(serde_json::Error) -> BenchError {
    move |source| BenchError::Json { what, source }
}

/// An error unless the two are equal.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(
    what: &'static str,
    expected: &T,
    found: &T,
) -> Result<(), BenchError> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
    Err(BenchError::Wrong { what, expected, found })
}
