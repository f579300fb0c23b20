//! What an answer is, from what a provider says about how it ended. The text itself is not judged.

use beacon_core::wire::AnswerKind;

/// Why a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The model had said what it had to say; also where the provider's word is none of those known.
    Itself,
    Length,
    Filter,
    Refusal,
    /// Something broke: what came so far is no answer.
    Broken,
}

impl Stop {
    fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "content_filter"
            | "content_filtered"
            | "guardrail_intervened"
            | "sensitive"
            | "safety"
            | "recitation"
            | "blocklist"
            | "prohibited_content"
            | "spii"
            | "error_toxic" => Self::Filter,
            "length"
            | "max_tokens"
            | "max_output_tokens"
            | "model_length"
            | "model_context_window_exceeded" => Self::Length,
            "refusal" => Self::Refusal,
            "error"
            | "abort"
            | "network_error"
            | "insufficient_system_resource"
            | "malformed_model_output"
            | "load"
            | "unload" => Self::Broken,
            _own_word => Self::Itself,
        }
    }
}

/// Whether a reason says that nothing was generated: the model was only loaded.
pub(super) fn is_only_loaded(reason: &str) -> bool {
    matches!(reason, "load" | "unload")
}

/// How much of what was generated is reasoning, which is no part of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reasoning {
    None,
    Some,
    /// Every token counted.
    All,
}

/// What an answer's kind is decided from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending<'a> {
    pub(super) text: &'a str,
    /// The provider's word for why it ended.
    pub(super) reason: Option<&'a str>,
    /// The text stands in a field for refusals.
    pub(super) refused: bool,
    /// A content filter says beside the answer that it acted.
    pub(super) filtered: bool,
    pub(super) reasoning: Reasoning,
}

impl Ending<'_> {
    /// The kind of the answer; none where it is no answer, as something broke.
    pub(super) fn kind(self) -> Option<AnswerKind> {
        let stop = self.reason.map(Stop::of);
        let silent = is_empty(self.text);
        let cut = stop == Some(Stop::Length);
        Some(match (stop, self.reasoning) {
            (_, _) if self.refused => AnswerKind::Refusal,
            (Some(Stop::Refusal), _) => AnswerKind::Refusal,
            (Some(Stop::Filter), _) => AnswerKind::ContentFilter,
            (Some(Stop::Broken), _) => return None,
            // A reason that says otherwise, with the text to show for it, is believed.
            (_, _) if self.filtered && (silent || stop.is_none()) => AnswerKind::ContentFilter,
            (_, Reasoning::All) if silent => AnswerKind::Reasoning,
            (_, Reasoning::Some) if silent && cut => AnswerKind::Reasoning,
            (Some(Stop::Length), _) => AnswerKind::Length,
            (Some(Stop::Itself) | None, _) if silent => AnswerKind::Empty,
            (Some(Stop::Itself) | None, _) => AnswerKind::Text,
        })
    }
}

/// Whether a text says nothing: it has no character, or white space alone.
pub(super) fn is_empty(text: &str) -> bool {
    text.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str, reason: Option<&str>, reasoning: Reasoning) -> Option<AnswerKind> {
        Ending { text, reason, refused: false, filtered: false, reasoning }.kind()
    }

    #[test]
    fn a_reason_decides_before_the_text_does() {
        let table = [
            ("4", None, Some(AnswerKind::Text)),
            ("4", Some("stop"), Some(AnswerKind::Text)),
            ("4", Some("eos"), Some(AnswerKind::Text)),
            (" \n", Some("stop"), Some(AnswerKind::Empty)),
            ("", None, Some(AnswerKind::Empty)),
            ("4", Some("MAX_TOKENS"), Some(AnswerKind::Length)),
            ("", Some("length"), Some(AnswerKind::Length)),
            ("4", Some("SAFETY"), Some(AnswerKind::ContentFilter)),
            ("", Some("content_filter"), Some(AnswerKind::ContentFilter)),
            ("I", Some("refusal"), Some(AnswerKind::Refusal)),
            ("4", Some("error"), None),
        ];
        for (text, reason, expected) in table {
            assert_eq!(kind(text, reason, Reasoning::None), expected, "{text:?} {reason:?}");
        }
    }

    #[test]
    fn reasoning_that_leaves_a_text_costs_nothing() {
        let table = [
            ("", Some("length"), Reasoning::Some, AnswerKind::Reasoning),
            ("\n", Some("length"), Reasoning::Some, AnswerKind::Reasoning),
            ("", Some("stop"), Reasoning::All, AnswerKind::Reasoning),
            ("", Some("stop"), Reasoning::Some, AnswerKind::Empty),
            ("4", Some("length"), Reasoning::Some, AnswerKind::Length),
            ("4", Some("stop"), Reasoning::All, AnswerKind::Text),
        ];
        for (text, reason, reasoning, expected) in table {
            assert_eq!(kind(text, reason, reasoning), Some(expected), "{text:?} {reason:?}");
        }
    }

    #[test]
    fn a_filters_note_counts_where_no_text_speaks_against_it() {
        let table = [
            ("", Some("stop"), AnswerKind::ContentFilter),
            ("4", None, AnswerKind::ContentFilter),
            ("4", Some("stop"), AnswerKind::Text),
        ];
        for (text, reason, expected) in table {
            let reasoning = Reasoning::None;
            let ending = Ending { text, reason, refused: false, filtered: true, reasoning };
            assert_eq!(ending.kind(), Some(expected), "{text:?} {reason:?}");
        }
    }
}
