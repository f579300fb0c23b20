//! Servers that speak the `chat/completions` protocol.

use beacon_core::wire::Usage;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::endpoint::{Endpoint, HttpAnswer};
use super::{Answer, Call, lenient};
use crate::chat::{self, Message};
use crate::failure::{Failure, FailureCode, is_word};

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

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    error: Option<ErrorBody>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Usage>,
    #[serde(default, deserialize_with = "lenient")]
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    region: Option<String>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    #[serde(default, deserialize_with = "lenient")]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<Content>,
    #[serde(default, deserialize_with = "lenient")]
    refusal: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorBody {
    Object(ErrorObject),
    Other(IgnoredAny),
}

/// The error's `message` is not read: it may quote the prompt.
#[derive(Deserialize)]
struct ErrorObject {
    #[serde(default)]
    code: Option<ErrorCode>,
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorCode {
    Number(u16),
    Word(String),
}

/// Asks for one completion.
pub(super) async fn call(endpoint: &Endpoint, call: &Call<'_>) -> Result<Answer, Failure> {
    let answer = endpoint.post(call, body(call)).await?;
    if answer.is_success() {
        completion(&answer)
    } else {
        let error = answer.object::<Refusal>().ok().and_then(|refusal| refusal.error);
        Err(answer.status_failure(error.and_then(ErrorBody::word).as_deref()))
    }
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

fn completion(answer: &HttpAnswer) -> Result<Answer, Failure> {
    let completion: Completion = answer.object()?;
    if let Some(error) = completion.error {
        return Err(in_band(error, answer.status));
    }
    let Some(choice) = completion.choices.and_then(|choices| choices.into_iter().next()) else {
        return Err(answer.unexpected("a completion without a choice"));
    };
    let (text, refusal) = match choice.message.content {
        None => (String::new(), None),
        Some(Content::Text(text)) => (text, None),
        Some(Content::Parts(parts)) => joined(parts),
    };
    let refusal = choice.message.refusal.filter(|text| !text.is_empty()).or(refusal);
    let (text, finish_reason) = match refusal {
        Some(refusal) => (refusal, Some("refusal".to_owned())),
        None => (text, choice.finish_reason),
    };
    Ok(Answer {
        text,
        finish_reason,
        usage: completion.usage,
        served_region: completion.region,
        served_model: completion.model,
        receipt: None,
    })
}

/// The text of all parts, and the refusal among them.
fn joined(parts: Vec<Part>) -> (String, Option<String>) {
    let mut text = String::new();
    let mut refusal = None;
    for part in parts {
        text.push_str(part.text.as_deref().unwrap_or_default());
        refusal = refusal.or(part.refusal);
    }
    (text, refusal)
}

/// An error told with an HTTP status of success.
fn in_band(error: ErrorBody, status: u16) -> Failure {
    let retryable = error.status().map(|code| code == 429 || code >= 500);
    let message = match error.word() {
        Some(word) => format!("the provider reports an error: {word}"),
        None => "the provider reports an error".to_owned(),
    };
    let failure = Failure::new(FailureCode::ExecutionFailed, message).with_status(status);
    Failure { retryable, ..failure }
}

impl ErrorBody {
    /// The HTTP status that the error names as its code.
    fn status(&self) -> Option<u16> {
        match self {
            Self::Object(ErrorObject { code: Some(ErrorCode::Number(status)), .. }) => {
                Some(*status)
            }
            Self::Object(_) | Self::Other(IgnoredAny) => None,
        }
    }

    /// The error's code or type, where it is a plain word.
    fn word(self) -> Option<String> {
        let plain = |word: &String| is_word(word);
        match self {
            Self::Other(IgnoredAny) => None,
            Self::Object(ErrorObject { code, kind }) => {
                let code = code.map(|code| match code {
                    ErrorCode::Number(status) => status.to_string(),
                    ErrorCode::Word(word) => word,
                });
                code.filter(plain).or(kind.filter(plain))
            }
        }
    }
}
