//! Differences and risks that the predecessor's clients list: none but from a test that holds.

use std::collections::BTreeMap;

use beacon_core::Region;
use schemars::JsonSchema;
use serde::Serialize;

use crate::estimate::Estimate;
use crate::figure;
use crate::findings::{
    Comparison, Dimension, Findings, Group, LEVEL, Measure, Method, Omnibus, Test,
};

/// Differences that are listed at most, the least likely by chance first.
const MOST: usize = 100;

/// Two regions whose shares differ.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct KeyDifference {
    /// `refusal_rate` or `refusal_or_evasion_rate`.
    pub dimension: &'static str,
    /// What each region's share is.
    pub variations: BTreeMap<String, String>,
    /// Null.
    pub severity: Option<()>,
    /// The difference with its numbers.
    pub description: String,
}

/// A difference over all regions.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Risk {
    /// `regional_difference`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Null.
    pub severity: Option<()>,
    /// The test with its numbers.
    pub description: String,
    /// The regions compared.
    pub regions: Vec<String>,
    /// Null.
    pub confidence: Option<()>,
}

fn holding(test: &Estimate<Test>) -> Option<&Test> {
    test.known().filter(|test| test.p_holm <= LEVEL)
}

/// Comparisons of regions that hold.
fn holding_comparisons(findings: &Findings) -> Vec<(&Comparison, &Test)> {
    let of_regions = findings.comparisons.iter().filter(|of| of.dimension == Dimension::Region);
    let mut holding: Vec<_> = of_regions.filter_map(|of| Some((of, holding(&of.test)?))).collect();
    holding.sort_by(|(_, a), (_, b)| a.p_holm.total_cmp(&b.p_holm));
    holding
}

pub(super) fn key_differences(findings: &Findings) -> Vec<KeyDifference> {
    let holding = holding_comparisons(findings).into_iter().take(MOST);
    holding
        .map(|(of, test)| {
            let side = |count| format!("{count} of {} ({})", of.pairs, percent(count, of.pairs));
            let variations =
                [(of.a.clone(), side(of.count_a)), (of.b.clone(), side(of.count_b))].into();
            KeyDifference {
                dimension: match of.measure {
                    Measure::Strict => "refusal_rate",
                    Measure::Broad => "refusal_or_evasion_rate",
                },
                variations,
                severity: None,
                description: describe(of, test),
            }
        })
        .collect()
}

pub(super) fn risks(findings: &Findings) -> Vec<Risk> {
    let of_regions = findings.omnibus.iter().filter(|of| of.dimension == Dimension::Region);
    let holding_of_all = of_regions.filter_map(|of| Some((of, holding(&of.test)?)));
    let regions = regions(findings);
    let risk = |description, regions: Vec<String>| Risk {
        kind: "regional_difference",
        severity: None,
        description,
        regions,
        confidence: None,
    };
    let mut risks: Vec<Risk> =
        holding_of_all.map(|(of, test)| risk(describe_all(of, test), regions.clone())).collect();
    // Of two regions the comparison is all there is.
    if regions.len() == 2 {
        let all = holding_comparisons(findings).into_iter().take(MOST);
        let all = all.filter(|(of, _)| of.within == Group::default());
        risks.extend(all.map(|(of, test)| risk(describe(of, test), regions.clone())));
    }
    risks
}

fn regions(findings: &Findings) -> Vec<String> {
    let mut regions: Vec<&Region> =
        findings.rates.iter().filter_map(|rate| rate.group.region.as_ref()).collect();
    regions.sort();
    regions.dedup();
    regions.into_iter().map(Region::to_string).collect()
}

fn describe(of: &Comparison, test: &Test) -> String {
    let Comparison { a, b, pairs, count_a, count_b, .. } = of;
    let points = of.difference.known().map_or_else(String::new, |points| {
        let interval = of.interval.known().map_or_else(String::new, |interval| {
            format!(" (95 % interval {})", figure::points_interval(*interval))
        });
        format!(", {} percentage points{interval}", figure::points(*points))
    });
    format!(
        "{} of {b} against {a}{}: {count_b} of {pairs} ({}) against {count_a} of {pairs} ({}){points}; {}.",
        capital(measured(of.measure)),
        within(&of.within),
        percent(*count_b, *pairs),
        percent(*count_a, *pairs),
        tested(test),
    )
}

fn describe_all(of: &Omnibus, test: &Test) -> String {
    format!(
        "{} over {} regions{}, on {} questions: {}.",
        capital(measured(of.measure)),
        of.levels,
        within(&of.within),
        of.questions,
        tested(test),
    )
}

fn measured(measure: Measure) -> &'static str {
    match measure {
        Measure::Strict => "refusals",
        Measure::Broad => "refusals and evasions",
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn within(group: &Group) -> String {
    let Group { region, model_id, question_id, category, variant } = group;
    let parts = [
        model_id.as_ref().map(|model| format!(" of model {model}")),
        question_id.as_ref().map(|question| format!(" at question {question}")),
        category.as_ref().map(|category| format!(" in category {category}")),
        variant.as_ref().map(|variant| format!(" in variant {variant}")),
        region.as_ref().map(|region| format!(" in region {region}")),
    ];
    parts.into_iter().flatten().collect()
}

fn tested(test: &Test) -> String {
    let method = match test.method {
        Method::McnemarExact => "McNemar's exact test",
        Method::CochranQ => "Cochran's Q test",
        Method::ClusterPermutation => "permutation within questions",
        Method::AnswerPermutation => "permutation of answers over regions",
    };
    format!("{method}, {} ({} by Holm)", figure::p(test.p), figure::p(test.p_holm))
}

fn percent(count: u64, of: u64) -> String {
    let share = Estimate::share(count, of);
    share.known().map_or_else(|| "no share".to_owned(), |share| figure::percent(*share))
}
