//! A number, or the reason why there is none. No number is ever made up.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was computed, or why it could not be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Estimate_of_{T}")]
pub enum Estimate<T> {
    /// It was computed.
    Known(T),
    /// It was not.
    Absent(Reason),
}

impl<T> Estimate<T> {
    /// The value, where there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent(_) => None,
        }
    }

    /// Another value, computed from this one, where there is one.
    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Estimate<U> {
        match self {
            Self::Known(value) => Estimate::Known(of(value)),
            Self::Absent(reason) => Estimate::Absent(reason),
        }
    }
}

impl Estimate<f64> {
    /// A share; there is none of nothing.
    pub fn share(count: u64, of: u64) -> Self {
        match of {
            0 => Self::Absent(Reason::NothingCompleted),
            of => Self::Known(real(count) / real(of)),
        }
    }

    /// The mean of some numbers, in their order; of none there is none.
    pub(crate) fn mean(numbers: &[f64], none: Reason) -> Self {
        mean(numbers).map_or(Self::Absent(none), Self::Known)
    }
}

/// The mean of some numbers, in their order; of none there is none.
pub(crate) fn mean(numbers: &[f64]) -> Option<f64> {
    let count = numbers.len() as u64;
    (count > 0).then(|| numbers.iter().sum::<f64>() / real(count))
}

/// A count as a number to compute with.
#[expect(clippy::cast_precision_loss, reason = "counts of a job's pairs: far below 2^53")]
pub(crate) const fn real(count: u64) -> f64 {
    count as f64
}

/// Why something was not computed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing completed, so that there is nothing to take a share of.
    NothingCompleted,
    /// Fewer than 10 questions: how much answers vary from question to question cannot be told.
    TooFewQuestions,
    /// No pair completed on both sides.
    NoPairs,
    /// One sample a cell: how much a model's answers vary by themselves cannot be told.
    OneSample,
    /// One region only.
    OneRegion,
    /// The specification asks no control question.
    NoControls,
    /// No pair set side by side differs, so that there is no variation to test or to estimate from.
    NoVariation,
    /// Too few samples a cell: even regions that have nothing in common would not pass the test.
    TooFewSamples,
    /// Too few questions for so many tests: even if all differed one way, none would pass.
    TooFewForTests,
    /// The job has more of it than is compared.
    TooMany,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingCompleted => "nothing completed",
            Self::TooFewQuestions => "fewer than 10 questions",
            Self::NoPairs => "no pair completed on both sides",
            Self::OneSample => "one sample per cell",
            Self::OneRegion => "one region only",
            Self::NoControls => "no control question",
            Self::NoVariation => "no variation",
            Self::TooFewSamples => "too few samples per cell for any difference to pass the test",
            Self::TooFewForTests => "too few questions for any difference to pass so many tests",
            Self::TooMany => "too many to compare",
        })
    }
}
