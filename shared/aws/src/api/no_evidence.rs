//! Why there is no receipt, root or proof to answer with.

use beacon_core::{ExecutionId, JobId};
use lambda_http::http::StatusCode;
use thiserror::Error;

/// What is asked for of a job's evidence is not there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoEvidence {
    /// 404: no such execution, or none that has a receipt.
    #[error("Execution or receipt not found: `{id}` {why}")]
    Receipt {
        /// Which.
        id: ExecutionId,
        /// After its id.
        why: &'static str,
    },
    /// 404: the job has ended a moment ago.
    #[error("the receipts of the job `{0}` are being signed for; ask again in a few seconds")]
    RootNotYet(JobId),
    /// 404: nothing was signed for as a whole.
    #[error("there is no root: {0}")]
    Root(String),
    /// 404: no such leaf.
    #[error("proof not found: {0}")]
    Proof(String),
    /// 400: a proof is asked for of nothing, told in the predecessor's words.
    #[error("index is required")]
    IndexMissing,
    /// 400: no leaf has such a number, told in the predecessor's words.
    #[error("index must be a non-negative integer")]
    IndexInvalid,
}

impl NoEvidence {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Receipt { .. } | Self::RootNotYet(_) | Self::Root(_) | Self::Proof(_) => {
                StatusCode::NOT_FOUND
            }
            Self::IndexMissing | Self::IndexInvalid => StatusCode::BAD_REQUEST,
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Receipt { .. } => "receipt_not_found",
            Self::RootNotYet(_) => "root_not_yet",
            Self::Root(_) => "root_not_found",
            Self::Proof(_) => "proof_not_found",
            Self::IndexMissing | Self::IndexInvalid => "invalid_parameter",
        }
    }
}
