//! Two jobs compared.

use beacon_core::spec::Spec;
use beacon_core::{JobId, Run};

use super::{Dimension, Estimate, Group, Measure};
use crate::aggregate::QuestionAggregate;
use crate::findings::{JobComparison, JobDifference, Subject, compare_jobs};
use crate::testing::{job, rules, spec};

fn compared(
    (a, of_a): (&Spec, &[QuestionAggregate]),
    (b, of_b): (&Spec, &[QuestionAggregate]),
) -> JobComparison {
    let (first, second, rules) =
        (JobId::new("first").unwrap(), JobId::new("second").unwrap(), rules());
    let subject =
        |job_id, spec| Subject { job_id, run: Run::FIRST, simulated: false, rules: &rules, spec };
    compare_jobs((&subject(&first, a), of_a), (&subject(&second, b), of_b))
}

#[test]
fn pairs_of_both_are_compared_and_what_is_only_in_one_is_named() {
    let a = spec(12, &["m", "old"], &["eu", "us"], 1);
    let b = spec(13, &["new", "m"], &["us", "asia"], 2);
    let of_a: Vec<&[&str]> = vec![&["F", "A", "R", "R"]; 12];
    let mut of_b: Vec<&[&str]> = vec![&["RR", "RR", "RA", "RR"]; 10];
    of_b.extend(vec![["RR", "RR", "AR", "RR"].as_slice(); 3]);
    let found = compared((&a, &job(&of_a)), (&b, &job(&of_b)));
    assert_eq!((found.a.planned, found.a.completed, found.a.matched), (48, 36, 12));
    assert_eq!((found.b.planned, found.b.matched), (104, 12));
    assert_eq!(found.a.only_models, [a.models[1].clone()]);
    assert_eq!(found.b.only_models, [b.models[0].clone()]);
    assert_eq!(found.a.only_regions[0].as_str(), "eu");
    assert_eq!(found.b.only_regions[0].as_str(), "asia");
    assert_eq!(found.b.only_questions[0].question_id.as_str(), "q12");
    assert!(found.a.only_questions.is_empty() && found.differences.is_empty());
    let strict: Vec<_> =
        found.comparisons.iter().filter(|one| one.measure == Measure::Strict).collect();
    assert_eq!(strict.len(), 3, "overall, one region, one model");
    assert_eq!((strict[0].count_a, strict[0].count_b, strict[0].pairs), (0, 10, 12));
    assert_eq!(strict[0].dimension, Dimension::Job);
    assert_eq!(strict[0].within, Group::default());
    assert_eq!(strict[0].difference, Estimate::Known(1_000.0 / 12.0));
    assert_eq!(strict[1].within.region.as_ref().unwrap().as_str(), "us");
    assert_eq!(strict[2].within.model_id.as_ref().unwrap().as_str(), "m");
    assert_eq!(
        found.summary[1],
        "Asked in one of the two alone: the model `old` and the region `eu` of `first`; the question `q12`, the \
         model `new` and the region `asia` of `second`."
    );
    assert!(
        found.summary[2].starts_with("Job `second` refuses 83.3 points more often than `first`"),
        "{:?}",
        found.summary
    );
}

#[test]
fn what_was_not_done_alike_is_said() {
    let a = spec(2, &["m"], &["eu", "us"], 1);
    let mut b = a.clone();
    b.sampling.temperature = 0.0;
    b.questions[1].text = "Put otherwise?".to_owned();
    let same = job(&[&["A", "R"], &["A", "A"]]);
    let found = compared((&a, &same), (&b, &same));
    let [JobDifference::Sampling, JobDifference::Prompts { entries }] =
        found.differences.as_slice()
    else {
        panic!("{:?}", found.differences);
    };
    assert_eq!(entries[0].question_id.as_str(), "q1");
    let strict = found.comparisons.iter().filter(|one| one.measure == Measure::Strict);
    let counts: Vec<_> = strict.map(|one| (one.pairs, one.count_a)).collect();
    assert_eq!(counts, [(4, 1), (2, 0), (2, 1), (4, 1)], "overall, two regions, one model");
    assert_eq!(
        found.summary[1..3],
        [
            "The two are not alike in all else: their sampling parameters differ and prompts of 1 question \
             differ.",
            "No pair set side by side differs between the two jobs in whether it refuses.",
        ]
    );
}

#[test]
fn a_system_prompt_that_changed_in_a_shared_region_is_a_difference() {
    let a = spec(1, &["m"], &["eu", "us"], 1);
    let mut b = a.clone();
    b.regions[1].system = vec![Some("Be brief.".to_owned())];
    let cells = job(&[&["A", "A"]]);
    let found = compared((&a, &cells), (&b, &cells));
    assert!(matches!(found.differences.as_slice(), [JobDifference::Prompts { .. }]));
    b.regions.remove(1);
    let elsewhere = compared((&a, &cells), (&b, &job(&[&["A"]])));
    assert!(elsewhere.differences.is_empty(), "that region is not compared");
    assert_eq!(elsewhere.summary[1], "Asked in one of the two alone: the region `us` of `first`.");
}

#[test]
fn that_simulated_providers_were_asked_is_said_and_not_whether_they_answered() {
    let spec = spec(1, &["m"], &["eu"], 1);
    let cells = job(&[&["A"]]);
    let (first, second, rules) =
        (JobId::new("first").unwrap(), JobId::new("second").unwrap(), rules());
    let subject = |job_id| {
        let (run, simulated, rules, spec) = (Run::FIRST, true, &rules, &spec);
        Subject { job_id, run, simulated, rules, spec }
    };
    let found = compare_jobs((&subject(&first), &cells), (&subject(&second), &cells));
    assert_eq!(
        found.summary[1],
        "The two are not alike in all else: simulated providers, whose answers are made up, were asked for one of \
         them or both."
    );
}
