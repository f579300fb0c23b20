//! Answers as on the wire.

use std::fmt::Display;

use serde::{Serialize, Serializer};

use super::content::{Fingerprint, attributes_fingerprint};
use super::error::SqsError;
use super::message::{MessageId, Outgoing, Seq};
use super::queue::Sent;

/// A value written as JSON text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<T>(pub(super) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Writes an answer.
pub(super) fn write<T: Serialize>(answer: &T) -> Result<Vec<u8>, SqsError> {
    serde_json::to_vec(answer).map_err(|error| SqsError::Malformed(error.to_string()))
}

/// An answer that says nothing but that it was done.
#[derive(Debug, Serialize)]
pub(super) struct Done {}

/// The digests by which a sender checks that its message arrived unharmed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digests {
    body: Fingerprint,
    attributes: Option<Fingerprint>,
}

impl Digests {
    pub(super) fn of(outgoing: &Outgoing) -> Result<Self, SqsError> {
        let attributes = outgoing.content.attributes.as_deref();
        Ok(Self {
            body: outgoing.content.fingerprint,
            attributes: attributes_fingerprint(attributes.into_iter().flatten())?,
        })
    }
}

/// The answer to a send, or to one entry of a batch of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SentMessage<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    message_id: Text<MessageId>,
    #[serde(rename = "MD5OfMessageBody")]
    body: Text<Fingerprint>,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes: Option<Text<Fingerprint>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<Text<Seq>>,
}

impl<'a> SentMessage<'a> {
    pub(super) fn new(id: &'a str, digests: Digests, sent: Sent) -> Self {
        Self {
            id,
            message_id: Text(sent.id),
            body: Text(digests.body),
            attributes: digests.attributes.map(Text),
            sequence_number: sent.sequence.map(Text),
        }
    }
}

/// The answer to a batch.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchAnswer<'a, T> {
    pub(super) successful: Vec<T>,
    pub(super) failed: Vec<FailedEntry<'a>>,
}

/// An entry of a batch that was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DoneEntry<'a> {
    pub(super) id: &'a str,
}

/// An entry of a batch that was refused.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FailedEntry<'a> {
    id: &'a str,
    sender_fault: bool,
    code: &'static str,
    message: Text<SqsError>,
}

impl<'a, T> BatchAnswer<'a, T> {
    /// Sorts the results of a batch's entries.
    pub(super) fn new(results: impl Iterator<Item = (&'a str, Result<T, SqsError>)>) -> Self {
        let mut answer = Self { successful: Vec::new(), failed: Vec::new() };
        for (id, result) in results {
            match result {
                Ok(done) => answer.successful.push(done),
                Err(error) => answer.failed.push(FailedEntry {
                    id,
                    sender_fault: true,
                    code: error.code(),
                    message: Text(error),
                }),
            }
        }
        answer
    }
}

/// The body of a refusal.
#[derive(Debug, Serialize)]
pub(super) struct Refusal<'a> {
    #[serde(rename = "__type")]
    shape: &'static str,
    message: Text<&'a SqsError>,
}

impl<'a> Refusal<'a> {
    pub(super) fn new(error: &'a SqsError) -> Self {
        Self { shape: error.shape(), message: Text(error) }
    }
}
