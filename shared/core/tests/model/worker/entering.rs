//! In through the gate, or in place of somebody else; and waiting until his calls are over.

use beacon_core::execution::ExecutionStatus;
use beacon_core::lane::{
    Closing, Holder, Lane, LaneState, close, enter, gate, gave_up, take_over, take_over_marked,
};

use super::super::pool::Ref;
use super::super::state::{At, Duty, Inside, Origin, Pair, Row, Stage, Task, Way};
use super::super::turn::{LaneAnswer, Stop, Taken, Turn, replaces};
use super::super::world::NOW;
use super::{Next, give_up};

impl Turn<'_> {
    pub(crate) fn enter(&mut self, task: &mut Task, way: &Way, seen: &[Ref<Lane>]) -> Taken<Next> {
        let mut ticket = self.ticket(task);
        let holder = |lane: &Ref<Lane>| lane.holder.clone().ok_or(Stop::Disabled);
        let fresh = task.fresh.map(|fresh| self.world.nonce(fresh).clone());
        let (write, opens) = match (way, fresh) {
            (Way::TakeOver(lane), Some(fresh)) => {
                (take_over(&mut ticket, fresh, lane, &holder(lane)?, NOW), true)
            }
            (Way::TakeOverMarked(lane), Some(fresh)) => {
                (take_over_marked(&mut ticket, fresh, &holder(lane)?, NOW), false)
            }
            (Way::Gate | Way::TakeOver(_) | Way::TakeOverMarked(_), _) => {
                (gate(&ticket, NOW), true)
            }
        };
        let answer = self.write_lane(task.message.lane, &write, opens)?;
        task.nonce = [task.nonce, task.fresh]
            .into_iter()
            .find(|nonce| nonce.is_some_and(|nonce| *self.world.nonce(nonce) == ticket.nonce))
            .flatten();
        task.fresh = None;
        let (before, held) = match answer {
            LaneAnswer::Applied { before, after } => (before, after),
            LaneAnswer::Refused(lane) => return Ok(self.refused(task, seen, lane)),
        };
        let holders: Vec<Holder> = seen.iter().filter_map(|lane| lane.holder.clone()).collect();
        let entry = enter(&ticket, &before, &holders);
        let duty = duty(task, way, held);
        let at = if entry.wait.is_some() {
            At::Wait
        } else if entry.check_rows || duty != Duty::Ask {
            At::Verify
        } else {
            At::Pairs(vec![Pair::Missing; task.message.places.len()])
        };
        Ok(Next::Stage(Stage::Inside(Inside { held, duty, fenced: false, at })))
    }

    /// The wait is longer than any former holder keeps a call, or starts one, without a look at its
    /// nonce. In this model, where no time passes, it lasts until those calls are over; from its end
    /// on nobody else in this lane starts one without such a look.
    pub(crate) fn end_wait(&mut self, slot: usize, task: &Task, inside: &Inside) -> Taken<Next> {
        let lane = task.message.lane;
        let first = self.world.pair(lane, beacon_core::QuestionIndex(0), 0);
        let pairs = first..first + self.state.rows.len() / self.state.lanes.len();
        if pairs.into_iter().any(|pair| self.state.calls(pair) > 0) {
            return Err(Stop::Disabled);
        }
        let others = self.state.tasks.iter_mut().enumerate().filter(|(other, _)| *other != slot);
        for other in others.filter_map(|(_, task)| task.as_mut()) {
            match &mut other.stage {
                Stage::Inside(inside) if other.message.lane == lane => inside.fenced = true,
                Stage::Inside(_) | Stage::Outside(..) | Stage::Close(_) | Stage::Done(_) => {}
            }
        }
        Ok(inside.at(At::Verify))
    }

    /// Reads the lane, whether it still has the own nonce, and whether it is marked by now; and then
    /// the rows.
    pub(crate) fn verify(&self, task: &Task, inside: &Inside) -> Taken<Next> {
        let Some(seen) = self.looked(task) else { return Ok(Next::Leave) };
        let mut inside = Inside { fenced: false, ..inside.clone() };
        if let Some(mark) = &seen.mark {
            inside.close(mark.cause.clone());
        }
        Ok(self.read_rows(task, &inside))
    }

    /// The lane, if the own nonce is in it.
    pub(crate) fn looked(&self, task: &Task) -> Option<Ref<Lane>> {
        let lane = self.state.lanes[task.message.lane];
        let holder = lane.holder.as_ref().map(|holder| &holder.nonce);
        (holder == Some(self.own(task))).then_some(lane)
    }

    /// A row that this run may not replace stands.
    fn read_rows(&self, task: &Task, inside: &Inside) -> Next {
        let run = task.message.run;
        let read = |place: &usize| {
            let stored = self.state.rows[*place];
            let mine = Row { run, status: ExecutionStatus::Pending };
            stored.filter(|_| !replaces(stored, mine)).map_or(Pair::Missing, Pair::Stored)
        };
        let mut pairs: Vec<Pair> = task.message.places.iter().map(read).collect();
        match &inside.duty {
            Duty::Ask => {}
            Duty::GiveUp => give_up(&mut pairs, ExecutionStatus::Failed),
            Duty::Close(cause) => give_up(&mut pairs, cause.status()),
        }
        inside.at(At::Pairs(pairs))
    }

    /// A lane that is marked and nobody's.
    pub(crate) fn close_marked(&mut self, task: &Task, lane: Ref<Lane>) -> Taken<Next> {
        let mark = lane.mark.as_ref().ok_or(Stop::Disabled)?;
        let write = match close(&lane, task.message.run, &mark.cause, NOW) {
            Closing::Closed => return Ok(Next::Complete),
            Closing::Marked => return Ok(self.refused(task, &[], lane)),
            Closing::Write(write) => write,
        };
        match self.write_lane(task.message.lane, &write, false)? {
            LaneAnswer::Applied { after, .. } if after.state == LaneState::Closed => {
                Ok(Next::Complete)
            }
            LaneAnswer::Applied { after: seen, .. } | LaneAnswer::Refused(seen) => {
                Ok(self.refused(task, &[], seen))
            }
        }
    }
}

fn duty(task: &Task, way: &Way, held: Ref<Lane>) -> Duty {
    let gives_up = match task.origin {
        Origin::Queue { .. } => false,
        Origin::Reconciler { gives_up } => gives_up,
    };
    match (way, &held.mark) {
        (Way::TakeOverMarked(_), Some(mark)) => Duty::Close(mark.cause.clone()),
        (Way::TakeOverMarked(_) | Way::TakeOver(_) | Way::Gate, _) => {
            if gives_up || gave_up(&held) { Duty::GiveUp } else { Duty::Ask }
        }
    }
}
