//! Chat completions, and the older completions of text alone.

use beacon_core::wire::AnswerKind;
use serde::Deserialize;
use serde_json::Value;

use crate::failure::Failure;
use crate::provider::counted::Counted;
use crate::provider::ending::{Ending, is_only_loaded};
use crate::provider::endpoint::HttpAnswer;
use crate::provider::parts::{Joined, Part};
use crate::provider::told::{ToldError, broken_off};
use crate::provider::{Answer, lenient};

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    prompt_filter_results: Option<Value>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Counted>,
    #[serde(default, deserialize_with = "lenient")]
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    region: Option<String>,
}

#[derive(Default, Deserialize)]
struct Choice {
    #[serde(default)]
    message: Option<Said>,
    /// What completions have in place of a message.
    #[serde(default)]
    text: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    finish_reason: Option<String>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    content_filter_results: Option<Value>,
}

#[derive(Default, Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<Content>,
    #[serde(default, deserialize_with = "lenient")]
    refusal: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    reasoning_content: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    reasoning: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// Reads the first choice.
pub(super) fn read(answer: &HttpAnswer) -> Result<Answer, Failure> {
    let completion: Completion = answer.object()?;
    let prompt_filtered = completion.prompt_filter_results.as_ref().is_some_and(is_filtered);
    let choice = completion.choices.and_then(|choices| choices.into_iter().next());
    let choice = match choice {
        Some(choice) if choice.is_something() => choice,
        // The prompt never reached the model.
        None if prompt_filtered => {
            Choice { finish_reason: Some("content_filter".to_owned()), ..Choice::default() }
        }
        Some(_) | None => return Err(answer.unexpected("a completion without a choice")),
    };
    let usage = completion.usage.unwrap_or_default();
    let read = choice.read(&usage, answer.status)?;
    Ok(Answer {
        usage: usage.usage(),
        served_region: completion.region,
        served_model: completion.model,
        ..read
    })
}

impl Choice {
    /// A reason alone is a choice: a filter may leave nothing else.
    fn is_something(&self) -> bool {
        self.message.is_some()
            || self.text.is_some()
            || self.finish_reason.is_some()
            || self.error.is_some()
    }

    fn read(self, usage: &Counted, http_status: u16) -> Result<Answer, Failure> {
        let filtered = self.content_filter_results.as_ref().is_some_and(is_filtered);
        let said = Joined::from(self.message.unwrap_or_default());
        let refused = said.refusal.is_some();
        let text = said.refusal.or(self.text).unwrap_or(said.text);
        if let Some(error) = self.error.as_ref().filter(|error| super::says_something(error)) {
            let error = ToldError::of(error);
            return match error.withheld() {
                Some(withheld) => Ok(Answer { text, ..withheld }),
                None => Err(error.into_failure(http_status, true)),
            };
        }
        let reason = if refused { Some("refusal".to_owned()) } else { self.finish_reason };
        let reasoning = usage.reasoning(said.reasoned);
        let ending =
            Ending { text: &text, reason: reason.as_deref(), refused, filtered, reasoning };
        let kind = kind(ending, http_status)?;
        Ok(Answer { finish_reason: reason, ..Answer::new(kind, text) })
    }
}

/// The kind of an answer that did not break off.
pub(super) fn kind(ending: Ending<'_>, http_status: u16) -> Result<AnswerKind, Failure> {
    ending.kind().ok_or_else(|| {
        let reason = ending.reason.unwrap_or_default();
        broken_off(reason, http_status, !is_only_loaded(reason))
    })
}

impl From<Said> for Joined {
    fn from(said: Said) -> Self {
        let mut joined = match said.content {
            None => Self::default(),
            Some(Content::Text(text)) => Self { text, ..Self::default() },
            Some(Content::Parts(parts)) => Self::of(parts),
        };
        let reasoned = [said.reasoning_content, said.reasoning];
        joined.reasoned |= reasoned.into_iter().flatten().any(|text| !text.is_empty());
        joined.refusal = said.refusal.filter(|text| !text.is_empty()).or(joined.refusal);
        joined
    }
}

/// Whether anything in Azure's notes says that it was filtered, and not only looked at.
fn is_filtered(notes: &Value) -> bool {
    match notes {
        Value::Array(notes) => notes.iter().any(is_filtered),
        Value::Object(notes) => notes.iter().any(|(name, note)| {
            (name == "filtered" && note.as_bool() == Some(true)) || is_filtered(note)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
