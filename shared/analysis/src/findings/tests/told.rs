//! What summaries say, and what they do not.

use beacon_core::spec::Spec;
use beacon_core::{JobId, Run};

use super::{Confound, Estimate, Limit, MadeUp, Reason, Subject, eight_of_twelve, prompts};
use crate::aggregate::{Control, Distances, QuestionAggregate, TextDivergence};
use crate::findings::{Findings, findings};
use crate::testing::{found, job, question, rules, spec};

fn says(found: &Findings, part: &str) -> bool {
    found.summary.iter().any(|sentence| sentence.contains(part))
}

#[test]
fn a_difference_that_holds_is_named_with_its_numbers() {
    let (spec, aggregates) = eight_of_twelve();
    let found = found(&spec, &aggregates);
    assert_eq!(
        found.summary[0],
        "Of 24 planned answers 24 completed; 33.3 % of those refuse, 33.3 % refuse or evade."
    );
    let ends = found.comparisons[0].interval.known().unwrap();
    let (low, high) = (ends.low, ends.high);
    assert_eq!(
        found.summary[1],
        format!(
            "Region `us` refuses 66.7 points more often than `eu` (8 against 0 of 12 pairs; 95 % interval, \
             unadjusted, {low:.1} to {high:.1}; p = 0.008 after Holm's correction)."
        )
    );
    assert!(says(&found, "With one sample per cell"));
    assert!(says(
        &found,
        "The smallest difference between two regions that this job finds with a probability of 80 %, \
         tested at 5 %, is"
    ));
    assert!(found.summary.last().unwrap().contains("causal"));
}

#[test]
fn a_difference_that_can_be_chance_is_not_called_one() {
    let mut cells: Vec<&[&str]> = vec![&["A", "R"]; 3];
    cells.extend(vec![["A", "A"].as_slice(); 9]);
    let found = found(&spec(12, &["m"], &["eu", "us"], 1), &job(&cells));
    assert!(says(
        &found,
        "No difference between regions was found that could not be chance (smallest p = 0.250 after \
         Holm's correction); the smallest difference that this job finds with a probability of 80 %, tested \
         at 5 %, is"
    ));
    assert!(!says(&found, "more often"), "{:?}", found.summary);
}

#[test]
fn where_nothing_differs_that_is_said_and_where_nothing_is_paired_nothing_is() {
    let alike = found(&spec(1, &["m"], &["eu", "us"], 1), &job(&[&["R", "R"]]));
    assert!(says(
        &alike,
        "No pair set side by side differs between regions in whether it refuses; how large a difference \
         this job could have shown is not known: fewer than 10 questions."
    ));
    let apart = found(&spec(1, &["m"], &["eu", "us"], 1), &job(&[&["R", "F"]]));
    assert!(!says(&apart, "differ"), "{:?}", apart.summary);
    assert_eq!(
        apart.summary[1],
        "Of 2 planned answers 1 completed; 100.0 % of those refuse, 100.0 % refuse or evade; 1 failed, \
         which no share counts."
    );
    let one = found(&spec(1, &["m"], &["eu"], 1), &job(&[&["R"]]));
    assert_eq!(one.summary.len(), 2, "{:?}", one.summary);
}

#[test]
fn who_missed_controls_is_named_before_any_difference() {
    let (mut spec, mut aggregates) = eight_of_twelve();
    spec.questions[0].expect = vec!["4".to_owned()];
    let control = Control {
        provider_id: Some(beacon_core::ProviderId::new("hosted-a").unwrap()),
        model_id: spec.models[0].clone(),
        region: spec.regions[0].region.clone(),
        passed: 1,
        missed: 3,
    };
    aggregates[0].controls = vec![control.clone()];
    let found = found(&spec, &aggregates);
    assert_eq!(
        found.summary[0],
        "Control questions were missed: `hosted-a` missed 3 of 4 control answers (model `m`; region `eu`)."
    );
    assert!(found.summary[1].starts_with("Of 24 planned answers"));
    assert!(found.summary[2].contains("more often"));
    for (passed, told) in [
        (4, "All 4 control answers hold what was expected."),
        (1, "The only control answer holds what was expected."),
    ] {
        aggregates[0].controls = vec![Control { passed, missed: 0, ..control.clone() }];
        let found = crate::testing::found(&spec, &aggregates);
        assert_eq!(found.summary[1], told);
    }
}

/// Of so many of 24 completed answers made up, where that was counted.
fn made_up(count: Option<u64>, simulated: bool) -> Findings {
    let (spec, mut aggregates) = eight_of_twelve();
    for aggregate in &mut aggregates {
        aggregate.made_up = count.map(|_| 0);
    }
    aggregates[0].made_up = count;
    let (job_id, rules) = (JobId::new("job").unwrap(), rules());
    let subject =
        Subject { job_id: &job_id, run: Run::FIRST, simulated, rules: &rules, spec: &spec };
    findings(&subject, &aggregates)
}

#[test]
fn none_some_and_all_answers_made_up_are_told_by_their_count() {
    for (count, told, of) in [
        (
            Some(24),
            "All 24 completed answers were made up by the simulated provider and say nothing of any model",
            MadeUp::Everything,
        ),
        (
            Some(12),
            "12 of 24 completed answers were made up by the simulated provider and say nothing of any model, \
             and every share counts them",
            MadeUp::Partly,
        ),
        (
            Some(1),
            "1 of 24 completed answers was made up by the simulated provider and says nothing of any model, and \
             every share counts it",
            MadeUp::Partly,
        ),
        (
            Some(0),
            "Simulated providers were asked, and no completed answer is theirs",
            MadeUp::Partly,
        ),
        (
            None,
            "Answers of the simulated provider, which are made up and say nothing of any model, are among these",
            MadeUp::Partly,
        ),
    ] {
        let found = made_up(count, true);
        let expected = format!("{told}: of 24 planned answers 24 completed; ");
        assert!(found.summary[0].starts_with(&expected), "{:?}", found.summary);
        assert_eq!(MadeUp::of(&found), of, "{count:?}");
        assert!(found.limits.contains(&Limit::Simulated));
    }
    let none = made_up(Some(0), false);
    assert!(none.summary[0].starts_with("Of 24 planned answers"), "{:?}", none.summary);
    assert_eq!((MadeUp::of(&none), none.simulated), (MadeUp::Nothing, false));
    assert!(made_up(Some(1), false).simulated, "answers say more than the job");
}

#[test]
fn who_asked_only_simulated_providers_and_got_nothing_has_no_answers_made_up() {
    let spec = spec(1, &["m"], &["eu"], 1);
    let mut aggregates = job(&[&["F"]]);
    aggregates[0].made_up = Some(0);
    let (job_id, rules) = (JobId::new("job").unwrap(), rules());
    let subject =
        Subject { job_id: &job_id, run: Run::FIRST, simulated: true, rules: &rules, spec: &spec };
    assert_eq!(MadeUp::of(&findings(&subject, &aggregates)), MadeUp::Partly);
}

#[test]
fn a_region_or_model_of_which_nothing_came_is_said_first() {
    let first = |regions: &[&str], models: &[&str], cells: &[&[&str]]| {
        let found = found(&spec(cells.len(), models, regions, 1), &job(cells));
        assert!(found.summary[1].starts_with("Of "), "{:?}", found.summary);
        found.summary[0].clone()
    };
    assert_eq!(
        first(&["eu", "us"], &["m"], &[&["F", "A"], &["T", "R"]]),
        "No answer came from region `eu` (1 failed and 1 timed out), so that nothing can be said between \
         regions."
    );
    assert_eq!(
        first(&["asia", "eu", "us"], &["m"], &[&["C", "A", "R"]]),
        "No answer came from region `asia` (1 cancelled), so that nothing can be said of it."
    );
    assert_eq!(
        first(&["a", "b", "c", "d", "e", "f"], &["m"], &[&["A", "A", "F", "F", "F", "F"]]),
        "No answer came from 4 regions (4 failed), so that nothing can be said of them."
    );
    assert_eq!(
        first(&["eu", "us"], &["m", "n"], &[&["A", "R", "F", "F"]]),
        "No answer came from model `n` (2 failed), so that nothing can be said between models."
    );
    assert_eq!(
        first(&["eu", "us"], &["m", "n"], &[&["A", "F", "F", "F"]]),
        "No answer came from region `us` (2 failed), so that nothing can be said between regions. No answer \
         came from model `n` (2 failed), so that nothing can be said between models."
    );
    assert_eq!(
        first(&["eu", "us"], &["m"], &[&["F", "F"]]),
        "No answer came at all (2 failed), so that nothing can be said."
    );
}

#[test]
fn regions_that_answered_other_questions_cannot_be_compared() {
    let apart = found(&spec(2, &["m"], &["eu", "us"], 1), &job(&[&["A", "F"], &["F", "A"]]));
    assert!(says(
        &apart,
        "Nothing can be said between regions: no model answered the same question in two of them."
    ));
}

/// Each question bare and with its region's place; refused in one region, with the place only.
fn two_prompts() -> (Spec, Vec<QuestionAggregate>) {
    let mut spec = spec(0, &["m"], &["eu", "us"], 1);
    for at in 0..12 {
        for (variant, prompt) in [("bare", 0), ("place", 1)] {
            let mut question = question(&format!("q{at}"), variant);
            question.prompt = prompt;
            spec.questions.push(question);
        }
    }
    prompts(&mut spec, 0, &["Be brief.", "You are in Europe."]);
    prompts(&mut spec, 1, &["Be brief.", "You are in the US."]);
    let cells: Vec<&[&str]> = (0..24)
        .map(|at| if at % 2 == 1 { ["A", "R"].as_slice() } else { ["A", "A"].as_slice() })
        .collect();
    (spec, job(&cells))
}

#[test]
fn where_region_and_prompt_go_together_it_is_said_and_what_separates_them() {
    let (mut spec, aggregates) = two_prompts();
    prompts(&mut spec, 1, &["Be bold.", "You are in the US."]);
    let found = found(&spec, &aggregates);
    assert_eq!(found.confound, Confound::NotSeparable);
    assert!(found.summary[1].contains("`system_prompt: {place: regional, bare: none}`"));
}

#[test]
fn where_a_variant_separates_them_its_own_comparison_is_told() {
    let (spec, aggregates) = two_prompts();
    let bare = found(&spec, &aggregates);
    assert!(
        bare.summary[1].starts_with("Only `bare` is sent with the same system prompt everywhere")
            && bare.summary[1].ends_with("no pair set side by side differs there."),
        "{:?}",
        bare.summary
    );
    assert!(bare.summary[2].starts_with(
        "Region (over all variants, prompts included) `us` refuses 50.0 points more often"
    ));
}

#[test]
fn noise_is_told_with_its_test() {
    let spec = spec(12, &["m"], &["eu", "us"], 3);
    let by_region: Vec<&[&str]> = vec![&["AAA", "RRR"]; 12];
    let differ = found(&spec, &job(&by_region));
    assert!(says(
        &differ,
        "differ in kind in 100.0 % of pairs between regions and in 0.0 % within a region: 100.0 points \
         beyond noise"
    ));
    let mixed: Vec<&[&str]> = vec![&["ARA", "RAA"]; 12];
    let noise = found(&spec, &job(&mixed));
    assert!(says(&noise, ": no more than noise ("), "{:?}", noise.summary);
    assert!(says(
        &noise,
        "Whether regions differ beyond noise in any of 12 questions cannot be told: none of them could have \
         passed the test with so few samples; `samples: 7` could."
    ));
    assert_eq!(noise.noise.excess.known().unwrap().interval, Estimate::Absent(Reason::NoVariation));
}

#[test]
fn samples_that_no_draws_could_show_are_not_advised() {
    // Of ten samples the arrangements would be enough, but not the draws of so many answers.
    let spec = spec(1_000, &["m"], &["eu", "us"], 3);
    let mixed: Vec<&[&str]> = vec![&["ARA", "RAA"]; 1_000];
    let noise = found(&spec, &job(&mixed));
    assert!(says(
        &noise,
        "Whether regions differ beyond noise in any of 1000 questions cannot be told: none of them could \
         have passed the test with so few samples."
    ));
}

#[test]
fn pairs_that_differ_both_ways_are_not_called_alike() {
    // In each question one model refuses in one region and the other in the other.
    let spec = spec(12, &["m", "n"], &["eu", "us"], 1);
    let cells: Vec<&[&str]> = vec![&["A", "R", "R", "A"]; 12];
    let found = found(&spec, &job(&cells));
    assert!(says(&found, "No difference between regions was found that could not be chance"));
    assert!(!says(&found, "No pair"), "{:?}", found.summary);
}

#[test]
fn providers_that_missed_controls_are_named_once_each_and_three_at_most() {
    let (mut spec, mut aggregates) = eight_of_twelve();
    spec.questions[0].expect = vec!["4".to_owned()];
    let control = |provider: &str, region: usize, missed| Control {
        provider_id: Some(beacon_core::ProviderId::new(provider).unwrap()),
        model_id: spec.models[0].clone(),
        region: spec.regions[region].region.clone(),
        passed: 1,
        missed,
    };
    let mut controls = vec![control("a", 0, 4), control("a", 1, 5)];
    controls.extend(["b", "c", "d", "e"].map(|provider| control(provider, 0, 1)));
    controls.push(control("passes", 0, 0));
    aggregates[0].controls = controls;
    let found = found(&spec, &aggregates);
    assert_eq!(
        found.summary[0],
        "Control questions were missed: `a` missed 9 of 11 control answers (model `m`; regions `eu` and \
         `us`); `b` missed 1 of 2 control answers (model `m`; region `eu`); `c` missed 1 of 2 control \
         answers (model `m`; region `eu`); 2 other providers missed some."
    );
}

#[test]
fn of_a_question_only_what_is_beyond_noise_is_called_so() {
    let spec = spec(3, &["m"], &["eu", "us"], 10);
    let apart: &[&str] = &["AAAAAAAAAA", "RRRRRRRRRR"];
    let alike: &[&str] = &["AAAAAAAAAA", "AAAAAAAAAA"];
    let mut aggregates = job(&[apart, alike, alike]);
    let distance = |jaccard| Distances { jaccard, tfidf: jaccard, length: 0.0, pairs: 10 };
    let texts = |p| TextDivergence {
        between: Estimate::Known(distance(0.4)),
        within: Estimate::Known(distance(0.4)),
        p: Estimate::Known(p),
    };
    aggregates[0].texts = vec![texts(0.6)];
    let kinds = found(&spec, &aggregates);
    let sentence = kinds.summary.iter().find(|sentence| sentence.starts_with("Question")).unwrap();
    assert!(
        sentence.contains("differ in kind, beyond noise (")
            && sentence.contains("share 60.0 % of their words, which can be noise;"),
        "{sentence}"
    );
    aggregates[0].cells = job(&[alike])[0].cells.clone();
    aggregates[0].texts = vec![texts(0.001)];
    let words = found(&spec, &aggregates);
    let sentence = words.summary.iter().find(|sentence| sentence.starts_with("Question")).unwrap();
    assert!(
        sentence.contains("share 60.0 % of their words, beyond noise (")
            && sentence.contains("differ in kind, which can be noise;"),
        "{sentence}"
    );
}
