//! A job's executions by region and model, and its failures by code.

use std::collections::BTreeMap;

use beacon_aws::{ApiError, StoredStatus, json};
use beacon_core::execution::ExecutionStatus;
use beacon_core::failure::FailureCode;
use beacon_core::lane::{Lane, Outcomes};
use beacon_core::message::position_of;
use beacon_core::spec::Spec;
use beacon_core::view::{Counts, FailureCount, Summary, SummaryRow};
use beacon_core::{JobId, ModelId, Region};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};

use crate::Query;

impl Query {
    pub(crate) async fn summary(&self, id: &JobId) -> Result<Response<Body>, ApiError> {
        let found = self.table.job_and_lanes(id).await?;
        let (job, lanes) = found.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?;
        let spec = self.table.spec(&job).await?;
        let mut rows = Vec::new();
        let mut failures = BTreeMap::new();
        for prompts in &spec.regions {
            let region = &prompts.region;
            let of_region: Vec<&Lane> =
                lanes.iter().filter(|lane| lane.id.region == *region).collect();
            let mut summed = begin(&spec, region, &of_region);
            self.table
                .for_each_status(id, region, |stored| {
                    count(&mut summed, &mut failures, &spec, &of_region, &stored);
                })
                .await?;
            rows.extend(spec.models.iter().filter_map(|model| summed.remove(model)));
        }
        for row in &mut rows {
            let counts = &mut row.counts;
            let begun = counts.completed
                + counts.failed
                + counts.timed_out
                + counts.cancelled
                + counts.running;
            counts.pending = row.expected.saturating_sub(begun);
        }
        let mut failures: Vec<FailureCount> = failures.into_values().collect();
        failures.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.code.cmp(&b.code)));
        json(StatusCode::OK, &Summary { rows, failures })
    }
}

/// Every model's row, the executions of open questions counted as running.
fn begin(spec: &Spec, region: &Region, lanes: &[&Lane]) -> BTreeMap<ModelId, SummaryRow> {
    let samples = u64::from(spec.samples);
    let held = lanes.iter().filter(|lane| lane.running() > 0).count() as u64;
    let row = |model_id: &ModelId| SummaryRow {
        region: region.clone(),
        model_id: model_id.clone(),
        expected: spec.questions.len() as u64 * samples,
        counts: Counts { running: held * samples, ..Counts::default() },
        outcomes: Outcomes::default(),
    };
    spec.models.iter().map(|model| (model.clone(), row(model))).collect()
}

fn count(
    rows: &mut BTreeMap<ModelId, SummaryRow>,
    failures: &mut BTreeMap<FailureCode, FailureCount>,
    spec: &Spec,
    lanes: &[&Lane],
    stored: &StoredStatus,
) {
    let Some(row) = rows.get_mut(&stored.model) else { return };
    let (k, position) = position_of(spec, stored.question);
    let lane = lanes.iter().find(|lane| lane.id.k == k);
    if lane.is_some_and(|lane| lane.status_without_row(position) == ExecutionStatus::Running) {
        row.counts.running = row.counts.running.saturating_sub(1);
    }
    match stored.status {
        ExecutionStatus::Completed => row.counts.completed += 1,
        ExecutionStatus::Failed => row.counts.failed += 1,
        ExecutionStatus::TimedOut => row.counts.timed_out += 1,
        ExecutionStatus::Cancelled => row.counts.cancelled += 1,
        // Derived, never stored.
        ExecutionStatus::Pending | ExecutionStatus::Running => {}
    }
    stored.outcome.into_iter().for_each(|outcome| row.outcomes.add(outcome));
    if let Some(failure) = &stored.failure {
        let entry = failures.entry(failure.code.clone()).or_insert_with(|| FailureCount {
            code: failure.code.clone(),
            example: failure.message.clone(),
            count: 0,
        });
        entry.count += 1;
    }
}
