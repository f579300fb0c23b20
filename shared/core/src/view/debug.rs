//! What an operator asks when something is wrong.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Counts, JobView};
use crate::id::{DispatchNumber, JobId, LaneId, Position, Run};
use crate::job::{Job, JobStatus, Transition, total};
use crate::lane::{Holder, Lane, LaneState, Tallies};
use crate::reconcile;

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
    /// Its log, oldest first.
    pub transitions: Vec<Transition>,
    /// Its lanes.
    pub lanes: Vec<DebugLane>,
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
    pub fn new(job: &Job, lanes: &[Lane], late_results: u64, now: Timestamp) -> Self {
        let counts = JobView::new(job, lanes, now).counts;
        Self {
            job_id: job.id.clone(),
            run: job.run,
            status: job.status,
            expected: job.expected,
            counts,
            why: why(job, lanes, now),
            status_mismatch: is_mismatch(job, lanes),
            late_results,
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

fn why(job: &Job, lanes: &[Lane], now: Timestamp) -> Vec<String> {
    if job.status.is_final() {
        let (tallies, expected) = (total(lanes), job.expected);
        return vec![format!(
            "ended: {} of {expected} completed, {} were needed, and in {} regions",
            tallies.completed,
            needed(job),
            job.min_regions
        )];
    }
    let open: Vec<&Lane> = lanes.iter().filter(|lane| lane.state == LaneState::Open).collect();
    if open.is_empty() {
        return vec![
            "every lane is closed: the coordinator, or the reconciler within a minute, gives the \
             final status"
                .to_owned(),
        ];
    }
    open.into_iter().map(|lane| why_open(&lane.id, lane, now)).collect()
}

/// Completed executions of a completed job, rounded up.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of at most a million"
)]
fn needed(job: &Job) -> u64 {
    (job.min_success_rate * job.expected as f64).ceil() as u64
}

fn why_open(id: &LaneId, lane: &Lane, now: Timestamp) -> String {
    let idle = super::milliseconds(lane.moved_at, now) / 1000;
    let at = format!("{id} is at question {} of {}", lane.cursor.0 + 1, lane.length);
    match &lane.holder {
        Some(holder) => format!(
            "{at}: {} has asked it for {} s",
            holder.nonce,
            super::milliseconds(holder.since, now) / 1000
        ),
        None => format!(
            "{at}: nobody has it for {idle} s; its message waits in the queue, and after {} s it \
             is dispatched anew",
            reconcile::IDLE.as_secs()
        ),
    }
}
