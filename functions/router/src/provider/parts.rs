//! A message in parts, as chat completions, Anthropic's messages and Bedrock's Converse have it.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::lenient;

/// One part.
#[derive(Debug, Deserialize)]
pub(super) struct Part {
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    kind: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default, rename = "reasoningContent")]
    reasoning: Option<IgnoredAny>,
}

/// All parts together.
#[derive(Debug, Default)]
pub(super) struct Joined {
    pub(super) text: String,
    /// The first refusal among them.
    pub(super) refusal: Option<String>,
    /// Whether there is reasoning among them, which is left out of the text.
    pub(super) reasoned: bool,
}

impl Joined {
    /// Joins them in their order.
    pub(super) fn of(parts: Vec<Part>) -> Self {
        let mut joined = Self::default();
        for part in parts {
            if part.is_reasoning() {
                joined.reasoned = true;
                continue;
            }
            joined.text.push_str(part.text.as_deref().unwrap_or_default());
            joined.refusal = joined.refusal.or(part.refusal);
        }
        joined
    }
}

impl Part {
    fn is_reasoning(&self) -> bool {
        let kind = self.kind.as_deref().unwrap_or_default();
        self.reasoning.is_some() || matches!(kind, "thinking" | "redacted_thinking" | "reasoning")
    }
}
