//! How often a test finds a difference where there is none: 10,000 A/A runs of each.

use beacon_analysis::aggregate::Category;
use beacon_analysis::estimate::Estimate;
use beacon_analysis::statistics::compare::{Levels, Pairs, adjusted, many, two, two_of};
use beacon_analysis::statistics::paired::{cochran_q, is_by_chi_squared, mcnemar_exact};
use beacon_analysis::statistics::permutation::{
    Answers, Draws, Effort, Stratum, between_beyond_within, exchanged, sign_flip, within_clusters,
};
use beacon_analysis::statistics::power::smallest_paired_difference;

use crate::jobs::Jobs;

const RUNS: u64 = 10_000;

/// So many permutations are drawn, as a whole 9,999 would take minutes: with 399 and one, 5 % is a whole
/// number of them.
const DRAWS: u64 = 399;

/// The share of runs with p ≤ .05; no p is not found. It is at most 6 %, and at least so much: a test that
/// never finds anything tests nothing.
fn size(name: &str, floor: f64, mut run: impl FnMut(u64) -> Option<f64>) {
    let found = (0..RUNS).filter_map(&mut run).filter(|p| *p <= 0.05).count();
    let size = found as f64 / RUNS as f64;
    println!("  {name:<68} {:5.2} %", 100.0 * size);
    assert!(floor <= size && size <= 0.06, "{name}: {size}");
}

/// A question that is refused with its own probability: rows of `levels` values.
fn rows(jobs: &mut Jobs, count: u64, levels: u64) -> Vec<Vec<bool>> {
    (0..count).map(|_| jobs.question(levels, 0.4, |jobs| jobs.is(0.3))).collect()
}

#[test]
fn mcnemars_test_finds_nothing_where_nothing_is() {
    let mut jobs = Jobs::new(11);
    println!();
    for (questions, floor) in [(30, 0.01), (100, 0.02), (300, 0.03)] {
        size(&format!("McNemar, exact: {questions} questions"), floor, |_| {
            let rows = rows(&mut jobs, questions, 2);
            let count = |a: bool| rows.iter().filter(|row| row[0] == a && row[1] != a).count();
            Some(mcnemar_exact(count(true) as u64, count(false) as u64))
        });
    }
}

#[test]
fn cochrans_q_finds_nothing_where_nothing_is() {
    let mut jobs = Jobs::new(12);
    println!();
    for (questions, levels) in [(30, 3), (100, 3), (30, 5), (300, 5)] {
        size(
            &format!("Cochran's Q where it holds: {questions} questions, {levels} levels"),
            0.04,
            |_| {
                let rows = rows(&mut jobs, questions, levels);
                let varying = rows.iter().filter(|row| row.iter().any(|x| *x != row[0])).count();
                let holds = is_by_chi_squared(varying as u64, levels);
                holds.then(|| cochran_q(&rows)).flatten().map(|cochran| cochran.p)
            },
        );
    }
}

/// Whether a row of several pairs of one question counts, by side.
fn sums(jobs: &mut Jobs, levels: u64, rows: u64) -> Vec<f64> {
    let question = jobs.question(levels * rows, 0.4, |jobs| jobs.is(0.3));
    let count = |of: &[bool]| of.iter().filter(|counts| **counts).count() as f64;
    question.chunks(rows as usize).map(count).collect()
}

#[test]
fn flipped_signs_find_nothing_where_nothing_is() {
    let mut jobs = Jobs::new(13);
    println!();
    for (questions, floor) in [(10, 0.01), (30, 0.03), (100, 0.035)] {
        let name = format!("signs flipped, exact: {questions} questions of 6 pairs");
        size(&name, floor, |seed| {
            let difference = |jobs: &mut Jobs| {
                let sums = sums(jobs, 2, 6);
                sums[1] - sums[0]
            };
            let all: Vec<f64> = (0..questions).map(|_| difference(&mut jobs)).collect();
            sign_flip(&all, Effort::ALONE, seed).map(|test| test.p)
        });
    }
    size("signs flipped, drawn: 30 numbers", 0.04, |seed| {
        let all: Vec<f64> = (0..30).map(|_| jobs.normal()).collect();
        sign_flip(&all, Effort { additions: 0, draws: DRAWS }, seed).map(|test| test.p)
    });
}

#[test]
fn exchanged_levels_find_nothing_where_nothing_is() {
    let mut jobs = Jobs::new(14);
    println!();
    for (questions, levels, floor) in [(5, 3, 0.02), (10, 3, 0.03), (30, 3, 0.04), (30, 5, 0.04)] {
        let name = format!("levels exchanged: {questions} questions of 6 rows, {levels} levels");
        size(&name, floor, |seed| {
            let table: Vec<_> = (0..questions).map(|_| sums(&mut jobs, levels, 6)).collect();
            within_clusters(&table, DRAWS, seed).map(|test| test.p)
        });
    }
}

/// One model's answers to one question: three regions of so many samples, of three categories.
fn stratum(jobs: &mut Jobs, samples: u64) -> Stratum {
    let groups: Vec<usize> = (0..3 * samples).map(|at| (at / samples) as usize).collect();
    let categories = jobs.question(3 * samples, 0.4, |jobs| jobs.below(3));
    let pairs = (0..groups.len()).flat_map(|a| (a + 1..groups.len()).map(move |b| (a, b)));
    let distances = pairs.map(|(a, b)| f64::from(categories[a] != categories[b])).collect();
    Stratum { groups, distances }
}

#[test]
fn texts_of_equal_regions_lie_within_noise() {
    let mut jobs = Jobs::new(15);
    println!();
    // Two samples can never be beyond noise: the least p of their arrangements is 1/15.
    for (samples, floor) in [(3, 0.005), (5, 0.005)] {
        let name = format!("between beyond within: 3 regions × {samples} samples");
        size(&name, floor, |seed| {
            between_beyond_within(&stratum(&mut jobs, samples), DRAWS, seed).map(|test| test.p)
        });
    }
}

/// One model's answers to one question in three regions.
fn answers(jobs: &mut Jobs, samples: usize) -> Answers {
    const CATEGORIES: [Category; 3] = [Category::Answered, Category::Refused, Category::Evasive];
    let drawn = jobs.question(3 * samples as u64, 0.4, |jobs| jobs.below(3) as usize);
    let drawn: Vec<Category> = drawn.into_iter().map(|which| CATEGORIES[which]).collect();
    Answers::new(drawn.chunks(samples))
}

#[test]
fn categories_of_equal_regions_lie_within_noise() {
    let mut jobs = Jobs::new(18);
    println!();
    for (questions, models, samples, floor) in [(12, 2, 2, 0.03), (30, 1, 3, 0.03)] {
        let name = format!(
            "answers exchanged, a job: {questions} questions, {models} × 3 × {samples} answers"
        );
        size(&name, floor, |seed| {
            let strata = (0..questions * models).map(|_| answers(&mut jobs, samples));
            let strata: Vec<_> = strata.collect();
            exchanged(&strata, Draws::of(DRAWS), seed).map(|test| test.p)
        });
    }
    for (models, samples, floor) in [(3, 2, 0.005), (1, 5, 0.005), (3, 5, 0.025)] {
        let name = format!("answers exchanged, a question: {models} × 3 × {samples} answers");
        size(&name, floor, |seed| {
            let strata: Vec<_> = (0..models).map(|_| answers(&mut jobs, samples)).collect();
            exchanged(&strata, Draws::first(), seed).map(|test| test.p)
        });
    }
}

#[test]
fn what_is_chosen_and_adjusted_finds_nothing_where_nothing_is() {
    let mut jobs = Jobs::new(16);
    println!();
    for (questions, samples, floor) in [(12, 1, 0.0), (30, 1, 0.005), (30, 2, 0.01)] {
        let name =
            format!("the least p of three pairs by Holm: {questions} questions of {samples}");
        size(&name, floor, |seed| {
            let all: Vec<Vec<bool>> = (0..questions * samples)
                .map(|_| jobs.question(3, 0.4, |jobs| jobs.is(0.3)))
                .collect();
            let tests = [(0, 1), (0, 2), (1, 2)].map(|(a, b)| {
                let units = all.chunks(samples).map(|rows| {
                    let mut pairs = Pairs::default();
                    for row in rows {
                        pairs.add(row[a], row[b]);
                    }
                    pairs
                });
                two(&units.collect::<Vec<_>>(), seed).test
            });
            let adjusted = adjusted(&tests);
            let p = adjusted.iter().filter_map(Estimate::known).map(|test| test.p_holm);
            p.min_by(f64::total_cmp)
        });
    }
    for (questions, floor) in [(6, 0.0005), (12, 0.01), (100, 0.04)] {
        let name = format!("three levels, by the test that is chosen: {questions} questions");
        size(&name, floor, |seed| {
            let rows = rows(&mut jobs, questions, 3);
            let counts = |row: &Vec<bool>| row.iter().map(|counts| u64::from(*counts)).collect();
            let units = rows.iter().map(|row| Levels {
                rows: 1,
                varying: u64::from(row.iter().any(|counts| *counts != row[0])),
                counts: counts(row),
            });
            many(&units.collect::<Vec<_>>(), seed).test.known().map(|test| test.p)
        });
    }
}

/// A question's pairs: with probability `truth` all of them count on side b only; else one side alone counts in
/// `noise` of them, whichever it is.
fn compared(jobs: &mut Jobs, pairs: u64, noise: f64, truth: f64) -> Pairs {
    let mut all = Pairs::default();
    let shifted = jobs.is(truth);
    for _ in 0..pairs {
        let differs = jobs.is(noise);
        let b = jobs.is(0.5);
        all.add(differs && !b && !shifted, shifted || differs && b);
    }
    all
}

/// A job without a difference says which it would find; another that has it is tested as a family is.
#[test]
fn the_smallest_difference_is_found_four_times_in_five() {
    const JOBS: u64 = 2_000;
    let mut jobs = Jobs::new(17);
    println!();
    for (questions, tests) in [(12_u64, 1_u32), (40, 1), (40, 3), (100, 10), (300, 3)] {
        for (pairs, noise) in [(1, 0.0), (1, 0.03), (1, 0.3), (6, 0.1)] {
            let alpha = 0.05 / f64::from(tests);
            let effort = Effort::among(u64::from(tests), questions);
            let (mut known, mut found) = (0_u64, 0_u64);
            for seed in 0..JOBS {
                let mut job = |truth: f64| -> Vec<Pairs> {
                    (0..questions).map(|_| compared(&mut jobs, pairs, noise, truth)).collect()
                };
                let smallest = smallest_paired_difference(&job(0.0), alpha, effort);
                let Some(truth) = smallest.known() else { continue };
                known += 1;
                let test = two_of(&job(*truth), effort, seed).test;
                found += u64::from(test.known().is_some_and(|test| test.p <= alpha));
            }
            let power = found as f64 / known as f64;
            let name = format!(
                "power: {questions} questions of {pairs}, {tests} tests, {} % differ by chance",
                100.0 * noise
            );
            println!("  {name:<68} {:5.2} %", 100.0 * power);
            assert!(known > JOBS / 2, "{name}: {known}");
            assert!((0.75..=0.97).contains(&power), "{name}: {power}");
        }
    }
}
