//! Why a signed specification is not accepted, with the predecessor's codes.

use thiserror::Error;

use crate::fresh::MetadataViolation;
use crate::signed::SignatureViolation;
use crate::trust::TrustViolation;

/// Why a specification is not accepted, in the order in which it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Violation {
    /// The key is not trusted.
    #[error(transparent)]
    Trust(#[from] TrustViolation),
    /// Of the key, or from the address, too many signatures did not hold.
    #[error(
        "rate limit exceeded: too many signatures that do not hold; try again in {retry_seconds} s"
    )]
    TooManyFailures {
        /// Until another is looked at.
        retry_seconds: u64,
    },
    /// It is not fresh.
    #[error(transparent)]
    Metadata(#[from] MetadataViolation),
    /// The signature does not hold.
    #[error(transparent)]
    Signature(#[from] SignatureViolation),
    /// A document with its nonce was sent before.
    #[error(
        "`metadata.nonce` was sent before by this key; sign the specification again, and let a repeated \
         request have the Idempotency-Key of the first"
    )]
    Replay,
}

impl Violation {
    /// For programs, in the predecessor's words.
    pub fn code(self) -> &'static str {
        match self {
            Self::Trust(violation) => violation.code(),
            Self::Metadata(violation) => violation.code(),
            Self::Signature(violation) => violation.code(),
            Self::TooManyFailures { .. } => "rate_limit_exceeded",
            Self::Replay => "replay_detected",
        }
    }

    /// What is wrong with the time, where it is that.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Metadata(violation) => violation.reason(),
            Self::Trust(_) | Self::Signature(_) | Self::TooManyFailures { .. } | Self::Replay => {
                None
            }
        }
    }
}
