//! Jobs drawn from a seed: regions that do not differ are not found to, and one that does is.

use beacon_core::QuestionIndex;
use beacon_core::spec::Spec;
use beacon_core::verdict::Verdict;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

use super::{Beyond, Comparison, Dimension, Grid, LEVEL, Measure, overall};
use crate::aggregate::{QuestionAggregate, aggregate};
use crate::findings::question::questions;
use crate::testing::{answered, found, job, open, spec};

const QUESTIONS: usize = 25;

/// A job in which each question is refused with a chance of its own, and `more` in the last region.
fn drawn(seed: u64, samples: u16, more: f64) -> (Spec, Vec<QuestionAggregate>) {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let spec = spec(QUESTIONS, &["m", "n"], &["eu", "us", "asia"], samples);
    let mut cells = Vec::new();
    for _ in 0..QUESTIONS {
        let chance: f64 = generator.random_range(0.0..0.8);
        for cell in 0..6 {
            let chance = if cell % 3 == 2 { chance + more } else { chance };
            let letter = |generator: &mut ChaCha8Rng| {
                let chosen: f64 = generator.random();
                let failed = generator.random_bool(0.03);
                let evades = chosen < chance + 0.1;
                if failed {
                    'F'
                } else if chosen < chance {
                    'R'
                } else if evades {
                    'E'
                } else {
                    'A'
                }
            };
            cells.push((0..samples).map(|_| letter(&mut generator)).collect::<String>());
        }
    }
    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
    let of_question: Vec<&[&str]> = cells.chunks(6).collect();
    (spec, job(&of_question))
}

fn holds(comparisons: &[&Comparison]) -> bool {
    comparisons.iter().any(|one| one.test.known().is_some_and(|test| test.p_holm <= LEVEL))
}

#[test]
fn regions_that_do_not_differ_are_rarely_found_to() {
    const JOBS: u64 = 250;
    let (mut strict, mut broad, mut noise, mut told) = (0, 0, 0, 0);
    for seed in 0..JOBS {
        let (spec, aggregates) = drawn(seed, 2, 0.0);
        let found = found(&spec, &aggregates);
        strict += u64::from(holds(&overall(&found, Dimension::Region, Measure::Strict)));
        broad += u64::from(holds(&overall(&found, Dimension::Region, Measure::Broad)));
        noise += u64::from(found.noise.test.known().is_some_and(|test| test.p <= LEVEL));
        told += u64::from(found.summary.iter().any(|sentence| sentence.starts_with("Region")));
    }
    println!("of {JOBS} jobs alike: strict {strict}, broad {broad}, noise {noise}, told {told}");
    // 5 % of 250 is 12.5; above 20 falls one in a hundred of such counts.
    for false_positives in [strict, broad, noise, told] {
        assert!(false_positives <= 20, "{false_positives}");
    }
    assert!(strict > 0, "a test that never errs tests nothing");
}

#[test]
fn questions_that_do_not_differ_are_rarely_found_to() {
    const JOBS: u64 = 100;
    let mut jobs = 0;
    for seed in 0..JOBS {
        let (spec, aggregates) = drawn(seed, 6, 0.0);
        let found = found(&spec, &aggregates);
        jobs += u64::from(found.questions.iter().any(|one| one.beyond == Beyond::Noise));
    }
    println!("of {JOBS} jobs alike {jobs} have a question beyond noise");
    // 5 is 5 %; above 10 falls one in a hundred of such counts.
    assert!(jobs <= 10, "{jobs}");
}

/// The answers to one question, each of a kind and of some words, in every region from the same chances. Those of
/// one model are often of one kind, and answers of one kind share a word.
fn alike(spec: &Spec, generator: &mut ChaCha8Rng) -> QuestionAggregate {
    const KINDS: [Verdict; 3] = [Verdict::Answered, Verdict::Refused, Verdict::Evasive];
    let mut rows = Vec::new();
    for model in 0..spec.models.len() {
        let own = generator.random_range(0..KINDS.len());
        for region in 0..spec.regions.len() {
            for sample in 0..spec.samples {
                let other = generator.random_range(0..KINDS.len());
                let kind = if generator.random_bool(0.6) { own } else { other };
                let words = (0..4).map(|place| format!("{place}{}", generator.random_range(0..3)));
                let text = format!("kind{kind} {}", words.collect::<Vec<_>>().join(" "));
                let place = open(spec, 0, model, region, sample);
                rows.push(answered(place, &text, KINDS[kind]));
            }
        }
    }
    aggregate(spec, QuestionIndex(0), &rows)
}

#[test]
fn a_question_whose_regions_do_not_differ_rarely_has_a_small_p() {
    const JOBS: u32 = 10_000;
    let mut generator = ChaCha8Rng::seed_from_u64(20);
    for (models, regions, samples) in [(1, 2, 5), (3, 3, 3)] {
        let spec = spec(1, &["m", "n", "o"][..models], &["eu", "us", "asia"][..regions], samples);
        let small = (0..JOBS).filter(|_| {
            let aggregates = [alike(&spec, &mut generator)];
            let found = questions(&Grid::new(&spec, &aggregates), &aggregates);
            found[0].p.known().is_some_and(|p| *p <= LEVEL)
        });
        let size = f64::from(u32::try_from(small.count()).unwrap()) / f64::from(JOBS);
        println!("a question's p: {models} × {regions} × {samples} answers: {:.2} %", 100.0 * size);
        assert!((0.01..=0.06).contains(&size), "{size}");
    }
}

#[test]
fn a_region_that_refuses_more_is_found_and_named() {
    for seed in 0..10 {
        let (spec, aggregates) = drawn(seed, 3, 0.4);
        let found = found(&spec, &aggregates);
        let sentence = found.summary.iter().find(|sentence| sentence.starts_with("Region"));
        let named = sentence.is_some_and(|sentence| sentence.starts_with("Region `asia` refuses"));
        assert!(named, "{:?}", found.summary);
        assert!(found.noise.test.known().unwrap().p <= LEVEL);
    }
}

#[test]
fn the_same_aggregates_give_the_same_bytes() {
    let (spec, mut aggregates) = drawn(7, 3, 0.2);
    let bytes = |aggregates: &[QuestionAggregate]| serde_json::to_string(&found(&spec, aggregates));
    let first = bytes(&aggregates).unwrap();
    assert_eq!(bytes(&aggregates).unwrap(), first);
    aggregates.reverse();
    assert_eq!(bytes(&aggregates).unwrap(), first, "in whatever order they are given");
}
