//! Received messages as on the wire, with the attributes that the receiver asked for.

use std::collections::BTreeMap;

use serde::Serialize;

use super::answer::Text;
use super::content::{AttributeValue, Fingerprint, attributes_fingerprint};
use super::error::SqsError;
use super::message::{MessageId, Receipt, Seq};
use super::queue::Delivery;
use super::request::SystemAttributeName;
use super::settings::ACCOUNT;

/// Which attributes a receiver wants.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) system: Vec<SystemAttributeName>,
    pub(super) message: Vec<String>,
}

/// The answer to a receive.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceivedMessages<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<ReceivedMessage<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ReceivedMessage<'a> {
    message_id: Text<MessageId>,
    receipt_handle: Text<Receipt>,
    #[serde(rename = "MD5OfBody")]
    fingerprint: Text<Fingerprint>,
    body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<SystemAttributes<'a>>,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes_fingerprint: Option<Text<Fingerprint>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    message_attributes: BTreeMap<&'a String, &'a AttributeValue>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SystemAttributes<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    approximate_first_receive_timestamp: Option<Text<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approximate_receive_count: Option<Text<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_queue_source_arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_deduplication_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_group_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_timestamp: Option<Text<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<Text<Seq>>,
}

impl<'a> ReceivedMessages<'a> {
    pub(super) fn new(deliveries: &'a [Delivery], wanted: &Wanted) -> Result<Self, SqsError> {
        let messages = deliveries.iter().map(|delivery| ReceivedMessage::new(delivery, wanted));
        Ok(Self { messages: messages.collect::<Result<_, _>>()? })
    }
}

impl<'a> ReceivedMessage<'a> {
    fn new(delivery: &'a Delivery, wanted: &Wanted) -> Result<Self, SqsError> {
        let content = &delivery.message.content;
        let all = content.attributes.as_deref().into_iter().flatten();
        let message_attributes: BTreeMap<_, _> =
            all.filter(|(name, _)| wanted.has_message_attribute(name)).collect();
        let fingerprint = attributes_fingerprint(message_attributes.iter().map(|(k, v)| (*k, *v)))?;
        Ok(Self {
            message_id: Text(delivery.message.id),
            receipt_handle: Text(delivery.receipt),
            fingerprint: Text(content.fingerprint),
            body: &content.body,
            attributes: SystemAttributes::new(delivery, wanted),
            attributes_fingerprint: fingerprint.map(Text),
            message_attributes,
        })
    }
}

impl<'a> SystemAttributes<'a> {
    fn new(delivery: &'a Delivery, wanted: &Wanted) -> Option<Self> {
        use SystemAttributeName as Name;

        if wanted.system.is_empty() {
            return None;
        }
        let message = &delivery.message;
        let wants = |name| wanted.has_system_attribute(name);
        let first =
            message.first_received.filter(|_| wants(Name::ApproximateFirstReceiveTimestamp));
        let source = message.dead_letter_source.as_deref();
        let deduplication = message.deduplication.as_deref();
        Some(Self {
            approximate_first_receive_timestamp: first.map(Text),
            approximate_receive_count: wants(Name::ApproximateReceiveCount)
                .then_some(Text(message.receives)),
            dead_letter_queue_source_arn: source.filter(|_| wants(Name::DeadLetterQueueSourceArn)),
            message_deduplication_id: deduplication.filter(|_| wants(Name::MessageDeduplicationId)),
            message_group_id: message.group.as_deref().filter(|_| wants(Name::MessageGroupId)),
            sender_id: wants(Name::SenderId).then_some(ACCOUNT),
            sent_timestamp: wants(Name::SentTimestamp).then_some(Text(message.sent)),
            sequence_number: delivery.sequence.filter(|_| wants(Name::SequenceNumber)).map(Text),
        })
    }
}

impl Wanted {
    fn has_system_attribute(&self, name: SystemAttributeName) -> bool {
        self.system.iter().any(|wanted| *wanted == SystemAttributeName::All || *wanted == name)
    }

    /// Names match whole, or by what stands before `.*`.
    fn has_message_attribute(&self, name: &str) -> bool {
        self.message.iter().any(|wanted| {
            wanted == "All"
                || wanted == name
                || wanted.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
        })
    }
}
