//! A new run of a job, for pairs without a completed row.

use std::collections::BTreeSet;

use beacon_aws::{ApiError, JobUpdate, chain};
use beacon_core::execution::ExecutionStatus;
use beacon_core::job::{Job, RetryRequest, RunRecord, Selection, may_run_again, retry};
use beacon_core::lane::{Lane, StoredRows};
use beacon_core::message::DispatchMessage;
use beacon_core::spec::Spec;
use beacon_core::{ExecutionId, JobId, Nonce, QuestionIndex, Region, Sample};
use tracing::{error, info};

use crate::Intake;

/// Who asks for a retry of what.
#[derive(Debug, Clone)]
pub struct Retry {
    /// Which pairs.
    pub selection: Selection,
    /// Whose token asks.
    pub by: Option<String>,
    /// In the words of whom asks.
    pub why: Option<String>,
    /// Drawn for the request, or derived from its idempotency key.
    pub request: Nonce,
}

/// What became of a retry.
#[derive(Debug, Clone)]
pub struct Retried {
    /// The job.
    pub job: Job,
    /// The run that the request made.
    pub record: RunRecord,
    /// The same request made it before.
    pub existing: bool,
}

impl Intake {
    /// Begins a new run of a job whose status is final.
    pub async fn retry(&self, id: &JobId, asked: Retry) -> Result<Retried, ApiError> {
        let mut tried = false;
        loop {
            let found = self.table.job_and_lanes(id).await?;
            let (job, lanes) = found.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?;
            if let Some(record) = job.runs.iter().find(|record| record.request == asked.request) {
                let record = record.clone();
                if record.selection != asked.selection {
                    return Err(ApiError::RunKeyConflict { job: job.id, run: record.run });
                }
                // Whoever made the run may have died before it sent all messages.
                self.dispatch_run(&job, &lanes).await;
                // A write that was applied without an answer was this request's all the same.
                return Ok(Retried { job, record, existing: !tried });
            }
            let all = may_run_again(&job, &lanes).map_err(|why| ApiError::no_run(id, why))?;
            let executions = if asked.selection.is_everything() {
                all
            } else {
                self.count(&job, &asked.selection).await?
            };
            if executions == 0 {
                return Err(ApiError::NothingToRetry(job.id));
            }
            let Retry { selection, by, why, request } = asked.clone();
            let wanted = RetryRequest { selection, executions, by, why, request };
            let Some(write) = retry(&job, wanted, self.clock.now()) else { continue };
            tried = true;
            let JobUpdate::Applied(job) = self.table.write_job(id, &write).await? else { continue };
            let Some(record) = job.runs.last().cloned() else { continue };
            info!(job_id = %id, run = %record.run, executions, by = record.by, "job is retried");
            self.dispatch_run(&job, &lanes).await;
            return Ok(Retried { job: *job, record, existing: false });
        }
    }

    /// How many of the selected pairs have no completed row. The job is final, so nothing changes.
    async fn count(&self, job: &Job, selection: &Selection) -> Result<u64, ApiError> {
        let spec = self.table.spec(job).await?;
        check(selection, &spec)?;
        let mut count = 0;
        for prompts in &spec.regions {
            if selection.takes_region(&prompts.region) {
                let rows = self.table.rows_of_region(&job.id, &prompts.region).await?;
                count += not_completed(job, &spec, &prompts.region, selection, &rows);
            }
        }
        Ok(count)
    }

    /// The run is accepted already: a message that is lost here is sent again by the reconciler.
    async fn dispatch_run(&self, job: &Job, lanes: &[Lane]) {
        for lane in lanes.iter().filter(|lane| lane.run < job.run) {
            let message = DispatchMessage::of_run(job.id.clone(), job.run, lane);
            if let Err(error) = self.queues.send_dispatch(&message).await {
                let (job_id, lane) = (&job.id, &message.lane);
                error!(%job_id, %lane, error = chain(&error), "lane was not dispatched");
            }
        }
    }
}

fn not_completed(
    job: &Job,
    spec: &Spec,
    region: &Region,
    selection: &Selection,
    rows: &StoredRows,
) -> u64 {
    let mut count = 0;
    for (question, entry) in (0..).map(QuestionIndex).zip(&spec.questions) {
        for model in &spec.models {
            for sample in (0..spec.samples).map(Sample) {
                let (job, region) = (job.id.clone(), region.clone());
                let id = ExecutionId { job, question, model: model.clone(), region, sample };
                let row = rows.get(&(question, model.clone(), sample));
                let completed = row.is_some_and(|row| row.status == ExecutionStatus::Completed);
                count += u64::from(!completed && selection.takes(&id, &entry.id));
            }
        }
    }
    count
}

/// What a selection names must be the job's, so that a slip of the pen does not select nothing.
fn check(selection: &Selection, spec: &Spec) -> Result<(), ApiError> {
    let unknown = |name, given: String, known: String| ApiError::InvalidParameter {
        name,
        problem: format!("the job has no `{given}`; it has {known}"),
    };
    let regions: Vec<&Region> = spec.regions.iter().map(|prompts| &prompts.region).collect();
    if let Some(other) = selection.regions.iter().find(|region| !regions.contains(region)) {
        return Err(unknown("regions", other.to_string(), list(&regions)));
    }
    if let Some(other) = selection.models.iter().find(|model| !spec.models.contains(model)) {
        return Err(unknown("models", other.to_string(), list(&spec.models)));
    }
    let questions: BTreeSet<_> = spec.questions.iter().map(|entry| &entry.id).collect();
    if let Some(other) = selection.questions.iter().find(|id| !questions.contains(id)) {
        let some: Vec<_> = questions.into_iter().take(20).collect();
        return Err(unknown("questions", other.to_string(), list(&some)));
    }
    Ok(())
}

fn list<T: ToString>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
