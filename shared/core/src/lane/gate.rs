//! Opening a question, taking it over from a dead holder, and finishing it.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Holder, HolderChange, HolderIs, Lane, LaneChange, LaneCondition, LaneState, LaneWrite, Mark,
    MarkIs, PairRow,
};
use crate::execution::ExecutionStatus;
use crate::id::{BootId, DispatchNumber, Nonce, Position, QuestionIndex, Run};
use crate::job::EndCause;
use crate::time_budget;
use crate::view::milliseconds;

/// One receive of a question's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The message's run.
    pub run: Run,
    /// The message's position in the lane's work list.
    pub position: Position,
    /// The question at that position.
    pub question: QuestionIndex,
    /// Its executions that the run is for.
    pub due: u32,
    /// Drawn for this receive, and anew for every takeover from another.
    pub nonce: Nonce,
    /// This start of the local stack; none on AWS.
    pub boot: Option<BootId>,
    /// When the message was sent, where the queue says so.
    pub sent_at: Option<Timestamp>,
    /// When it was received.
    pub received_at: Timestamp,
}

impl Ticket {
    fn condition(&self, holder: HolderIs, mark: MarkIs) -> LaneCondition {
        LaneCondition {
            run: self.run,
            state: LaneState::Open,
            cursor: Some(self.position),
            holder,
            mark,
            dispatch_number: None,
        }
    }

    fn draw_anew(&mut self, fresh: Nonce, seen: &Holder) {
        if seen.nonce != self.nonce {
            self.nonce = fresh;
        }
    }

    fn entering(&self, before: u32, now: Timestamp) -> LaneChange {
        let holder = Holder {
            nonce: self.nonce.clone(),
            boot: self.boot.clone(),
            since: now,
            question: self.question,
            due: self.due,
            before,
        };
        LaneChange { holder: HolderChange::Set(holder), ..LaneChange::at(now) }
    }
}

/// Before the p-th question: nobody holds the lane, or this receive does already, and the lane is
/// not to be closed.
pub fn gate(ticket: &Ticket, now: Timestamp) -> LaneWrite {
    let holder = HolderIs::AbsentOr(ticket.nonce.clone());
    LaneWrite {
        condition: ticket.condition(holder, MarkIs::Absent),
        change: ticket.entering(0, now),
    }
}

/// After a gate that was rejected only because this holder was in: a compare-and-set on its nonce,
/// so that a delayed duplicate of the request never steals the lane back. It counts, unless the
/// holder died with an earlier start of the local stack.
///
/// From another holder the lane is taken with the fresh nonce, which is the ticket's from then on.
/// The one before may have been in without its worker knowing, and the other's request, which it was
/// taken from with, may still be under way: it would find that nonce again.
pub fn take_over(
    ticket: &mut Ticket,
    fresh: Nonce,
    lane: &Lane,
    seen: &Holder,
    now: Timestamp,
) -> LaneWrite {
    let counts = seen.nonce != ticket.nonce && !is_dead(seen, ticket.boot.as_ref());
    let before = seen.known_to(&ticket.nonce);
    ticket.draw_anew(fresh, seen);
    LaneWrite {
        condition: ticket.condition(HolderIs::Exactly(seen.nonce.clone()), MarkIs::Absent),
        change: LaneChange {
            takeovers: counts.then_some(lane.takeovers + 1),
            ..ticket.entering(before, now)
        },
    }
}

/// Into a marked lane that this holder is in, to close it in its place; with a fresh nonce as in
/// [`take_over`].
pub fn take_over_marked(
    ticket: &mut Ticket,
    fresh: Nonce,
    seen: &Holder,
    now: Timestamp,
) -> LaneWrite {
    let before = seen.known_to(&ticket.nonce);
    ticket.draw_anew(fresh, seen);
    LaneWrite {
        condition: ticket.condition(HolderIs::Exactly(seen.nonce.clone()), MarkIs::Present),
        change: ticket.entering(before, now),
    }
}

/// Why a gate was rejected, in the order in which a rejection is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateRejection {
    /// The lane works for another run, or does not exist: acknowledge.
    OtherRun,
    /// The lane is closed: send the completion, then acknowledge.
    Closed,
    /// The lane was closed before its turn came to this question: acknowledge. Whoever closed it has
    /// told so, or the message of the question it was closed at does when it comes again.
    ClosedBefore,
    /// The question is done: acknowledge.
    Passed,
    /// The message before this one is lost: acknowledge; the reconciler dispatches anew.
    PredecessorLost,
    /// The lane is to be closed: directly, or in this holder's place.
    Marked(Mark, Option<Holder>),
    /// Somebody holds the lane: take over.
    Held(Holder),
    /// Nothing stands in the way any more: gate again.
    Free,
}

/// Reads a rejection: run, state, cursor, mark, holder. The mark comes before the holder, because
/// also who holds a marked lane himself opens no question.
pub fn rejected(ticket: &Ticket, seen: Option<&Lane>) -> GateRejection {
    let Some(lane) = seen.filter(|lane| lane.run == ticket.run) else {
        return GateRejection::OtherRun;
    };
    if lane.state == LaneState::Closed {
        let before = ticket.position > lane.cursor;
        return if before { GateRejection::ClosedBefore } else { GateRejection::Closed };
    }
    match lane.cursor.cmp(&ticket.position) {
        std::cmp::Ordering::Greater => GateRejection::Passed,
        std::cmp::Ordering::Less => GateRejection::PredecessorLost,
        std::cmp::Ordering::Equal => match (&lane.mark, &lane.holder) {
            (Some(mark), holder) => GateRejection::Marked(mark.clone(), holder.clone()),
            (None, Some(holder)) => GateRejection::Held(holder.clone()),
            (None, None) => GateRejection::Free,
        },
    }
}

/// Takeovers at one question after which its missing pairs are given up.
const TAKEOVERS: u32 = 5;

/// Whether too many workers died at the question that a lane, as the gate or takeover left it, has
/// open: its missing pairs are recorded as such, and the lane goes on.
pub fn gave_up(entered: &Lane) -> bool {
    entered.takeovers >= TAKEOVERS
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

/// After the p-th question, when each of its pairs has a stored row. With a cause the lane is closed,
/// and all that it has not counted is counted as the cause has it.
pub fn finish(
    ticket: &Ticket,
    held: &Lane,
    waited_ms: u64,
    pairs: &[PairRow],
    closing: Option<&EndCause>,
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
    breakdown.advance(pairs, ticket.run, now);
    let completed = |pair: &PairRow| pair.counted.status == ExecutionStatus::Completed;
    let barren = if pairs.iter().any(completed) { 0 } else { held.barren + 1 };
    let cursor = ticket.position.next();
    let state = (cursor.0 >= held.length).then_some(LaneState::Closed);
    let change = LaneChange {
        holder: HolderChange::Remove,
        cursor: Some(cursor),
        state,
        tallies: Some(tallies),
        breakdown: Some(breakdown),
        takeovers: Some(0),
        redispatches: Some(0),
        barren: Some(barren),
        waited_ms: Some(waited_ms),
        ..LaneChange::at(now)
    };
    let holder = HolderIs::Exactly(ticket.nonce.clone());
    LaneWrite {
        condition: ticket.condition(holder, MarkIs::Anything),
        change: match closing {
            Some(cause) => change.closing(held, cause),
            None => change,
        },
    }
}

/// What a finish, done or refused, leaves to do with the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
        GateRejection::OtherRun | GateRejection::ClosedBefore | GateRejection::Passed => {
            Finished::Acknowledge
        }
        GateRejection::Closed => Finished::Complete,
        GateRejection::PredecessorLost
        | GateRejection::Marked(..)
        | GateRejection::Held(_)
        | GateRejection::Free => Finished::Leave,
    }
}

/// Sends a lane's messages anew from the cursor seen: the next dispatch number. It counts only where
/// the queue had none of them left.
pub fn dispatch_anew(seen: &Lane, counts: bool, now: Timestamp) -> (LaneWrite, DispatchNumber) {
    let number = seen.dispatch_number.next();
    let write = LaneWrite {
        condition: LaneCondition {
            run: seen.run,
            state: LaneState::Open,
            cursor: Some(seen.cursor),
            holder: HolderIs::Anything,
            mark: MarkIs::Absent,
            dispatch_number: Some(seen.dispatch_number),
        },
        change: LaneChange {
            dispatch_number: Some(number),
            redispatches: counts.then_some(seen.redispatches + 1),
            ..LaneChange::at(now)
        },
    };
    (write, number)
}

#[cfg(test)]
mod tests;
