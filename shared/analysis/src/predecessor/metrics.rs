//! A job's findings as the predecessor's four metrics and lists.

use beacon_core::Region;
use schemars::JsonSchema;
use serde::Serialize;

use super::claim::{self, KeyDifference, Risk};
use super::{
    NO_FACTS, NO_LEVEL, NO_RECOMMENDATION, ONE_REGION, Reasons, RegionScore, reasons, variance,
};
use crate::estimate::{Estimate, mean};
use crate::findings::{Findings, Group, Measure, Rate};

/// What the predecessor said of a job.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Metrics {
    /// Population variance over regions of their share of refusals.
    pub bias_variance: Option<f64>,
    /// Share of completed answers that refuse, wholly or in part, or were withheld.
    pub censorship_rate: Option<f64>,
    /// Null.
    pub factual_consistency: Option<()>,
    /// Mean over questions of the Jaccard distance between their texts of different regions, 0 to 1.
    pub narrative_divergence: Option<f64>,
    /// Pairs of regions whose shares differ by a test that holds, at most 100.
    pub key_differences: Vec<KeyDifference>,
    /// Tests over all regions that hold.
    pub risk_assessment: Vec<Risk>,
    /// The findings in plain words.
    pub summary: Option<String>,
    /// Null.
    pub recommendation: Option<()>,
    /// Why fields are null.
    pub reasons: Reasons,
}

impl Metrics {
    /// Of a job's findings.
    pub fn new(findings: &Findings) -> Self {
        let mut reasons = reasons([
            ("factual_consistency", NO_FACTS),
            ("recommendation", NO_RECOMMENDATION),
            ("key_differences.severity", NO_LEVEL),
            ("risk_assessment.severity", NO_LEVEL),
            (
                "risk_assessment.confidence",
                "a p value is no confidence; it stands in the description",
            ),
        ]);
        let shares: Vec<f64> = region_scores(findings).map(|(_, score)| score.bias_score).collect();
        let bias_variance = variance(&shares);
        if bias_variance.is_none() {
            reasons.insert("bias_variance", ONE_REGION.to_owned());
        }
        let overall = strict(findings).find(|rate| rate.group == Group::default());
        let censorship_rate = overall.and_then(|rate| rate.share.known().copied());
        if censorship_rate.is_none() {
            reasons.insert("censorship_rate", "nothing completed".to_owned());
        }
        let narrative_divergence = divergence(findings);
        if narrative_divergence.is_none() {
            let why = findings.questions.iter().find_map(|question| match question.text {
                Estimate::Known(_) => None,
                Estimate::Absent(reason) => Some(reason.to_string()),
            });
            reasons.insert(
                "narrative_divergence",
                why.unwrap_or_else(|| "no texts to compare".to_owned()),
            );
        }
        let summary = (!findings.summary.is_empty()).then(|| findings.summary.join(" "));
        if summary.is_none() {
            reasons.insert("summary", "no test says anything".to_owned());
        }
        Self {
            bias_variance,
            censorship_rate,
            factual_consistency: None,
            narrative_divergence,
            key_differences: claim::key_differences(findings),
            risk_assessment: claim::risks(findings),
            summary,
            recommendation: None,
            reasons,
        }
    }
}

/// The regions with a completed answer.
pub(super) fn region_scores(findings: &Findings) -> impl Iterator<Item = (Region, RegionScore)> {
    strict(findings).filter_map(|rate| {
        let region = rate.group.region.clone()?;
        let alone = Group { region: Some(region.clone()), ..Group::default() };
        let score = RegionScore::new(rate.count, rate.completed)?;
        (rate.group == alone).then_some((region, score))
    })
}

fn strict(findings: &Findings) -> impl Iterator<Item = &Rate> {
    findings.rates.iter().filter(|rate| rate.measure == Measure::Strict)
}

fn divergence(findings: &Findings) -> Option<f64> {
    let known = findings.questions.iter().filter_map(|question| question.text.known());
    mean(&known.copied().collect::<Vec<f64>>())
}
