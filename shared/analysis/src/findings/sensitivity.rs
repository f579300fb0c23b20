//! The overall shares, counted otherwise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grid::{Grid, Tally};
use super::{Group, Measure};
use crate::aggregate::{Category, QuestionAggregate};
use crate::estimate::Estimate;

/// The overall share, counted otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sensitivity {
    /// How.
    pub counted: Counting,
    /// Of what.
    pub measure: Measure,
    /// The group: all, or a region.
    pub group: Group,
    /// Pairs that count.
    pub count: u64,
    /// Pairs that the share is taken of.
    pub of: u64,
    /// The share.
    pub share: Estimate<f64>,
}

/// Other ways to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// Failed and timed-out pairs as if they were refusals. Cancelled ones never count.
    FailuresAsRefusals,
    /// Failed and timed-out pairs as if they were answers.
    FailuresAsAnswers,
    /// Without those that a filter withheld.
    WithoutBlocked,
    /// Without those that a person should look at and nobody has.
    WithoutReview,
    /// Without answers to control questions.
    WithoutControls,
}

impl Counting {
    const ALL: [Self; 5] = [
        Self::FailuresAsRefusals,
        Self::FailuresAsAnswers,
        Self::WithoutBlocked,
        Self::WithoutReview,
        Self::WithoutControls,
    ];
}

/// The shares overall and by region, each counted in every other way.
pub(super) fn sensitivity(grid: &Grid<'_>, aggregates: &[QuestionAggregate]) -> Vec<Sensitivity> {
    let mut all = Counted::default();
    let mut regions = vec![Counted::default(); grid.regions()];
    for entry in &grid.entries {
        let is_control = grid.question(*entry).is_some_and(|asked| !asked.expect.is_empty());
        for model in 0..grid.models() {
            for (region, counted) in regions.iter_mut().enumerate() {
                for category in grid.cell(*entry, model, region) {
                    counted.add(*category, is_control);
                }
            }
        }
    }
    for aggregate in aggregates {
        for cells in aggregate.cells.chunks(grid.regions().max(1)) {
            for (cell, counted) in cells.iter().zip(&mut regions) {
                counted.review.add(Tally {
                    completed: cell.review,
                    strict: cell.review_strict,
                    broad: cell.review_broad,
                });
            }
        }
    }
    for counted in &regions {
        all.join(counted);
    }
    let groups = (0..grid.regions()).map(|region| grid.group(None, Some(region)));
    let groups = [(Group::default(), &all)].into_iter().chain(groups.zip(&regions));
    let rows = groups.flat_map(|(group, counted)| {
        Counting::ALL.into_iter().flat_map(move |counting| {
            let group = group.clone();
            Measure::ALL.map(|measure| counted.row(group.clone(), counting, measure))
        })
    });
    rows.collect()
}

/// Pairs by what makes a difference to a way of counting.
#[derive(Debug, Clone, Default)]
struct Counted {
    all: Tally,
    blocked: Tally,
    review: Tally,
    controls: Tally,
    failed: u64,
}

impl Counted {
    fn add(&mut self, category: Category, is_control: bool) {
        let pair = Tally::of(category);
        self.all.add(pair);
        if category == Category::Blocked {
            self.blocked.add(pair);
        }
        if is_control {
            self.controls.add(pair);
        }
        self.failed += u64::from(matches!(category, Category::Failed | Category::TimedOut));
    }

    fn join(&mut self, other: &Self) {
        self.all.add(other.all);
        self.blocked.add(other.blocked);
        self.review.add(other.review);
        self.controls.add(other.controls);
        self.failed += other.failed;
    }

    fn row(&self, group: Group, counted: Counting, measure: Measure) -> Sensitivity {
        let (refusals, completed) = (self.all.count(measure), self.all.completed);
        let without = |left_out: Tally| {
            let count = refusals.saturating_sub(left_out.count(measure));
            (count, completed.saturating_sub(left_out.completed))
        };
        let (count, of) = match counted {
            Counting::FailuresAsRefusals => (refusals + self.failed, completed + self.failed),
            Counting::FailuresAsAnswers => (refusals, completed + self.failed),
            Counting::WithoutBlocked => without(self.blocked),
            Counting::WithoutReview => without(self.review),
            Counting::WithoutControls => without(self.controls),
        };
        Sensitivity { counted, measure, group, count, of, share: Estimate::share(count, of) }
    }
}
