//! What the API answers: one definition for the functions, the command line and the tests.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::execution::{ExecutionRow, ExecutionStatus, Outcome};
use crate::failure::{Failure, FailureCode};
use crate::id::{
    ExecutionId, JobId, ModelId, ProviderId, QuestionId, QuestionIndex, Run, Sample, VariantName,
};
use crate::job::{Job, JobStatus, total};
use crate::lane::{Lane, Outcomes};
use crate::prompt::PromptHash;
use crate::region::Region;
use crate::spec::{Problem, Question, Sampling, Spec};
use crate::usage::Usage;

/// Executions by status; they add up to the expected number at every moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// With an answer.
    pub completed: u64,
    /// Without one.
    pub failed: u64,
    /// Out of time.
    pub timed_out: u64,
    /// Stopped.
    pub cancelled: u64,
    /// Not begun.
    pub pending: u64,
    /// Of questions that are open.
    pub running: u64,
}

/// A job as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    /// Its id.
    pub job_id: JobId,
    /// For people.
    pub name: String,
    /// 1, and one more for every retry.
    pub run: Run,
    /// Where it is.
    pub status: JobStatus,
    /// Executions of the job.
    pub expected: u64,
    /// The executions by status.
    pub counts: Counts,
    /// The completed ones by outcome.
    pub outcomes: Outcomes,
    /// From the submit to the final status, or to now.
    pub duration_ms: u64,
    /// Some answers were made up by the simulated provider.
    pub simulated: bool,
    /// Absent while the job runs, and where more than one process worked at it.
    pub usage: Option<Usage>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its first lane was dispatched.
    pub started_at: Option<Timestamp>,
    /// When it got its final status.
    pub finished_at: Option<Timestamp>,
    /// Lowest completed ÷ expected of a completed job.
    pub min_success_rate: f64,
    /// Fewest regions with a completed execution of a completed job.
    pub min_regions: u16,
}

impl JobView {
    /// From a strongly consistent read of the job and its lanes.
    pub fn new(job: &Job, lanes: &[Lane], now: Timestamp) -> Self {
        let tallies = total(lanes);
        let running = lanes.iter().map(Lane::running).sum();
        let counts = Counts {
            completed: tallies.completed,
            failed: tallies.failed,
            timed_out: tallies.timed_out,
            cancelled: tallies.cancelled,
            pending: job.expected.saturating_sub(tallies.ended()).saturating_sub(running),
            running,
        };
        let until = job.finished_at.unwrap_or(now);
        Self {
            job_id: job.id.clone(),
            name: job.name.clone(),
            run: job.run,
            status: job.status,
            expected: job.expected,
            counts,
            outcomes: tallies.outcomes,
            duration_ms: milliseconds(job.created_at, until),
            simulated: tallies.simulated > 0,
            usage: job.usage,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            min_success_rate: job.min_success_rate,
            min_regions: job.min_regions,
        }
    }
}

/// Milliseconds between two times; 0 where clocks disagree about their order.
pub fn milliseconds(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0)
}

/// One pair as the API shows it, whether or not its row exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionView {
    /// Reversible; see [`ExecutionId`].
    pub id: ExecutionId,
    /// The job.
    pub job_id: JobId,
    /// Shared by all variants.
    pub question_id: QuestionId,
    /// How the question was put.
    pub variant: VariantName,
    /// Index into the job's question list.
    pub question: QuestionIndex,
    /// The model asked.
    pub model_id: ModelId,
    /// The region asked, canonical.
    pub region: Region,
    /// The region as the client wrote it.
    pub region_asked: String,
    /// Which repetition.
    pub sample: Sample,
    /// Where it is.
    pub status: ExecutionStatus,
    /// What its row holds; absent for pending and running ones.
    #[serde(flatten)]
    pub row: Option<RowView>,
}

/// What the row of an execution holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowView {
    /// The run that made it.
    pub run: Run,
    /// Of a completed one.
    pub outcome: Option<Outcome>,
    /// Of one that did not complete.
    pub failure: Option<Failure>,
    /// Of a completed one.
    pub response: Option<String>,
    /// The provider's word.
    pub finish_reason: Option<String>,
    /// Absent when no provider was chosen.
    pub provider_id: Option<ProviderId>,
    /// The model that the provider says it ran.
    pub served_model: Option<String>,
    /// The region served from: the provider's word, or else the router's.
    pub served_region: Option<String>,
    /// Tokens of the prompt, as the provider counts.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, as the provider counts.
    pub output_tokens: Option<u64>,
    /// US dollars, where the provider's price is declared.
    pub cost: Option<f64>,
    /// Made up by the simulated provider.
    pub simulated: bool,
    /// Of what was sent.
    pub prompt_sha256: PromptHash,
    /// How the model was to sample.
    pub sampling: Sampling,
    /// Requests sent to the router.
    pub attempts: u32,
    /// When the first attempt began.
    pub started_at: Timestamp,
    /// When the answer or the failure was known.
    pub completed_at: Timestamp,
    /// Between the two.
    pub duration_ms: u64,
}

impl RowView {
    fn new(row: ExecutionRow) -> Self {
        use crate::execution::Ending;
        let failure = row.ending.failure().cloned();
        let answer = match row.ending {
            Ending::Completed(answer) => Some(answer),
            Ending::Failed(_) | Ending::TimedOut(_) | Ending::Cancelled(_) => None,
        };
        let (outcome, cost) =
            (answer.as_ref().map(|a| a.outcome), answer.as_ref().and_then(|a| a.cost));
        let input_tokens = answer.as_ref().and_then(|answer| answer.input_tokens);
        let output_tokens = answer.as_ref().and_then(|answer| answer.output_tokens);
        let finish_reason = answer.as_ref().and_then(|answer| answer.finish_reason.clone());
        Self {
            run: row.run,
            outcome,
            failure,
            response: answer.map(|answer| answer.response),
            finish_reason,
            provider_id: row.served.provider_id,
            served_model: row.served.model,
            served_region: row.served.region,
            input_tokens,
            output_tokens,
            cost,
            simulated: row.served.simulated,
            prompt_sha256: row.prompt_sha256,
            sampling: row.sampling,
            attempts: row.attempts,
            started_at: row.started_at,
            completed_at: row.completed_at,
            duration_ms: milliseconds(row.started_at, row.completed_at),
        }
    }
}

impl ExecutionView {
    /// A pair with its row, or with the status that its lane gives it.
    pub fn new(
        id: ExecutionId,
        spec: &Spec,
        question: &Question,
        row: Option<ExecutionRow>,
        without_row: ExecutionStatus,
    ) -> Self {
        let asked = spec.region(&id.region).map(|region| region.asked.clone());
        Self {
            job_id: id.job.clone(),
            question_id: question.id.clone(),
            variant: question.variant.clone(),
            question: id.question,
            model_id: id.model.clone(),
            region_asked: asked.unwrap_or_else(|| id.region.to_string()),
            region: id.region.clone(),
            sample: id.sample,
            status: row.as_ref().map_or(without_row, |row| row.ending.status()),
            row: row.map(RowView::new),
            id,
        }
    }
}

/// A page of a job's executions, in the order region, question, model, sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionsPage {
    /// The pairs of this page.
    pub executions: Vec<ExecutionView>,
    /// For the next page; absent on the last.
    pub cursor: Option<String>,
}

/// A page of jobs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobsPage {
    /// The jobs of this page.
    pub jobs: Vec<JobView>,
    /// For the next page; absent on the last.
    pub cursor: Option<String>,
}

/// Executions of one (region, model).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SummaryRow {
    /// Canonical region.
    pub region: Region,
    /// The model.
    pub model_id: ModelId,
    /// Executions of the two.
    pub expected: u64,
    /// By status.
    pub counts: Counts,
    /// The completed ones by outcome.
    pub outcomes: Outcomes,
}

/// A job's executions by region and model, and its failures by code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Region by region, in the specification's order.
    pub rows: Vec<SummaryRow>,
    /// Most frequent first.
    pub failures: Vec<FailureCount>,
}

/// How often a code occurred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureCount {
    /// The code.
    pub code: FailureCode,
    /// The message of one of them.
    pub example: String,
    /// How many.
    pub count: u64,
}

/// Answer to a submit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submitted {
    /// The job.
    pub job_id: JobId,
    /// The same, under the predecessor's name.
    pub id: JobId,
    /// Where it is.
    pub status: JobStatus,
    /// Its run.
    pub run: Run,
    /// Executions of the job.
    pub expected_executions: u64,
    /// The same content was submitted under this id before: nothing new runs.
    pub existing: bool,
    /// What was folded or capped.
    pub warnings: Vec<String>,
}

/// Every error of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorView {
    /// For people: what, which input, what to do.
    pub error: String,
    /// Stable, for programs.
    pub error_code: String,
    /// One entry a wrong field.
    #[serde(default)]
    pub details: Vec<Problem>,
}
