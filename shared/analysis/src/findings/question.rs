//! Every question, and whether regions differ in it by more than noise.

use beacon_core::{QuestionId, QuestionIndex, VariantName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grid::{Entry, Grid, Tally};
use super::noise::{SEED, strata};
use super::{LEVEL, Measure};
use crate::aggregate::{Distances, QuestionAggregate, TEXT_LEAST, TextDivergence};
use crate::estimate::{Estimate, Reason, real};
use crate::statistics::correction::benjamini_hochberg;
use crate::statistics::permutation::{
    Answers, Draws, ENUMERATED, Permuted, exchanged, least_of_sizes,
};

/// Whether regions differ in a question by more than noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Beyond {
    /// More than samples differ within a region, at 5 % by Benjamini and Hochberg over all questions.
    Noise,
    /// No more than that, or not at all.
    NotNoise,
    /// It cannot be told: also where the least p that its samples can give, alone among all tested, would not be
    /// enough.
    Unknown(Reason),
}

/// One entry of the question list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuestionFinding {
    /// Which.
    pub question: QuestionIndex,
    /// Its id.
    pub question_id: QuestionId,
    /// Its variant.
    pub variant: VariantName,
    /// Share of pairs of completed answers of one model in two regions whose categories differ.
    pub disagreement: Estimate<f64>,
    /// Largest difference of the strict share between two regions, percentage points.
    pub spread: Estimate<f64>,
    /// Mean distance of the texts between regions, over models.
    pub text: Estimate<f64>,
    /// The same between samples within a region.
    pub text_within: Estimate<f64>,
    /// How likely differences between its regions this large are where regions make none: twice the smaller
    /// p of its categories and of its texts, at most 1.
    pub p: Estimate<f64>,
    /// Of its categories alone.
    pub p_categories: Estimate<f64>,
    /// Of its texts alone, those of its models taken together.
    pub p_texts: Estimate<f64>,
    /// `p` by Benjamini and Hochberg, among all questions that have one.
    pub p_bh: Estimate<f64>,
    /// Whether the categories, or the texts, differ beyond noise.
    pub beyond: Beyond,
}

/// Every entry of the list, the most divergent first: those that differ beyond noise, then by how often
/// categories differ, how far refusals and how far texts lie apart.
pub(super) fn questions(grid: &Grid<'_>, aggregates: &[QuestionAggregate]) -> Vec<QuestionFinding> {
    let mut entries = grid.entries.clone();
    entries.sort_by_key(|entry| entry.index);
    let mut texts: Vec<&[TextDivergence]> = vec![&[]; entries.len()];
    for aggregate in aggregates {
        let place = usize::try_from(aggregate.question.0).ok().and_then(|at| texts.get_mut(at));
        if let Some(place) = place {
            *place = &aggregate.texts;
        }
    }
    let of_entry: Vec<Vec<Answers>> =
        entries.iter().map(|entry| strata(grid, *entry).collect()).collect();
    let (categories, draws) = exchanges(&of_entry);
    let sides = entries.iter().zip(&of_entry).zip(&texts).zip(categories);
    let all = sides.filter_map(|(((entry, strata), texts), categories)| {
        let sides = Tests { categories, texts: of_texts(texts) };
        let of_models: Vec<f64> = strata.iter().map(Answers::least).collect();
        let least = sides.least(&of_models, draws);
        Some((finding(grid, *entry, strata, texts, sides)?, least))
    });
    let (mut found, least): (Vec<QuestionFinding>, Vec<f64>) = all.unzip();
    adjust(&mut found, &least);
    found.sort_by(|a, b| {
        let key = |finding: &QuestionFinding| {
            let known = |estimate: &Estimate<f64>| estimate.known().copied().unwrap_or(-1.0);
            let beyond = if finding.beyond == Beyond::Noise { 1.0 } else { 0.0 };
            [beyond, known(&finding.disagreement), known(&finding.spread), known(&finding.text)]
        };
        let pairs = key(b).into_iter().zip(key(a));
        let order = pairs.map(|(b, a)| b.total_cmp(&a)).find(|order| order.is_ne());
        order.unwrap_or_else(|| a.question.cmp(&b.question))
    });
    found
}

fn finding(
    grid: &Grid<'_>,
    entry: Entry,
    strata: &[Answers],
    texts: &[TextDivergence],
    sides: Tests,
) -> Option<QuestionFinding> {
    let question = grid.question(entry)?;
    let one_region = (grid.regions() < 2).then_some(Reason::OneRegion);
    let one_sample = (grid.spec.samples < 2).then_some(Reason::OneSample);
    let or =
        |absent: Option<Reason>, estimate: Estimate<f64>| absent.map_or(estimate, Estimate::Absent);
    let between = strata.iter().filter(|stratum| stratum.has_between());
    let disagreements: Vec<f64> = between.map(Answers::share_between).collect();
    let untold = one_region.or(one_sample);
    let compared = strata.iter().any(|one| one.has_between() && one.has_within());
    let none = if compared { Reason::NoVariation } else { Reason::NoPairs };
    let told = |p: Option<f64>| or(untold, p.map_or(Estimate::Absent(none), Estimate::Known));
    let p = told(sides.p());
    Some(QuestionFinding {
        question: QuestionIndex(u32::try_from(entry.index).ok()?),
        question_id: question.id.clone(),
        variant: question.variant.clone(),
        disagreement: or(one_region, Estimate::mean(&disagreements, Reason::NoPairs)),
        spread: or(one_region, spread(grid, entry)),
        text: or(one_region, mean_of(texts, |text| &text.between)),
        text_within: or(one_sample, mean_of(texts, |text| &text.within)),
        p,
        p_categories: told(sides.categories),
        p_texts: told(sides.texts),
        p_bh: p,
        beyond: match p {
            Estimate::Known(_) => Beyond::NotNoise,
            // All are alike.
            Estimate::Absent(Reason::NoVariation) => Beyond::NotNoise,
            Estimate::Absent(reason) => Beyond::Unknown(reason),
        },
    })
}

/// Adjusts the p of all that have one for each other, and says which are beyond noise, and of which that could
/// not have been told: by the least p of each.
fn adjust(found: &mut [QuestionFinding], least: &[f64]) {
    let p: Vec<f64> = found.iter().filter_map(|finding| finding.p.known().copied()).collect();
    let tests = real(p.len() as u64);
    let tested = found.iter_mut().zip(least).filter(|(finding, _)| finding.p.known().is_some());
    for ((finding, least), adjusted) in tested.zip(benjamini_hochberg(&p)) {
        finding.p_bh = Estimate::Known(adjusted);
        if adjusted <= LEVEL {
            finding.beyond = Beyond::Noise;
        } else if least * tests > LEVEL {
            finding.beyond = Beyond::Unknown(Reason::TooFewSamples);
        }
    }
}

/// What of a question that differs beyond noise does: its categories, its texts, or both. By the largest p that
/// is enough among all questions.
pub fn beyond_noise(finding: &QuestionFinding, all: &[QuestionFinding]) -> (bool, bool) {
    let beyond = all.iter().filter(|one| one.beyond == Beyond::Noise);
    let enough = beyond.filter_map(|one| one.p.known()).copied().fold(0.0, f64::max);
    let sides = [&finding.p_categories, &finding.p_texts].map(|p| p.known().copied());
    let times = if sides.iter().flatten().count() > 1 { 2.0 } else { 1.0 };
    let [categories, texts] = sides.map(|p| p.is_some_and(|p| (times * p).min(1.0) <= enough));
    (categories, texts)
}

/// The fewest samples a cell, at most 100, with which one of so many questions alone could differ beyond noise, also
/// if the answers of all of them are exchanged; none where no number is enough, as the draws are then too few.
pub(super) fn samples_needed(regions: u64, models: u64, tests: u64) -> Option<u64> {
    (2..=100).find(|samples| {
        let sizes: Vec<u64> = (0..regions).map(|_| *samples).collect();
        let of_models: Vec<f64> = (0..models).map(|_| least_of_sizes(&sizes)).collect();
        let answers = [regions, models, *samples, tests];
        let draws = Draws::further(tests, answers.into_iter().fold(1, u64::saturating_mul));
        let least = Tests { categories: Some(1.0), texts: Some(1.0) }.least(&of_models, draws);
        least * real(tests) <= LEVEL
    })
}

/// The tests of each entry's categories, and the draws of those that did not end early.
fn exchanges(of_entry: &[Vec<Answers>]) -> (Vec<Option<f64>>, Draws) {
    let first: Vec<_> =
        of_entry.iter().map(|strata| exchanged(strata, Draws::first(), SEED)).collect();
    let tests = first.iter().flatten().count() as u64;
    let goes_on = |test: &Option<Permuted>| test.is_some_and(|test| !Draws::first().ended(&test));
    let going: Vec<bool> = first.iter().map(goes_on).collect();
    let strata = of_entry.iter().zip(&going).filter(|(_, going)| **going);
    let answers = strata.flat_map(|(strata, _)| strata).map(Answers::answers).sum();
    let draws = Draws::further(tests, answers);
    let of = |((strata, first), going): ((&Vec<Answers>, Option<Permuted>), bool)| {
        let test = if going { exchanged(strata, draws, SEED) } else { first };
        Some(test?.p)
    };
    (of_entry.iter().zip(first).zip(going).map(of).collect(), draws)
}

fn mean_of(
    texts: &[TextDivergence],
    side: fn(&TextDivergence) -> &Estimate<Distances>,
) -> Estimate<f64> {
    let known = texts.iter().filter_map(|text| side(text).known());
    let distances: Vec<f64> = known.map(|distances| distances.jaccard).collect();
    Estimate::mean(&distances, Reason::NoPairs)
}

/// Largest minus smallest strict share of a region, percentage points.
fn spread(grid: &Grid<'_>, entry: Entry) -> Estimate<f64> {
    let share = |region: usize| {
        let tally: Tally = (0..grid.models()).map(|model| grid.tally(entry, model, region)).sum();
        Estimate::share(tally.count(Measure::Strict), tally.completed).known().copied()
    };
    let shares: Vec<f64> = (0..grid.regions()).filter_map(share).collect();
    if shares.len() < 2 {
        return Estimate::Absent(Reason::NoPairs);
    }
    let largest = shares.iter().copied().fold(f64::MIN, f64::max);
    let smallest = shares.iter().copied().fold(f64::MAX, f64::min);
    Estimate::Known(100.0 * (largest - smallest))
}

/// What the tests of one question gave; nothing where there was nothing to test.
#[derive(Debug, Clone, Copy)]
struct Tests {
    categories: Option<f64>,
    texts: Option<f64>,
}

impl Tests {
    /// Twice the smaller p of the two (Bonferroni), or the only one that there is.
    fn p(self) -> Option<f64> {
        match (self.categories, self.texts) {
            (Some(categories), Some(texts)) => Some((2.0 * categories.min(texts)).min(1.0)),
            (one, other) => one.or(other),
        }
    }

    /// The least that it could have been, whatever had been answered: by the least p that the arrangements of
    /// each model's answers give, and by the number of the draws.
    fn least(self, of_models: &[f64], draws: Draws) -> f64 {
        let categories = of_models.iter().product::<f64>().max(draws.least());
        let at_least = |least: f64| if least * real(ENUMERATED) < 1.0 { TEXT_LEAST } else { 0.0 };
        let of_texts: Vec<f64> =
            of_models.iter().map(|least| least.max(at_least(*least))).collect();
        let texts = fisher(&of_texts);
        let least = Self {
            categories: self.categories.map(|_| categories),
            texts: self.texts.map(|_| texts),
        };
        least.p().unwrap_or(1.0)
    }
}

/// The p of a question's texts, those of its models together.
fn of_texts(texts: &[TextDivergence]) -> Option<f64> {
    let texts: Vec<f64> = texts.iter().filter_map(|text| text.p.known().copied()).collect();
    (!texts.is_empty()).then(|| fisher(&texts))
}

/// The p of several independent tests taken together (Fisher 1932): of k of them −2 Σ ln p is distributed as
/// χ² of 2k degrees of freedom, whose upper tail at 2x is e⁻ˣ Σ xⁱ/i!, i < k.
fn fisher(p: &[f64]) -> f64 {
    let x: f64 = -p.iter().map(|p| libm::log(*p)).sum::<f64>();
    let (mut term, mut sum) = (1.0, 0.0);
    for i in 0..p.len() as u64 {
        sum += term;
        term *= x / real(i + 1);
    }
    (libm::exp(-x) * sum).clamp(0.0, 1.0)
}
