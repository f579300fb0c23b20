//! What a queue is set to, and the attributes by which clients read and change that.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::error::SqsError;

/// The largest message and the largest batch that SQS takes.
pub(super) const MAX_BYTES: u32 = 1024 * 1024;
/// The longest visibility timeout, in seconds.
pub(super) const MAX_VISIBILITY_SECONDS: u32 = 43_200;
/// The longest delay, in seconds.
pub(super) const MAX_DELAY_SECONDS: u32 = 900;
/// The longest long poll, in seconds.
pub(super) const MAX_WAIT_SECONDS: u32 = 20;

/// The account that owns everything, as URLs and ARNs name it.
pub(super) const ACCOUNT: &str = "000000000000";

const ARN_PREFIX: &str = "arn:aws:sqs:us-east-1:000000000000:";

/// The ARN of a queue of this endpoint.
pub(super) fn arn(queue: &str) -> String {
    format!("{ARN_PREFIX}{queue}")
}

/// Settings of a queue. The default is SQS's own for a standard queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSettings {
    /// Ordered groups and deduplication. The queue's name must end in `.fifo`.
    pub fifo: bool,
    /// FIFO only: a message without deduplication id gets the SHA-256 of its body.
    pub content_based_deduplication: bool,
    /// How long a receive hides a message.
    pub visibility_timeout_seconds: u32,
    /// How long a new message stays hidden.
    pub delay_seconds: u32,
    /// How long a receive that says nothing about it waits for a message.
    pub receive_wait_seconds: u32,
    /// After how long an undeleted message is dropped.
    pub retention_seconds: u32,
    /// The largest message, attributes included.
    pub maximum_message_bytes: u32,
    /// Where messages go that nobody deletes.
    pub redrive: Option<Redrive>,
}

/// When a message is moved to a dead-letter queue, and to which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// The name of the dead-letter queue: of the same type, and created before.
    pub dead_letter_queue: String,
    /// A message received this often is moved instead of being received again.
    pub max_receive_count: u32,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            fifo: false,
            content_based_deduplication: false,
            visibility_timeout_seconds: 30,
            delay_seconds: 0,
            receive_wait_seconds: 0,
            retention_seconds: 4 * 24 * 3600,
            maximum_message_bytes: MAX_BYTES,
            redrive: None,
        }
    }
}

/// One attribute with its value, as a client sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Attribute {
    Fifo,
    ContentBasedDeduplication(bool),
    VisibilityTimeout(u32),
    Delay(u32),
    ReceiveWait(u32),
    Retention(u32),
    MaximumMessageSize(u32),
    Redrive(Option<Redrive>),
}

impl Attribute {
    /// Reads one entry of a request's attribute map.
    pub(super) fn parse(name: &str, value: &str) -> Result<Self, SqsError> {
        let number = |name, range: RangeInclusive<u32>| {
            let number = value.parse().ok().filter(|number| range.contains(number));
            number.ok_or(SqsError::InvalidAttributeValue(name))
        };
        match name {
            "FifoQueue" if value == "true" => Ok(Self::Fifo),
            "ContentBasedDeduplication" => match value {
                "true" => Ok(Self::ContentBasedDeduplication(true)),
                "false" => Ok(Self::ContentBasedDeduplication(false)),
                _other => Err(SqsError::InvalidAttributeValue("ContentBasedDeduplication")),
            },
            "VisibilityTimeout" => {
                number("VisibilityTimeout", 0..=MAX_VISIBILITY_SECONDS).map(Self::VisibilityTimeout)
            }
            "DelaySeconds" => number("DelaySeconds", 0..=MAX_DELAY_SECONDS).map(Self::Delay),
            "ReceiveMessageWaitTimeSeconds" => {
                number("ReceiveMessageWaitTimeSeconds", 0..=MAX_WAIT_SECONDS).map(Self::ReceiveWait)
            }
            "MessageRetentionPeriod" => {
                number("MessageRetentionPeriod", 60..=1_209_600).map(Self::Retention)
            }
            "MaximumMessageSize" => {
                number("MaximumMessageSize", 1024..=MAX_BYTES).map(Self::MaximumMessageSize)
            }
            "RedrivePolicy" => parse_redrive(value).map(Self::Redrive),
            unknown => Err(SqsError::InvalidAttributeName(unknown.to_owned())),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    max_receive_count: Count,
}

/// Templates write the count as a number, older clients as text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Count {
    Number(u32),
    Text(String),
}

fn parse_redrive(value: &str) -> Result<Option<Redrive>, SqsError> {
    if value.is_empty() {
        return Ok(None);
    }
    let invalid = SqsError::InvalidAttributeValue("RedrivePolicy");
    let policy: Option<RedrivePolicy> = serde_json::from_str(value).ok();
    let redrive = policy.and_then(|policy| {
        let count = match policy.max_receive_count {
            Count::Number(number) => Some(number),
            Count::Text(text) => text.parse().ok(),
        };
        let name = policy.dead_letter_target_arn.strip_prefix(ARN_PREFIX)?;
        let max_receive_count = count.filter(|count| (1..=1000).contains(count))?;
        Some(Redrive { dead_letter_queue: name.to_owned(), max_receive_count })
    });
    redrive.map(Some).ok_or(invalid)
}

impl Redrive {
    /// The value of the `RedrivePolicy` attribute.
    pub(super) fn policy(&self) -> String {
        let target = arn(&self.dead_letter_queue);
        let count = self.max_receive_count;
        format!(r#"{{"deadLetterTargetArn":"{target}","maxReceiveCount":{count}}}"#)
    }
}

impl QueueSettings {
    /// The default settings of a FIFO queue.
    #[must_use]
    pub fn fifo() -> Self {
        Self { fifo: true, ..Self::default() }
    }

    /// These settings with one attribute changed.
    pub(super) fn apply(&mut self, attribute: Attribute) {
        match attribute {
            Attribute::Fifo => self.fifo = true,
            Attribute::ContentBasedDeduplication(on) => self.content_based_deduplication = on,
            Attribute::VisibilityTimeout(seconds) => self.visibility_timeout_seconds = seconds,
            Attribute::Delay(seconds) => self.delay_seconds = seconds,
            Attribute::ReceiveWait(seconds) => self.receive_wait_seconds = seconds,
            Attribute::Retention(seconds) => self.retention_seconds = seconds,
            Attribute::MaximumMessageSize(bytes) => self.maximum_message_bytes = bytes,
            Attribute::Redrive(redrive) => self.redrive = redrive,
        }
    }

    /// What no single attribute can break: the combination, and the name.
    pub(super) fn check(&self, name: &str) -> Result<(), SqsError> {
        let fifo_stem = name.strip_suffix(".fifo");
        let stem = fifo_stem.unwrap_or(name);
        let named = (1..=80).contains(&name.len())
            && !stem.is_empty()
            && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        if !named || self.fifo != fifo_stem.is_some() {
            return Err(SqsError::InvalidParameter {
                parameter: "QueueName",
                reason: "1 to 80 characters of [A-Za-z0-9_-], and .fifo at the end of a FIFO queue",
            });
        }
        if self.content_based_deduplication && !self.fifo {
            return Err(SqsError::InvalidAttributeName("ContentBasedDeduplication".to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redrive_policy_survives_its_attribute() {
        let redrive = Redrive { dead_letter_queue: "dead".to_owned(), max_receive_count: 3 };
        let parsed = Attribute::parse("RedrivePolicy", &redrive.policy());
        assert_eq!(parsed, Ok(Attribute::Redrive(Some(redrive))));
    }

    #[test]
    fn attributes_out_of_range_are_refused() {
        for (name, value) in [
            ("VisibilityTimeout", "43201"),
            ("VisibilityTimeout", "-1"),
            ("DelaySeconds", "901"),
            ("ReceiveMessageWaitTimeSeconds", "21"),
            ("MessageRetentionPeriod", "59"),
            ("MaximumMessageSize", "1048577"),
            ("ContentBasedDeduplication", "yes"),
            ("RedrivePolicy", "{}"),
            ("FifoQueue", "false"),
            ("QueueArn", "arn"),
        ] {
            assert!(Attribute::parse(name, value).is_err(), "{name}={value}");
        }
    }

    #[test]
    fn the_name_says_the_type() {
        let (standard, fifo) = (QueueSettings::default(), QueueSettings::fifo());
        for (settings, name, valid) in [
            (&standard, "jobs", true),
            (&standard, "jobs.fifo", false),
            (&fifo, "jobs.fifo", true),
            (&fifo, "jobs", false),
            (&fifo, ".fifo", false),
            (&standard, "", false),
            (&standard, "a b", false),
        ] {
            assert_eq!(settings.check(name).is_ok(), valid, "{name}");
        }
    }
}
