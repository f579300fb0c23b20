//! What an operator asks when something is wrong.

mod why;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Counts, JobView};
use crate::bill::{Bill, Fate};
use crate::id::{DispatchNumber, JobId, Position, Run};
use crate::job::{Analysis, Job, JobEnding, JobStatus, RunRecord, Transition, total};
use crate::lane::{Holder, Lane, LaneState, Mark, Tallies};

/// Answer to `GET /debug/config`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigView {
    /// Of Beacon.
    pub version: String,
    /// Every setting that Beacon reads.
    pub settings: Vec<SettingView>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingView {
    /// Its variable.
    pub variable: String,
    /// The value in effect; of a secret only that it is set.
    pub value: Option<String>,
    /// Where the value is from.
    pub source: String,
    /// Why what is set cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Answer to `GET /debug/executor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutorView {
    /// Always `hybrid`: there is no other executor.
    pub executor_type: String,
    /// Whether there is a router.
    pub hybrid_client_set: bool,
    /// Its base address.
    pub hybrid_base: Option<String>,
}

/// Answer to `GET /debug/jobs/{id}`: why a job is where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DebugJob {
    /// The job.
    pub job_id: JobId,
    /// Its run.
    pub run: Run,
    /// Where it is.
    pub status: JobStatus,
    /// Executions of the job.
    pub expected: u64,
    /// By status.
    pub counts: Counts,
    /// Why, a sentence each.
    pub why: Vec<String>,
    /// A final job with an open lane, or one whose tallies do not add up to what is expected.
    pub status_mismatch: bool,
    /// Answers that were dropped because another holder's row was there first.
    pub late_results: u64,
    /// When the time of its run is up.
    pub deadline: Timestamp,
    /// Why its run ends, or ended, before its last question.
    pub ending: Option<JobEnding>,
    /// Whether its answers are to be analysed, since when, and how often that was begun.
    #[serde(default)]
    pub analysis: Analysis,
    /// Its runs, oldest first.
    pub runs: Vec<RunRecord>,
    /// Calls whose fate was not known when their rows were written, at most 100.
    pub bills: Vec<DebugBill>,
    /// Its log, oldest first.
    pub transitions: Vec<Transition>,
    /// Its lanes.
    pub lanes: Vec<DebugLane>,
}

/// A call whose fate was not known, and what is known by now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DebugBill {
    /// Its idempotency key: the execution's id and a number.
    pub key: String,
    /// The run that made it.
    pub run: Run,
    /// When it began.
    pub at: Timestamp,
    /// What became of it.
    pub fate: Fate,
}

impl From<Bill> for DebugBill {
    fn from(bill: Bill) -> Self {
        let Bill { key, run, at, fate } = bill;
        Self { key: key.as_str().to_owned(), run, at, fate }
    }
}

/// One lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DebugLane {
    /// Region and number.
    pub lane: String,
    /// The run that it works for.
    pub run: Run,
    /// Whether it has questions left.
    pub state: LaneState,
    /// The position that is open or comes next.
    pub cursor: Position,
    /// Positions of its work list.
    pub length: u32,
    /// How often its messages were sent anew.
    pub dispatch_number: DispatchNumber,
    /// Who works at the cursor.
    pub holder: Option<Holder>,
    /// That it is to be closed early, or was.
    pub mark: Option<Mark>,
    /// How often another holder took over at this cursor.
    pub takeovers: u32,
    /// How often its messages were sent anew at this cursor while none was in the queue.
    pub redispatches: u32,
    /// Questions up to the cursor, in a row, without a completed execution.
    pub barren: u32,
    /// When it last moved.
    pub moved_at: Timestamp,
    /// How long the message finished last had stood first in the queue, milliseconds.
    pub waited_ms: u64,
    /// Its ended executions.
    pub tallies: Tallies,
    /// Calls that were not made because the row was there when a worker came to ask.
    pub spared: u64,
    /// Writes of rows that failed and were made again, or that the table refused for good.
    pub failed_writes: u64,
}

impl DebugJob {
    /// From a strongly consistent read of the job and its lanes.
    pub fn new(
        job: &Job,
        lanes: &[Lane],
        late_results: u64,
        bills: Vec<Bill>,
        now: Timestamp,
    ) -> Self {
        let counts = JobView::new(job, lanes, now).counts;
        Self {
            job_id: job.id.clone(),
            run: job.run,
            status: job.status,
            expected: job.expected,
            counts,
            why: why::why(job, lanes, now),
            status_mismatch: is_mismatch(job, lanes),
            late_results,
            deadline: job.deadline,
            ending: job.ending.clone(),
            analysis: job.analysis,
            runs: job.runs.clone(),
            bills: bills.into_iter().map(DebugBill::from).collect(),
            transitions: job.transitions.clone(),
            lanes: lanes.iter().map(DebugLane::new).collect(),
        }
    }
}

impl DebugLane {
    fn new(lane: &Lane) -> Self {
        Self {
            lane: lane.id.to_string(),
            run: lane.run,
            state: lane.state,
            cursor: lane.cursor,
            length: lane.length,
            dispatch_number: lane.dispatch_number,
            holder: lane.holder.clone(),
            mark: lane.mark.clone(),
            takeovers: lane.takeovers,
            redispatches: lane.redispatches,
            barren: lane.barren,
            moved_at: lane.moved_at,
            waited_ms: lane.waited_ms,
            tallies: lane.tallies,
            spared: lane.breakdown.spared,
            failed_writes: lane.breakdown.failed_writes,
        }
    }
}

/// Whether a final job has an open lane, or tallies that do not add up to what is expected.
pub fn is_mismatch(job: &Job, lanes: &[Lane]) -> bool {
    let open = |lane: &Lane| lane.state == LaneState::Open || lane.run != job.run;
    job.status.is_final() && (lanes.iter().any(open) || total(lanes).ended() != job.expected)
}
