//! A lane: its state, and each of its writes as data (condition and change), so that the shells,
//! the table's conditions and a model of the whole share one definition.

mod breakdown;
mod gate;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use breakdown::{Breakdown, Durations, PairRow};
pub use gate::{
    Entry, Finished, GateRejection, Ticket, dispatch_anew, finish, finish_refused, gate,
};
pub use gate::{enter, rejected, take_over};

use crate::execution::{Counted, ExecutionStatus, Outcome};
use crate::id::{BootId, DispatchNumber, LaneId, Nonce, Position, Run};

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
    /// Positions of its work list.
    pub length: u32,
    /// Executions of one question: models × samples.
    pub pairs_of_question: u32,
    /// Who works at the cursor.
    pub holder: Option<Holder>,
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
    pub fn new(id: LaneId, length: u32, pairs_of_question: u32, now: Timestamp) -> Self {
        Self {
            id,
            run: Run::FIRST,
            state: LaneState::Open,
            dispatch_number: DispatchNumber(0),
            cursor: Position(0),
            length,
            pairs_of_question,
            holder: None,
            tallies: Tallies::default(),
            breakdown: Breakdown::default(),
            waited_ms: 0,
            moved_at: now,
        }
    }

    /// Executions of the whole lane.
    pub fn expected(&self) -> u64 {
        u64::from(self.length) * u64::from(self.pairs_of_question)
    }

    /// Executions of the open question that have no counted row yet.
    pub fn running(&self) -> u64 {
        match (self.state, &self.holder) {
            (LaneState::Open, Some(_)) => u64::from(self.pairs_of_question),
            (LaneState::Open, None) | (LaneState::Closed, _) => 0,
        }
    }

    /// The status of a pair of this lane that has no row.
    pub fn status_without_row(&self, position: Position) -> ExecutionStatus {
        if self.running() > 0 && position == self.cursor {
            ExecutionStatus::Running
        } else {
            ExecutionStatus::Pending
        }
    }
}

/// What must be true of a lane's holder for a write to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HolderIs {
    /// Whatever it is.
    Anything,
    /// Nobody, or me already (the first request of mine was applied and its answer lost).
    AbsentOr(Nonce),
    /// This one.
    Exactly(Nonce),
}

/// When a write happens: all clauses hold at the moment of the write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneCondition {
    /// The run.
    pub run: Run,
    /// The state.
    pub state: LaneState,
    /// The cursor.
    pub cursor: Position,
    /// The holder.
    pub holder: HolderIs,
    /// The dispatch number, where a delayed duplicate of the write could set it back.
    pub dispatch_number: Option<DispatchNumber>,
}

impl LaneCondition {
    /// Whether the write would happen on this lane.
    pub fn holds(&self, lane: &Lane) -> bool {
        let held_by = lane.holder.as_ref().map(|holder| &holder.nonce);
        let holder = match &self.holder {
            HolderIs::Anything => true,
            HolderIs::AbsentOr(nonce) => held_by.is_none_or(|held_by| held_by == nonce),
            HolderIs::Exactly(nonce) => held_by == Some(nonce),
        };
        let dispatch_number = self.dispatch_number.is_none_or(|is| is == lane.dispatch_number);
        holder
            && dispatch_number
            && lane.run == self.run
            && lane.state == self.state
            && lane.cursor == self.cursor
    }
}

/// What becomes of the holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HolderChange {
    /// Left as it is.
    Keep,
    /// Replaced.
    Set(Holder),
    /// Nobody any more.
    Remove,
}

/// The attributes that a write sets; the others are not touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneChange {
    /// New holder.
    pub holder: HolderChange,
    /// New cursor.
    pub cursor: Option<Position>,
    /// New state.
    pub state: Option<LaneState>,
    /// New tallies: set as a whole, because a repeated addition counts twice.
    pub tallies: Option<Tallies>,
    /// New breakdown, as a whole too.
    pub breakdown: Option<Breakdown>,
    /// New dispatch number.
    pub dispatch_number: Option<DispatchNumber>,
    /// New wait.
    pub waited_ms: Option<u64>,
    /// When.
    pub moved_at: Timestamp,
}

impl LaneChange {
    /// A change of nothing but the time.
    pub fn at(moved_at: Timestamp) -> Self {
        Self {
            holder: HolderChange::Keep,
            cursor: None,
            state: None,
            tallies: None,
            breakdown: None,
            dispatch_number: None,
            waited_ms: None,
            moved_at,
        }
    }

    /// The lane after the write.
    #[must_use]
    pub fn apply(&self, mut lane: Lane) -> Lane {
        match &self.holder {
            HolderChange::Keep => {}
            HolderChange::Set(holder) => lane.holder = Some(holder.clone()),
            HolderChange::Remove => lane.holder = None,
        }
        lane.cursor = self.cursor.unwrap_or(lane.cursor);
        lane.state = self.state.unwrap_or(lane.state);
        lane.tallies = self.tallies.unwrap_or(lane.tallies);
        lane.breakdown = self.breakdown.clone().unwrap_or(lane.breakdown);
        lane.dispatch_number = self.dispatch_number.unwrap_or(lane.dispatch_number);
        lane.waited_ms = self.waited_ms.unwrap_or(lane.waited_ms);
        lane.moved_at = self.moved_at;
        lane
    }
}

/// One conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneWrite {
    /// When it happens.
    pub condition: LaneCondition,
    /// What it sets.
    pub change: LaneChange,
}
