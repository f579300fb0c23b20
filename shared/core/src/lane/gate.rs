//! Opening a question, taking it over from a dead holder, and finishing it.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Holder, HolderChange, HolderIs, Lane, LaneChange, LaneCondition, LaneState, LaneWrite, PairRow,
};
use crate::id::{BootId, DispatchNumber, Nonce, Position, Run};
use crate::time_budget;
use crate::view::milliseconds;

/// One receive of a question's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The message's run.
    pub run: Run,
    /// The message's position in the lane's work list.
    pub position: Position,
    /// Drawn for this receive.
    pub nonce: Nonce,
    /// This start of the local stack; none on AWS.
    pub boot: Option<BootId>,
    /// When the message was sent, where the queue says so.
    pub sent_at: Option<Timestamp>,
    /// When it was received.
    pub received_at: Timestamp,
}

impl Ticket {
    fn condition(&self, holder: HolderIs) -> LaneCondition {
        LaneCondition {
            run: self.run,
            state: LaneState::Open,
            cursor: self.position,
            holder,
            dispatch_number: None,
        }
    }

    fn entering(&self, now: Timestamp) -> LaneChange {
        let holder = Holder { nonce: self.nonce.clone(), boot: self.boot.clone(), since: now };
        LaneChange { holder: HolderChange::Set(holder), ..LaneChange::at(now) }
    }
}

/// Before the p-th question: nobody holds the lane, or this receive does already.
pub fn gate(ticket: &Ticket, now: Timestamp) -> LaneWrite {
    LaneWrite {
        condition: ticket.condition(HolderIs::AbsentOr(ticket.nonce.clone())),
        change: ticket.entering(now),
    }
}

/// After a gate that was rejected only because this holder was in: a compare-and-set on its nonce,
/// so that a delayed duplicate of the request never steals the lane back.
pub fn take_over(ticket: &Ticket, seen: &Holder, now: Timestamp) -> LaneWrite {
    LaneWrite {
        condition: ticket.condition(HolderIs::Exactly(seen.nonce.clone())),
        change: ticket.entering(now),
    }
}

/// Why a gate was rejected, in the order in which a rejection is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateRejection {
    /// The lane works for another run, or does not exist: acknowledge.
    OtherRun,
    /// The lane is closed: send the completion, then acknowledge.
    Closed,
    /// The question is done: acknowledge.
    Passed,
    /// The message before this one is lost: acknowledge; the reconciler dispatches anew.
    PredecessorLost,
    /// Somebody holds the lane: take over.
    Held(Holder),
    /// Nothing stands in the way any more: gate again.
    Free,
}

/// Reads a rejection.
pub fn rejected(ticket: &Ticket, seen: Option<&Lane>) -> GateRejection {
    let Some(lane) = seen.filter(|lane| lane.run == ticket.run) else {
        return GateRejection::OtherRun;
    };
    if lane.state == LaneState::Closed {
        return GateRejection::Closed;
    }
    match (lane.cursor.cmp(&ticket.position), &lane.holder) {
        (std::cmp::Ordering::Greater, _) => GateRejection::Passed,
        (std::cmp::Ordering::Less, _) => GateRejection::PredecessorLost,
        (std::cmp::Ordering::Equal, Some(holder)) => GateRejection::Held(holder.clone()),
        (std::cmp::Ordering::Equal, None) => GateRejection::Free,
    }
}

/// What a worker that is in does first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Before anything else, so that the calls of the holder before are over.
    pub wait: Option<Duration>,
    /// Then: verify the nonce, read the question's rows strongly, run only the missing pairs.
    pub check_rows: bool,
    /// How long the message stood first in its lane before it was received, milliseconds.
    pub waited_ms: u64,
}

/// Decides how to begin, from the lane as it was before the gate or takeover that succeeded and
/// from the holders that refusals on the way showed. The latter matter when a takeover was applied,
/// its answer lost, and the next request found only the own nonce.
pub fn enter(ticket: &Ticket, before: &Lane, seen: &[Holder]) -> Entry {
    let holders = || before.holder.iter().chain(seen);
    let alive =
        |holder: &Holder| holder.nonce != ticket.nonce && !is_dead(holder, ticket.boot.as_ref());
    let sent_at = ticket.sent_at.unwrap_or(ticket.received_at);
    Entry {
        wait: holders().any(alive).then_some(time_budget::TAKEOVER_WAIT),
        check_rows: holders().next().is_some() || ticket.run > Run::FIRST,
        waited_ms: milliseconds(sent_at.max(before.moved_at), ticket.received_at),
    }
}

/// Locally, whoever holds from an earlier start died with it.
fn is_dead(holder: &Holder, boot: Option<&BootId>) -> bool {
    boot.is_some_and(|boot| holder.boot.as_ref().is_some_and(|other| other != boot))
}

/// After the p-th question, when each of its pairs has a stored row.
pub fn finish(
    ticket: &Ticket,
    held: &Lane,
    waited_ms: u64,
    pairs: &[PairRow],
    now: Timestamp,
) -> LaneWrite {
    let (mut tallies, mut breakdown) = (held.tallies, held.breakdown.clone());
    for pair in pairs {
        let of_this_run = pair.counted.run == ticket.run;
        if of_this_run {
            tallies = tallies.with(pair.counted);
        }
        breakdown.add(pair, of_this_run);
    }
    let cursor = ticket.position.next();
    let state = (cursor.0 >= held.length).then_some(LaneState::Closed);
    LaneWrite {
        condition: ticket.condition(HolderIs::Exactly(ticket.nonce.clone())),
        change: LaneChange {
            holder: HolderChange::Remove,
            cursor: Some(cursor),
            state,
            tallies: Some(tallies),
            breakdown: Some(breakdown),
            waited_ms: Some(waited_ms),
            ..LaneChange::at(now)
        },
    }
}

/// What a finish, done or refused, leaves to do with the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// The lane goes on: acknowledge.
    Acknowledge,
    /// The lane is closed: send the completion, then acknowledge.
    Complete,
    /// Another holder has the question: leave the message to it.
    Leave,
}

/// Reads the refusal of a finish.
pub fn finish_refused(ticket: &Ticket, seen: Option<&Lane>) -> Finished {
    match rejected(ticket, seen) {
        GateRejection::OtherRun | GateRejection::Passed => Finished::Acknowledge,
        GateRejection::Closed => Finished::Complete,
        GateRejection::PredecessorLost | GateRejection::Held(_) | GateRejection::Free => {
            Finished::Leave
        }
    }
}

/// Sends a lane's messages anew from the cursor seen: the next dispatch number.
pub fn dispatch_anew(seen: &Lane, now: Timestamp) -> (LaneWrite, DispatchNumber) {
    let number = seen.dispatch_number.next();
    let write = LaneWrite {
        condition: LaneCondition {
            run: seen.run,
            state: LaneState::Open,
            cursor: seen.cursor,
            holder: HolderIs::Anything,
            dispatch_number: Some(seen.dispatch_number),
        },
        change: LaneChange { dispatch_number: Some(number), ..LaneChange::at(now) },
    };
    (write, number)
}

#[cfg(test)]
mod tests;
