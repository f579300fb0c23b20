//! Calls that came with a key, as the router remembers them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::InferenceResponse;
use crate::id::{IdError, text_id};

text_id! {
    /// The idempotency key of a call, `<execution id>:<attempt>`: a repeated key is the same call.
    CallKey, "idempotency key", 1024, "1 to 1024 characters of [A-Za-z0-9._~:-]",
    |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '~' | ':' | '-')
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Somebody waits for its answer.
    Running,
    /// It ended with an answer or a failure, which is given again to whoever repeats the key.
    Done,
    /// Everybody who waited went away first. Repeated, it is made anew.
    Dropped,
    /// Stopped by `DELETE`, for good.
    Stopped,
    /// It never came, or it is forgotten.
    Unknown,
}

/// Answer to `GET /inference/{key}` and `DELETE /inference/{key}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallView {
    /// The key asked for.
    pub key: CallKey,
    /// What became of the call.
    pub state: CallState,
    /// The answer or failure of a call that is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<InferenceResponse>,
    /// Requests of this key that were dropped or stopped, and may have reached the provider. What a
    /// call that is done may have cost stands in its answer.
    pub maybe_billed: u32,
    /// Unix milliseconds of the latest beginning; absent when none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_ms: Option<u64>,
    /// Unix milliseconds; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
    /// The router knows every call that began at or after this time, Unix milliseconds of its own
    /// clock: what is unknown and was sent later has not arrived.
    pub remembers_since_ms: u64,
}

impl CallView {
    /// Of a call of which nothing is known.
    pub fn unknown(key: CallKey, remembers_since_ms: u64) -> Self {
        Self {
            key,
            state: CallState::Unknown,
            response: None,
            maybe_billed: 0,
            begun_ms: None,
            ended_ms: None,
            remembers_since_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExecutionId, JobId, ModelId, QuestionIndex, Region, Sample};

    #[test]
    fn every_attempt_at_every_execution_has_a_key() {
        let longest = ExecutionId {
            job: JobId::new("j".repeat(JobId::LONGEST)).unwrap(),
            question: QuestionIndex(u32::MAX),
            model: ModelId::new(":".repeat(ModelId::LONGEST)).unwrap(),
            region: Region::new("r".repeat(Region::LONGEST)).unwrap(),
            sample: Sample(u16::MAX),
        };
        CallKey::new(format!("{longest}:{}", u32::MAX)).unwrap();
        CallKey::new("job.0.us-east.0.llama3~2E2-1b:1").unwrap();
    }

    #[test]
    fn other_texts_are_no_keys() {
        for bad in ["", "a b", "a/b", "a%2Fb", "ü", "a\n", &"x".repeat(1025)] {
            assert!(CallKey::new(bad).is_err(), "{bad}");
            assert!(serde_json::from_value::<CallKey>(bad.into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_view_says_only_what_is_known() {
        let view = CallView {
            key: CallKey::new("k:1").unwrap(),
            state: CallState::Unknown,
            response: None,
            maybe_billed: 0,
            begun_ms: None,
            ended_ms: None,
            remembers_since_ms: 7,
        };
        let json = serde_json::json!({"key": "k:1", "state": "unknown", "maybe_billed": 0,
            "remembers_since_ms": 7});
        assert_eq!(serde_json::to_value(&view).unwrap(), json);
        assert_eq!(serde_json::from_value::<CallView>(json).unwrap(), view);
    }
}
