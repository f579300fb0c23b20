//! Web endpoints in the manner of the predecessor's deployment on Modal.

use beacon_core::wire::Usage;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ending::{Ending, Reasoning, is_empty};
use super::endpoint::{Endpoint, HttpAnswer};
use super::told::{ToldError, broken_off};
use super::{Answer, Call, lenient};
use crate::chat;
use crate::failure::{Failure, FailureCode, is_word};

/// Texts of the endpoint's errors that are the same whatever it was asked.
const PLAIN_ERRORS: [&str; 1] = ["Prompt is required"];
/// How a text begins that ends with the name of a model.
const UNKNOWN_MODEL: &str = "Unknown model: ";

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    prompt: &'a str,
    temperature: f64,
    max_tokens: u32,
    region: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default, deserialize_with = "lenient")]
    success: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    response: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    output: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    text: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    error: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    failure: Option<OwnFailure>,
    #[serde(default, deserialize_with = "lenient")]
    finish_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    inference_time: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    region: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    tokens_generated: Option<u64>,
    #[serde(default)]
    receipt: Option<Value>,
}

/// The endpoint's own account of a failure.
#[derive(Default, Deserialize)]
struct OwnFailure {
    #[serde(default, deserialize_with = "lenient")]
    code: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    stage: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    transient: Option<bool>,
}

/// Asks the endpoint.
pub(super) async fn call(endpoint: &Endpoint, call: &Call<'_>) -> Result<Answer, Failure> {
    read(&endpoint.post(call, || body(call)).await?)
}

fn body(call: &Call<'_>) -> Vec<u8> {
    let body = Request {
        model: call.upstream_model,
        prompt: &chat::prompt(call.request),
        temperature: call.request.temperature,
        max_tokens: call.request.max_tokens,
        region: call.region.as_str(),
        seed: call.request.seed,
        top_p: call.request.top_p,
    };
    super::json(&body)
}

fn read(answer: &HttpAnswer) -> Result<Answer, Failure> {
    if !answer.is_success() {
        let reply: Option<Reply> = answer.object().ok();
        if let Some(withheld) = reply.as_ref().and_then(Reply::withheld) {
            return Ok(withheld);
        }
        let error = reply.and_then(|reply| reply.error);
        return Err(answer.status_failure(error.as_deref().filter(|text| is_plain(text))));
    }
    let reply: Reply = answer.object()?;
    if !reply.is_success() {
        return reply.withheld().map_or_else(|| Err(reply.into_failure(answer.status)), Ok);
    }
    let has_error = reply.error.as_deref().is_some_and(|error| !error.is_empty());
    if has_error && is_empty(reply.text()) {
        return Err(reply.into_failure(answer.status));
    }
    reply.into_answer(answer.status)
}

impl Reply {
    fn is_success(&self) -> bool {
        self.success.unwrap_or_else(|| {
            self.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("success"))
        })
    }

    fn text(&self) -> &str {
        let texts = [&self.response, &self.output, &self.text];
        let mut texts = texts.into_iter().filter_map(Option::as_deref);
        texts.find(|text| !text.is_empty()).unwrap_or_default()
    }

    fn into_answer(self, http_status: u16) -> Result<Answer, Failure> {
        let text = self.text().to_owned();
        let ending = Ending {
            text: &text,
            reason: self.finish_reason.as_deref(),
            refused: false,
            filtered: false,
            reasoning: Reasoning::None,
        };
        let Some(kind) = ending.kind() else {
            return Err(broken_off(ending.reason.unwrap_or_default(), http_status, true));
        };
        Ok(Answer {
            usage: self
                .tokens_generated
                .map(|count| Usage { input_tokens: None, output_tokens: Some(count) }),
            served_region: self.region,
            served_model: self.model,
            receipt: self.receipt,
            finish_reason: self.finish_reason,
            ..Answer::new(kind, text)
        })
    }

    /// The answer that a failure is whose code says that a filter acted.
    fn withheld(&self) -> Option<Answer> {
        let code = self.failure.as_ref()?.code.as_deref()?;
        let withheld = ToldError::of_code(&Value::from(code)).withheld()?;
        Some(Answer {
            served_region: self.region.clone(),
            served_model: self.model.clone(),
            receipt: self.receipt.clone(),
            ..withheld
        })
    }

    fn into_failure(self, http_status: u16) -> Failure {
        let own = self.failure.unwrap_or_default();
        let code = own.code.filter(|code| is_word(code));
        let error = self.error.filter(|error| is_plain(error));
        let message = match (&error, &code) {
            (Some(error), _) => error.clone(),
            (None, Some(code)) => format!("the provider reports an error: {code}"),
            (None, None) => "the provider reports an error".to_owned(),
        };
        // Asked the same again, it says the same.
        let lasting = error.map(|_plain| false);
        let fault = lasting;
        Failure {
            code: code.map_or(FailureCode::ExecutionFailed, FailureCode::Named),
            message,
            http_status: Some(http_status),
            stage: own.stage.filter(|stage| is_word(stage)),
            retryable: own.transient.or(lasting),
            // A time that it took says that it ran.
            maybe_billed: Some(self.inference_time.is_some_and(|seconds| seconds > 0.0)),
            fault,
            retry_after: None,
            throttles: false,
        }
    }
}

/// Whether an error's text cannot quote the prompt: it may stand in a message.
fn is_plain(text: &str) -> bool {
    PLAIN_ERRORS.contains(&text) || text.strip_prefix(UNKNOWN_MODEL).is_some_and(is_word)
}
