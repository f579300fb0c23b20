//! Tokens as providers count them, under all the names they have for them.

use beacon_core::wire::Usage;
use serde::Deserialize;

use super::ending::Reasoning;
use super::lenient;

/// The `usage` of an answer.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Counted {
    #[serde(default, deserialize_with = "lenient")]
    prompt_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    input_tokens: Option<u64>,
    #[serde(default, rename = "inputTokens", deserialize_with = "lenient")]
    converse_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    completion_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    output_tokens: Option<u64>,
    #[serde(default, rename = "outputTokens", deserialize_with = "lenient")]
    converse_output_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    total_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    reasoning_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    completion_tokens_details: Option<Details>,
}

#[derive(Debug, Deserialize)]
struct Details {
    #[serde(default, deserialize_with = "lenient")]
    reasoning_tokens: Option<u64>,
}

impl Counted {
    /// What the wire tells of it; none where nothing was counted.
    pub(super) fn usage(&self) -> Option<Usage> {
        let input = self.prompt_tokens.or(self.input_tokens).or(self.converse_input_tokens);
        let usage = Usage { input_tokens: input, output_tokens: self.output() };
        (usage.input_tokens.is_some() || usage.output_tokens.is_some()).then_some(usage)
    }

    /// How much of the output was reasoning, where it is also known whether a message has any.
    pub(super) fn reasoning(&self, in_message: bool) -> Reasoning {
        let details = self.completion_tokens_details.as_ref();
        let counted = details.and_then(|details| details.reasoning_tokens);
        match counted.or(self.reasoning_tokens).filter(|count| *count > 0) {
            // Some count the reasoning beside the output and not in it.
            Some(count) if self.output().is_some_and(|all| all == count) => Reasoning::All,
            Some(_) => Reasoning::Some,
            None if in_message || self.has_hidden() => Reasoning::Some,
            None => Reasoning::None,
        }
    }

    /// Whether the total holds more than prompt and answer: Gemini counts reasoning there alone.
    fn has_hidden(&self) -> bool {
        let told = self.prompt_tokens.zip(self.completion_tokens);
        let told = told.and_then(|(prompt, answer)| prompt.checked_add(answer));
        self.total_tokens.zip(told).is_some_and(|(total, told)| total > told)
    }

    /// Whether something was generated.
    pub(super) fn has_output(&self) -> bool {
        self.output().is_some_and(|count| count > 0)
    }

    fn output(&self) -> Option<u64> {
        self.completion_tokens.or(self.output_tokens).or(self.converse_output_tokens)
    }
}
