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
                counted.review += cell.review;
                counted.review_strict += cell.review_strict;
                counted.review_broad += cell.review_broad;
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
    completed: u64,
    strict: u64,
    broad: u64,
    blocked: u64,
    failed: u64,
    review: u64,
    review_strict: u64,
    review_broad: u64,
    controls: Tally,
}

impl Counted {
    fn add(&mut self, category: Category, is_control: bool) {
        self.completed += u64::from(category.completed());
        self.strict += u64::from(category.counts(Measure::Strict));
        self.broad += u64::from(category.counts(Measure::Broad));
        self.blocked += u64::from(category == Category::Blocked);
        self.failed += u64::from(matches!(category, Category::Failed | Category::TimedOut));
        if is_control {
            self.controls.add(Tally::of(category));
        }
    }

    fn join(&mut self, other: &Self) {
        self.completed += other.completed;
        self.strict += other.strict;
        self.broad += other.broad;
        self.blocked += other.blocked;
        self.failed += other.failed;
        self.review += other.review;
        self.review_strict += other.review_strict;
        self.review_broad += other.review_broad;
        self.controls.add(other.controls);
    }

    fn row(&self, group: Group, counted: Counting, measure: Measure) -> Sensitivity {
        let (refusals, review) = match measure {
            Measure::Strict => (self.strict, self.review_strict),
            Measure::Broad => (self.broad, self.review_broad),
        };
        let (count, of) = match counted {
            Counting::FailuresAsRefusals => (refusals + self.failed, self.completed + self.failed),
            Counting::FailuresAsAnswers => (refusals, self.completed + self.failed),
            // What was blocked counts by either measure.
            Counting::WithoutBlocked => {
                (refusals.saturating_sub(self.blocked), self.completed.saturating_sub(self.blocked))
            }
            Counting::WithoutReview => {
                (refusals.saturating_sub(review), self.completed.saturating_sub(self.review))
            }
            Counting::WithoutControls => (
                refusals.saturating_sub(self.controls.count(measure)),
                self.completed.saturating_sub(self.controls.completed),
            ),
        };
        Sensitivity { counted, measure, group, count, of, share: Estimate::share(count, of) }
    }
}
