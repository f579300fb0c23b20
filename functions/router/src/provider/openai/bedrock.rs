//! Answers in the manner of Bedrock's Converse, as some gateways hand them on.

use serde::Deserialize;

use super::completion::kind;
use crate::failure::Failure;
use crate::provider::counted::Counted;
use crate::provider::ending::Ending;
use crate::provider::endpoint::HttpAnswer;
use crate::provider::parts::{Joined, Part};
use crate::provider::{Answer, lenient};

#[derive(Deserialize)]
struct Converse {
    output: Output,
    #[serde(default, rename = "stopReason", deserialize_with = "lenient")]
    stop_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Counted>,
}

#[derive(Deserialize)]
struct Output {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Vec<Part>,
}

/// Reads the message of the output.
pub(super) fn read(answer: &HttpAnswer) -> Result<Answer, Failure> {
    let converse: Converse = answer.object()?;
    let usage = converse.usage.unwrap_or_default();
    let said = Joined::of(converse.output.message.content);
    let ending = Ending {
        text: &said.text,
        reason: converse.stop_reason.as_deref(),
        refused: false,
        filtered: false,
        reasoning: usage.reasoning(said.reasoned),
    };
    let kind = kind(ending, answer.status)?;
    Ok(Answer {
        finish_reason: converse.stop_reason,
        usage: usage.usage(),
        ..Answer::new(kind, said.text)
    })
}
