//! Why an execution did not complete.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::ProviderId;

/// A failure; it cannot be built without a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// Where it happened.
    pub stage: Stage,
    /// What happened.
    pub code: FailureCode,
    /// For people; holds no prompt, answer or secret.
    pub message: String,
    /// Asking again may help.
    pub retryable: bool,
    /// The provider may have generated, and charged for, an answer that did not arrive.
    pub maybe_billed: bool,
    /// Absent when no provider was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// Status of the HTTP answer that told of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Requests sent to the router.
    pub attempts: u32,
}

/// Most characters of a failure's message that are kept.
pub const MAX_MESSAGE_CHARS: usize = 500;

impl Failure {
    /// Whether the same request may be sent again at once: it certainly was not sent, and what kept
    /// it may pass.
    pub fn may_be_sent_again(&self) -> bool {
        self.stage == Stage::RouterConnect && self.retryable
    }

    /// The message cut to [`MAX_MESSAGE_CHARS`].
    pub fn message(text: impl AsRef<str>) -> String {
        text.as_ref().chars().take(MAX_MESSAGE_CHARS).collect()
    }
}

/// Where a call ended, in the order of its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Before anything was sent: name, connection, TLS.
    RouterConnect,
    /// Sent, and no complete answer came back.
    RouterNetwork,
    /// The time budget ran out while waiting for the router.
    RouterHttpTimeout,
    /// The router answered with an HTTP error.
    RouterHttpRequest,
    /// The router's answer could not be read.
    RouterResponseParse,
    /// The router chose no provider.
    ProviderSelection,
    /// The router says that the inference failed.
    RouterInference,
    /// The answer was not of what was asked.
    Verification,
    /// Beacon's own worker failed.
    Worker,
    /// The job ended before the pair did.
    Job,
}

/// What happened. The router's own codes are kept as they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum FailureCode {
    /// Nobody accepts connections at the router's address.
    RouterUnreachable,
    /// The name of the router's host has no address.
    RouterDns,
    /// There is no TLS with the router, or its certificate is not trusted.
    RouterTls,
    /// The connection to the router did not come about in time.
    RouterConnectTimeout,
    /// The call's time budget ran out before the router began to answer.
    RouterFirstByteTimeout,
    /// The call's time budget ran out within the router's answer.
    RouterTimeout,
    /// The connection was lost after the request may have been sent.
    RouterConnectionLost,
    /// The router answered with this HTTP status.
    RouterHttp(u16),
    /// The router's answer is not JSON.
    RouterJsonError,
    /// The router's answer is JSON of another shape.
    RouterUnexpectedShape,
    /// The router said that the inference failed, and no code of its own.
    RouterError,
    /// The answer is larger than what is kept.
    ResponseTooLarge,
    /// The provider served another region than asked.
    RegionMismatch,
    /// The provider says that it received another system prompt than sent.
    PromptMismatch,
    /// The worker's own code failed on this pair.
    WorkerPanic,
    /// The table refused the row that the answer would have become.
    ResultNotStorable,
    /// Five workers died, or lost the lane, at this question.
    WorkerCrashed,
    /// The question's message was sent anew five times and never arrived.
    QuestionLost,
    /// The question's message was given up by its queue.
    DeadLetter,
    /// The job was cancelled first.
    JobCancelled,
    /// The job's time was up first.
    JobDeadline,
    /// The job was stopped first, as its specification says.
    JobStopped,
    /// The router's or provider's own code.
    Reported(ReportedCode),
}

/// A code of the router's or a provider's own: 1 to 64 characters of [A-Z0-9_].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportedCode(String);

/// A text that is not a failure code.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a failure code: 1 to 64 characters of [A-Z0-9_]")]
pub struct NotACode(String);

impl ReportedCode {
    /// A router's code in upper case, with `_` for `-`, `.` and blanks.
    pub fn new(text: &str) -> Result<Self, NotACode> {
        let code = text.trim().to_ascii_uppercase().replace(['-', '.', ' '], "_");
        let valid = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if code.is_empty() || code.len() > 64 || !code.chars().all(valid) {
            return Err(NotACode(text.chars().take(80).collect()));
        }
        Ok(Self(code))
    }
}

const ROUTER_HTTP: &str = "ROUTER_HTTP_";

/// The codes with a fixed text.
const FIXED: [(FailureCode, &str); 21] = [
    (FailureCode::RouterUnreachable, "ROUTER_UNREACHABLE"),
    (FailureCode::RouterDns, "ROUTER_DNS"),
    (FailureCode::RouterTls, "ROUTER_TLS"),
    (FailureCode::RouterConnectTimeout, "ROUTER_CONNECT_TIMEOUT"),
    (FailureCode::RouterFirstByteTimeout, "ROUTER_FIRST_BYTE_TIMEOUT"),
    (FailureCode::RouterTimeout, "ROUTER_TIMEOUT"),
    (FailureCode::RouterConnectionLost, "ROUTER_CONNECTION_LOST"),
    (FailureCode::RouterJsonError, "ROUTER_JSON_ERROR"),
    (FailureCode::RouterUnexpectedShape, "ROUTER_UNEXPECTED_SHAPE"),
    (FailureCode::RouterError, "ROUTER_ERROR"),
    (FailureCode::ResponseTooLarge, "RESPONSE_TOO_LARGE"),
    (FailureCode::RegionMismatch, "REGION_MISMATCH"),
    (FailureCode::PromptMismatch, "PROMPT_MISMATCH"),
    (FailureCode::WorkerPanic, "WORKER_PANIC"),
    (FailureCode::ResultNotStorable, "RESULT_NOT_STORABLE"),
    (FailureCode::WorkerCrashed, "WORKER_CRASHED"),
    (FailureCode::QuestionLost, "QUESTION_LOST"),
    (FailureCode::DeadLetter, "DEAD_LETTER"),
    (FailureCode::JobCancelled, "JOB_CANCELLED"),
    (FailureCode::JobDeadline, "JOB_DEADLINE"),
    (FailureCode::JobStopped, "JOB_STOPPED"),
];

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RouterHttp(status) => write!(f, "{ROUTER_HTTP}{status}"),
            Self::Reported(ReportedCode(code)) => f.write_str(code),
            Self::RouterUnreachable
            | Self::RouterDns
            | Self::RouterTls
            | Self::RouterConnectTimeout
            | Self::RouterFirstByteTimeout
            | Self::RouterTimeout
            | Self::RouterConnectionLost
            | Self::RouterJsonError
            | Self::RouterUnexpectedShape
            | Self::RouterError
            | Self::ResponseTooLarge
            | Self::RegionMismatch
            | Self::PromptMismatch
            | Self::WorkerPanic
            | Self::ResultNotStorable
            | Self::WorkerCrashed
            | Self::QuestionLost
            | Self::DeadLetter
            | Self::JobCancelled
            | Self::JobDeadline
            | Self::JobStopped => {
                let fixed = FIXED.iter().find(|(code, _)| code == self);
                f.write_str(fixed.map_or("ROUTER_ERROR", |(_, text)| text))
            }
        }
    }
}

impl TryFrom<String> for FailureCode {
    type Error = NotACode;

    fn try_from(text: String) -> Result<Self, NotACode> {
        if let Some((code, _)) = FIXED.iter().find(|(_, fixed)| *fixed == text) {
            return Ok(code.clone());
        }
        if let Some(Ok(status)) = text.strip_prefix(ROUTER_HTTP).map(str::parse) {
            return Ok(Self::RouterHttp(status));
        }
        ReportedCode::new(&text).map(Self::Reported)
    }
}

impl JsonSchema for FailureCode {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FailureCode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "What happened; the router's and providers' own codes are kept.",
            "pattern": "^[A-Z0-9_]{1,64}$",
        })
    }
}

impl From<FailureCode> for String {
    fn from(code: FailureCode) -> Self {
        code.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_as_itself() {
        let own = FIXED.iter().map(|(code, _)| code.clone());
        let reported = FailureCode::Reported(ReportedCode::new("provider_http_503").unwrap());
        for code in own.chain([FailureCode::RouterHttp(502), reported]) {
            let text = code.to_string();
            assert_eq!(FailureCode::try_from(text.clone()), Ok(code), "{text}");
        }
        assert_eq!(ReportedCode::new("model-crash"), ReportedCode::new("MODEL_CRASH"));
        assert!(FailureCode::try_from("<no> code".to_owned()).is_err());
    }

    #[test]
    fn a_failure_without_a_code_does_not_parse() {
        let json = r#"{"stage":"worker","message":"m","retryable":false,"maybe_billed":false,"attempts":0}"#;
        assert!(serde_json::from_str::<Failure>(json).is_err());
    }
}
