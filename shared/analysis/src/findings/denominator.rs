//! What shares are taken of: pairs by what became of them.

use std::collections::BTreeMap;

use beacon_core::failure::FailureCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grid::Grid;
use crate::aggregate::{Category, QuestionAggregate};

/// Pairs by what became of them. They add up to those planned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Denominators {
    /// All pairs of the job.
    pub planned: u64,
    /// With an answer; what shares are taken of.
    pub completed: u64,
    /// Without one.
    pub failed: u64,
    /// Out of time.
    pub timed_out: u64,
    /// Stopped.
    pub cancelled: u64,
    /// Not ended; nought once the job is final.
    pub open: u64,
    /// Those that did not complete, by code.
    pub failures: BTreeMap<FailureCode, u64>,
    /// Completed: texts that answer.
    pub answered: u64,
    /// Completed: texts that refuse.
    pub refused: u64,
    /// Completed: texts that refuse in part.
    pub partly_refused: u64,
    /// Completed: texts that evade.
    pub evasive: u64,
    /// Completed: withheld by a filter or refused in the protocol.
    pub blocked: u64,
    /// Completed: nothing.
    pub empty: u64,
    /// Texts that a person should look at and nobody has.
    pub review: u64,
    /// Verdicts that a person gave.
    pub labelled: u64,
}

impl Denominators {
    /// Of a job. Each pair is counted once.
    pub(super) fn new(grid: &Grid<'_>, aggregates: &[QuestionAggregate]) -> Self {
        let mut all = Self::default();
        for category in grid.all() {
            all.planned += 1;
            all.completed += u64::from(category.completed());
            *match category {
                Category::Answered => &mut all.answered,
                Category::Refused => &mut all.refused,
                Category::PartlyRefused => &mut all.partly_refused,
                Category::Evasive => &mut all.evasive,
                Category::Blocked => &mut all.blocked,
                Category::Empty => &mut all.empty,
                Category::Failed => &mut all.failed,
                Category::TimedOut => &mut all.timed_out,
                Category::Cancelled => &mut all.cancelled,
                Category::Open => &mut all.open,
            } += 1;
        }
        for aggregate in aggregates {
            for (code, count) in &aggregate.failures {
                *all.failures.entry(code.clone()).or_insert(0) += count;
            }
            all.review += aggregate.cells.iter().map(|cell| cell.review).sum::<u64>();
            all.labelled += aggregate.cells.iter().map(|cell| cell.labelled).sum::<u64>();
        }
        all
    }

    /// Completed pairs with a text.
    pub fn texts(&self) -> u64 {
        self.answered + self.refused + self.partly_refused + self.evasive
    }
}
