//! Closing a lane early: directly while nobody holds it, else by a mark that its holder obeys.

use jiff::Timestamp;

use super::{
    HolderIs, Lane, LaneChange, LaneCondition, LaneState, LaneWrite, Mark, MarkChange, MarkIs,
    NewRun, Tallies,
};
use crate::execution::ExecutionStatus;
use crate::id::Run;
use crate::job::EndCause;

/// How far a lane is on its way to being closed early.
#[derive(Debug, Clone, PartialEq)]
pub enum Closing {
    /// It is closed.
    Closed,
    /// It is marked, and somebody holds it.
    Marked,
    /// This write comes next; where it is refused, the lane is looked at again.
    Write(Box<LaneWrite>),
}

/// The next step to close a lane of this run of its job.
pub fn close(lane: &Lane, run: Run, cause: &EndCause, now: Timestamp) -> Closing {
    if lane.run > run {
        return Closing::Closed;
    }
    match (lane.state, &lane.holder, &lane.mark) {
        (LaneState::Closed, _, _) if lane.run == run => Closing::Closed,
        // A retry that has not reached it: its pairs stay as they ended before.
        (LaneState::Closed, _, _) => Closing::Write(Box::new(pass_over(lane, run, now))),
        (LaneState::Open, Some(_), Some(_)) => Closing::Marked,
        (LaneState::Open, Some(_), None) => Closing::Write(Box::new(mark_held(lane, cause, now))),
        (LaneState::Open, None, _) => Closing::Write(Box::new(close_free(lane, cause, now))),
    }
}

/// A lane that nobody holds: closed, with what is left counted as the cause has it.
fn close_free(lane: &Lane, cause: &EndCause, now: Timestamp) -> LaneWrite {
    let cause = lane.mark.as_ref().map_or(cause, |mark| &mark.cause);
    LaneWrite {
        condition: LaneCondition {
            run: lane.run,
            state: LaneState::Open,
            cursor: Some(lane.cursor),
            holder: HolderIs::Absent,
            mark: MarkIs::Anything,
            dispatch_number: None,
        },
        change: LaneChange::at(now).closing(lane, cause),
    }
}

fn mark_held(lane: &Lane, cause: &EndCause, now: Timestamp) -> LaneWrite {
    let mark = Mark { run: lane.run, cause: cause.clone(), at: now };
    LaneWrite {
        condition: LaneCondition {
            run: lane.run,
            state: LaneState::Open,
            cursor: None,
            holder: HolderIs::Present,
            mark: MarkIs::Absent,
            dispatch_number: None,
        },
        change: LaneChange { mark: MarkChange::Set(mark), ..LaneChange::at(now) },
    }
}

/// A closed lane goes over to a run without being asked for anything.
pub fn pass_over(lane: &Lane, run: Run, now: Timestamp) -> LaneWrite {
    LaneWrite {
        condition: LaneCondition::closed_at(lane.run),
        change: LaneChange {
            run: Some(NewRun { run, length: lane.length }),
            mark: MarkChange::Shelve(lane.marks_to_shelve()),
            // What failed in a row in another run says nothing of this one.
            barren: Some(0),
            ..LaneChange::at(now)
        },
    }
}

impl LaneChange {
    /// This change, and the lane closed with all that the change leaves uncounted counted as the
    /// cause has it, and shown so by its mark.
    pub(super) fn closing(mut self, lane: &Lane, cause: &EndCause) -> Self {
        let mut tallies = self.tallies.unwrap_or(lane.tallies);
        let mut breakdown = self.breakdown.take().unwrap_or_else(|| lane.breakdown.clone());
        let missing = lane.expected().saturating_sub(tallies.ended());
        tallies = tallies.with_many(cause.status(), missing);
        breakdown.fill(lane, cause.status());
        if lane.mark.as_ref().is_none_or(|mark| mark.cause != *cause) {
            let mark = Mark { run: lane.run, cause: cause.clone(), at: self.moved_at };
            self.mark = MarkChange::Set(mark);
        }
        self.state = Some(LaneState::Closed);
        self.tallies = Some(tallies);
        self.breakdown = Some(breakdown);
        self
    }
}

impl Tallies {
    /// These and so many executions more that ended without an answer.
    fn with_many(mut self, status: ExecutionStatus, count: u64) -> Self {
        match status {
            ExecutionStatus::Failed => self.failed += count,
            ExecutionStatus::TimedOut => self.timed_out += count,
            ExecutionStatus::Cancelled => self.cancelled += count,
            // Those have a row each.
            ExecutionStatus::Completed | ExecutionStatus::Pending | ExecutionStatus::Running => {}
        }
        self
    }
}

impl super::Breakdown {
    /// The executions that no model has counted yet, as this status.
    fn fill(&mut self, lane: &Lane, status: ExecutionStatus) {
        let models = usize::try_from(lane.models).unwrap_or(0);
        self.models.resize(models.max(self.models.len()), Tallies::default());
        let each = lane.expected() / u64::from(lane.models.max(1));
        for tallies in &mut self.models {
            *tallies = tallies.with_many(status, each.saturating_sub(tallies.ended()));
        }
    }
}

#[cfg(test)]
mod tests;
