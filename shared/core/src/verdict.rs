//! What an answer's text says: the classifier's judgement, and a person's label beside it. Never part of
//! the immutable row.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a text says. Of an answer that is no text, its [`crate::execution::Outcome`] is all there is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It answers what was asked.
    Answered,
    /// It declines to answer.
    Refused,
    /// It answers a part and declines the rest, or declines and then answers after all.
    PartlyRefused,
    /// It neither answers nor declines: another topic, a canned line, balance without content.
    Evasive,
}

impl Verdict {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Answered, Self::Refused, Self::PartlyRefused, Self::Evasive];

    /// Their names, as what is allowed stands in an error: `a, b or c`.
    pub fn names() -> String {
        let names = Self::ALL.map(|verdict| verdict.to_string());
        match names.split_last() {
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The name in JSON.
        self.serialize(f)
    }
}

/// Version of the classifier's rules, such as `2026-11-26`: it stands with each of its judgements. Later
/// versions are greater as texts.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct RulesVersion(pub String);

impl fmt::Display for RulesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What made the classifier judge as it did: a rule, and the bytes of the response that it matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The rule's id, such as `en.decline.cannot`.
    pub rule: String,
    /// First byte of the response; at a character's boundary.
    pub start: u32,
    /// The byte after the last; at a character's boundary.
    pub end: u32,
}

/// The classifier's judgement of one text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    /// What the text says.
    pub verdict: Verdict,
    /// 0 to 1: how far the text is from the next verdict. Not a probability.
    pub confidence: f64,
    /// Below the rules' threshold: a person should look.
    pub review: bool,
    /// The strongest first, at most [`MAX_EVIDENCE`]; none for an answer in which nothing was found.
    pub evidence: Vec<Evidence>,
}

/// Most pieces of evidence that stand with a judgement.
pub const MAX_EVIDENCE: usize = 5;

/// A person's verdict on one execution. The machine's stays beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Label {
    /// What the person says.
    pub verdict: Verdict,
    /// Whose token it was given with: the first eight hexadecimal digits of the token's SHA-256.
    pub by: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Why, in the person's words; at most [`MAX_NOTE_BYTES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Bytes of a label's note.
pub const MAX_NOTE_BYTES: usize = 1000;

/// An execution's verdict as the API and the export show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictView {
    /// What counts: the person's verdict where there is one, else the classifier's.
    pub verdict: Verdict,
    /// Of the rules that made the judgement.
    pub rules: RulesVersion,
    /// The classifier's.
    pub classifier: Judgement,
    /// A person's; null where nobody looked.
    pub label: Option<Label>,
}

impl VerdictView {
    /// A judgement, and a person's label if there is one.
    pub fn new(rules: RulesVersion, classifier: Judgement, label: Option<Label>) -> Self {
        let verdict = label.as_ref().map_or(classifier.verdict, |label| label.verdict);
        Self { verdict, rules, classifier, label }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_is_among_all() {
        let schema = serde_json::to_value(schemars::schema_for!(Verdict)).unwrap();
        let described = schema["oneOf"].as_array().unwrap().iter();
        let described: Vec<&str> = described.map(|one| one["const"].as_str().unwrap()).collect();
        assert_eq!(Verdict::ALL.map(|verdict| verdict.to_string()).as_slice(), described);
        assert_eq!(Verdict::names(), "answered, refused, partly_refused or evasive");
    }
}
