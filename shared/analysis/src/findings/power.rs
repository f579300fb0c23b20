//! The smallest differences that a job could have shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::comparison::effort;
use super::family::Family;
use super::{Comparison, Dimension, LEVEL, Measure};
use crate::estimate::{Estimate, Reason, real};
use crate::statistics::power::smallest_paired_difference;

/// What the comparisons of this job along a dimension could have shown: the largest of them, so that all others
/// for which it is known could have shown less.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Power {
    /// Along what.
    pub dimension: Dimension,
    /// Of what.
    pub measure: Measure,
    /// Questions that the comparison rests on.
    pub questions: u64,
    /// The smallest difference that would have been found with a probability of 80 %, percentage points: at
    /// the first step of Holm's correction at 5 %, 5 % ÷ the family's comparisons.
    pub smallest_difference: Estimate<f64>,
}

/// The power of a family's comparisons by a measure.
pub(super) fn power(family: &Family, measure: Measure, comparisons: &[Comparison]) -> Power {
    let tests = comparisons.iter().filter(|one| one.pairs > 0).count();
    let alpha = LEVEL / real(tests.max(1) as u64);
    let tables = family.tables.iter();
    // One after the other: all together they are as many numbers as comparisons × questions.
    let sides = tables
        .flat_map(|(_, table)| family.pairs.iter().map(move |&(a, b)| table.pairs(a, b, measure)));
    let effort = effort(family);
    let mut power = Power {
        dimension: family.dimension,
        measure,
        questions: 0,
        smallest_difference: Estimate::Absent(Reason::NoPairs),
    };
    for pairs in sides {
        let questions = pairs.iter().filter(|one| one.all() > 0).count() as u64;
        let smallest = smallest_paired_difference(&pairs, alpha, effort).map(|share| 100.0 * share);
        if is_more(&smallest, &power.smallest_difference) {
            power = Power { questions, smallest_difference: smallest, ..power };
        }
    }
    power
}

/// Whether an estimate takes the other's place: the largest, or a reason that is of more than no pairs.
fn is_more(new: &Estimate<f64>, old: &Estimate<f64>) -> bool {
    match (new, old) {
        (Estimate::Known(new), Estimate::Known(old)) => new > old,
        (Estimate::Known(_), Estimate::Absent(_)) => true,
        (Estimate::Absent(_), Estimate::Absent(Reason::NoPairs)) => true,
        (Estimate::Absent(_), Estimate::Known(_) | Estimate::Absent(_)) => false,
    }
}
