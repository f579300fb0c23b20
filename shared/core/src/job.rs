//! A job: its status, its final status, and its writes as data.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{JobId, ModelId, Run};
use crate::lane::{Lane, LaneState, Tallies};
use crate::region::Region;
use crate::spec::{Spec, SpecHash};
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
    /// Which function, or whom.
    pub who: Actor,
}

/// Why a job's status changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A specification was accepted.
    Submitted,
    /// The first lane was dispatched.
    Dispatched,
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
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its first lane was dispatched.
    pub started_at: Option<Timestamp>,
    /// When it got its final status.
    pub finished_at: Option<Timestamp>,
    /// Table and queue usage of its run, where one process counted all of it.
    pub usage: Option<Usage>,
    /// Its log, oldest first.
    pub transitions: Vec<Transition>,
}

impl Job {
    /// A job that was just accepted.
    pub fn new(id: JobId, spec: &Spec, hash: SpecHash, chunks: u16, now: Timestamp) -> Self {
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
            created_at: now,
            started_at: None,
            finished_at: None,
            usage: None,
            transitions: vec![Transition {
                at: now,
                from: None,
                to: JobStatus::Queued,
                why: Cause::Submitted,
                who: Actor::Intake,
            }],
        }
    }

    /// Its lanes, none of them begun.
    pub fn lanes(spec: &Spec, now: Timestamp) -> Vec<Lane> {
        let pairs = u32::try_from(spec.pairs_of_question()).unwrap_or(u32::MAX);
        spec.lanes()
            .map(|id| {
                let length = spec.lane_length(id.k);
                Lane::new(id, length, pairs, now)
            })
            .collect()
    }
}

/// One conditional write of a job: `status = from AND run = run`.
#[derive(Debug, Clone, PartialEq)]
pub struct JobWrite {
    /// The run read.
    pub run: Run,
    /// What it changes, with the status read.
    pub transition: Transition,
}

/// Dispatch: a queued job starts running; any other is left alone.
pub fn start(run: Run, now: Timestamp) -> JobWrite {
    let transition = Transition {
        at: now,
        from: Some(JobStatus::Queued),
        to: JobStatus::Running,
        why: Cause::Dispatched,
        who: Actor::Dispatch,
    };
    JobWrite { run, transition }
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

/// Decides the final status from a strongly consistent read of the job and all its lanes; none
/// while a lane of the job's run is open, or where the status is final already.
pub fn finalise(job: &Job, lanes: &[Lane], who: Actor, now: Timestamp) -> Option<Finalisation> {
    let closed = |lane: &Lane| lane.run == job.run && lane.state == LaneState::Closed;
    if job.status.is_final() || lanes.is_empty() || !lanes.iter().all(closed) {
        return None;
    }
    let tallies = total(lanes);
    let success_rate = share(tallies.completed, job.expected);
    let enough = success_rate >= job.min_success_rate
        && regions_with_completed(lanes) >= usize::from(job.min_regions);
    let to = if enough { JobStatus::Completed } else { JobStatus::Failed };
    let transition =
        Transition { at: now, from: Some(job.status), to, why: Cause::LanesClosed, who };
    Some(Finalisation { write: JobWrite { run: job.run, transition }, tallies, success_rate })
}

/// Σ of the lanes' tallies.
pub fn total(lanes: &[Lane]) -> Tallies {
    lanes.iter().fold(Tallies::default(), |sum, lane| sum.plus(&lane.tallies))
}

#[expect(clippy::cast_precision_loss, reason = "executions are at most a million")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn regions_with_completed(lanes: &[Lane]) -> usize {
    let completed = lanes.iter().filter(|lane| lane.tallies.completed > 0);
    completed.map(|lane| &lane.id.region).collect::<std::collections::BTreeSet<&Region>>().len()
}

#[cfg(test)]
mod tests;
