//! What can be said of a set of comparisons: the largest difference that holds, or that none does.

use super::wording::{holm, interval, points, within};
use super::{Comparison, LEVEL, Test};
use crate::estimate::Estimate;

/// A family's comparisons by one measure, as a summary speaks of them.
#[derive(Debug)]
pub(super) enum Difference<'a> {
    /// At least one difference is more than chance: the largest of those, and how many there are.
    Holds { largest: &'a Comparison, test: &'a Test, holding: u64, tested: u64 },
    /// Each difference can be chance: the test of the smallest p.
    CanBeChance { test: &'a Test },
    /// No pair set side by side differs anywhere.
    AllAlike,
    /// Nothing was paired.
    Nothing,
}

impl<'a> Difference<'a> {
    /// Of comparisons whose tests were adjusted for each other.
    pub(super) fn of(comparisons: &[&'a Comparison]) -> Self {
        let tested: Vec<(&Comparison, &Test)> =
            comparisons.iter().filter_map(|one| Some((*one, one.test.known()?))).collect();
        let holding: Vec<(&Comparison, &Test)> =
            tested.iter().copied().filter(|(_, test)| test.p_holm <= LEVEL).collect();
        let size = |comparison: &Comparison| match comparison.difference {
            Estimate::Known(difference) => difference.abs(),
            Estimate::Absent(_) => 0.0,
        };
        // Of equals the first.
        let largest =
            holding.iter().rev().max_by(|(a, _), (b, _)| size(a).total_cmp(&size(b))).copied();
        let smallest = tested.iter().map(|(_, test)| *test).min_by(|a, b| a.p.total_cmp(&b.p));
        let (holding, tested) = (holding.len() as u64, tested.len() as u64);
        match (largest, smallest) {
            (Some((largest, test)), _) => Self::Holds { largest, test, holding, tested },
            (None, Some(test)) => Self::CanBeChance { test },
            (None, None) if comparisons.iter().any(|one| one.pairs > 0) => Self::AllAlike,
            (None, None) => Self::Nothing,
        }
    }
}

/// A difference that holds, from the side that refuses more often.
pub(super) fn told(comparison: &Comparison, test: &Test) -> String {
    let Comparison { a, b, pairs, count_a, count_b, difference, .. } = comparison;
    let difference = difference.known().copied().unwrap_or_default();
    let place = within(&comparison.within);
    let (more, less, many, few) =
        if difference < 0.0 { (a, b, count_a, count_b) } else { (b, a, count_b, count_a) };
    format!(
        "{place}`{more}` refuses {} more often than `{less}` ({many} against {few} of {pairs} pairs; {}{})",
        points(difference.abs()),
        from_more(comparison, difference),
        holm(test),
    )
}

/// The interval seen from the side that refuses more often.
fn from_more(comparison: &Comparison, difference: f64) -> String {
    let turned = match comparison.interval {
        Estimate::Known(mut ends) if difference < 0.0 => {
            (ends.low, ends.high) = (-ends.high, -ends.low);
            Estimate::Known(ends)
        }
        Estimate::Known(_) | Estimate::Absent(_) => comparison.interval,
    };
    interval(&turned)
}
