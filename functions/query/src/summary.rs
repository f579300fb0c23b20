//! A job's executions by region and model, and its failures by code.

use std::collections::BTreeMap;

use beacon_aws::{ApiError, SpecifiedJob, StoredStatus, json};
use beacon_core::execution::ExecutionStatus;
use beacon_core::failure::{Failure, FailureCode};
use beacon_core::job::Job;
use beacon_core::lane::{Lane, Outcomes, Shown, shown};
use beacon_core::message::position_of;
use beacon_core::spec::{Question, Spec};
use beacon_core::view::{Counts, FailureCount, Summary, SummaryRow};
use beacon_core::{ExecutionId, JobId, ModelId, QuestionIndex, Region, Sample};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};

use crate::Query;

/// A region's rows, by pair.
type Rows = BTreeMap<(QuestionIndex, ModelId, Sample), StoredStatus>;
type Failures = BTreeMap<FailureCode, FailureCount>;

impl Query {
    pub(crate) async fn summary(&self, id: &JobId) -> Result<Response<Body>, ApiError> {
        let SpecifiedJob { job, lanes, spec } = self.specified_job(id).await?;
        let mut rows = Vec::new();
        let mut failures = Failures::new();
        for prompts in &spec.regions {
            let region = &prompts.region;
            let of_region = lanes.iter().filter(|lane| lane.id.region == *region).collect();
            let mut stored = Rows::new();
            let collect = |row: StoredStatus| {
                stored.insert((row.question, row.model.clone(), row.sample), row);
            };
            self.table.for_each_status(id, region, collect).await?;
            let source = OfRegion { job: &job, spec: &spec, region, lanes: of_region, stored };
            rows.extend(source.rows(&mut failures));
        }
        let mut failures: Vec<FailureCount> = failures.into_values().collect();
        failures.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.code.cmp(&b.code)));
        json(StatusCode::OK, &Summary { rows, failures })
    }
}

/// What a region's rows of the summary are made from.
struct OfRegion<'a> {
    job: &'a Job,
    spec: &'a Spec,
    region: &'a Region,
    lanes: Vec<&'a Lane>,
    stored: Rows,
}

impl OfRegion<'_> {
    /// A row a model, every pair counted once.
    fn rows(&self, failures: &mut Failures) -> Vec<SummaryRow> {
        self.spec.models.iter().map(|model| self.row(model, failures)).collect()
    }

    fn row(&self, model: &ModelId, failures: &mut Failures) -> SummaryRow {
        let samples = self.spec.samples;
        let mut row = SummaryRow {
            region: self.region.clone(),
            model_id: model.clone(),
            expected: self.spec.questions.len() as u64 * u64::from(samples),
            counts: Counts::default(),
            outcomes: Outcomes::default(),
        };
        let mut id = ExecutionId {
            job: self.job.id.clone(),
            question: QuestionIndex(0),
            model: model.clone(),
            region: self.region.clone(),
            sample: Sample(0),
        };
        for (index, question) in (0..).zip(&self.spec.questions) {
            id.question = QuestionIndex(index);
            let (k, _position) = position_of(self.spec, id.question);
            let lane = self.lanes.iter().find(|lane| lane.id.k == k);
            for sample in 0..samples {
                id.sample = Sample(sample);
                self.count(&mut row, failures, lane.copied(), &id, question);
            }
        }
        row
    }

    fn count(
        &self,
        row: &mut SummaryRow,
        failures: &mut Failures,
        lane: Option<&Lane>,
        id: &ExecutionId,
        question: &Question,
    ) {
        let stored = self.stored.get(&(id.question, id.model.clone(), id.sample));
        let counted = stored.map(|row| row.counted);
        let stands = counted.map(|row| (row.run, row.status));
        let shown = lane
            .map_or(Shown::Pending, |lane| shown(lane, &self.job.runs, id, &question.id, stands));
        let counts = &mut row.counts;
        *match shown.status(counted.map(|row| row.status)) {
            ExecutionStatus::Completed => &mut counts.completed,
            ExecutionStatus::Failed => &mut counts.failed,
            ExecutionStatus::TimedOut => &mut counts.timed_out,
            ExecutionStatus::Cancelled => &mut counts.cancelled,
            ExecutionStatus::Running => &mut counts.running,
            ExecutionStatus::Pending => &mut counts.pending,
        } += 1;
        match &shown {
            Shown::AsStored => {
                if let Some(outcome) = counted.and_then(|row| row.outcome) {
                    row.outcomes.add(outcome);
                }
                if let Some(failure) = stored.and_then(|row| row.failure.as_ref()) {
                    add_failure(failures, failure);
                }
            }
            Shown::Ended(mark) => add_failure(failures, &mark.cause.failure(0, false)),
            Shown::Pending | Shown::Running => {}
        }
    }
}

fn add_failure(failures: &mut Failures, failure: &Failure) {
    let entry = failures.entry(failure.code.clone()).or_insert_with(|| FailureCount {
        code: failure.code.clone(),
        example: failure.message.clone(),
        count: 0,
    });
    entry.count += 1;
}
