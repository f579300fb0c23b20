//! A lane: its state, and each of its writes as data (condition and change), so that the shells,
//! the table's conditions and a model of the whole share one definition.

mod breakdown;
mod close;
mod gate;
mod replan;
mod shown;
mod spent;
mod work;
mod write;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use breakdown::{Breakdown, Durations, PairRow};
pub use close::{Closing, close, pass_over};
pub use gate::{
    Entry, Finished, GateRejection, Ticket, dispatch_anew, enter, finish, finish_refused, gate,
    gave_up, rejected, take_over, take_over_marked,
};
pub use replan::{Replanned, StoredRows, replan};
pub use shown::{Shown, shown};
pub use spent::Spent;
pub use work::{WorkItem, WorkList};
pub use write::{
    HolderChange, HolderIs, LaneChange, LaneCondition, LaneWrite, MarkChange, MarkIs, NewRun,
};

use crate::execution::{Counted, ExecutionStatus, Outcome};
use crate::id::{BootId, DispatchNumber, LaneId, Nonce, Position, QuestionIndex, Run};
use crate::job::EndCause;

/// Whether a lane has questions left to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LaneState {
    /// It has.
    Open,
    /// Every pair of it is accounted for; nothing of this run changes any more.
    Closed,
}

/// Who works at a lane's cursor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Holder {
    /// Fresh for every receive.
    pub nonce: Nonce,
    /// The start of the local stack that it belongs to; none on AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<BootId>,
    /// When it entered.
    pub since: Timestamp,
    /// The question that it has open.
    pub question: QuestionIndex,
    /// Executions of that question that its run is for.
    pub due: u32,
    /// Holders of the same question before it, each of which may have called.
    #[serde(default)]
    pub before: u32,
}

impl Holder {
    /// Holders of the question that whoever has this nonce finds before it.
    pub fn known_to(&self, nonce: &Nonce) -> u32 {
        if self.nonce == *nonce { self.before } else { self.before.saturating_add(1) }
    }
}

/// Says that a lane is to be closed early, to whoever holds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// The run that ends.
    pub run: Run,
    /// Why.
    #[serde(flatten)]
    pub cause: EndCause,
    /// When it was set.
    pub at: Timestamp,
}

/// Counts of a lane's ended executions of its run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Tallies {
    /// With an answer.
    pub completed: u64,
    /// Without one.
    pub failed: u64,
    /// Out of time.
    pub timed_out: u64,
    /// Stopped.
    pub cancelled: u64,
    /// The completed ones by outcome.
    pub outcomes: Outcomes,
    /// Those that the simulated provider made up.
    pub simulated: u64,
}

/// Completed executions by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Outcomes {
    /// Text.
    pub text: u64,
    /// Nothing.
    pub empty: u64,
    /// Withheld.
    pub blocked: u64,
    /// Cut.
    pub truncated: u64,
}

impl Outcomes {
    /// One more of this outcome.
    pub fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Text => self.text += 1,
            Outcome::Empty => self.empty += 1,
            Outcome::Blocked => self.blocked += 1,
            Outcome::Truncated => self.truncated += 1,
        }
    }
}

impl Tallies {
    /// All that ended.
    pub fn ended(&self) -> u64 {
        self.completed + self.failed + self.timed_out + self.cancelled
    }

    /// These and one more row.
    #[must_use]
    pub fn with(mut self, row: Counted) -> Self {
        match row.status {
            ExecutionStatus::Completed => self.completed += 1,
            ExecutionStatus::Failed => self.failed += 1,
            ExecutionStatus::TimedOut => self.timed_out += 1,
            ExecutionStatus::Cancelled => self.cancelled += 1,
            // Derived, never stored, so never counted.
            ExecutionStatus::Pending | ExecutionStatus::Running => {}
        }
        row.outcome.into_iter().for_each(|outcome| self.outcomes.add(outcome));
        self.simulated += u64::from(row.simulated);
        self
    }

    /// These and those.
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        self.completed += other.completed;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        self.cancelled += other.cancelled;
        self.simulated += other.simulated;
        self.outcomes.text += other.outcomes.text;
        self.outcomes.empty += other.outcomes.empty;
        self.outcomes.blocked += other.outcomes.blocked;
        self.outcomes.truncated += other.outcomes.truncated;
        self
    }
}

/// A lane as stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lane {
    /// Which lane.
    pub id: LaneId,
    /// The run that it works for.
    pub run: Run,
    /// Whether it has questions left.
    pub state: LaneState,
    /// How often its messages were sent anew.
    pub dispatch_number: DispatchNumber,
    /// The position that is open or comes next.
    pub cursor: Position,
    /// Positions of its work list: all its questions, or those that its run is for.
    pub length: u32,
    /// All its questions.
    pub questions: u32,
    /// The job's models.
    pub models: u32,
    /// Executions of one question: models × samples.
    pub pairs_of_question: u32,
    /// Who works at the cursor.
    pub holder: Option<Holder>,
    /// That it is to be closed early, or was.
    pub mark: Option<Mark>,
    /// The marks of earlier runs, one a run, oldest first.
    pub earlier_marks: Vec<Mark>,
    /// How often another holder took over at this cursor.
    pub takeovers: u32,
    /// How often its messages were sent anew at this cursor while none was in the queue.
    pub redispatches: u32,
    /// Questions up to the cursor, in a row, without a completed execution.
    pub barren: u32,
    /// Of this run's ended executions, all at positions before the cursor.
    pub tallies: Tallies,
    /// The same by model, and more for metrics.
    pub breakdown: Breakdown,
    /// How long the message finished last had stood first in the queue, milliseconds.
    pub waited_ms: u64,
    /// When it last moved: made, gated, finished or dispatched anew.
    pub moved_at: Timestamp,
}

impl Lane {
    /// A lane before its first question.
    pub fn new(
        id: LaneId,
        questions: u32,
        models: u32,
        pairs_of_question: u32,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            run: Run::FIRST,
            state: LaneState::Open,
            dispatch_number: DispatchNumber(0),
            cursor: Position(0),
            length: questions,
            questions,
            models,
            pairs_of_question,
            holder: None,
            mark: None,
            earlier_marks: Vec::new(),
            takeovers: 0,
            redispatches: 0,
            barren: 0,
            tallies: Tallies::default(),
            breakdown: Breakdown::default(),
            waited_ms: 0,
            moved_at: now,
        }
    }

    /// Executions of the whole lane.
    pub fn expected(&self) -> u64 {
        u64::from(self.questions) * u64::from(self.pairs_of_question)
    }

    /// Executions of the open question that are not counted yet.
    pub fn running(&self) -> u64 {
        match (self.state, &self.holder) {
            (LaneState::Open, Some(holder)) => u64::from(holder.due),
            (LaneState::Open, None) | (LaneState::Closed, _) => 0,
        }
    }

    /// The mark of a run, its own or an earlier one.
    pub fn mark_of(&self, run: Run) -> Option<&Mark> {
        self.earlier_marks.iter().chain(&self.mark).find(|mark| mark.run == run)
    }

    fn marks_to_shelve(&self) -> Vec<Mark> {
        self.earlier_marks.iter().chain(&self.mark).cloned().collect()
    }
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests;
