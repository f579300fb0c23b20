//! What a lane makes of a pair, whether or not the pair has a row.

use super::{Lane, LaneState, Mark};
use crate::execution::ExecutionStatus;
use crate::id::{ExecutionId, QuestionId, Run};
use crate::job::{RunRecord, is_for};

/// How a pair stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// As its row says.
    AsStored,
    /// Its run has not come to it.
    Pending,
    /// Its question is open.
    Running,
    /// Its run ended before it did.
    Ended(Mark),
}

/// How a pair of the lane stands, from the latest run that was for it. `row` are the run and status
/// of its row. What a later run is to ask anew is pending, though a row of an earlier run is there.
pub fn shown(
    lane: &Lane,
    runs: &[RunRecord],
    id: &ExecutionId,
    question: &QuestionId,
    row: Option<(Run, ExecutionStatus)>,
) -> Shown {
    if row.is_some_and(|(_, status)| status == ExecutionStatus::Completed) {
        return Shown::AsStored;
    }
    for run in (Run::FIRST.0..=lane.run.0).rev().map(Run) {
        if !is_for(runs, run, id, question) {
            continue;
        }
        if row.is_some_and(|(of, _)| of == run) {
            return Shown::AsStored;
        }
        if run == lane.run && lane.state == LaneState::Open {
            let open = lane.holder.as_ref().map(|holder| holder.question);
            return if open == Some(id.question) { Shown::Running } else { Shown::Pending };
        }
        if let Some(mark) = lane.mark_of(run) {
            return Shown::Ended(mark.clone());
        }
        // A run that passed the lane over left the pair as it was.
    }
    if row.is_some() { Shown::AsStored } else { Shown::Pending }
}

impl Shown {
    /// The status.
    pub fn status(&self, row: Option<ExecutionStatus>) -> ExecutionStatus {
        match self {
            Self::AsStored => row.unwrap_or(ExecutionStatus::Pending),
            Self::Pending => ExecutionStatus::Pending,
            Self::Running => ExecutionStatus::Running,
            Self::Ended(mark) => mark.cause.status(),
        }
    }
}

#[cfg(test)]
mod tests;
