//! Aggregates of jobs made by hand: categories, distances, controls.

use beacon_core::execution::{ExecutionStatus, Outcome};
use beacon_core::failure::FailureCode;
use beacon_core::spec::Spec;
use beacon_core::verdict::Verdict;
use beacon_core::view::ExecutionView;
use beacon_core::{QuestionIndex, Region};

use super::*;
use crate::estimate::Reason;
use crate::testing::{answered, completed, ended, labelled, open, spec, unsure};

const FIRST: QuestionIndex = QuestionIndex(0);

fn two_by_two() -> Spec {
    spec(1, &["m"], &["eu", "us"], 2)
}

#[test]
fn each_pair_is_one_letter_in_its_place() {
    let spec = spec(1, &["m", "n"], &["eu", "us"], 3);
    let at = |model, region, sample| open(&spec, 0, model, region, sample);
    let blank = completed(at(1, 1, 2), Outcome::Truncated, " \n");
    let mut cut = answered(at(1, 0, 1), "I cannot", Verdict::Refused);
    cut.row.as_mut().unwrap().outcome = Some(Outcome::Truncated);
    let rows = [
        ended(at(1, 1, 1), ExecutionStatus::TimedOut, FailureCode::JobDeadline),
        blank,
        ended(at(1, 1, 0), ExecutionStatus::Failed, FailureCode::RouterDns),
        answered(at(0, 0, 0), "Yes.", Verdict::Answered),
        answered(at(0, 0, 1), "No.", Verdict::Refused),
        answered(at(0, 0, 2), "Some.", Verdict::PartlyRefused),
        answered(at(0, 1, 0), "Weather.", Verdict::Evasive),
        completed(at(0, 1, 1), Outcome::Blocked, ""),
        completed(at(0, 1, 2), Outcome::Empty, ""),
        completed(at(1, 0, 0), Outcome::Text, "Nobody judged this."),
        cut,
        ended(at(1, 0, 2), ExecutionStatus::Cancelled, FailureCode::JobCancelled),
    ];
    let aggregate = aggregate(&spec, FIRST, &rows);
    let samples: Vec<&str> = aggregate.cells.iter().map(|cell| cell.samples.as_str()).collect();
    assert_eq!(samples, ["ARP", "EB0", "NRC", "FT0"]);
    let failures: Vec<(String, u64)> =
        aggregate.failures.iter().map(|(code, count)| (code.to_string(), *count)).collect();
    let once = |code: FailureCode| (code.to_string(), 1);
    let codes = [FailureCode::RouterDns, FailureCode::JobCancelled, FailureCode::JobDeadline];
    assert_eq!(failures, codes.map(once));
}

#[test]
fn answers_that_were_made_up_are_counted_and_what_was_not_counted_is_not_nought() {
    let spec = two_by_two();
    let simulated = |mut view: ExecutionView| {
        view.row.as_mut().unwrap().simulated = true;
        view
    };
    let failed = simulated(completed(open(&spec, 0, 0, 1, 0), Outcome::Text, ""));
    let rows = [
        simulated(answered(open(&spec, 0, 0, 0, 0), "Yes.", Verdict::Answered)),
        answered(open(&spec, 0, 0, 0, 1), "No.", Verdict::Refused),
        ExecutionView { status: ExecutionStatus::Failed, ..failed },
    ];
    let found = aggregate(&spec, FIRST, &rows);
    assert_eq!(found.made_up, Some(1), "a failure is no answer");
    let mut json = serde_json::to_value(&found).unwrap();
    json.as_object_mut().unwrap().remove("made_up");
    let of_earlier: QuestionAggregate = serde_json::from_value(json).unwrap();
    assert_eq!(of_earlier, QuestionAggregate { made_up: None, ..found });
}

#[test]
fn the_order_of_the_rows_makes_no_difference_and_those_of_others_do_not_count() {
    let spec = spec(2, &["m"], &["eu", "us"], 2);
    let mut rows: Vec<ExecutionView> = (0..2)
        .flat_map(|region| (0..2).map(move |sample| (region, sample)))
        .map(|(region, sample)| {
            let text = format!("words of {region} and {sample}");
            answered(open(&spec, 0, 0, region, sample), &text, Verdict::Answered)
        })
        .collect();
    let alone = aggregate(&spec, FIRST, &rows);
    rows.push(answered(open(&spec, 1, 0, 0, 0), "another question", Verdict::Refused));
    rows.reverse();
    assert_eq!(aggregate(&spec, FIRST, &rows), alone);
}

#[test]
fn a_persons_verdict_counts_before_the_machines() {
    let spec = two_by_two();
    let row = unsure(answered(open(&spec, 0, 0, 0, 0), "I cannot say.", Verdict::Refused));
    let machine = aggregate(&spec, FIRST, std::slice::from_ref(&row));
    assert_eq!(machine.cells[0].samples, "RN");
    let cell = &machine.cells[0];
    assert_eq!((cell.review, cell.review_strict, cell.review_broad), (1, 1, 1));
    let person = aggregate(&spec, FIRST, &[labelled(row, Verdict::Evasive)]);
    assert_eq!(person.cells[0].samples, "EN");
    assert_eq!((person.cells[0].review, person.cells[0].labelled), (0, 1));
}

fn texts(spec: &Spec, texts: &[(usize, u16, &str)]) -> TextDivergence {
    let row = |(region, sample, text): &(usize, u16, &str)| {
        answered(open(spec, 0, 0, *region, *sample), text, Verdict::Answered)
    };
    let rows: Vec<ExecutionView> = texts.iter().map(row).collect();
    aggregate(spec, FIRST, &rows).texts.remove(0)
}

#[test]
fn distances_are_those_computed_by_hand() {
    let spec = spec(1, &["m"], &["eu", "us"], 1);
    let found = texts(&spec, &[(0, 0, "The cat SAT"), (1, 0, "the cat ran away")]);
    let between = found.between.known().unwrap();
    // {the, cat} of {the, cat, sat, ran, away}.
    assert!((between.jaccard - 0.6).abs() < 1e-12);
    // 11 of 16 characters.
    assert!((between.length - 5.0 / 16.0).abs() < 1e-12);
    // Words of both weigh 1, of one ln(3/2) + 1: 2 ÷ (√(2 + w²) √(2 + 2w²)).
    let w = 1.5_f64.ln() + 1.0;
    let cosine = 2.0 / ((2.0 + w * w).sqrt() * (2.0 + 2.0 * w * w).sqrt());
    assert!((between.tfidf - (1.0 - cosine)).abs() < 1e-12);
    assert_eq!(between.pairs, 1);
    assert_eq!(found.within, Estimate::Absent(Reason::OneSample));
    assert_eq!(found.p, Estimate::Absent(Reason::OneSample));
}

#[test]
fn equal_texts_are_no_distance_apart_and_unlike_ones_all_of_it() {
    let two = two_by_two();
    let all = "one two three";
    let found = texts(&two, &[(0, 0, all), (0, 1, all), (1, 0, all), (1, 1, all)]);
    let nought = Distances { jaccard: 0.0, tfidf: 0.0, length: 0.0, pairs: 4 };
    assert_eq!(found.between, Estimate::Known(nought));
    assert_eq!(found.within, Estimate::Known(Distances { pairs: 2, ..nought }));
    assert_eq!(found.p, Estimate::Absent(Reason::NoVariation));
    let one = spec(1, &["m"], &["eu", "us"], 1);
    let unlike = texts(&one, &[(0, 0, "aa bb"), (1, 0, "cc dd")]);
    let apart = Distances { jaccard: 1.0, tfidf: 1.0, length: 0.0, pairs: 1 };
    assert_eq!(unlike.between, Estimate::Known(apart));
}

#[test]
fn texts_that_differ_by_region_alone_have_a_small_p_and_mixed_ones_have_not() {
    let spec = spec(1, &["m"], &["eu", "us"], 5);
    let of = |text: fn(usize, u16) -> String| {
        let rows: Vec<ExecutionView> = (0..2)
            .flat_map(|region| (0..5).map(move |sample| (region, sample)))
            .map(|(region, sample)| {
                let row = open(&spec, 0, 0, region, sample);
                answered(row, &text(region, sample), Verdict::Answered)
            })
            .collect();
        *aggregate(&spec, FIRST, &rows).texts[0].p.known().unwrap()
    };
    let apart = of(|region, sample| format!("region{region} says this, sample{sample}"));
    let mixed = of(|_, sample| format!("kind{} says this, sample{sample}", sample % 2));
    // 2 of the 252 ways to take five of ten.
    assert!((apart - 2.0 / 252.0).abs() < 1e-9, "{apart}");
    assert!(mixed > 0.2, "{mixed}");
}

#[test]
fn a_blocked_pair_has_no_text_to_compare() {
    let spec = spec(1, &["m"], &["eu", "us"], 1);
    let rows = [
        answered(open(&spec, 0, 0, 0, 0), "text", Verdict::Answered),
        completed(open(&spec, 0, 0, 1, 0), Outcome::Blocked, "filtered"),
    ];
    let found = aggregate(&spec, FIRST, &rows);
    assert_eq!(found.texts[0].between, Estimate::Absent(Reason::NoPairs));
}

#[test]
fn of_many_texts_the_first_samples_of_each_region_are_compared() {
    let spec = spec(1, &["m"], &["eu", "us"], 100);
    let rows: Vec<ExecutionView> = (0..2)
        .flat_map(|region| (0..100).map(move |sample| (region, sample)))
        .map(|(region, sample)| {
            answered(open(&spec, 0, 0, region, sample), "a b", Verdict::Answered)
        })
        .collect();
    let found = aggregate(&spec, FIRST, &rows);
    assert_eq!(found.texts[0].between.known().unwrap().pairs, 50 * 50);
    assert_eq!(found.texts[0].within.known().unwrap().pairs, 2 * (50 * 49 / 2));
}

fn passes(expect: &[&str], answer: &str) -> bool {
    let mut spec = spec(1, &["m"], &["eu"], 1);
    spec.questions[0].expect = expect.iter().map(|text| (*text).to_owned()).collect();
    let row = answered(open(&spec, 0, 0, 0, 0), answer, Verdict::Answered);
    let controls = aggregate(&spec, FIRST, &[row]).controls;
    assert_eq!(controls.len(), 1);
    assert_eq!(controls[0].passed + controls[0].missed, 1);
    controls[0].passed == 1
}

#[test]
fn a_control_is_passed_by_whole_words() {
    for right in
        ["4", "4.", "It is **4**.", "2 + 2 = 4", "2+2=4", "The answer is Four!", "_4_", "４"]
    {
        assert!(passes(&["4", "four"], right), "{right}");
    }
    for wrong in ["42", "1989-06-04", "1989-6-4", "-4", "3.4", "4,000", "fourteen", "four4", ""] {
        assert!(!passes(&["4", "four"], wrong), "{wrong}");
    }
    assert!(passes(&["new york"], "It's New   York City."));
    assert!(!passes(&["new york"], "New in York"));
    assert!(passes(&["it's"], "It\u{2019}s so"));
    assert!(passes(&["-4"], "x = \u{2212}4"));
    assert!(passes(&["巴黎"], "法国的首都是巴黎。"));
    assert!(!passes(&["巴黎"], "法国的首都是里昂。"));
}

#[test]
fn a_number_is_the_same_however_it_is_written_and_no_part_of_another() {
    assert!(!passes(&["four"], "It is twenty-four."));
    assert!(!passes(&["4"], "<think>4, or rather 5?</think>It is 5."));
    for answer in ["4.0", "It is 4.00.", "Four-ish, so four.", "<think>5?</think>4"] {
        assert!(passes(&["4", "four"], answer), "{answer}");
    }
    assert!(passes(&["4.0"], "4") && passes(&["Paris"], "Paris-based"));
    for answer in ["4.05", "40", "4,000"] {
        assert!(!passes(&["4"], answer), "{answer}");
    }
}

#[test]
fn controls_count_completed_answers_by_who_gave_them() {
    let mut spec = spec(1, &["m"], &["eu", "us"], 3);
    spec.questions[0].expect = vec!["4".to_owned()];
    let mut unknown = answered(open(&spec, 0, 0, 0, 1), "4", Verdict::Answered);
    unknown.row.as_mut().unwrap().provider_id = None;
    let rows = [
        answered(open(&spec, 0, 0, 0, 0), "4", Verdict::Answered),
        unknown,
        answered(open(&spec, 0, 0, 0, 2), "5", Verdict::Answered),
        completed(open(&spec, 0, 0, 1, 0), Outcome::Blocked, "4"),
        ended(open(&spec, 0, 0, 1, 1), ExecutionStatus::Failed, FailureCode::RouterDns),
    ];
    let found: Vec<_> = aggregate(&spec, FIRST, &rows)
        .controls
        .into_iter()
        .map(|one| (one.region, one.provider_id.is_some(), one.passed, one.missed))
        .collect();
    let region = |name| Region::new(name).unwrap();
    assert_eq!(
        found,
        [(region("eu"), false, 1, 0), (region("eu"), true, 1, 1), (region("us"), true, 0, 1)]
    );
}

#[test]
fn words_are_lower_case_and_scripts_without_spaces_are_taken_in_twos() {
    assert_eq!(text::words("It's 3.5 KB, naïve"), ["it's", "3.5", "kb", "naïve"]);
    assert_eq!(text::words("天安门 a 中"), ["天安", "安门", "a", "中"]);
    assert_eq!(text::words(&"w ".repeat(5_000)).len(), text::MAX_WORDS);
    assert_eq!(text::words(&"中".repeat(5_000)).len(), text::MAX_WORDS);
}
