//! Numbers and lists as summaries write them: each kind in one way.

use std::collections::BTreeSet;

use super::{Group, Interval, Test};
use crate::estimate::Estimate;
use crate::figure;

/// Providers, models and regions of one kind that a sentence names.
pub(super) const MOST_NAMED: usize = 3;

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

/// Names as `model a` or `models a and b`; how many where they are many.
pub(super) fn few<'a>(names: impl Iterator<Item = &'a str>, what: &str) -> String {
    let names: BTreeSet<&str> = names.collect();
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.len() {
        1 => format!("{what} {}", list(&quoted)),
        many if many <= MOST_NAMED => format!("{what}s {}", list(&quoted)),
        many => counted(many as u64, what),
    }
}

/// Pairs that did not complete, as `4 failed and 1 cancelled`; nothing where there are none.
pub(super) fn unanswered([failed, timed_out, cancelled, open]: [u64; 4]) -> String {
    let told = [
        (failed, "failed"),
        (timed_out, "timed out"),
        (cancelled, "cancelled"),
        (open, "not ended or not judged"),
    ];
    let told = told.into_iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, what)| format!("{count} {what}")).collect();
    list(&told)
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
