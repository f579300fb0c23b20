//! Messages in the manner of Anthropic, as some gateways hand them on.

use serde::Deserialize;

use super::completion::kind;
use crate::failure::Failure;
use crate::provider::counted::Counted;
use crate::provider::ending::Ending;
use crate::provider::endpoint::HttpAnswer;
use crate::provider::parts::{Joined, Part};
use crate::provider::{Answer, lenient};

#[derive(Deserialize)]
struct Message {
    content: Vec<Part>,
    #[serde(default, deserialize_with = "lenient")]
    stop_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Counted>,
    #[serde(default, deserialize_with = "lenient")]
    model: Option<String>,
}

/// Reads a message.
pub(super) fn read(answer: &HttpAnswer) -> Result<Answer, Failure> {
    let message: Message = answer.object()?;
    let usage = message.usage.unwrap_or_default();
    let said = Joined::of(message.content);
    let ending = Ending {
        text: &said.text,
        reason: message.stop_reason.as_deref(),
        refused: false,
        filtered: false,
        reasoning: usage.reasoning(said.reasoned),
    };
    let kind = kind(ending, answer.status)?;
    Ok(Answer {
        finish_reason: message.stop_reason,
        usage: usage.usage(),
        served_model: message.model,
        ..Answer::new(kind, said.text)
    })
}
