//! The fold of a question's pairs.

use std::collections::BTreeMap;

use beacon_core::execution::{ExecutionStatus, Outcome};
use beacon_core::failure::FailureCode;
use beacon_core::spec::Spec;
use beacon_core::view::ExecutionView;
use beacon_core::{ModelId, ProviderId, QuestionIndex, Region};

use super::control::Expected;
use super::divergence::{divergences, samples_compared};
use super::{Category, Cell, Control, QuestionAggregate};
use crate::classify::answer;
use crate::findings::Measure;

/// Folds the pairs of one entry of the question list, given in any order; those that are not given are
/// open, and others than that entry's do not count. Verdicts must stand with them: a text without one is
/// open.
pub fn aggregate(
    spec: &Spec,
    question: QuestionIndex,
    rows: &[ExecutionView],
) -> QuestionAggregate {
    let pairs = Pairs::new(spec, question, rows);
    let expect = spec.question(question).map(|asked| asked.expect.as_slice()).unwrap_or_default();
    QuestionAggregate {
        question,
        cells: pairs.cells.iter().map(|samples| cell(samples)).collect(),
        failures: pairs.failures(),
        texts: divergences(&pairs.texts(), spec.regions.len(), spec.samples),
        controls: Expected::of(expect)
            .map(|expected| pairs.controls(&expected))
            .unwrap_or_default(),
        made_up: Some(pairs.made_up()),
    }
}

/// The pairs in their places.
struct Pairs<'a> {
    spec: &'a Spec,
    /// Models × regions, a place a sample.
    cells: Vec<Vec<Option<&'a ExecutionView>>>,
}

impl<'a> Pairs<'a> {
    fn new(spec: &'a Spec, question: QuestionIndex, rows: &'a [ExecutionView]) -> Self {
        let models: BTreeMap<_, _> = spec.models.iter().zip(0..).collect();
        let regions = spec.regions.iter().map(|prompts| &prompts.region);
        let regions: BTreeMap<_, usize> = regions.zip(0..).collect();
        let samples = usize::from(spec.samples);
        let mut cells = vec![vec![None; samples]; spec.models.len() * spec.regions.len()];
        for row in rows.iter().filter(|row| row.question == question) {
            let place = models.get(&row.model_id).zip(regions.get(&row.region));
            let cell = place.and_then(|(model, region): (&usize, _)| {
                cells.get_mut(model * spec.regions.len() + region)
            });
            if let Some(place) = cell.and_then(|cell| cell.get_mut(usize::from(row.sample.0))) {
                *place = Some(row);
            }
        }
        Self { spec, cells }
    }

    fn failures(&self) -> BTreeMap<FailureCode, u64> {
        let mut failures = BTreeMap::new();
        for row in self.cells.iter().flatten().flatten() {
            match (row.status, &row.failure) {
                (
                    ExecutionStatus::Failed
                    | ExecutionStatus::TimedOut
                    | ExecutionStatus::Cancelled,
                    Some(failure),
                ) => *failures.entry(failure.code.clone()).or_insert(0) += 1,
                (
                    ExecutionStatus::Failed
                    | ExecutionStatus::TimedOut
                    | ExecutionStatus::Cancelled
                    | ExecutionStatus::Completed
                    | ExecutionStatus::Pending
                    | ExecutionStatus::Running,
                    _,
                ) => {}
            }
        }
        failures
    }

    /// The texts that are compared, by model, each with the number of its region.
    fn texts(&self) -> Vec<Vec<(usize, &'a str)>> {
        let regions = self.spec.regions.len();
        let compared = samples_compared(regions, self.spec.samples);
        let of_region = |(region, samples): (usize, &Vec<Option<&'a ExecutionView>>)| {
            let texts = samples.iter().flatten().filter_map(|row| row.text()).map(answer);
            texts.take(compared).map(|text| (region, text)).collect::<Vec<_>>()
        };
        let models = self.cells.chunks(regions.max(1));
        models.map(|cells| cells.iter().enumerate().flat_map(of_region).collect()).collect()
    }

    fn made_up(&self) -> u64 {
        let completed =
            self.cells.iter().flatten().flatten().filter(|row| category(row).completed());
        completed.filter(|view| view.row.as_ref().is_some_and(|row| row.simulated)).count() as u64
    }

    fn controls(&self, expected: &Expected) -> Vec<Control> {
        let mut tallies: BTreeMap<(&ModelId, &Region, Option<&ProviderId>), (u64, u64)> =
            BTreeMap::new();
        for row in self.cells.iter().flatten().flatten().filter(|row| category(row).completed()) {
            let Some(stored) = &row.row else { continue };
            let who = (&row.model_id, &row.region, stored.provider_id.as_ref());
            let (passed, missed) = tallies.entry(who).or_default();
            let right = row.text().is_some_and(|text| expected.is_in(answer(text)));
            *if right { passed } else { missed } += 1;
        }
        let controls =
            tallies.into_iter().map(|((model, region, provider), (passed, missed))| Control {
                provider_id: provider.cloned(),
                model_id: model.clone(),
                region: region.clone(),
                passed,
                missed,
            });
        controls.collect()
    }
}

fn cell(samples: &[Option<&ExecutionView>]) -> Cell {
    let mut cell = Cell {
        samples: String::with_capacity(samples.len()),
        review: 0,
        review_strict: 0,
        review_broad: 0,
        labelled: 0,
    };
    for row in samples {
        let category = row.map_or(Category::Open, category);
        cell.samples.push(category.letter());
        let judged = row.filter(|row| row.text().is_some());
        let Some(verdict) = judged.and_then(|row| row.verdict.as_ref()) else { continue };
        let review = verdict.label.is_none() && verdict.classifier.review;
        cell.labelled += u64::from(verdict.label.is_some());
        cell.review += u64::from(review);
        cell.review_strict += u64::from(review && category.counts(Measure::Strict));
        cell.review_broad += u64::from(review && category.counts(Measure::Broad));
    }
    cell
}

/// What became of a pair.
pub(crate) fn category(row: &ExecutionView) -> Category {
    match row.status {
        ExecutionStatus::Completed => completed(row),
        ExecutionStatus::Failed => Category::Failed,
        ExecutionStatus::TimedOut => Category::TimedOut,
        ExecutionStatus::Cancelled => Category::Cancelled,
        ExecutionStatus::Pending | ExecutionStatus::Running => Category::Open,
    }
}

fn completed(view: &ExecutionView) -> Category {
    match view.row.as_ref().and_then(|row| row.outcome) {
        Some(Outcome::Blocked) => Category::Blocked,
        Some(Outcome::Empty) => Category::Empty,
        // All of the tokens went into reasoning.
        Some(Outcome::Text | Outcome::Truncated) if !view.has_text() => Category::Empty,
        Some(Outcome::Text | Outcome::Truncated) => {
            view.verdict.as_ref().map_or(Category::Open, |view| view.verdict.into())
        }
        None => Category::Open,
    }
}
