//! Requests as on the wire, and their checks that need no queue.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::content::{Content, MessageAttributes};
use super::error::SqsError;
use super::message::{Outgoing, Receipt};
use super::settings::{MAX_DELAY_SECONDS, MAX_VISIBILITY_SECONDS};

/// Reads the body of a request.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, SqsError> {
    serde_json::from_slice(body).map_err(|error| SqsError::Malformed(error.to_string()))
}

/// The queue's name in its URL.
pub(super) fn queue_name(url: &str) -> Result<&str, SqsError> {
    match url.rsplit('/').next() {
        Some(name) if !name.is_empty() => Ok(name),
        Some(_) | None => Err(SqsError::MissingParameter("QueueUrl")),
    }
}

/// A number of a request, if it is in its range.
pub(super) fn in_range(
    parameter: &'static str,
    number: i64,
    range: RangeInclusive<u32>,
    reason: &'static str,
) -> Result<u32, SqsError> {
    let number = u32::try_from(number).ok().filter(|number| range.contains(number));
    number.ok_or(SqsError::InvalidParameter { parameter, reason })
}

/// A visibility timeout in seconds.
pub(super) fn visibility(seconds: i64) -> Result<u32, SqsError> {
    let range = 0..=MAX_VISIBILITY_SECONDS;
    in_range("VisibilityTimeout", seconds, range, "Must be between 0 and 43200, if provided")
}

/// A request that names a queue and nothing else.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfQueue<'a> {
    #[serde(borrow, default)]
    pub(super) queue_url: Cow<'a, str>,
}

/// `SendMessage`, or one entry of its batch. Absent texts are empty: no SQS text may be empty.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Send<'a> {
    #[serde(borrow, default)]
    pub(super) queue_url: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) message_body: Cow<'a, str>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    message_system_attributes: Option<IgnoredAny>,
    #[serde(borrow, default)]
    message_group_id: Cow<'a, str>,
    #[serde(borrow, default)]
    message_deduplication_id: Cow<'a, str>,
}

impl Send<'_> {
    /// The checked message.
    pub(super) fn outgoing(&mut self) -> Result<Outgoing, SqsError> {
        if self.message_system_attributes.is_some() {
            return Err(SqsError::UnsupportedOperation("MessageSystemAttributes"));
        }
        let range = 0..=MAX_DELAY_SECONDS;
        let reason = "DelaySeconds must be >= 0 and <= 900";
        let delay = |seconds| in_range("DelaySeconds", seconds, range, reason);
        let given = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
        let attributes = std::mem::take(&mut self.message_attributes);
        Ok(Outgoing {
            content: Content::new(&self.message_body, attributes)?,
            group: given(&self.message_group_id),
            deduplication: given(&self.message_deduplication_id),
            delay_seconds: self.delay_seconds.map(delay).transpose()?,
        })
    }
}

/// `DeleteMessage` or `ChangeMessageVisibility`, or one entry of their batches.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfReceipt<'a> {
    #[serde(borrow, default)]
    pub(super) queue_url: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default)]
    receipt_handle: Cow<'a, str>,
    visibility_timeout: Option<i64>,
}

impl OfReceipt<'_> {
    /// The receive that is meant.
    pub(super) fn receipt(&self) -> Result<Receipt, SqsError> {
        match self.receipt_handle.as_ref() {
            "" => Err(SqsError::MissingParameter("ReceiptHandle")),
            handle => handle.parse(),
        }
    }

    /// The new visibility timeout.
    pub(super) fn visibility(&self) -> Result<u32, SqsError> {
        let seconds = self.visibility_timeout;
        visibility(seconds.ok_or(SqsError::MissingParameter("VisibilityTimeout"))?)
    }
}

/// A batch request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct Batch<'a, T> {
    #[serde(borrow, default)]
    pub(super) queue_url: Cow<'a, str>,
    #[serde(default = "Vec::new")]
    pub(super) entries: Vec<T>,
}

/// `ReceiveMessage`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receive<'a> {
    #[serde(borrow, default)]
    pub(super) queue_url: Cow<'a, str>,
    pub(super) max_number_of_messages: Option<i64>,
    pub(super) visibility_timeout: Option<i64>,
    pub(super) wait_time_seconds: Option<i64>,
    #[serde(default)]
    pub(super) message_system_attribute_names: Vec<SystemAttributeName>,
    /// The older name of the same list.
    #[serde(default)]
    pub(super) attribute_names: Vec<SystemAttributeName>,
    #[serde(default)]
    pub(super) message_attribute_names: Vec<String>,
}

/// A message attribute that the queue itself gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum SystemAttributeName {
    All,
    ApproximateFirstReceiveTimestamp,
    ApproximateReceiveCount,
    #[serde(rename = "AWSTraceHeader")]
    AwsTraceHeader,
    DeadLetterQueueSourceArn,
    MessageDeduplicationId,
    MessageGroupId,
    SenderId,
    SentTimestamp,
    SequenceNumber,
    #[serde(other)]
    Unknown,
}

/// `CreateQueue` or `SetQueueAttributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WithAttributes<'a> {
    #[serde(borrow, default)]
    pub(super) queue_url: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) queue_name: Cow<'a, str>,
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
}

/// `GetQueueAttributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetAttributes<'a> {
    #[serde(borrow, default)]
    pub(super) queue_url: Cow<'a, str>,
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
}

/// `ListQueues`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListQueues {
    #[serde(default)]
    pub(super) queue_name_prefix: String,
    pub(super) max_results: Option<i64>,
    pub(super) next_token: Option<String>,
}
