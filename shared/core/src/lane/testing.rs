//! For tests: a small lane, an ideal table that applies each write or refuses it, and rows.

use jiff::Timestamp;

use super::{Lane, LaneWrite, PairRow, Ticket};
use crate::execution::{Counted, ExecutionStatus, Outcome};
use crate::id::{LaneId, Nonce, Position, QuestionIndex, Run};
use crate::region::Region;

/// Questions of the lane.
pub(super) const LENGTH: u32 = 2;
/// Executions of each.
pub(super) const PAIRS: u32 = 3;

/// What the table does: the lane before the write, or the lane as it is where it was refused.
pub(super) fn apply(lane: &mut Lane, write: &LaneWrite) -> Result<Lane, Box<Lane>> {
    if !write.condition.holds(lane) {
        return Err(Box::new(lane.clone()));
    }
    let before = lane.clone();
    *lane = write.change.apply(before.clone());
    Ok(before)
}

/// A lane of one model.
pub(super) fn lane() -> Lane {
    let id = LaneId { region: Region::new("us-east").unwrap(), k: 0 };
    Lane::new(id, LENGTH, 1, PAIRS, at(0))
}

pub(super) fn ticket(position: u32, nonce: &str) -> Ticket {
    Ticket {
        run: Run::FIRST,
        position: Position(position),
        question: QuestionIndex(position),
        due: PAIRS,
        nonce: Nonce::new(nonce).unwrap(),
        boot: None,
        sent_at: None,
        received_at: at(0),
    }
}

pub(super) fn row(status: ExecutionStatus) -> Counted {
    let outcome = (status == ExecutionStatus::Completed).then_some(Outcome::Text);
    Counted { run: Run::FIRST, status, outcome, simulated: false, duration_ms: 5 }
}

pub(super) fn pair(counted: Counted) -> PairRow {
    PairRow { model: 0, counted, spared: false, failed_writes: 0, maybe_billed: 0 }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}
