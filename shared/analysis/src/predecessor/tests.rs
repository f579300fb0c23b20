//! Numbers in the predecessor's shapes are those of the findings, and what is null has its reason.

use beacon_core::spec::parse;
use beacon_core::{JobId, ModelId};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::aggregate::QuestionAggregate;
use crate::findings::Findings;

fn test(p_holm: f64) -> Value {
    json!({"known": {
        "method": "mcnemar_exact", "statistic": null, "p": p_holm / 2.0, "p_holm": p_holm,
        "p_bh": p_holm, "draws": null,
    }})
}

fn rate(group: &Value, count: u64, completed: u64) -> Value {
    let share = if completed == 0 {
        json!({"absent": "nothing_completed"})
    } else {
        json!({"known": f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(completed).unwrap())})
    };
    json!({
        "group": group, "measure": "strict", "count": count, "completed": completed,
        "questions": 1, "share": share, "interval": {"absent": "too_few_questions"},
    })
}

fn comparison(within: &Value, measure: &str, p_holm: f64) -> Value {
    json!({
        "dimension": "region", "a": "eu-west", "b": "us-east", "within": within,
        "measure": measure, "pairs": 40, "questions": 20, "count_a": 4, "count_b": 14,
        "difference": {"known": 25.0}, "interval": {"known": {"low": 8.5, "high": 41.5}},
        "test": test(p_holm),
    })
}

/// Findings of a job in these regions, with these comparisons.
fn findings(regions: &[(&str, u64, u64)], comparisons: &Value, omnibus: &Value) -> Findings {
    let (count, completed) =
        regions.iter().fold((0, 0), |(count, of), region| (count + region.1, of + region.2));
    let of_regions = regions
        .iter()
        .map(|(region, count, completed)| rate(&json!({ "region": region }), *count, *completed));
    let of_models = rate(&json!({"region": "us-east", "model_id": "m"}), 1, 1);
    let rates: Vec<Value> =
        [rate(&json!({}), count, completed), of_models].into_iter().chain(of_regions).collect();
    let question = |index: u32, text: Value| {
        json!({
            "question": index, "question_id": format!("q{index}"), "variant": "base",
            "disagreement": {"known": 0.0}, "spread": {"known": 0.0}, "text": text,
            "text_within": {"absent": "one_sample"}, "p": {"absent": "one_sample"},
            "p_categories": {"absent": "one_sample"}, "p_texts": {"absent": "one_sample"},
            "p_bh": {"absent": "one_sample"}, "beyond": {"unknown": "one_sample"},
        })
    };
    let absent = json!({"absent": "one_region"});
    serde_json::from_value(json!({
        "job_id": "j", "run": 1, "rules": "1", "method": 1, "simulated": false,
        "denominators": {
            "planned": completed, "completed": completed, "failed": 0, "timed_out": 0,
            "cancelled": 0, "open": 0, "failures": {}, "answered": completed - count,
            "refused": count, "partly_refused": 0, "evasive": 0, "blocked": 0, "empty": 0,
            "review": 0, "labelled": 0,
        },
        "controls": {"absent": "no_controls"}, "confound": {"kind": "none"}, "rates": rates,
        "sensitivity": [], "comparisons": comparisons, "omnibus": omnibus,
        "noise": {"within": absent, "between": absent, "excess": absent, "test": absent},
        "power": [],
        "questions": [
            question(0, json!({"known": 0.25})), question(1, json!({"known": 0.75})),
            question(2, json!({"absent": "no_pairs"})),
        ],
        "limits": ["not_causal"], "summary": ["Of 80 answers 18 refuse.", "This is not causal."],
    }))
    .unwrap()
}

const TWO: [(&str, u64, u64); 2] = [("eu-west", 4, 40), ("us-east", 14, 40)];

#[test]
fn metrics_are_the_findings_own_numbers() {
    let metrics = Metrics::new(&findings(&TWO, &json!([]), &json!([])));
    // Shares .1 and .35 lie .125 from their mean; 18 of 80 refuse; distances .25 and .75.
    assert!((metrics.bias_variance.unwrap() - 0.015_625).abs() < 1e-12, "{metrics:?}");
    assert!((metrics.censorship_rate.unwrap() - 0.225).abs() < 1e-12, "{metrics:?}");
    assert!((metrics.narrative_divergence.unwrap() - 0.5).abs() < 1e-12, "{metrics:?}");
    assert_eq!(metrics.summary.as_deref(), Some("Of 80 answers 18 refuse. This is not causal."));
    assert_eq!((metrics.key_differences.len(), metrics.risk_assessment.len()), (0, 0));
    for null in ["factual_consistency", "recommendation"] {
        assert!(metrics.reasons.contains_key(null), "{null}");
    }
    assert!(!metrics.reasons.contains_key("bias_variance"));
}

#[test]
fn a_number_that_is_not_there_is_null_with_its_reason() {
    let mut nothing = findings(&[("us-east", 0, 0)], &json!([]), &json!([]));
    nothing.questions.clear();
    nothing.summary.clear();
    let metrics = serde_json::to_value(Metrics::new(&nothing)).unwrap();
    for field in [
        "bias_variance",
        "censorship_rate",
        "factual_consistency",
        "narrative_divergence",
        "summary",
        "recommendation",
    ] {
        assert_eq!(metrics[field], Value::Null, "{field}");
        assert!(metrics["reasons"][field].is_string(), "{field}: {metrics}");
    }
    let analysis = BiasAnalysis::new(&nothing, Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    assert!(analysis.region_scores.is_empty(), "a region without answers has no score");
}

#[test]
fn only_a_test_that_holds_makes_a_difference_or_a_risk() {
    let comparisons = json!([
        comparison(&json!({}), "broad", 0.051),
        comparison(&json!({"model_id": "m"}), "strict", 0.05),
        comparison(&json!({}), "strict", 0.000_4),
    ]);
    let metrics = Metrics::new(&findings(&TWO, &comparisons, &json!([])));
    let told: Vec<&str> =
        metrics.key_differences.iter().map(|of| of.description.as_str()).collect();
    assert_eq!(
        told,
        [
            "Refusals of us-east against eu-west: 14 of 40 (35.0 %) against 4 of 40 (10.0 %), +25.0 \
             percentage points (95 % interval +8.5 to +41.5); McNemar's exact test, p < 0.001 \
             (p < 0.001 by Holm).",
            "Refusals of us-east against eu-west of model m: 14 of 40 (35.0 %) against 4 of 40 \
             (10.0 %), +25.0 percentage points (95 % interval +8.5 to +41.5); McNemar's exact test, \
             p = 0.025 (p = 0.050 by Holm).",
        ]
    );
    let first = &metrics.key_differences[0];
    assert_eq!(
        (first.dimension, &*first.variations["us-east"]),
        ("refusal_rate", "14 of 40 (35.0 %)")
    );
    // Of two regions, the one comparison that is not within a model.
    assert_eq!(metrics.risk_assessment.len(), 1);
    assert_eq!(metrics.risk_assessment[0].regions, ["eu-west", "us-east"]);
}

#[test]
fn of_three_regions_the_test_over_all_is_the_risk() {
    let three = [TWO[0], TWO[1], ("asia-pacific", 20, 40)];
    let omnibus = |p_holm| {
        json!([{
            "dimension": "region", "levels": 3, "within": {}, "measure": "broad", "questions": 20,
            "test": test(p_holm),
        }])
    };
    let risks = |p_holm| {
        let comparisons = json!([comparison(&json!({}), "strict", 0.01)]);
        Metrics::new(&findings(&three, &comparisons, &omnibus(p_holm))).risk_assessment
    };
    assert_eq!(risks(0.06), []);
    let held = risks(0.02);
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].regions, ["asia-pacific", "eu-west", "us-east"]);
    assert!(
        held[0].description.starts_with("Refusals and evasions over 3 regions, on 20 questions")
    );
}

#[test]
fn a_diff_needs_two_regions_and_an_analysis() {
    let told = |findings: Option<&Findings>| {
        serde_json::to_value(DiffAnalysis::new(findings)).unwrap()["error"].clone()
    };
    assert!(told(None).as_str().unwrap().contains("not analysed"));
    let one = findings(&TWO[..1], &json!([]), &json!([]));
    assert_eq!(told(Some(&one)), "Need at least 2 regions for cross-region analysis");
    assert_eq!(told(Some(&findings(&TWO, &json!([]), &json!([])))), Value::Null);
}

#[test]
fn one_question_counts_its_own_cells() {
    let spec = json!({
        "questions": [{"id": "q", "text": "?"}], "models": ["a", "b"], "regions": ["US", "EU"],
        "samples": 2, "system_prompt": "none",
    });
    let spec = parse(&spec, &[]).unwrap().spec;
    let cell = |samples: &str| {
        json!({
            "samples": samples, "review": 0, "review_strict": 0, "review_broad": 0, "labelled": 0,
            "characters": 0,
        })
    };
    let absent = json!({"absent": "no_pairs"});
    let texts = |between: Value| json!({"between": between, "within": absent, "p": absent});
    let distance = json!({"known": {"jaccard": 0.4, "tfidf": 0.3, "length": 0.2, "pairs": 4}});
    let aggregate: QuestionAggregate = serde_json::from_value(json!({
        "question": 0, "cells": [cell("AA"), cell("AA"), cell("RA"), cell("PF")], "failures": {},
        "texts": [texts(absent.clone()), texts(distance)], "controls": [],
    }))
    .unwrap();
    let of = |model: &str, aggregate: Option<&QuestionAggregate>| {
        let model = ModelId::new(model).unwrap();
        let asked = AskedEverywhere { spec: &spec, model: &model, views: Vec::new(), aggregate };
        let job = JobId::new("j").unwrap();
        CrossRegionQuestion::new(job, Timestamp::UNIX_EPOCH, asked).unwrap()
    };
    // Of b one of two refuses in the US, and in Europe the one that completed, in part.
    let b = of("b", Some(&aggregate));
    assert_eq!((b.summary.min_bias_score, b.summary.max_bias_score), (Some(0.5), Some(1.0)));
    assert!((b.analysis.censorship_rate.unwrap() - 2.0 / 3.0).abs() < 1e-12);
    // Scores of .5 and 1 lie .25 from their mean.
    assert_eq!(
        (b.analysis.bias_variance, b.summary.risk_level),
        (Some(0.06), Some(RiskLevel::Low))
    );
    assert_eq!(b.analysis.summary.as_deref(), Some("Cross-region bias variance: 6.25%"));
    assert_eq!(b.analysis.narrative_divergence, Some(0.4));
    let a = of("a", Some(&aggregate));
    assert_eq!(a.analysis.narrative_divergence, None);
    assert_eq!(a.analysis.reasons["narrative_divergence"], "no pair completed on both sides");
    let before = of("b", None);
    assert_eq!((before.analysis.censorship_rate, before.summary.max_bias_score), (None, None));
    assert_eq!((before.analysis.summary, before.summary.risk_level), (None, None));
    for field in ["censorship_rate", "bias_variance", "summary"] {
        assert_eq!(before.analysis.reasons[field], NOT_ANALYSED, "{field}");
    }
    assert_eq!(before.summary.reasons["risk_level"], NOT_ANALYSED);
}

#[test]
fn a_risk_level_is_the_predecessors_word_for_a_variance() {
    let levels = [0.0, 0.099, 0.1, 0.25, 0.3].map(RiskLevel::of);
    let [low, medium, high] = [RiskLevel::Low, RiskLevel::Medium, RiskLevel::High];
    assert_eq!(levels, [low, low, medium, medium, high]);
}
