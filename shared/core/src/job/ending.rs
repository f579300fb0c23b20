//! Why a job ends before its last question, and what that makes of the pairs that it leaves.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Actor, Job, share, spent};
use crate::execution::{Ending, ExecutionStatus};
use crate::failure::{Failure, FailureCode, Stage};
use crate::lane::Lane;
use crate::money::Dollars;
use crate::region::Region;
use crate::spec::Stop;

/// Why a job ends early.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "cause")]
pub enum EndCause {
    /// Somebody cancelled it.
    Cancel,
    /// Its time is up.
    Deadline,
    /// A region brought nothing back.
    RegionFailure {
        /// Which.
        region: Region,
        /// Questions in a row without a completed execution.
        questions: u32,
    },
    /// `min_success_rate` cannot be reached any more.
    RateUnreachable,
    /// `min_regions` cannot be reached any more.
    RegionsUnreachable,
    /// `max_cost` is spent.
    CostLimit,
}

impl fmt::Display for EndCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancel => f.write_str("the job was cancelled"),
            Self::Deadline => f.write_str("the job's time was up"),
            Self::RegionFailure { region, questions } => write!(
                f,
                "the job was stopped: {questions} questions in a row brought nothing back from \
                 {region}"
            ),
            Self::RateUnreachable => {
                f.write_str("the job was stopped: its min_success_rate was out of reach")
            }
            Self::RegionsUnreachable => {
                f.write_str("the job was stopped: its min_regions were out of reach")
            }
            Self::CostLimit => f.write_str("the job was stopped: its max_cost was spent"),
        }
    }
}

impl EndCause {
    /// The status of the pairs that it leaves without an answer.
    pub fn status(&self) -> ExecutionStatus {
        match self {
            Self::Deadline => ExecutionStatus::TimedOut,
            Self::Cancel
            | Self::RegionFailure { .. }
            | Self::RateUnreachable
            | Self::RegionsUnreachable
            | Self::CostLimit => ExecutionStatus::Cancelled,
        }
    }

    /// The code of those pairs.
    pub fn code(&self) -> FailureCode {
        match self {
            Self::Cancel => FailureCode::JobCancelled,
            Self::Deadline => FailureCode::JobDeadline,
            Self::RegionFailure { .. }
            | Self::RateUnreachable
            | Self::RegionsUnreachable
            | Self::CostLimit => FailureCode::JobStopped,
        }
    }

    /// Why a pair that it leaves did not complete. `attempts` were begun; of the last it may be
    /// unknown whether the provider answered.
    pub fn failure(&self, attempts: u32, maybe_billed: bool) -> Failure {
        Failure {
            stage: Stage::Job,
            code: self.code(),
            message: Failure::message(self.to_string()),
            retryable: true,
            maybe_billed,
            provider_id: None,
            http_status: None,
            attempts,
        }
    }

    /// What a pair that it leaves becomes.
    pub fn ending(&self, attempts: u32, maybe_billed: bool) -> Ending {
        let failure = self.failure(attempts, maybe_billed);
        match self {
            Self::Deadline => Ending::TimedOut(failure),
            Self::Cancel
            | Self::RegionFailure { .. }
            | Self::RateUnreachable
            | Self::RegionsUnreachable
            | Self::CostLimit => Ending::Cancelled(failure),
        }
    }
}

/// A job's early end as it was decided; the first decision stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobEnding {
    /// Why.
    #[serde(flatten)]
    pub cause: EndCause,
    /// When.
    pub at: Timestamp,
    /// Which function decided it.
    pub who: Actor,
    /// Whose token asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// When a job stops by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct StopRule {
    /// On what.
    pub policy: Stop,
    /// Questions in a row without a completed execution that make a region failed.
    pub after: u32,
}

impl StopRule {
    /// Whether a lane as a finish leaves it makes its region failed: enough questions in a row, or
    /// all there are, ended without a completed execution.
    pub fn region_failed(self, finished: &Lane) -> Option<EndCause> {
        let at_end = finished.cursor.0 >= finished.length;
        let nothing = finished.tallies.completed == 0 && finished.barren > 0;
        let failed = finished.barren >= self.after || (at_end && nothing);
        (self.policy == Stop::RegionFailure && failed).then(|| EndCause::RegionFailure {
            region: finished.id.region.clone(),
            questions: finished.barren,
        })
    }
}

/// Whether a job's thresholds are out of reach, however the executions that have not ended will end.
/// Those of a lane that a retry has not reached may all be asked again. A retry of some executions is
/// asked for whatever the others came to.
pub fn unreachable(job: &Job, lanes: &[Lane]) -> Option<EndCause> {
    let asks_all = job.runs.last().is_none_or(|record| record.selection.is_everything());
    if job.stop.policy != Stop::Unreachable || !asks_all {
        return None;
    }
    let is_reached = |lane: &Lane| lane.run == job.run;
    let lost = lanes.iter().filter(|lane| is_reached(lane));
    let lost = lost.map(|lane| lane.tallies.ended() - lane.tallies.completed).sum::<u64>();
    if share(job.expected.saturating_sub(lost), job.expected) < job.min_success_rate {
        return Some(EndCause::RateUnreachable);
    }
    let may_complete = |lane: &&Lane| {
        let left = lane.tallies.ended() < lane.expected();
        lane.tallies.completed > 0 || left || !is_reached(lane)
    };
    let regions = lanes.iter().filter(may_complete).map(|lane| &lane.id.region);
    let regions = regions.collect::<std::collections::BTreeSet<&Region>>().len();
    (regions < usize::from(job.min_regions)).then_some(EndCause::RegionsUnreachable)
}

/// Whether a job has spent what it may, so that no further question is opened: what its lanes spent
/// in all its runs, what is not known being counted as the most that it can be.
pub fn cost_limit(max_cost: Dollars, lanes: &[Lane]) -> Option<EndCause> {
    (spent(lanes).at_most() >= max_cost).then_some(EndCause::CostLimit)
}

#[cfg(test)]
mod tests;
