//! Web endpoints in the manner of the predecessor's deployment on Modal.

use beacon_core::wire::Usage;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::endpoint::{Endpoint, HttpAnswer};
use super::{Answer, Call, lenient};
use crate::failure::{Failure, FailureCode, is_word};

/// Most characters kept of an endpoint's error text.
const MAX_ERROR_CHARS: usize = 200;

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    prompt: &'a str,
    temperature: f64,
    max_tokens: u32,
    region: &'a str,
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
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    region: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    tokens_generated: Option<u64>,
    #[serde(default)]
    receipt: Option<Value>,
}

/// The endpoint's own account of a failure.
#[derive(Deserialize)]
struct OwnFailure {
    #[serde(default, deserialize_with = "lenient")]
    code: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    stage: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    transient: Option<bool>,
}

/// Asks the endpoint.
pub(super) async fn call(endpoint: &Endpoint, call: &Call<'_>) -> Result<Answer, Failure> {
    let body = Request {
        model: call.upstream_model,
        prompt: &call.request.prompt,
        temperature: call.request.temperature,
        max_tokens: call.request.max_tokens,
        region: call.region.as_str(),
    };
    let answer = endpoint.post(call, super::json(&body)).await?;
    if !answer.is_success() {
        let reply: Option<Reply> = answer.object().ok();
        let error = reply.and_then(|reply| reply.error).map(|error| short(&error));
        return Err(answer.status_failure(error.as_deref()));
    }
    let reply: Reply = answer.object()?;
    if reply.is_success() { Ok(reply.into_answer()) } else { Err(reply.into_failure(&answer)) }
}

impl Reply {
    fn is_success(&self) -> bool {
        self.success.unwrap_or_else(|| {
            self.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("success"))
        })
    }

    fn into_answer(self) -> Answer {
        let texts = [self.response, self.output, self.text].into_iter().flatten();
        Answer {
            text: texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default(),
            finish_reason: None,
            usage: self
                .tokens_generated
                .map(|count| Usage { input_tokens: None, output_tokens: Some(count) }),
            served_region: self.region,
            served_model: self.model,
            receipt: self.receipt,
        }
    }

    fn into_failure(self, answer: &HttpAnswer) -> Failure {
        let own = self.failure.unwrap_or(OwnFailure {
            code: None,
            stage: None,
            message: None,
            transient: None,
        });
        let code = own.code.filter(|code| is_word(code));
        let message = self.error.or(own.message).filter(|message| !message.is_empty());
        Failure {
            code: code.map_or(FailureCode::ExecutionFailed, FailureCode::Named),
            message: message
                .map_or_else(|| "the provider reports an error".to_owned(), |text| short(&text)),
            http_status: Some(answer.status),
            stage: own.stage.filter(|stage| is_word(stage)),
            retryable: own.transient,
            maybe_billed: None,
            fault: None,
            retry_after: None,
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(MAX_ERROR_CHARS).collect()
}
