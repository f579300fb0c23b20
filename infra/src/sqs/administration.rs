//! Creating, finding, setting and emptying queues.

use std::collections::BTreeMap;

use serde::Serialize;

use super::answer::{Done, write};
use super::endpoint::Shared;
use super::error::SqsError;
use super::queue::Queue;
use super::request::{
    GetAttributes, ListQueues, OfQueue, WithAttributes, in_range, parse, queue_name,
};
use super::settings::{Attribute, Redrive, arn};

const MAX_LISTED: u32 = 1000;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct QueueUrl {
    queue_url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct QueueUrls {
    queue_urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    attributes: BTreeMap<&'static str, String>,
}

impl Shared {
    pub(super) fn create_queue(&self, body: &[u8]) -> Result<Vec<u8>, SqsError> {
        let request: WithAttributes<'_> = parse(body)?;
        let name = request.queue_name.as_ref();
        if name.is_empty() {
            return Err(SqsError::MissingParameter("QueueName"));
        }
        let attributes = parse_attributes(&request)?;
        self.change(name, |queues, now| queues.create(now, name, attributes))?;
        write(&QueueUrl { queue_url: self.queue_url(name) })
    }

    pub(super) fn delete_queue(&self, body: &[u8]) -> Result<Vec<u8>, SqsError> {
        let request: OfQueue<'_> = parse(body)?;
        let name = queue_name(&request.queue_url)?;
        self.change(name, |queues, _| queues.delete(name))?;
        self.dismiss(name);
        write(&Done {})
    }

    pub(super) fn get_queue_url(&self, body: &[u8]) -> Result<Vec<u8>, SqsError> {
        let request: WithAttributes<'_> = parse(body)?;
        let name = request.queue_name.as_ref();
        self.lock().queues.get(name)?;
        write(&QueueUrl { queue_url: self.queue_url(name) })
    }

    pub(super) fn list_queues(&self, body: &[u8]) -> Result<Vec<u8>, SqsError> {
        let request: ListQueues = parse(body)?;
        let reason = "Must be between 1 and 1000";
        let max = request.max_results.unwrap_or(MAX_LISTED.into());
        let max = in_range("MaxResults", max, 1..=MAX_LISTED, reason)? as usize;
        let hub = self.lock();
        let names = hub.queues.names(&request.queue_name_prefix, request.next_token.as_deref());
        let mut names: Vec<&str> = names.take(max + 1).collect();
        let more = names.len() > max && request.max_results.is_some();
        names.truncate(max);
        write(&QueueUrls {
            queue_urls: names.iter().map(|name| self.queue_url(name)).collect(),
            next_token: names.last().filter(|_| more).map(|name| (*name).to_owned()),
        })
    }

    pub(super) fn get_attributes(&self, body: &[u8]) -> Result<Vec<u8>, SqsError> {
        let request: GetAttributes<'_> = parse(body)?;
        let name = queue_name(&request.queue_url)?;
        let asked = |attribute: &str| request.attribute_names.iter().any(|name| name == attribute);
        let known = |name: &&String| *name != "All" && !ATTRIBUTES.contains(&name.as_str());
        if let Some(unknown) = request.attribute_names.iter().find(known) {
            return Err(SqsError::InvalidAttributeName(unknown.clone()));
        }
        let mut attributes =
            self.change(name, |queues, now| Ok(attributes_of(queues.get_mut(name)?, name, now)))?;
        attributes.retain(|attribute, _| asked("All") || asked(attribute));
        write(&Attributes { attributes })
    }

    pub(super) fn set_attributes(&self, body: &[u8]) -> Result<Vec<u8>, SqsError> {
        let request: WithAttributes<'_> = parse(body)?;
        let name = queue_name(&request.queue_url)?;
        let attributes = parse_attributes(&request)?;
        self.change(name, |queues, now| queues.set_attributes(now, name, attributes))?;
        write(&Done {})
    }

    pub(super) fn purge(&self, body: &[u8]) -> Result<Vec<u8>, SqsError> {
        let request: OfQueue<'_> = parse(body)?;
        let name = queue_name(&request.queue_url)?;
        self.change(name, |queues, _| queues.get_mut(name).map(Queue::purge))?;
        write(&Done {})
    }
}

fn parse_attributes(request: &WithAttributes<'_>) -> Result<Vec<Attribute>, SqsError> {
    request.attributes.iter().map(|(name, value)| Attribute::parse(name, value)).collect()
}

/// Every attribute that can be asked for by name.
const ATTRIBUTES: [&str; 15] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "ContentBasedDeduplication",
    "CreatedTimestamp",
    "DelaySeconds",
    "FifoQueue",
    "LastModifiedTimestamp",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "QueueArn",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "VisibilityTimeout",
];

fn attributes_of(queue: &mut Queue, name: &str, now: u64) -> BTreeMap<&'static str, String> {
    let depth = queue.depth(now);
    let settings = &queue.settings;
    let mut attributes = BTreeMap::from([
        ("ApproximateNumberOfMessages", depth.visible.to_string()),
        ("ApproximateNumberOfMessagesDelayed", depth.delayed.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", depth.in_flight.to_string()),
        ("CreatedTimestamp", (queue.created / 1000).to_string()),
        ("DelaySeconds", settings.delay_seconds.to_string()),
        ("LastModifiedTimestamp", (queue.modified / 1000).to_string()),
        ("MaximumMessageSize", settings.maximum_message_bytes.to_string()),
        ("MessageRetentionPeriod", settings.retention_seconds.to_string()),
        ("QueueArn", arn(name)),
        ("ReceiveMessageWaitTimeSeconds", settings.receive_wait_seconds.to_string()),
        ("VisibilityTimeout", settings.visibility_timeout_seconds.to_string()),
    ]);
    if settings.fifo {
        attributes.insert("FifoQueue", "true".to_owned());
        let deduplication = settings.content_based_deduplication.to_string();
        attributes.insert("ContentBasedDeduplication", deduplication);
    }
    if let Some(policy) = settings.redrive.as_ref().map(Redrive::policy) {
        attributes.insert("RedrivePolicy", policy);
    }
    attributes
}
