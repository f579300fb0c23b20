//! Numbers and lists as summaries write them: each kind in one way.

use super::{Group, Interval, Test};
use crate::estimate::Estimate;
use crate::figure;

/// Percentage points as `10.4 points`.
pub(super) fn points(points: f64) -> String {
    format!("{} points", figure::size(points))
}

/// A test's p after Holm's correction, with what it is corrected for.
pub(super) fn holm(test: &Test) -> String {
    format!("{} after Holm's correction", figure::p(test.p_holm))
}

/// An interval of points, as a clause; nothing where there is none.
pub(super) fn interval(interval: &Estimate<Interval>) -> String {
    match interval {
        Estimate::Known(Interval { low, high }) => {
            let (low, high) = (figure::size(*low), figure::size(*high));
            format!("95 % interval, unadjusted, {low} to {high}; ")
        }
        Estimate::Absent(reason) => format!("no interval: {reason}; "),
    }
}

/// `a, b and c`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// `1 answer`, `2 answers`.
pub(super) fn counted(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// What a comparison is within, as a clause; nothing for all.
pub(super) fn within(group: &Group) -> String {
    let Group { region, model_id, question_id, category, variant } = group;
    let parts = [
        region.as_ref().map(ToString::to_string),
        model_id.as_ref().map(ToString::to_string),
        question_id.as_ref().map(ToString::to_string),
        category.clone(),
        variant.as_ref().map(ToString::to_string),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().map(|part| format!("`{part}`")).collect();
    if parts.is_empty() { String::new() } else { format!("in {}, ", list(&parts)) }
}
