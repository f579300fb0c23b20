//! What the inference function and the hybrid router say to each other over HTTP.
//!
//! `POST /inference` is the predecessor's protocol extended by fields that older routers ignore
//! and older callers do not send; every extension is optional on the way in.

mod call;
mod decision;
mod kind;
mod provider;

use serde::{Deserialize, Serialize};

pub use call::{CallKey, CallState, CallView};
pub use decision::{Attempted, Considered, Decision, Order, Standing, Timings};
pub use kind::AnswerKind;
pub use provider::{
    BreakerState, LastError, ProviderView, ProvidersResponse, RouteState, RouteView, Warmth,
};

/// Absolute deadline of a call, Unix milliseconds. The router does not start what cannot finish.
pub const DEADLINE_HEADER: &str = "x-beacon-deadline-ms";
/// With the value `*`: only a call of the key that runs, or has its answer, is meant; none is made
/// (RFC 9110 §13.1.1).
pub const JOIN_HEADER: &str = "if-match";
/// HTTP status of what [`JOIN_HEADER`] finds nothing for.
pub const NOTHING_TO_JOIN: u16 = 412;
/// A [`CallKey`]; a repeated key is the same call.
pub const IDEMPOTENCY_HEADER: &str = "idempotency-key";
/// Wins over the body's `trace_id`.
pub const TRACE_HEADER: &str = "x-trace-id";

/// The region asked of `POST /v1/chat/completions`, whose body has no place for it.
pub const REGION_HEADER: &str = "x-beacon-region";

/// Largest answer text kept, bytes of UTF-8.
pub const MAX_RESPONSE_BYTES: usize = 256 * 1024;

/// Who says a message of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The instructions.
    System,
    /// The one who asks.
    User,
    /// The model.
    Assistant,
}

/// One message of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// Body of `POST /inference`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InferenceRequest {
    /// Model id as the client names it.
    pub model: String,
    /// The flattened prompt: `system\n<system>\nuser\n<question>\nassistant\n`.
    pub prompt: String,
    /// The same prompt in parts; wins over `prompt` where both are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<ChatMessage>>,
    /// Sampling temperature.
    #[serde(default = "default_temperature")]
    pub temperature: f64,
    /// Most tokens to generate.
    #[serde(default = "default_max_tokens")]
    pub max_tokens: u32,
    /// Sampling seed, where the provider takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Nucleus sampling, where the provider takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// The region asked, canonical or alias. A provider of another region is never used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_preference: Option<String>,
    /// Cheapest first (true) or fastest first.
    #[serde(default = "default_cost_priority")]
    pub cost_priority: bool,
    /// For following a call through logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl InferenceRequest {
    /// The temperature of a request that names none.
    pub const TEMPERATURE: f64 = 0.1;
    /// The most tokens of a request that names none.
    pub const MAX_TOKENS: u32 = 500;
}

fn default_temperature() -> f64 {
    InferenceRequest::TEMPERATURE
}

fn default_max_tokens() -> u32 {
    InferenceRequest::MAX_TOKENS
}

fn default_cost_priority() -> bool {
    true
}

/// Body of the answer to `POST /inference`, HTTP 200 for provider failures too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InferenceResponse {
    /// Whether the model was asked and answered, be it with nothing.
    pub success: bool,
    /// The text; empty or absent text with `success` is an empty answer.
    #[serde(default)]
    pub response: Option<String>,
    /// What the answer is; absent without `success`, and from older routers.
    #[serde(default, deserialize_with = "kind::known", skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AnswerKind>,
    /// The failure for people.
    #[serde(default)]
    pub error: Option<String>,
    /// The failure's code.
    #[serde(default)]
    pub error_code: Option<String>,
    /// The failure in full.
    #[serde(default)]
    pub failure: Option<WireFailure>,
    /// Provider id; empty when none was chosen.
    #[serde(default)]
    pub provider_used: String,
    /// Seconds from the choice of the provider to its answer.
    #[serde(default)]
    pub inference_time: f64,
    /// US dollars; 0 when no price is declared.
    #[serde(default)]
    pub cost_estimate: f64,
    /// Why generation ended: `stop`, `length`, `content_filter`, `refusal`, or the provider's word.
    #[serde(default)]
    pub finish_reason: Option<String>,
    /// Tokens, where the provider counts them.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// The region that the provider says it served from.
    #[serde(default)]
    pub served_region: Option<String>,
    /// The model that the provider says it ran.
    #[serde(default)]
    pub served_model: Option<String>,
    /// Facts about the provider and its own receipt.
    #[serde(default)]
    pub metadata: ResponseMetadata,
    /// Requests under the same idempotency key that were dropped before this one, and that the
    /// provider may have charged for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub earlier_maybe_billed: u32,
    /// Where the time went; absent from older routers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
    /// Who could have been asked, who was, and why; absent from older routers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Box<Decision>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// `metadata` of an [`InferenceResponse`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResponseMetadata {
    /// `openai`, `modal`, `simulated`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_type: Option<String>,
    /// Canonical region of the provider used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Model id as asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The region asked, when no provider was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_region: Option<String>,
    /// The provider's own receipt, verbatim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<serde_json::Value>,
    /// Made up by the simulated provider.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
}

/// Tokens counted by the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    #[serde(default, alias = "prompt_tokens", skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens of the answer.
    #[serde(default, alias = "completion_tokens", skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
}

/// Why a call did not bring an answer, as the router tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireFailure {
    /// `PROVIDER_UNAVAILABLE`, `PROVIDER_HTTP_503`, …
    #[serde(default)]
    pub code: String,
    /// Where it happened: `provider_selection`, `provider_execution`, `response_parsing`, …
    #[serde(default)]
    pub stage: String,
    /// For people; never holds a prompt, an answer or a secret.
    #[serde(default)]
    pub message: String,
    /// Always `hybrid_router`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub component: String,
    /// Always `inference`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subcomponent: String,
    /// Provider id, absent when none was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// `openai`, `modal`, `simulated`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_type: Option<String>,
    /// Canonical region asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Model id as asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The predecessor's word for `retryable`.
    #[serde(default)]
    pub transient: bool,
    /// Asking again may help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// The provider may have generated (and charged for) an answer that did not arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maybe_billed: Option<bool>,
    /// Requests sent to providers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// Status of the provider's HTTP answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Milliseconds after which asking again may help, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// RFC 3339 UTC, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}
