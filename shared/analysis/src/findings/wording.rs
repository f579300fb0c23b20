//! Numbers and lists as summaries write them: each kind in one way.

use super::{Group, Interval, LEVEL, Test};
use crate::estimate::Estimate;

/// A share as `12.5 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", tidy(100.0 * share))
}

/// Percentage points as `10.4 points`.
pub(super) fn points(points: f64) -> String {
    format!("{:.1} points", tidy(points))
}

/// A p as `p = 0.031`, or `p < 0.001`. Where three digits would hide on which side of the level it is, four.
pub(super) fn p(p: f64) -> String {
    if p < 0.001 {
        "p < 0.001".to_owned()
    } else if p > LEVEL && p < 0.0505 {
        format!("p = {p:.4}")
    } else {
        format!("p = {p:.3}")
    }
}

/// A test's p after Holm's correction, with what it is corrected for.
pub(super) fn holm(test: &Test) -> String {
    format!("{} after Holm's correction", p(test.p_holm))
}

/// An interval of points, as a clause; nothing where there is none.
pub(super) fn interval(interval: &Estimate<Interval>) -> String {
    match interval {
        Estimate::Known(Interval { low, high }) => {
            format!("95 % interval, unadjusted, {:.1} to {:.1}; ", tidy(*low), tidy(*high))
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

/// Never `-0.0`.
fn tidy(number: f64) -> f64 {
    if number.abs() < 0.05 { 0.0 } else { number }
}
