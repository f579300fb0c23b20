//! When a signed specification was made, and its nonce: an old one is not taken again.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use thiserror::Error;

/// The longest that a specification may have been signed before it is sent.
pub const MAX_AGE: Duration = Duration::from_secs(10 * 60);
/// The farthest that the signer's clock may be ahead.
pub const SKEW: Duration = Duration::from_secs(5 * 60);

/// A member of `metadata`, or itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamped {
    /// The object.
    Metadata,
    /// When it was signed.
    Timestamp,
    /// What no other document of the key has.
    Nonce,
}

impl Stamped {
    fn path(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Timestamp => "metadata.timestamp",
            Self::Nonce => "metadata.nonce",
        }
    }
}

/// What is wrong with a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeProblem {
    /// Signed longer ago than [`MAX_AGE`].
    TooOld,
    /// Farther ahead than [`SKEW`].
    TooFarInFuture,
    /// A text that is no time.
    FormatInvalid,
}

impl TimeProblem {
    /// For programs, in the predecessor's words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::TooOld => "too_old",
            Self::TooFarInFuture => "too_far_in_future",
            Self::FormatInvalid => "format_invalid",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::TooOld => "is more than 10 minutes ago; sign the specification again",
            Self::TooFarInFuture => {
                "is more than 5 minutes ahead; set the signer's clock and sign the specification again"
            }
            Self::FormatInvalid => "must be a time such as 2026-01-31T12:00:00Z (RFC 3339)",
        }
    }
}

/// Why a signed specification is not fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MetadataViolation {
    /// It does not say when it was signed, or has no nonce.
    #[error("`{}` is missing: a signed specification has a timestamp and a nonce", .0.path())]
    Missing(Stamped),
    /// It is there, and of another kind.
    #[error("`{}` must be {}", .0.path(), kind(*.0))]
    Invalid(Stamped),
    /// The time is not one at which it may be sent.
    #[error("`metadata.timestamp` {}", .0.sentence())]
    Time(TimeProblem),
}

fn kind(stamped: Stamped) -> &'static str {
    match stamped {
        Stamped::Metadata => "an object",
        Stamped::Timestamp | Stamped::Nonce => "a text",
    }
}

impl MetadataViolation {
    /// For programs, in the predecessor's words.
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing(Stamped::Metadata) => "missing_field:metadata",
            Self::Missing(Stamped::Timestamp) => "missing_field:timestamp",
            Self::Missing(Stamped::Nonce) => "missing_field:nonce",
            Self::Invalid(Stamped::Metadata) => "invalid_field:metadata",
            Self::Invalid(Stamped::Timestamp) => "invalid_field:timestamp",
            Self::Invalid(Stamped::Nonce) => "invalid_field:nonce",
            Self::Time(_) => "timestamp_invalid",
        }
    }

    /// What is wrong with the time.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Time(problem) => Some(problem.reason()),
            Self::Missing(_) | Self::Invalid(_) => None,
        }
    }
}

/// The nonce of a document that may be sent now.
pub fn nonce(document: &Map<String, Value>, now: Timestamp) -> Result<&str, MetadataViolation> {
    let metadata = match document.get(Stamped::Metadata.path()) {
        None | Some(Value::Null) => return Err(MetadataViolation::Missing(Stamped::Metadata)),
        Some(Value::Object(metadata)) => metadata,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            return Err(MetadataViolation::Invalid(Stamped::Metadata));
        }
    };
    let timestamp = member(metadata, "timestamp", Stamped::Timestamp)?;
    let nonce = member(metadata, "nonce", Stamped::Nonce)?;
    let problem = match timestamp.parse::<Timestamp>() {
        Err(_no_time) => TimeProblem::FormatInvalid,
        Ok(at) if passed(at, now) > MAX_AGE => TimeProblem::TooOld,
        Ok(at) if passed(now, at) > SKEW => TimeProblem::TooFarInFuture,
        Ok(_) => return Ok(nonce),
    };
    Err(MetadataViolation::Time(problem))
}

/// Until when a nonce is to be remembered that is seen now: no document with it may be sent after that.
pub fn kept_until(now: Timestamp) -> Timestamp {
    now.saturating_add(MAX_AGE + SKEW).unwrap_or(now)
}

/// From one time to a later one; nothing where it is earlier.
fn passed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

fn member<'a>(
    metadata: &'a Map<String, Value>,
    name: &str,
    stamped: Stamped,
) -> Result<&'a str, MetadataViolation> {
    match metadata.get(name) {
        None | Some(Value::Null) => Err(MetadataViolation::Missing(stamped)),
        Some(Value::String(blank)) if blank.trim().is_empty() => {
            Err(MetadataViolation::Missing(stamped))
        }
        Some(Value::String(text)) => Ok(text),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(MetadataViolation::Invalid(stamped))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn checked(document: &Value) -> Result<&str, (&'static str, Option<&'static str>)> {
        let now = at("2025-09-16T12:55:24.164Z");
        nonce(document.as_object().unwrap(), now).map_err(|error| (error.code(), error.reason()))
    }

    #[test]
    fn what_is_missing_or_no_text_is_named() {
        let stamped = |metadata: Value| json!({ "metadata": metadata });
        let time = "2025-09-16T12:55:24.164Z";
        for (document, code) in [
            (json!({}), "missing_field:metadata"),
            (stamped(Value::Null), "missing_field:metadata"),
            (stamped(json!("x")), "invalid_field:metadata"),
            (stamped(json!({"nonce": "n"})), "missing_field:timestamp"),
            (stamped(json!({"timestamp": " ", "nonce": "n"})), "missing_field:timestamp"),
            (stamped(json!({"timestamp": 1, "nonce": "n"})), "invalid_field:timestamp"),
            (stamped(json!({"timestamp": time})), "missing_field:nonce"),
            (stamped(json!({"timestamp": time, "nonce": ""})), "missing_field:nonce"),
            (stamped(json!({"timestamp": time, "nonce": [1]})), "invalid_field:nonce"),
        ] {
            assert_eq!(checked(&document), Err((code, None)), "{document}");
        }
    }

    #[test]
    fn ten_minutes_ago_to_five_ahead_is_now() {
        for (time, expected) in [
            ("2025-09-16T12:45:24.163Z", Err("too_old")),
            ("2025-09-16T12:45:24.164Z", Ok("n")),
            ("2025-09-16T14:55:24.164+02:00", Ok("n")),
            ("2025-09-16T13:00:24.164Z", Ok("n")),
            ("2025-09-16T13:00:24.165Z", Err("too_far_in_future")),
            ("-009999-01-02T01:59:59Z", Err("too_old")),
            ("9999-12-30T00:00:00Z", Err("too_far_in_future")),
            ("yesterday", Err("format_invalid")),
            ("2025-09-16T12:55:24", Err("format_invalid")),
            ("1758027324", Err("format_invalid")),
        ] {
            let document = json!({"metadata": {"timestamp": time, "nonce": "n"}});
            let expected = expected.map_err(|reason| ("timestamp_invalid", Some(reason)));
            assert_eq!(checked(&document), expected, "{time}");
        }
    }

    #[test]
    fn a_nonce_is_remembered_for_as_long_as_its_document_may_be_sent() {
        let now = at("2025-09-16T12:00:00Z");
        let ahead = json!({"metadata": {"timestamp": "2025-09-16T12:05:00Z", "nonce": "n"}});
        let ahead = ahead.as_object().unwrap();
        assert!(nonce(ahead, now).is_ok() && nonce(ahead, kept_until(now)).is_ok());
        let after = kept_until(now).saturating_add(Duration::from_millis(1)).unwrap();
        assert!(nonce(ahead, after).is_err());
    }
}
