//! A job: its status, its runs, how it ends, and its writes as data.

mod again;
mod analysis;
mod ending;
mod run;
mod write;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use again::{NoRetry, NoRun, may_retry, may_run_again, without_answer};
pub use analysis::{Analysis, Due};
pub use ending::{EndCause, JobEnding, StopRule, cost_limit, unreachable};
pub use run::{MAX_RETRIES, MAX_RUNS, RunRecord, Selection, is_for, retries};
pub use write::{JobChange, JobCondition, JobWrite, RetryRequest, cancel, end, retry, start};

use crate::estimate::Estimate;
use crate::id::{JobId, ModelId, Nonce, Run};
use crate::lane::{Lane, LaneState, Spent, Tallies};
use crate::money::Dollars;
use crate::region::Region;
use crate::spec::{Spec, SpecHash, limit};
use crate::usage::Usage;

/// Status of a job.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Accepted.
    Queued,
    /// Dispatched.
    Running,
    /// A cancel is being carried out.
    Cancelling,
    /// Enough executions completed.
    Completed,
    /// Too few executions completed.
    Failed,
    /// Cancelled, and nothing runs any more.
    Cancelled,
    /// Its deadline passed, and nothing runs any more.
    TimedOut,
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The name in JSON.
        self.serialize(f)
    }
}

impl JobStatus {
    /// Whether nothing of the run changes any more.
    pub fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::Cancelling => false,
            Self::Completed | Self::Failed | Self::Cancelled | Self::TimedOut => true,
        }
    }
}

/// One entry of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// From which status; none for the submit.
    pub from: Option<JobStatus>,
    /// To which status.
    pub to: JobStatus,
    /// Why.
    pub why: Cause,
    /// Which function.
    pub who: Actor,
    /// Whose token asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Why a job's status changed, or its end was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A specification was accepted.
    Submitted,
    /// The first lane was dispatched.
    Dispatched,
    /// Its early end was decided; the status may stay.
    Ended(EndCause),
    /// A new run was asked for.
    Retried,
    /// Every lane is closed.
    LanesClosed,
}

/// Who changed a job's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// `functions/intake`.
    Intake,
    /// `functions/dispatch`.
    Dispatch,
    /// `functions/inference`.
    Inference,
    /// `functions/coordinator`.
    Coordinator,
    /// `functions/reconciler`.
    Reconciler,
}

/// A job as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// For people.
    pub name: String,
    /// Where it is.
    pub status: JobStatus,
    /// 1, and one more for every retry.
    pub run: Run,
    /// Of the stored specification.
    pub spec_hash: SpecHash,
    /// Items that the stored specification is split into.
    pub spec_chunks: u16,
    /// Executions of the job.
    pub expected: u64,
    /// Entries of its question list.
    pub questions: u32,
    /// Its models, in the order given.
    pub models: Vec<ModelId>,
    /// How often each cell is repeated.
    pub samples: u16,
    /// It was submitted as the predecessor's `JobSpec`, which is stored beside it.
    pub has_jobspec: bool,
    /// Lowest completed ÷ expected of a completed job.
    pub min_success_rate: f64,
    /// Fewest regions with a completed execution of a completed job.
    pub min_regions: u16,
    /// When it stops by itself.
    pub stop: StopRule,
    /// The time budget of a run, seconds.
    pub timeout_seconds: u64,
    /// What providers may charge for all its runs before it stops.
    pub max_cost: Option<Dollars>,
    /// What it was thought to use when it was accepted; none of a job of an earlier release.
    pub estimate: Option<Estimate>,
    /// When the time of its run is up.
    pub deadline: Timestamp,
    /// The early end of its run, once it is decided.
    pub ending: Option<JobEnding>,
    /// Its runs, oldest first.
    pub runs: Vec<RunRecord>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its first lane was dispatched.
    pub started_at: Option<Timestamp>,
    /// When it got its final status.
    pub finished_at: Option<Timestamp>,
    /// Table and queue usage of its run, where one process counted all of it.
    pub usage: Option<Usage>,
    /// Whether its answers are to be analysed.
    pub analysis: Analysis,
    /// Its log, oldest first.
    pub transitions: Vec<Transition>,
}

impl Job {
    /// A job that was just accepted.
    pub fn new(id: JobId, spec: &Spec, hash: SpecHash, chunks: u16, now: Timestamp) -> Self {
        let timeout_seconds = timeout_seconds(spec);
        let first = RunRecord {
            run: Run::FIRST,
            at: now,
            who: Actor::Intake,
            by: None,
            why: None,
            selection: Selection::default(),
            executions: spec.expected(),
            request: Nonce::submit(),
        };
        Self {
            id,
            name: spec.name.clone(),
            status: JobStatus::Queued,
            run: Run::FIRST,
            spec_hash: hash,
            spec_chunks: chunks,
            expected: spec.expected(),
            questions: u32::try_from(spec.questions.len()).unwrap_or(u32::MAX),
            models: spec.models.clone(),
            samples: spec.samples,
            has_jobspec: false,
            min_success_rate: spec.min_success_rate,
            min_regions: spec.min_regions,
            stop: StopRule { policy: spec.stop, after: spec.stop_after },
            timeout_seconds,
            max_cost: spec.max_cost,
            estimate: None,
            deadline: now + Duration::from_secs(timeout_seconds),
            ending: None,
            runs: vec![first],
            created_at: now,
            started_at: None,
            finished_at: None,
            usage: None,
            analysis: Analysis::default(),
            transitions: vec![Transition {
                at: now,
                from: None,
                to: JobStatus::Queued,
                why: Cause::Submitted,
                who: Actor::Intake,
                by: None,
            }],
        }
    }

    /// Its lanes, none of them begun.
    pub fn lanes(spec: &Spec, now: Timestamp) -> Vec<Lane> {
        let small = |number| u32::try_from(number).unwrap_or(u32::MAX);
        let (pairs, models) = (small(spec.pairs_of_question()), small(spec.models.len()));
        spec.lanes()
            .map(|id| {
                let length = spec.lane_length(id.k);
                Lane::new(id, length, models, pairs, now)
            })
            .collect()
    }
}

/// A run's time budget: as specified, or ten minutes and one more for every question of the longest
/// lane, a day at most.
fn timeout_seconds(spec: &Spec) -> u64 {
    let usual = 600 + 60 * u64::from(spec.lane_length(0));
    spec.timeout_seconds.unwrap_or(usual).min(limit::TIMEOUT_SECONDS)
}

/// The final status and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Finalisation {
    /// The write that makes it so.
    pub write: JobWrite,
    /// Σ of the lanes.
    pub tallies: Tallies,
    /// Completed ÷ expected.
    pub success_rate: f64,
}

/// Whether all lanes are as the job's run left them: read beside a retry they may not be.
pub fn is_closed(job: &Job, lanes: &[Lane]) -> bool {
    lanes.iter().all(|lane| lane.run == job.run && lane.state == LaneState::Closed)
}

/// Decides the final status from a strongly consistent read of the job and all its lanes; none
/// while a lane of the job's run is open, or where the status is final already.
pub fn finalise(job: &Job, lanes: &[Lane], who: Actor, now: Timestamp) -> Option<Finalisation> {
    if job.status.is_final() || lanes.is_empty() || !is_closed(job, lanes) {
        return None;
    }
    let tallies = total(lanes);
    let success_rate = share(tallies.completed, job.expected);
    let enough = success_rate >= job.min_success_rate
        && regions_with_completed(lanes) >= usize::from(job.min_regions);
    let to = match job.ending.as_ref().map(|ending| &ending.cause) {
        Some(EndCause::Cancel) => JobStatus::Cancelled,
        Some(EndCause::Deadline) => JobStatus::TimedOut,
        Some(
            EndCause::RegionFailure { .. }
            | EndCause::RateUnreachable
            | EndCause::RegionsUnreachable
            | EndCause::CostLimit,
        )
        | None => {
            if enough {
                JobStatus::Completed
            } else {
                JobStatus::Failed
            }
        }
    };
    let why = Cause::LanesClosed;
    let transition = Transition { at: now, from: Some(job.status), to, why, who, by: None };
    let no_ending = job.ending.is_none();
    let condition = JobCondition { run: job.run, status: job.status, no_ending };
    let write = JobWrite { condition, transition, change: JobChange::Finalise };
    Some(Finalisation { write, tallies, success_rate })
}

/// Σ of the lanes' tallies.
pub fn total(lanes: &[Lane]) -> Tallies {
    lanes.iter().fold(Tallies::default(), |sum, lane| sum.plus(&lane.tallies))
}

/// Σ of what the lanes spent.
pub fn spent(lanes: &[Lane]) -> Spent {
    lanes.iter().fold(Spent::default(), |sum, lane| sum.plus(lane.breakdown.spent))
}

#[expect(clippy::cast_precision_loss, reason = "executions are at most a million")]
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn regions_with_completed(lanes: &[Lane]) -> usize {
    let completed = lanes.iter().filter(|lane| lane.tallies.completed > 0);
    completed.map(|lane| &lane.id.region).collect::<std::collections::BTreeSet<&Region>>().len()
}

#[cfg(test)]
mod tests;
