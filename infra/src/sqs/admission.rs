//! Whether a queue takes a message, and by which deduplication id it then goes.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::error::SqsError;
use super::message::Outgoing;
use super::settings::QueueSettings;

/// Checks a send against the queue's settings and gives its deduplication id, if it has one.
pub(super) fn admit(
    settings: &QueueSettings,
    outgoing: &Outgoing,
) -> Result<Option<Arc<str>>, SqsError> {
    let limit = settings.maximum_message_bytes;
    if outgoing.content.size > limit as usize {
        return Err(SqsError::MessageTooLong(limit));
    }
    check_id("MessageGroupId", outgoing.group.as_deref())?;
    check_id("MessageDeduplicationId", outgoing.deduplication.as_deref())?;
    if !settings.fifo {
        let deduplicated = outgoing.deduplication.is_some();
        return if deduplicated { Err(wrong_type("MessageDeduplicationId")) } else { Ok(None) };
    }
    if outgoing.group.is_none() {
        return Err(SqsError::MissingParameter("MessageGroupId"));
    }
    if outgoing.delay_seconds.is_some_and(|seconds| seconds > 0) {
        return Err(wrong_type("DelaySeconds"));
    }
    match &outgoing.deduplication {
        Some(id) => Ok(Some(Arc::clone(id))),
        None if settings.content_based_deduplication => {
            Ok(Some(hex_digest(&outgoing.content.body)))
        }
        None => Err(SqsError::InvalidParameter {
            parameter: "MessageDeduplicationId",
            reason: "The queue should either have ContentBasedDeduplication enabled or \
                     MessageDeduplicationId provided explicitly",
        }),
    }
}

fn wrong_type(parameter: &'static str) -> SqsError {
    let reason = "The request include parameter that is not valid for this queue type";
    SqsError::InvalidParameter { parameter, reason }
}

fn check_id(parameter: &'static str, id: Option<&str>) -> Result<(), SqsError> {
    match id {
        Some(id) if id.len() > 128 || !id.bytes().all(|b| b.is_ascii_graphic()) => {
            let reason = "1 to 128 letters, digits and ASCII punctuation";
            Err(SqsError::InvalidParameter { parameter, reason })
        }
        Some(_) | None => Ok(()),
    }
}

fn hex_digest(body: &str) -> Arc<str> {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(body.as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Arc::from(hex)
}
