//! Findings in the shapes that the predecessor's clients read, computed. What there never was anything to
//! compute from is null, and a reason stands beside it.

mod bias;
mod claim;
mod diff;
mod metrics;
mod question;

use std::collections::BTreeMap;

use beacon_core::Region;
use schemars::JsonSchema;
use serde::Serialize;

pub use bias::{BiasAnalysis, StoredMetrics};
pub use claim::{KeyDifference, Risk};
pub use diff::{CrossRegionDiff, DiffAnalysis, DiffExecution};
pub use metrics::Metrics;
pub use question::{
    AskedEverywhere, CrossRegionQuestion, CrossRegionState, QuestionExecution, QuestionMetrics,
    QuestionSummary, RegionResult, RiskLevel,
};

use crate::estimate::{Estimate, mean};

/// Why a field is null, by its name.
pub type Reasons = BTreeMap<&'static str, String>;

const NO_FACTS: &str = "no answer is compared with facts";
const NO_KEYWORDS: &str = "words of an answer are not scored";
const NO_RECOMMENDATION: &str = "no test yields a recommendation";
const NO_LEVEL: &str = "no test yields a level of risk";
const ONE_REGION: &str = "fewer than two regions have a completed answer";
const NOT_ANALYSED: &str = "the job is not analysed yet";

fn reasons<const N: usize>(entries: [(&'static str, &str); N]) -> Reasons {
    entries.into_iter().map(|(field, reason)| (field, reason.to_owned())).collect()
}

/// A region's answers in the predecessor's words.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RegionScore {
    /// Share of its completed answers that refuse, wholly or in part, or were withheld.
    pub bias_score: f64,
    /// Whether any does.
    pub censorship_detected: bool,
    /// Null.
    pub political_sensitivity: Option<()>,
    /// Null.
    pub factual_accuracy: Option<()>,
    /// Null.
    pub keywords_detected: Option<()>,
    /// Why fields are null.
    pub reasons: Reasons,
}

impl RegionScore {
    /// Of so many refusals among completed answers; none where nothing completed.
    fn new(refused: u64, completed: u64) -> Option<Self> {
        Some(Self {
            bias_score: *Estimate::share(refused, completed).known()?,
            censorship_detected: refused > 0,
            political_sensitivity: None,
            factual_accuracy: None,
            keywords_detected: None,
            reasons: reasons([
                ("political_sensitivity", NO_KEYWORDS),
                ("factual_accuracy", NO_FACTS),
                ("keywords_detected", NO_KEYWORDS),
            ]),
        })
    }
}

/// The mean of the squared distances from the mean, over two values and more.
fn variance(values: &[f64]) -> Option<f64> {
    let middle = mean(values)?;
    let squares: Vec<f64> = values.iter().map(|value| (value - middle).powi(2)).collect();
    mean(&squares).filter(|_| values.len() > 1)
}

/// How the predecessor's clients show a region: its code, its name and its flag.
fn shown(region: &Region) -> (String, String, &'static str) {
    match region.as_str() {
        "us-east" => ("US".to_owned(), "United States".to_owned(), "\u{1f1fa}\u{1f1f8}"),
        "eu-west" => ("EU".to_owned(), "Europe".to_owned(), "\u{1f1ea}\u{1f1fa}"),
        "asia-pacific" => ("ASIA".to_owned(), "Asia Pacific".to_owned(), "\u{1f30f}"),
        other => (other.to_uppercase(), other.to_uppercase(), "\u{1f30d}"),
    }
}

#[cfg(test)]
mod tests;
