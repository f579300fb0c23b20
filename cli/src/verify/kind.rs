//! What a file says that it is.

use std::fmt;

use beacon_core::json::read_json;
use beacon_evidence::{bundle, receipt, root};
use serde::Serialize;

/// Said of a file that is nothing of Beacon's.
pub(super) const UNKNOWN: &str =
    "it is no bundle, receipt, root or proof: its first line has no `format` of one";

/// Something that Beacon signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// All receipts of a job under their root.
    Bundle,
    /// Of one execution.
    Receipt,
    /// Of a job's run.
    Root,
    /// The API's answer to who asks for one.
    RootAnswer,
    /// That a receipt is under a root.
    Proof,
}

impl Kind {
    /// By the `format` of a first line.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let value = read_json(line).ok()?;
        match value.get("format")?.as_str()? {
            bundle::FORMAT => Some(Self::Bundle),
            receipt::FORMAT => Some(Self::Receipt),
            root::FORMAT => Some(Self::Root),
            root::ANSWER_FORMAT => Some(Self::RootAnswer),
            root::PROOF_FORMAT => Some(Self::Proof),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bundle => "a bundle",
            Self::Receipt => "a receipt",
            Self::Root => "a root",
            Self::RootAnswer => "an answer with a root",
            Self::Proof => "a proof",
        })
    }
}
