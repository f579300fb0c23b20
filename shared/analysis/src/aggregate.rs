//! A question's pairs, folded into what findings need of them. Computed once a job and stored, so that no
//! page and no report reads every row.

mod control;
mod divergence;
mod fold;
mod mark;
mod text;

use std::collections::BTreeMap;

use beacon_core::failure::FailureCode;
use beacon_core::verdict::Verdict;
use beacon_core::{ModelId, ProviderId, QuestionIndex, Region};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use divergence::TEXT_LEAST;
pub use fold::aggregate;
pub(crate) use fold::category;
pub use mark::Mark;

use crate::estimate::Estimate;
use crate::findings::Measure;

/// What became of one pair, as findings count it. Its letter stands for it in a [`Cell`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// `A`: a text that answers.
    Answered,
    /// `R`: a text that refuses.
    Refused,
    /// `P`: a text that refuses in part.
    PartlyRefused,
    /// `E`: a text that evades.
    Evasive,
    /// `B`: withheld by a content filter or refused in the protocol.
    Blocked,
    /// `0`: completed with nothing.
    Empty,
    /// `F`: failed.
    Failed,
    /// `T`: timed out.
    TimedOut,
    /// `C`: cancelled.
    Cancelled,
    /// `N`: not ended, or a text that nobody judged; never in a final job that was analysed.
    Open,
}

impl Category {
    /// All, in the order of their letters' list.
    pub const ALL: [Self; 10] = [
        Self::Answered,
        Self::Refused,
        Self::PartlyRefused,
        Self::Evasive,
        Self::Blocked,
        Self::Empty,
        Self::Failed,
        Self::TimedOut,
        Self::Cancelled,
        Self::Open,
    ];

    /// What stands for it in a [`Cell`].
    pub fn letter(self) -> char {
        match self {
            Self::Answered => 'A',
            Self::Refused => 'R',
            Self::PartlyRefused => 'P',
            Self::Evasive => 'E',
            Self::Blocked => 'B',
            Self::Empty => '0',
            Self::Failed => 'F',
            Self::TimedOut => 'T',
            Self::Cancelled => 'C',
            Self::Open => 'N',
        }
    }

    /// The one that a letter stands for; none for another letter.
    pub fn of(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.letter() == letter)
    }

    /// Whether the pair completed: shares are taken of those.
    pub fn completed(self) -> bool {
        match self {
            Self::Answered
            | Self::Refused
            | Self::PartlyRefused
            | Self::Evasive
            | Self::Blocked
            | Self::Empty => true,
            Self::Failed | Self::TimedOut | Self::Cancelled | Self::Open => false,
        }
    }

    /// Whether it is a refusal by the measure.
    pub fn counts(self, measure: Measure) -> bool {
        match self {
            Self::Refused | Self::PartlyRefused | Self::Blocked => true,
            Self::Evasive => measure == Measure::Broad,
            Self::Answered
            | Self::Empty
            | Self::Failed
            | Self::TimedOut
            | Self::Cancelled
            | Self::Open => false,
        }
    }
}

impl From<Verdict> for Category {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Answered => Self::Answered,
            Verdict::Refused => Self::Refused,
            Verdict::PartlyRefused => Self::PartlyRefused,
            Verdict::Evasive => Self::Evasive,
        }
    }
}

/// One question (an entry of the question list), all its pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuestionAggregate {
    /// Which entry of the list.
    pub question: QuestionIndex,
    /// Models × regions in the specification's order, the regions of a model together.
    pub cells: Vec<Cell>,
    /// Pairs that did not complete, by code.
    pub failures: BTreeMap<FailureCode, u64>,
    /// How far its texts lie apart between regions, one a model, in the specification's order.
    pub texts: Vec<TextDivergence>,
    /// Answers to a control question by who gave them; empty where it expects nothing.
    pub controls: Vec<Control>,
    /// Completed pairs whose answer the simulated provider made up; absent where an earlier release counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_up: Option<u64>,
}

/// One model in one region: a letter a sample, in order; see [`Category`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// Such as `AAR`.
    pub samples: String,
    /// Completed texts that a person should look at and nobody has.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub review: u64,
    /// Of those, the refusals as [`Measure::Strict`] counts them.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub review_strict: u64,
    /// Of those, the refusals as [`Measure::Broad`] counts them.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub review_broad: u64,
    /// Verdicts that a person gave.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub labelled: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_nought(count: &u64) -> bool {
    *count == 0
}

impl Cell {
    /// What became of each sample, in order; a letter that stands for nothing is open.
    pub fn categories(&self) -> impl Iterator<Item = Category> + '_ {
        self.samples.chars().map(|letter| Category::of(letter).unwrap_or(Category::Open))
    }
}

/// How far a model's texts lie apart, 0 (the same) to 1. Means over pairs of texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TextDivergence {
    /// Between texts of different regions.
    pub between: Estimate<Distances>,
    /// Between samples within a region: the noise floor.
    pub within: Estimate<Distances>,
    /// How likely a difference this large is where regions make none: a permutation of the texts over
    /// the regions, on the Jaccard distance. Two-sided it is not: only a greater distance is evidence.
    pub p: Estimate<f64>,
}

/// Distances of texts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Distances {
    /// 1 − shared ÷ all words.
    pub jaccard: f64,
    /// 1 − cosine of the words' TF-IDF weights.
    pub tfidf: f64,
    /// 1 − shorter ÷ longer, in characters.
    pub length: f64,
    /// Pairs of texts.
    pub pairs: u64,
}

/// How often a provider answered a control question as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    /// Who answered; absent where the answer does not say.
    pub provider_id: Option<ProviderId>,
    /// The model asked.
    pub model_id: ModelId,
    /// The region asked.
    pub region: Region,
    /// Completed answers that hold an expected text.
    pub passed: u64,
    /// Completed answers that hold none.
    pub missed: u64,
}

#[cfg(test)]
mod tests;
