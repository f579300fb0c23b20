//! The bundle of a job: its root, and each receipt with the texts that its hashes are of.
//!
//! A bundle is lines of canonical JSON, each with a line feed behind it: a [`Header`], and an [`Entry`] for
//! each leaf in the tree's order. So it is written and verified line by line, however large it is.

use beacon_core::wire::ChatMessage;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::receipt::{Receipt, canonical};
use crate::root::Root;

/// The `format` of a bundle.
pub const FORMAT: &str = "beacon-bundle-v1";
/// Bytes of a line at most: the longest answer, prompt and provider's receipt there are, each byte of them
/// escaped as six.
pub const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;

/// The first line of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "BundleHeader")]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// Over all receipts.
    pub root: Root,
}

/// Any other line of a bundle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "BundleEntry")]
pub struct Entry {
    /// What came back, which may be empty.
    pub answer: String,
    /// The chat exactly as it was sent.
    #[schemars(with = "Vec<std::collections::BTreeMap<String, String>>")]
    pub prompt: Vec<ChatMessage>,
    /// The JSON of the provider's own receipt; null where it sent none, or one that is too large to be kept.
    pub provider_receipt: Option<String>,
    /// Signed.
    pub receipt: Receipt,
}

impl Header {
    /// Of a bundle with this root.
    pub fn new(root: Root) -> Self {
        Self { format: FORMAT.to_owned(), root }
    }

    /// Its line, with the line feed.
    pub fn line(&self) -> Vec<u8> {
        line(self)
    }
}

impl Entry {
    /// Its line, with the line feed.
    pub fn line(&self) -> Vec<u8> {
        line(self)
    }
}

fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = canonical(value);
    line.push(b'\n');
    line
}
