//! An answer in the shape of `OpenAI`'s API, with what Beacon knows of it beside.

use beacon_core::wire::{InferenceRequest, InferenceResponse, Usage, WireFailure};
use serde::Serialize;

use super::new_id;

/// A chat completion.
#[derive(Debug, Serialize)]
pub(super) struct Completion {
    id: String,
    object: &'static str,
    /// Unix seconds.
    created: u64,
    /// As asked; what was served stands in `beacon`.
    model: String,
    choices: [Choice; 1],
    /// Absent unless the provider counts both.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Counted>,
    beacon: Beacon,
}

#[derive(Debug, Serialize)]
struct Choice {
    index: u32,
    message: Message,
    finish_reason: &'static str,
    /// Always null.
    logprobs: Option<()>,
}

#[derive(Debug, Serialize)]
struct Message {
    role: &'static str,
    content: Option<String>,
    refusal: Option<String>,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of `OpenAI`'s API")]
struct Counted {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

/// What `OpenAI`'s shape has no place for.
#[derive(Debug, Serialize)]
pub(super) struct Beacon {
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<WireFailure>,
    provider_used: String,
    /// Canonical region of the provider used.
    region: Option<String>,
    served_region: Option<String>,
    served_model: Option<String>,
    /// The provider's own word.
    finish_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    cost_estimate: f64,
    /// Seconds.
    inference_time: f64,
    simulated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    earlier_maybe_billed: Option<u32>,
    /// What was sent, where the request left it open.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Parameters>,
}

#[derive(Debug, Serialize)]
struct Parameters {
    temperature: f64,
    max_tokens: u32,
}

/// How generation ended, in `OpenAI`'s words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finish {
    Stop,
    Length,
    ContentFilter,
    /// A stop to them, with the text in another place.
    Refusal,
}

impl Finish {
    /// From the provider's word. One that is not known, or none, is a stop: the text is whole as
    /// far as anybody says.
    fn of(word: Option<&str>) -> Self {
        match word {
            Some("length" | "max_tokens" | "max_length" | "model_length") => Self::Length,
            Some("content_filter" | "content_filtered" | "safety" | "guardrail_intervened") => {
                Self::ContentFilter
            }
            Some("refusal") => Self::Refusal,
            Some(_) | None => Self::Stop,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Stop | Self::Refusal => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
        }
    }
}

impl Completion {
    /// Of an answer to this request.
    pub(super) fn new(
        request: &InferenceRequest,
        mut answered: InferenceResponse,
        created: u64,
    ) -> Self {
        let finish = Finish::of(answered.finish_reason.as_deref());
        let text = answered.response.take().unwrap_or_default();
        let (content, refusal) = match finish {
            Finish::Stop | Finish::Length | Finish::ContentFilter => (Some(text), None),
            Finish::Refusal => (None, Some(text)),
        };
        let parameters =
            Parameters { temperature: request.temperature, max_tokens: request.max_tokens };
        Self {
            id: format!("chatcmpl-{}", new_id()),
            object: "chat.completion",
            created,
            model: request.model.clone(),
            choices: [Choice {
                index: 0,
                message: Message { role: "assistant", content, refusal },
                finish_reason: finish.word(),
                logprobs: None,
            }],
            usage: answered.usage.and_then(Counted::of),
            beacon: Beacon { parameters: Some(parameters), ..Beacon::of(&answered) },
        }
    }
}

impl Counted {
    fn of(usage: Usage) -> Option<Self> {
        let (prompt_tokens, completion_tokens) = (usage.input_tokens?, usage.output_tokens?);
        let total_tokens = prompt_tokens.saturating_add(completion_tokens);
        Some(Self { prompt_tokens, completion_tokens, total_tokens })
    }
}

impl Beacon {
    /// Of an answer or a failure.
    pub(super) fn of(response: &InferenceResponse) -> Self {
        let earlier = response.earlier_maybe_billed;
        Self {
            failure: response.failure.clone(),
            provider_used: response.provider_used.clone(),
            region: response.metadata.region.clone(),
            served_region: response.served_region.clone(),
            served_model: response.served_model.clone(),
            finish_reason: response.finish_reason.clone(),
            usage: response.usage,
            cost_estimate: response.cost_estimate,
            inference_time: response.inference_time,
            simulated: response.metadata.simulated,
            earlier_maybe_billed: Some(earlier).filter(|earlier| *earlier > 0),
            parameters: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_a_word_of_openais() {
        for (word, expected) in [
            (Some("stop"), "stop"),
            (Some("eos"), "stop"),
            (None, "stop"),
            (Some("refusal"), "stop"),
            (Some("length"), "length"),
            (Some("max_tokens"), "length"),
            (Some("content_filter"), "content_filter"),
            (Some("guardrail_intervened"), "content_filter"),
        ] {
            assert_eq!(Finish::of(word).word(), expected, "{word:?}");
        }
    }

    #[test]
    fn tokens_that_are_not_counted_are_not_made_up() {
        let usage = |input_tokens, output_tokens| Usage { input_tokens, output_tokens };
        assert_eq!(Counted::of(usage(Some(2), Some(3))).unwrap().total_tokens, 5);
        assert!(Counted::of(usage(Some(2), None)).is_none());
        assert!(Counted::of(usage(None, Some(3))).is_none());
    }
}
