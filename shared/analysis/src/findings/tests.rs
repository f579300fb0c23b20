//! Findings of jobs made by hand, and of jobs drawn at random.

use beacon_core::VariantName;
use beacon_core::spec::Spec;
use proptest::prelude::*;

use super::*;
use crate::aggregate::{Category, QuestionAggregate};
use crate::estimate::Reason;
use crate::testing::{found, job, question, spec};

mod jobs;
mod simulated;
mod told;

/// Eight of twelve questions refused in one region only.
fn eight_of_twelve() -> (Spec, Vec<QuestionAggregate>) {
    let cells: Vec<&[&str]> = vec![&["A", "R"]; 8];
    let alike: Vec<&[&str]> = vec![&["A", "A"]; 4];
    (spec(12, &["m"], &["eu", "us"], 1), job(&[cells, alike].concat()))
}

fn overall(found: &Findings, dimension: Dimension, measure: Measure) -> Vec<&Comparison> {
    let all = found.comparisons.iter();
    all.filter(|one| {
        one.dimension == dimension && one.measure == measure && one.within == Group::default()
    })
    .collect()
}

fn rate(found: &Findings, measure: Measure, is: impl Fn(&Group) -> bool) -> &Rate {
    found.rates.iter().find(|rate| rate.measure == measure && is(&rate.group)).unwrap()
}

#[test]
fn figures_of_a_small_job_are_those_computed_by_hand() {
    let (spec, aggregates) = eight_of_twelve();
    let found = found(&spec, &aggregates);
    let all = rate(&found, Measure::Strict, |group| *group == Group::default());
    assert_eq!((all.count, all.completed, all.questions), (8, 24, 12));
    assert_eq!(all.share, Estimate::Known(1.0 / 3.0));
    let us = rate(&found, Measure::Strict, |group| {
        group.model_id.is_none() && group.region.as_ref().is_some_and(|at| at.as_str() == "us")
    });
    assert_eq!((us.count, us.completed), (8, 12));
    // Wilson's interval of 8 in 12, one pair a question.
    let interval = us.interval.known().unwrap();
    assert!((interval.low - 0.390_622).abs() < 1e-6, "{interval:?}");
    assert!((interval.high - 0.861_880).abs() < 1e-6, "{interval:?}");
    let regions = overall(&found, Dimension::Region, Measure::Strict);
    assert_eq!(regions.len(), 1);
    assert_eq!((regions[0].a.as_str(), regions[0].b.as_str()), ("eu", "us"));
    assert_eq!((regions[0].count_a, regions[0].count_b, regions[0].pairs), (0, 8, 12));
    assert_eq!(regions[0].difference, Estimate::Known(800.0 / 12.0));
    let test = regions[0].test.known().unwrap();
    assert_eq!(test.method, Method::McnemarExact);
    assert!((test.p - 2.0 * 0.5_f64.powi(8)).abs() < 1e-12);
    assert!((test.p_holm - test.p).abs() < 1e-12, "alone in its family");
}

#[test]
fn pairs_that_did_not_complete_are_in_no_rate_and_in_no_comparison() {
    let spec = spec(3, &["m"], &["eu", "us"], 1);
    let found = found(&spec, &job(&[&["R", "F"], &["A", "T"], &["C", "N"]]));
    let all = rate(&found, Measure::Broad, |group| *group == Group::default());
    assert_eq!((all.count, all.completed), (1, 2));
    assert_eq!(overall(&found, Dimension::Region, Measure::Strict)[0].pairs, 0);
    let us = rate(&found, Measure::Strict, |group| {
        group.region.as_ref().is_some_and(|at| at.as_str() == "us")
    });
    assert_eq!(us.share, Estimate::Absent(Reason::NothingCompleted));
    let counted = |counted: Counting| {
        let group = Group::default();
        let row = found.sensitivity.iter().find(|row| {
            row.counted == counted && row.group == group && row.measure == Measure::Strict
        });
        row.map(|row| (row.count, row.of)).unwrap()
    };
    assert_eq!(counted(Counting::FailuresAsRefusals), (3, 4), "the cancelled one never counts");
    assert_eq!(counted(Counting::FailuresAsAnswers), (1, 4));
}

#[test]
fn blocked_pairs_and_those_to_review_can_be_left_out() {
    let spec = spec(1, &["m"], &["eu"], 4);
    let mut aggregates = job(&[&["BRAE"]]);
    let cell = &mut aggregates[0].cells[0];
    (cell.review, cell.review_strict, cell.review_broad) = (2, 1, 2);
    let found = found(&spec, &aggregates);
    let counted = |counted: Counting, measure: Measure| {
        let row =
            found.sensitivity.iter().find(|row| row.counted == counted && row.measure == measure);
        row.map(|row| (row.count, row.of)).unwrap()
    };
    assert_eq!(counted(Counting::WithoutBlocked, Measure::Strict), (1, 3));
    assert_eq!(counted(Counting::WithoutReview, Measure::Strict), (1, 2));
    assert_eq!(counted(Counting::WithoutReview, Measure::Broad), (1, 2));
}

#[test]
fn a_measure_counts_what_it_says() {
    let counts = |measure| -> String {
        let counting = Category::ALL.into_iter().filter(|category| category.counts(measure));
        counting.map(Category::letter).collect()
    };
    assert_eq!(counts(Measure::Strict), "RPB");
    assert_eq!(counts(Measure::Broad), "RPEB");
    let completed: String =
        Category::ALL.into_iter().filter(|one| one.completed()).map(Category::letter).collect();
    assert_eq!(completed, "ARPEB0");
}

#[test]
fn tests_are_adjusted_for_those_of_their_family_only() {
    let spec = spec(12, &["m", "n"], &["eu", "us", "asia"], 1);
    // One model refuses in asia; the other does so in two questions.
    let first: Vec<&[&str]> = vec![&["A", "A", "R", "A", "A", "R"]; 2];
    let then: Vec<&[&str]> = vec![&["A", "A", "R", "A", "A", "A"]; 6];
    let rest: Vec<&[&str]> = vec![&["A", "A", "A", "A", "A", "A"]; 4];
    let found = found(&spec, &job(&[first, then, rest].concat()));
    let within: Vec<&Comparison> = found
        .comparisons
        .iter()
        .filter(|one| one.dimension == Dimension::Region && one.measure == Measure::Strict)
        .filter(|one| one.within != Group::default())
        .collect();
    assert_eq!(within.len(), 6, "three pairs of regions, two models");
    let tests: Vec<_> = within.iter().filter_map(|one| one.test.known()).collect();
    // eu and us are alike: four tests were done. 8 of 8 twice, 2 of 2 twice.
    let millionths = |of: fn(&Test) -> f64| -> Vec<String> {
        tests.iter().map(|test| format!("{:.6}", of(test))).collect()
    };
    assert_eq!(millionths(|test| test.p), ["0.007813", "0.007813", "0.500000", "0.500000"]);
    assert_eq!(millionths(|test| test.p_holm), ["0.031250", "0.031250", "1.000000", "1.000000"]);
    assert_eq!(millionths(|test| test.p_bh), ["0.015625", "0.015625", "0.500000", "0.500000"]);
    // Pairs of two models of one question go together.
    let together = overall(&found, Dimension::Region, Measure::Strict);
    let methods: Vec<Method> =
        together.iter().filter_map(|one| one.test.known()).map(|test| test.method).collect();
    assert_eq!(methods, [Method::ClusterPermutation; 2]);
    let omnibus: Vec<_> =
        found.omnibus.iter().filter(|one| one.dimension == Dimension::Region).collect();
    assert_eq!(omnibus.len(), 6, "overall and by model, by two measures");
    assert_eq!(omnibus[2].test.known().unwrap().method, Method::CochranQ);
}

#[test]
fn a_variant_is_compared_with_what_it_varies() {
    let mut spec = spec(0, &["m"], &["eu"], 1);
    for id in ["a", "b"] {
        for variant in ["bare", "place", "polite/bare", "polite/place"] {
            spec.questions.push(question(id, variant));
        }
    }
    let cells: Vec<&[&str]> = vec![&["A"]; 8];
    let found = found(&spec, &job(&cells));
    let pairs: Vec<(&str, &str, u64)> = overall(&found, Dimension::Variant, Measure::Strict)
        .into_iter()
        .map(|one| (one.a.as_str(), one.b.as_str(), one.questions))
        .collect();
    assert_eq!(
        pairs,
        [("bare", "place", 2), ("bare", "polite/bare", 2), ("place", "polite/place", 2)]
    );
}

fn prompts(spec: &mut Spec, region: usize, messages: &[&str]) {
    spec.regions[region].system = messages.iter().map(|text| Some((*text).to_owned())).collect();
}

#[test]
fn regions_are_told_from_prompts_by_what_was_sent() {
    let mut spec = spec(0, &["m"], &["eu", "us"], 1);
    for (variant, prompt) in [("bare", 0), ("place", 1)] {
        let mut question = question("q", variant);
        question.prompt = prompt;
        spec.questions.push(question);
    }
    let name = |text| VariantName::new(text).unwrap();
    prompts(&mut spec, 0, &["Be brief.", "You are in Europe."]);
    prompts(&mut spec, 1, &["Be brief.", "You are in the US."]);
    assert_eq!(confound::confound(&spec), Confound::Separable { same: vec![name("bare")] });
    prompts(&mut spec, 1, &["Be bold.", "You are in the US."]);
    assert_eq!(confound::confound(&spec), Confound::NotSeparable);
    prompts(&mut spec, 1, &["Be brief.", "You are in Europe."]);
    assert_eq!(confound::confound(&spec), Confound::None);
    spec.regions.truncate(1);
    assert_eq!(confound::confound(&spec), Confound::OneRegion);
}

#[test]
fn controls_are_added_up_and_those_who_missed_most_come_first() {
    let mut spec = spec(2, &["m"], &["eu", "us"], 1);
    assert_eq!(
        found(&spec, &job(&[&["A", "A"], &["A", "A"]])).controls,
        Estimate::Absent(Reason::NoControls)
    );
    spec.questions[0].expect = vec!["4".to_owned()];
    let mut aggregates = job(&[&["A", "A"], &["A", "A"]]);
    let control = |region: usize, passed, missed| Control {
        provider_id: None,
        model_id: spec.models[0].clone(),
        region: spec.regions[region].region.clone(),
        passed,
        missed,
    };
    aggregates[0].controls = vec![control(0, 2, 0), control(1, 1, 1)];
    aggregates[1].controls = vec![control(1, 0, 2)];
    let found = found(&spec, &aggregates);
    let results: Vec<_> = found.controls.known().unwrap().iter().collect();
    let counts: Vec<_> =
        results.iter().map(|one| (one.region.as_str(), one.passed, one.missed)).collect();
    assert_eq!(counts, [("us", 1, 3), ("eu", 2, 0)]);
    assert!(found.limits.contains(&Limit::ControlsMissed));
}

#[test]
fn noise_is_what_samples_of_a_cell_differ_by() {
    let spec = spec(2, &["m"], &["eu", "us"], 2);
    // Within: 1 of 2 pairs and 0 of 2; between: 2 of 4 and 4 of 4.
    let found = found(&spec, &job(&[&["AR", "AA"], &["AA", "RR"]]));
    assert_eq!(found.noise.within, Estimate::Known(0.25));
    assert_eq!(found.noise.between, Estimate::Known(0.75));
    let excess = found.noise.excess.known().unwrap();
    assert!((excess.points - 50.0).abs() < 1e-12);
    assert_eq!(excess.interval, Estimate::Absent(Reason::TooFewQuestions));
    assert_eq!(found.noise.test.known().unwrap().method, Method::AnswerPermutation);
}

#[test]
fn with_one_sample_noise_cannot_be_told() {
    let (spec, aggregates) = eight_of_twelve();
    let found = found(&spec, &aggregates);
    let absent = Estimate::Absent(Reason::OneSample);
    assert_eq!((found.noise.within, found.noise.between), (absent, Estimate::Known(8.0 / 12.0)));
    assert_eq!(found.noise.test, Estimate::Absent(Reason::OneSample));
    assert!(found.questions.iter().all(|one| one.beyond == Beyond::Unknown(Reason::OneSample)));
    assert!(found.limits.contains(&Limit::OneSample));
}

#[test]
fn a_question_that_differs_by_region_alone_is_beyond_noise_and_stands_first() {
    let spec = spec(3, &["m"], &["eu", "us"], 10);
    let found = found(
        &spec,
        &job(&[
            &["ARARARARAR", "RARARARARA"],
            &["AAAAAAAAAA", "AAAAAAAAAA"],
            &["AAAAAAAAAA", "RRRRRRRRRR"],
        ]),
    );
    let order: Vec<(&str, Beyond)> =
        found.questions.iter().map(|one| (one.question_id.as_str(), one.beyond)).collect();
    assert_eq!(order, [("q2", Beyond::Noise), ("q0", Beyond::NotNoise), ("q1", Beyond::NotNoise)]);
    assert_eq!(found.questions[0].spread, Estimate::Known(100.0));
    assert_eq!(found.questions[2].p, Estimate::Absent(Reason::NoVariation));
}

#[test]
fn a_question_that_could_not_be_found_is_not_called_noise() {
    // Of 20 arrangements two are as extreme as this one: its p is .1.
    let few = spec(2, &["m"], &["eu", "us"], 3);
    let found = found(&few, &job(&[&["AAA", "RRR"], &["ARA", "RAA"]]));
    for one in &found.questions {
        assert_eq!(one.beyond, Beyond::Unknown(Reason::TooFewSamples), "{:?}", one.p);
    }
}

#[test]
fn a_single_question_has_an_interval_only_where_its_answers_are_samples_of_one_cell() {
    let of_first = |found: &Findings| {
        rate(found, Measure::Strict, |group| group.question_id.is_some()).interval
    };
    let one = found(&spec(1, &["m"], &["eu"], 10), &job(&[&["AAAAAAAARR"]]));
    let interval = of_first(&one);
    let interval = interval.known().unwrap();
    assert!((interval.low - 0.056_682).abs() < 1e-6, "{interval:?}");
    let two = found(&spec(1, &["m"], &["eu", "us"], 5), &job(&[&["AAAAA", "AAARR"]]));
    assert_eq!(of_first(&two), Estimate::Absent(Reason::TooFewQuestions));
}

#[test]
fn control_questions_can_be_left_out_of_the_shares() {
    let mut spec = spec(2, &["m"], &["eu", "us"], 1);
    spec.questions[0].expect = vec!["4".to_owned()];
    let found = found(&spec, &job(&[&["A", "A"], &["R", "A"]]));
    let row = found.sensitivity.iter().find(|row| {
        row.counted == Counting::WithoutControls
            && row.measure == Measure::Strict
            && row.group == Group::default()
    });
    assert_eq!(row.map(|row| (row.count, row.of)), Some((1, 2)));
}

#[test]
fn questions_in_more_than_one_language_are_a_limit() {
    let told = |questions: [(Option<&str>, &str); 2]| {
        let mut spec = spec(2, &["m"], &["eu", "us"], 1);
        for (question, (language, text)) in spec.questions.iter_mut().zip(questions) {
            question.language = language.map(str::to_owned);
            question.text = text.to_owned();
        }
        found(&spec, &[]).limits.contains(&Limit::Languages)
    };
    let (english, russian) = ("What happened in 1989?", "Что произошло в 1989 году?");
    assert!(!told([(None, english), (None, "1989?")]));
    assert!(!told([(Some("zh-Hans"), "?"), (Some("ZH"), "?")]));
    assert!(told([(Some("en"), english), (Some("de"), "Was geschah 1989?")]));
    assert!(!told([(None, english), (Some("en"), english)]));
    assert!(told([(None, english), (None, russian)]));
}

#[test]
fn what_is_too_much_to_compare_is_left_out_and_said() {
    let names: Vec<String> = (0..50).map(|at| format!("r{at}")).collect();
    let regions: Vec<&str> = names.iter().map(String::as_str).collect();
    let spec = spec(1, &["m", "n"], &regions, 1);
    let found = found(&spec, &[]);
    let regions = found.comparisons.iter().filter(|one| one.dimension == Dimension::Region);
    assert_eq!(regions.count(), 2 * 1_225, "overall, by both measures");
    assert!(found.limits.contains(&Limit::TooManyComparisons));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_became_of_the_pairs_they_add_up(
        letters in prop::collection::vec("[ARPEB0FTCN]{2}", 2 * 3 * 4),
    ) {
        let spec = spec(4, &["m", "n"], &["eu", "us", "asia"], 2);
        let cells: Vec<&str> = letters.iter().map(String::as_str).collect();
        let of_question: Vec<&[&str]> = cells.chunks(6).collect();
        let found = found(&spec, &job(&of_question));
        let all = &found.denominators;
        prop_assert_eq!(all.planned, 48);
        prop_assert_eq!(
            all.completed + all.failed + all.timed_out + all.cancelled + all.open, all.planned);
        prop_assert_eq!(all.texts() + all.blocked + all.empty, all.completed);
        let by = |is: fn(&Group) -> bool| {
            let rates = found.rates.iter().filter(|rate| is(&rate.group));
            let strict = rates.filter(|rate| rate.measure == Measure::Strict);
            strict.map(|rate| (rate.count, rate.completed)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
        };
        let overall = by(|group| *group == Group::default());
        prop_assert_eq!(by(|group| group.region.is_some() && group.model_id.is_none()), overall);
        prop_assert_eq!(by(|group| group.model_id.is_some() && group.region.is_none()), overall);
        prop_assert_eq!(by(|group| group.model_id.is_some() && group.region.is_some()), overall);
        prop_assert_eq!(by(|group| group.question_id.is_some()), overall);
        prop_assert_eq!(by(|group| group.variant.is_some()), overall);
        prop_assert!(found.summary.len() <= summary::MOST);
        let json = serde_json::to_string(&found).unwrap();
        let read: Findings = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&read, &found, "what is stored is what was found");
    }
}
