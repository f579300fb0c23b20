//! What the API answers: one definition for the functions, the command line and the tests.

mod change;
mod debug;
mod execution;
mod health;
mod jobspec;
mod response;
mod source;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use change::{
    CancelAccepted, ClassifyAccepted, PairRetry, PairRetryResult, PairRetryStatus, RetriesHad,
    RetryAccepted,
};
pub use debug::{
    ConfigView, DebugBill, DebugJob, DebugLane, ExecutorView, SettingView, is_mismatch,
};
pub use execution::{ExecutionView, ExecutionsPage, OutputMetadata, OutputView, RowView};
pub use health::{Health, HealthView, Live, PartHealth, ReadyView};
pub use jobspec::{cross_region_execution_id, jobspec};
pub use response::ResponseClassification;
pub use source::Source;

use crate::builtin;
use crate::estimate::Estimate;
use crate::failure::FailureCode;
use crate::id::{JobId, ModelId, Run};
use crate::job::{Job, JobEnding, JobStatus, RunRecord, spent, total};
use crate::lane::{Lane, Outcomes};
use crate::money::Dollars;
use crate::region::Region;
use crate::spec::Problem;
use crate::usage::Usage;

/// Executions by status; they add up to the expected number at every moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobView {
    /// Its id.
    pub job_id: JobId,
    /// The same, under the predecessor's name.
    pub id: JobId,
    /// For people.
    pub name: String,
    /// 1, and one more for every retry.
    pub run: Run,
    /// Where it is.
    pub status: JobStatus,
    /// Executions of the job.
    pub expected: u64,
    /// Entries of its question list.
    pub questions: u32,
    /// Its models.
    pub models: Vec<ModelId>,
    /// Its regions, canonical.
    pub regions: Vec<Region>,
    /// How often each cell is repeated.
    pub samples: u16,
    /// The executions by status.
    pub counts: Counts,
    /// The completed ones by outcome.
    pub outcomes: Outcomes,
    /// From the submit to the final status, or to now.
    pub duration_ms: u64,
    /// Simulated providers, whose answers are made up, were asked.
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
    /// When the time of its run is up.
    pub deadline: Timestamp,
    /// Why its run ends, or ended, before its last question.
    pub ending: Option<JobEnding>,
    /// Its runs, oldest first.
    pub runs: Vec<RunRecord>,
    /// Attempts that may have been charged for without an answer having arrived.
    pub maybe_billed: u64,
    /// What it costs, estimated beside counted.
    pub cost: CostView,
}

/// What a job costs. The table's and the queues' use is counted in the job's `usage`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostView {
    /// What providers may charge before it stops; absent where there is no limit.
    pub max_cost: Option<Dollars>,
    /// What it was thought to use when it was accepted; absent for a job of an earlier release.
    pub estimated: Option<Estimate>,
    /// What its providers charged so far, in all its runs.
    pub counted: CountedCost,
}

/// What providers charged, from what they told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountedCost {
    /// For executions whose cost is known.
    pub provider: Dollars,
    /// Completed executions whose cost is not known; they are not in the sum.
    pub executions_without_cost: u64,
    /// The most that those, and attempts that may have been charged for, can have cost; absent where
    /// the job has no `max_cost`.
    pub assumed_at_most: Option<Dollars>,
}

impl CostView {
    fn new(job: &Job, lanes: &[Lane]) -> Self {
        let spent = spent(lanes);
        Self {
            max_cost: job.max_cost,
            estimated: job.estimate,
            counted: CountedCost {
                provider: spent.known,
                executions_without_cost: spent.unknown,
                assumed_at_most: job.max_cost.map(|_| spent.assumed),
            },
        }
    }
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
            id: job.id.clone(),
            name: job.name.clone(),
            run: job.run,
            status: job.status,
            expected: job.expected,
            questions: job.questions,
            models: job.models.clone(),
            regions: regions(lanes),
            samples: job.samples,
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
            deadline: job.deadline,
            ending: job.ending.clone(),
            runs: job.runs.clone(),
            maybe_billed: lanes.iter().map(|lane| lane.breakdown.maybe_billed).sum(),
            cost: CostView::new(job, lanes),
        }
    }
}

/// The regions of a job's lanes.
pub fn regions(lanes: &[Lane]) -> Vec<Region> {
    let mut regions: Vec<Region> = lanes.iter().map(|lane| lane.id.region.clone()).collect();
    regions.sort();
    regions.dedup();
    regions
}

/// Milliseconds between two times; 0 where clocks disagree about their order.
pub fn milliseconds(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0)
}

/// A job with its document and, where they were asked for, its executions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "JobPage")]
pub struct JobPage<T = ExecutionView> {
    /// The job.
    #[serde(flatten)]
    pub view: JobView,
    /// The predecessor's `JobSpec`: the one submitted, or what it would be.
    pub job: Value,
    /// A page of its executions.
    #[serde(flatten)]
    pub page: Option<ExecutionsPage<T>>,
}

/// A page of jobs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobsPage {
    /// The jobs of this page.
    pub jobs: Vec<JobView>,
    /// For the next page; absent on the last.
    pub cursor: Option<String>,
}

/// Executions of one (region, model).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Region by region, in the specification's order.
    pub rows: Vec<SummaryRow>,
    /// Most frequent first.
    pub failures: Vec<FailureCount>,
}

/// How often a code occurred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureCount {
    /// The code.
    pub code: FailureCode,
    /// The message of one of them.
    pub example: String,
    /// How many.
    pub count: u64,
}

/// Answer to a submit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Submitted{S}")]
pub struct Submitted<S = JobStatus> {
    /// The job.
    pub job_id: JobId,
    /// The same, under the predecessor's name.
    pub id: JobId,
    /// Where it is.
    pub status: S,
    /// Its run.
    pub run: Run,
    /// Executions of the job.
    pub expected_executions: u64,
    /// The same content was submitted under this id before: nothing new runs.
    pub existing: bool,
    /// What was folded or capped.
    pub warnings: Vec<String>,
}

/// Answer to a submit in the predecessor's cross-region form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubmittedCrossRegion {
    /// What every submit is answered with.
    #[serde(flatten)]
    pub submitted: Submitted<CrossRegionStatus>,
    /// The job, under another of the predecessor's names.
    pub jobspec_id: JobId,
    /// A UUID made from the job's id.
    pub cross_region_execution_id: String,
    /// The job's regions.
    pub total_regions: usize,
    /// Fewest regions with a completed execution of a completed job.
    pub min_regions: u16,
    /// When the job was accepted.
    pub submitted_at: Timestamp,
    /// Always `not known`: how long models take is not.
    pub estimated_duration: String,
}

/// The one status of a submit in the predecessor's cross-region form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CrossRegionStatus {
    /// The job was accepted.
    Submitted,
}

/// The questions that come with Beacon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Questions {
    /// By category.
    pub categories: BTreeMap<String, Vec<QuestionView>>,
}

/// One of the questions that come with Beacon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuestionView {
    /// Its id.
    pub question_id: String,
    /// Its text.
    pub question: String,
}

impl Questions {
    /// All of them.
    pub fn built_in() -> Self {
        let mut categories: BTreeMap<String, Vec<QuestionView>> = BTreeMap::new();
        for built_in in builtin::QUESTIONS {
            let question_id = built_in.id.to_owned();
            let view = QuestionView { question_id, question: built_in.text.to_owned() };
            categories.entry(built_in.category.to_owned()).or_default().push(view);
        }
        Self { categories }
    }
}

/// What an error says beside its sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Details {
    /// One entry a wrong field.
    Fields(Vec<Problem>),
    /// Why the time of a signature is refused, for programs.
    Time {
        /// `too_old`, `too_far_in_future` or `format_invalid`.
        reason: String,
    },
}

/// Every error of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorView {
    /// For people: what, which input, what to do.
    pub error: String,
    /// Stable, for programs.
    pub error_code: String,
    /// What else there is to say; absent where a signature is refused, as the predecessor has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// Of a pair that was retried as often as pairs are.
    #[serde(flatten)]
    pub retries: Option<RetriesHad>,
}
