//! Writes of a lane as data: when each happens, and what it changes.

use jiff::Timestamp;

use super::{Breakdown, Holder, Lane, LaneState, Mark, Tallies};
use crate::id::{DispatchNumber, Nonce, Position, Run};

/// What must be true of a lane's holder for a write to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HolderIs {
    /// Whatever it is.
    Anything,
    /// Nobody.
    Absent,
    /// Somebody.
    Present,
    /// Nobody, or me already (the first request of mine was applied and its answer lost).
    AbsentOr(Nonce),
    /// This one.
    Exactly(Nonce),
}

impl HolderIs {
    fn holds(&self, held_by: Option<&Nonce>) -> bool {
        match self {
            Self::Anything => true,
            Self::Absent => held_by.is_none(),
            Self::Present => held_by.is_some(),
            Self::AbsentOr(nonce) => held_by.is_none_or(|held_by| held_by == nonce),
            Self::Exactly(nonce) => held_by == Some(nonce),
        }
    }
}

/// What must be true of a lane's mark for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkIs {
    /// Whatever it is.
    Anything,
    /// There is none.
    Absent,
    /// There is one.
    Present,
}

impl MarkIs {
    fn holds(self, mark: Option<&Mark>) -> bool {
        match self {
            Self::Anything => true,
            Self::Absent => mark.is_none(),
            Self::Present => mark.is_some(),
        }
    }
}

/// When a write happens: all clauses hold at the moment of the write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneCondition {
    /// The run.
    pub run: Run,
    /// The state.
    pub state: LaneState,
    /// The cursor, where it matters.
    pub cursor: Option<Position>,
    /// The holder.
    pub holder: HolderIs,
    /// The mark.
    pub mark: MarkIs,
    /// The dispatch number, where a delayed duplicate of the write could set it back.
    pub dispatch_number: Option<DispatchNumber>,
}

impl LaneCondition {
    /// A lane that is closed at this run, whatever else.
    pub(super) fn closed_at(run: Run) -> Self {
        Self {
            run,
            state: LaneState::Closed,
            cursor: None,
            holder: HolderIs::Anything,
            mark: MarkIs::Anything,
            dispatch_number: None,
        }
    }

    /// Whether the write would happen on this lane.
    pub fn holds(&self, lane: &Lane) -> bool {
        lane.run == self.run
            && lane.state == self.state
            && self.cursor.is_none_or(|is| is == lane.cursor)
            && self.holder.holds(lane.holder.as_ref().map(|holder| &holder.nonce))
            && self.mark.holds(lane.mark.as_ref())
            && self.dispatch_number.is_none_or(|is| is == lane.dispatch_number)
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

/// What becomes of the marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkChange {
    /// Left as they are.
    Keep,
    /// The run's mark.
    Set(Mark),
    /// The lane goes over to the next run: these are the earlier ones, and there is none of its own.
    Shelve(Vec<Mark>),
}

/// The next run of a closed lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRun {
    /// Its number.
    pub run: Run,
    /// Positions of its work list.
    pub length: u32,
}

/// The attributes that a write sets; the others are not touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneChange {
    /// New run; its cursor begins at 0.
    pub run: Option<NewRun>,
    /// New holder.
    pub holder: HolderChange,
    /// New mark.
    pub mark: MarkChange,
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
    /// New count of takeovers.
    pub takeovers: Option<u32>,
    /// New count of dispatches anew.
    pub redispatches: Option<u32>,
    /// New count of questions without a completed execution.
    pub barren: Option<u32>,
    /// New wait.
    pub waited_ms: Option<u64>,
    /// When.
    pub moved_at: Timestamp,
}

impl LaneChange {
    /// A change of nothing but the time.
    pub fn at(moved_at: Timestamp) -> Self {
        Self {
            run: None,
            holder: HolderChange::Keep,
            mark: MarkChange::Keep,
            cursor: None,
            state: None,
            tallies: None,
            breakdown: None,
            dispatch_number: None,
            takeovers: None,
            redispatches: None,
            barren: None,
            waited_ms: None,
            moved_at,
        }
    }

    /// The lane after the write.
    #[must_use]
    pub fn apply(&self, mut lane: Lane) -> Lane {
        if let Some(NewRun { run, length }) = self.run {
            (lane.run, lane.length) = (run, length);
        }
        match &self.holder {
            HolderChange::Keep => {}
            HolderChange::Set(holder) => lane.holder = Some(holder.clone()),
            HolderChange::Remove => lane.holder = None,
        }
        match &self.mark {
            MarkChange::Keep => {}
            MarkChange::Set(mark) => lane.mark = Some(mark.clone()),
            MarkChange::Shelve(earlier) => {
                (lane.mark, lane.earlier_marks) = (None, earlier.clone());
            }
        }
        lane.cursor = self.cursor.unwrap_or(lane.cursor);
        lane.state = self.state.unwrap_or(lane.state);
        lane.tallies = self.tallies.unwrap_or(lane.tallies);
        lane.breakdown = self.breakdown.clone().unwrap_or(lane.breakdown);
        lane.dispatch_number = self.dispatch_number.unwrap_or(lane.dispatch_number);
        lane.takeovers = self.takeovers.unwrap_or(lane.takeovers);
        lane.redispatches = self.redispatches.unwrap_or(lane.redispatches);
        lane.barren = self.barren.unwrap_or(lane.barren);
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
