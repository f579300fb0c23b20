//! Statuses and verdicts: each a word and a shape, and not only a colour.

use std::cmp::Reverse;

use beacon_analysis::aggregate::{Category, Mark};
use beacon_core::execution::{ExecutionStatus, Outcome};
use beacon_core::job::JobStatus;
use beacon_core::verdict::Verdict;
use maud::{Markup, html};

/// How something is told: a class for its colour, a shape, a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) class: &'static str,
    pub(crate) shape: &'static str,
    pub(crate) word: &'static str,
}

impl Told {
    /// As it stands in a line.
    pub(crate) fn badge(self) -> Markup {
        html! {
            span class={ "badge " (self.class) } {
                span class="shape" aria-hidden="true" { (self.shape) } " " (self.word)
            }
        }
    }
}

const fn told(class: &'static str, shape: &'static str, word: &'static str) -> Told {
    Told { class, shape, word }
}

/// Of a job.
pub(crate) fn of_job(status: JobStatus) -> Told {
    match status {
        JobStatus::Queued => told("s-pending", "○", "queued"),
        JobStatus::Running => told("s-running", "◐", "running"),
        JobStatus::Cancelling => told("s-cancelled", "◒", "cancelling"),
        JobStatus::Completed => told("s-completed", "●", "completed"),
        JobStatus::Failed => told("s-failed", "✕", "failed"),
        JobStatus::Cancelled => told("s-cancelled", "⊘", "cancelled"),
        JobStatus::TimedOut => told("s-timed-out", "⧖", "timed out"),
    }
}

/// Of an execution.
pub(crate) fn of_execution(status: ExecutionStatus) -> Told {
    match status {
        ExecutionStatus::Pending => told("s-pending", "○", "pending"),
        ExecutionStatus::Running => told("s-running", "◐", "running"),
        ExecutionStatus::Completed => told("s-completed", "●", "completed"),
        ExecutionStatus::Failed => told("s-failed", "✕", "failed"),
        ExecutionStatus::TimedOut => told("s-timed-out", "⧖", "timed out"),
        ExecutionStatus::Cancelled => told("s-cancelled", "⊘", "cancelled"),
    }
}

/// Of what became of a pair: as reports tell it.
pub(crate) fn of_category(category: Category) -> Told {
    let Mark { class, shape, word } = category.mark();
    match category {
        // The status is told elsewhere, and a cell is narrow.
        Category::Open => told(class, shape, "not judged"),
        Category::Answered
        | Category::Refused
        | Category::PartlyRefused
        | Category::Evasive
        | Category::Blocked
        | Category::Empty
        | Category::Failed
        | Category::TimedOut
        | Category::Cancelled => told(class, shape, word),
    }
}

/// Of a verdict.
pub(crate) fn of_verdict(verdict: Verdict) -> Told {
    of_category(verdict.into())
}

/// Of what a completed execution brought back.
pub(crate) fn of_outcome(outcome: Outcome) -> Told {
    match outcome {
        Outcome::Text => told("s-completed", "●", "text"),
        Outcome::Empty => told("c-0", "▢", "empty"),
        Outcome::Blocked => told("c-b", "▣", "blocked"),
        Outcome::Truncated => told("s-completed", "◕", "truncated"),
    }
}

/// Of a pair, as far as that is known without a verdict: what it brought back, where that is no text.
pub(crate) fn of_pair(status: ExecutionStatus, outcome: Option<Outcome>) -> Told {
    match outcome {
        Some(outcome @ (Outcome::Empty | Outcome::Blocked | Outcome::Truncated)) => {
            of_outcome(outcome)
        }
        Some(Outcome::Text) | None => of_execution(status),
    }
}

/// How many of each there are, the most frequent first.
pub(crate) fn grouped(all: impl Iterator<Item = Told>) -> Vec<(Told, usize)> {
    let mut groups: Vec<(Told, usize)> = Vec::new();
    for one in all {
        match groups.iter_mut().find(|(told, _)| *told == one) {
            Some((_, number)) => *number += 1,
            None => groups.push((one, 1)),
        }
    }
    groups.sort_by_key(|(told, number)| (Reverse(*number), told.word));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_verdict_does_not_say_is_told_alike_before_and_after_there_are_verdicts() {
        for (category, told) in [
            (Category::Empty, of_outcome(Outcome::Empty)),
            (Category::Blocked, of_outcome(Outcome::Blocked)),
            (Category::Failed, of_execution(ExecutionStatus::Failed)),
            (Category::TimedOut, of_execution(ExecutionStatus::TimedOut)),
            (Category::Cancelled, of_execution(ExecutionStatus::Cancelled)),
        ] {
            let of = of_category(category);
            assert_eq!((of.shape, of.word), (told.shape, told.word));
        }
        assert_eq!(of_category(Category::Open).shape, of_execution(ExecutionStatus::Pending).shape);
    }
}
