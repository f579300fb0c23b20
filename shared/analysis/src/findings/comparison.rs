//! Differences between regions, models and variants, and whether they can be chance.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::{Group, Interval, Measure};
use crate::estimate::Estimate;
use crate::statistics::compare::{Many, Two, adjusted, many_of, two_of};
use crate::statistics::permutation::{DRAWS, Effort};

/// Along what two groups differ.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Regions.
    Region,
    /// Models.
    Model,
    /// Variants of the same questions.
    Variant,
    /// Two jobs.
    Job,
}

/// How a test works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// McNemar's exact test on the pairs that disagree: one pair a question.
    McnemarExact,
    /// Cochran's Q: one row a question.
    CochranQ,
    /// A permutation of the sides within each question, all pairs of a question together.
    ClusterPermutation,
    /// A permutation of answers over the regions, within each question and model.
    AnswerPermutation,
}

/// A test and what it gave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Test {
    /// How.
    pub method: Method,
    /// Its statistic; none of an exact test.
    pub statistic: Option<f64>,
    /// Two-sided, as it is.
    pub p: f64,
    /// By Holm, among all tests of its family: the same dimension, measure and kind of `within`.
    pub p_holm: f64,
    /// By Benjamini and Hochberg, among the same.
    pub p_bh: f64,
    /// Permutations drawn; none where all were looked at or none was needed.
    pub draws: Option<u64>,
}

/// The difference of two shares on the same questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Along what.
    pub dimension: Dimension,
    /// One side.
    pub a: String,
    /// The other.
    pub b: String,
    /// Within what: all, or a model, or a region.
    pub within: Group,
    /// Of what.
    pub measure: Measure,
    /// Pairs completed on both sides.
    pub pairs: u64,
    /// Questions among them.
    pub questions: u64,
    /// Refusals of `a` among those pairs.
    pub count_a: u64,
    /// Refusals of `b` among those pairs.
    pub count_b: u64,
    /// Share of `b` minus share of `a`, percentage points.
    pub difference: Estimate<f64>,
    /// Of the difference, percentage points.
    pub interval: Estimate<Interval>,
    /// Whether it can be chance.
    pub test: Estimate<Test>,
}

/// Whether three and more levels differ at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Omnibus {
    /// Along what.
    pub dimension: Dimension,
    /// Levels that are compared.
    pub levels: u64,
    /// Within what: all, or a model.
    pub within: Group,
    /// Of what.
    pub measure: Measure,
    /// Questions that completed at every level.
    pub questions: u64,
    /// Whether it can be chance.
    pub test: Estimate<Test>,
}

/// Where the draws of every permutation of sides or levels begin: the same pairs give the same figures.
const SEED: u64 = 0x7369_6465;

/// Every two levels of a family that are compared, their tests adjusted for each other.
pub(super) fn comparisons(family: &Family, measure: Measure) -> Vec<Comparison> {
    let effort = effort(family);
    let mut sides = Vec::new();
    for (within, table) in &family.tables {
        for &(a, b) in &family.pairs {
            sides.push((within, a, b, two_of(&table.pairs(a, b, measure), effort, SEED)));
        }
    }
    let tests: Vec<_> = sides.iter().map(|(_, _, _, two)| two.test).collect();
    let comparison = |((within, a, b, two), test): ((&Group, usize, usize, Two), _)| Comparison {
        dimension: family.dimension,
        a: family.name(a),
        b: family.name(b),
        within: within.clone(),
        measure,
        pairs: two.pairs,
        questions: two.units,
        count_a: two.count_a,
        count_b: two.count_b,
        difference: two.difference,
        interval: two.interval,
        test,
    };
    sides.into_iter().zip(adjusted(&tests)).map(comparison).collect()
}

/// Of each test of a family by one measure.
pub(super) fn effort(family: &Family) -> Effort {
    let questions = family.tables.iter().map(|(_, table)| table.questions()).max().unwrap_or(0);
    Effort::among((family.pairs.len() * family.tables.len()) as u64, questions)
}

/// Permutations of each omnibus test of a family, whose tables have so many numbers in all: so that the tests
/// of a large job take seconds.
fn omnibus_draws(numbers: u64) -> u64 {
    (100_000_000 / numbers.max(1)).clamp(999, DRAWS)
}

/// All levels of a family at once, where they are three and more.
pub(super) fn omnibus(family: &Family, measure: Measure) -> Vec<Omnibus> {
    if family.names.len() < 3 {
        return Vec::new();
    }
    let levels: Vec<_> =
        family.tables.iter().map(|(within, table)| (within, table.levels(measure))).collect();
    let rows = levels.iter().map(|(_, levels)| levels.len() as u64).sum::<u64>();
    let draws = omnibus_draws(rows * family.names.len() as u64);
    let levels = levels.into_iter();
    let all: Vec<_> =
        levels.map(|(within, levels)| (within, many_of(&levels, draws, SEED))).collect();
    let tests: Vec<_> = all.iter().map(|(_, many)| many.test).collect();
    let omnibus = |((within, many), test): ((&Group, Many), _)| Omnibus {
        dimension: family.dimension,
        levels: family.names.len() as u64,
        within: within.clone(),
        measure,
        questions: many.units,
        test,
    };
    all.into_iter().zip(adjusted(&tests)).map(omnibus).collect()
}
