//! Servers that are asked in the `chat/completions` protocol, and what they answer with.

mod anthropic;
mod bedrock;
mod completion;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::counted::Counted;
use super::endpoint::{Endpoint, HttpAnswer};
use super::told::ToldError;
use super::{Answer, Call, lenient};
use crate::chat::{self, Message};
use crate::failure::Failure;

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    temperature: f64,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    n: u8,
    stream: bool,
}

/// What tells the forms of answers apart.
#[derive(Deserialize)]
struct Shape {
    #[serde(default)]
    error: Option<Value>,
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    object: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    choices: Option<Vec<IgnoredAny>>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Counted>,
    #[serde(default, deserialize_with = "lenient")]
    output: Option<BedrockOutput>,
    /// The note of how it went that `MiniMax` sends.
    #[serde(default, deserialize_with = "lenient")]
    base_resp: Option<Note>,
}

#[derive(Deserialize)]
struct BedrockOutput {
    #[serde(rename = "message")]
    _message: IgnoredAny,
}

#[derive(Deserialize)]
struct Note {
    status_code: Value,
}

/// Asks for one completion.
pub(super) async fn call(endpoint: &Endpoint, call: &Call<'_>) -> Result<Answer, Failure> {
    let answer = endpoint.post(call, || body(call)).await?;
    if answer.is_success() { read(&answer) } else { rejected(&answer) }
}

fn body(call: &Call<'_>) -> Vec<u8> {
    let request = call.request;
    let body = Request {
        model: call.upstream_model,
        messages: chat::messages(request),
        temperature: request.temperature,
        max_tokens: request.max_tokens,
        seed: request.seed,
        top_p: request.top_p,
        n: 1,
        stream: false,
    };
    super::json(&body)
}

/// An answer with a status of success.
fn read(answer: &HttpAnswer) -> Result<Answer, Failure> {
    let shape: Shape = answer.object()?;
    if let Some(error) = shape.error(answer) {
        let generated = shape.is_generated();
        let status = answer.status;
        return match error.withheld() {
            Some(answer) => Ok(answer),
            None => Err(error.into_failure(status, generated)),
        };
    }
    match shape.kind.as_deref() {
        Some("message") => anthropic::read(answer),
        Some(_) | None if shape.choices.is_none() && shape.output.is_some() => {
            bedrock::read(answer)
        }
        Some(_) | None => completion::read(answer),
    }
}

/// An answer with another status: a content filter's verdict is an answer still.
fn rejected(answer: &HttpAnswer) -> Result<Answer, Failure> {
    let error = ToldError::in_body(&answer.body).unwrap_or_default();
    match error.withheld() {
        Some(withheld) if error.is_answer(answer.status) => Ok(withheld),
        Some(_) | None => Err(answer.status_failure(error.word())),
    }
}

impl Shape {
    /// The error told with a status of success.
    fn error(&self, answer: &HttpAnswer) -> Option<ToldError> {
        if self.error.as_ref().is_some_and(says_something)
            || self.object.as_deref() == Some("error")
            || self.kind.as_deref() == Some("error")
        {
            return ToldError::in_body(&answer.body);
        }
        let code = self.base_resp.as_ref().map(|note| &note.status_code)?;
        let failed = code.as_i64() != Some(0) && self.choices.as_ref().is_none_or(Vec::is_empty);
        failed.then(|| ToldError::of_code(code))
    }

    /// Whether there are signs that the model said something.
    fn is_generated(&self) -> bool {
        let chosen = self.choices.as_ref().is_some_and(|choices| !choices.is_empty());
        chosen || self.usage.as_ref().is_some_and(Counted::has_output)
    }
}

/// Some servers send the field `error` with every answer, and leave it empty where there is none.
fn says_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Array(_) => true,
    }
}
