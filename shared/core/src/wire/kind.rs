//! What an answer is, apart from whether it arrived.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

/// What an answer is, by what the provider says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerKind {
    /// Text, and the model had finished.
    Text,
    /// Nothing, or white space alone, and the model had finished.
    Empty,
    /// Refused in the protocol's own field or word for it.
    Refusal,
    /// Withheld, whole or in part, by a content filter.
    ContentFilter,
    /// Cut at the token limit.
    Length,
    /// The token limit went on reasoning, and no text is left.
    Reasoning,
}

impl AnswerKind {
    /// The word for it, as on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Empty => "empty",
            Self::Refusal => "refusal",
            Self::ContentFilter => "content_filter",
            Self::Length => "length",
            Self::Reasoning => "reasoning",
        }
    }
}

/// A kind that is known here; none where a newer router tells of another.
pub(super) fn known<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<AnswerKind>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Known {
        Kind(AnswerKind),
        Other(IgnoredAny),
    }
    Ok(match Known::deserialize(deserializer)? {
        Known::Kind(kind) => Some(kind),
        Known::Other(IgnoredAny) => None,
    })
}
