//! A worker, as `functions/inference` is one: in through the gate, every missing pair asked and
//! stored, and out. The reconciler does the same in place of dead workers.
//!
//! A step is what lies between two requests, or between two moments at which others may see a
//! difference.

pub(crate) mod entering;
pub(crate) mod pairs;

use beacon_core::job::EndCause;
use beacon_core::lane::{Finished, GateRejection, Lane, Ticket, rejected};

use beacon_core::Nonce;

use super::action::Move;
use super::pool::Ref;
use super::state::{At, Duty, Inside, Origin, Pair, Stage, State, Task, Way};
use super::turn::{Stop, Taken, Turn};
use super::world::NOW;

/// What a step makes of a task.
pub(crate) enum Next {
    Stage(Stage),
    /// It ends, and its message stays.
    Leave,
    Acknowledge,
    /// The same, and the lane is closed.
    Complete,
}

impl Turn<'_> {
    pub(crate) fn receive(&mut self, worker: usize, lane: usize) -> Taken {
        let group = self.state.groups.get_mut(lane).ok_or(Stop::Disabled)?;
        let message = *group.messages.first().ok_or(Stop::Disabled)?;
        if group.in_flight || self.state.tasks[worker].is_some() {
            return Err(Stop::Disabled);
        }
        group.in_flight = true;
        let stage = Stage::Outside(Way::Gate, Vec::new());
        let origin = Origin::Queue { owns: true };
        self.state.tasks[worker] = Some(Task { message, nonce: None, fresh: None, origin, stage });
        Ok(())
    }

    pub(crate) fn work(&mut self, slot: usize, does: Move) -> Taken {
        let mut task = self.state.tasks[slot].clone().ok_or(Stop::Disabled)?;
        if task.nonce.is_none() {
            task.nonce = Some(self.world.fresh_nonce(&self.state));
            self.state.tasks[slot] = Some(task.clone());
        }
        if task.fresh.is_none() && task.stage.takes_over() {
            task.fresh = Some(self.world.fresh_nonce(&self.state));
            self.state.tasks[slot] = Some(task.clone());
        }
        let next = match does {
            Move::Go => self.go(slot, &mut task),
            Move::Look => self.look(&task),
            Move::Answer(index, status) => answer(&task, index, status),
            Move::Store(index) => self.store(&task, index),
        }?;
        self.settle(slot, task, next);
        Ok(())
    }

    fn go(&mut self, slot: usize, task: &mut Task) -> Taken<Next> {
        match &task.stage.clone() {
            Stage::Outside(way, seen) => self.enter(task, way, seen),
            Stage::Close(lane) => self.close_marked(task, *lane),
            Stage::Done(finished) => Ok(end(*finished)),
            Stage::Inside(inside) => match &inside.at {
                At::Wait => self.end_wait(slot, task, inside),
                At::Verify => self.verify(task, inside),
                At::Pairs(pairs) => self.call_or_finish(task, inside, pairs),
                At::Stop(pairs, job) => self.write_stop(task, inside, pairs, *job),
                At::Finish(pairs) => self.finish(task, inside, pairs),
                At::Lost(_) => Err(Stop::Disabled),
            },
        }
    }

    fn settle(&mut self, slot: usize, task: Task, next: Next) {
        let (lane, run) = (task.message.lane, task.message.run);
        let owns = task.owns();
        self.state.tasks[slot] = None;
        match next {
            Next::Stage(stage) => {
                let nonce = task.nonce.filter(|_| self.is_known(&task) || is_in(&stage));
                self.state.tasks[slot] = Some(Task { nonce, stage, ..task });
            }
            Next::Leave => self.state.free(lane, owns),
            Next::Acknowledge => self.state.delete(lane, owns),
            Next::Complete => {
                self.state.complete(run);
                self.state.delete(lane, owns);
            }
        }
    }

    /// Whether anybody else may know of a task's nonce. One that nobody knows of is as good as one
    /// that is not drawn yet.
    fn is_known(&self, task: &Task) -> bool {
        self.state.nonces(self.world).contains(&self.own(task))
    }

    pub(crate) fn ticket(&self, task: &Task) -> Ticket {
        Ticket {
            run: task.message.run,
            position: task.message.position,
            question: task.message.question,
            due: task.message.due,
            nonce: self.own(task).clone(),
            boot: None,
            sent_at: None,
            received_at: NOW,
        }
    }

    /// A task's nonce.
    pub(crate) fn own(&self, task: &Task) -> &Nonce {
        self.world.nonce(task.nonce.unwrap())
    }

    /// What a refusal leads to.
    pub(crate) fn refused(&self, task: &Task, seen: &[Ref<Lane>], lane: Ref<Lane>) -> Next {
        let mut seen = seen.to_vec();
        let nonce = |lane: &Ref<Lane>| lane.holder.as_ref().map(|holder| holder.nonce.clone());
        if lane.holder.is_some() && seen.iter().all(|other| nonce(other) != nonce(&lane)) {
            seen.push(lane);
        }
        let outside = |way| Next::Stage(Stage::Outside(way, seen));
        match rejected(&self.ticket(task), Some(&lane)) {
            GateRejection::OtherRun
            | GateRejection::ClosedBefore
            | GateRejection::Passed
            | GateRejection::PredecessorLost => Next::Acknowledge,
            GateRejection::Closed => Next::Complete,
            GateRejection::Marked(_, None) => Next::Stage(Stage::Close(lane)),
            GateRejection::Marked(_, Some(_)) => outside(Way::TakeOverMarked(lane)),
            GateRejection::Held(_) => outside(Way::TakeOver(lane)),
            GateRejection::Free => outside(Way::Gate),
        }
    }
}

impl Stage {
    fn takes_over(&self) -> bool {
        match self {
            Self::Outside(Way::TakeOver(_) | Way::TakeOverMarked(_), _) => true,
            Self::Outside(Way::Gate, _) | Self::Inside(_) | Self::Close(_) | Self::Done(_) => false,
        }
    }
}

fn is_in(stage: &Stage) -> bool {
    match stage {
        Stage::Inside(_) => true,
        Stage::Outside(..) | Stage::Close(_) | Stage::Done(_) => false,
    }
}

/// How a task ends.
pub(crate) fn end(finished: Finished) -> Next {
    match finished {
        Finished::Acknowledge => Next::Acknowledge,
        Finished::Complete => Next::Complete,
        Finished::Leave => Next::Leave,
    }
}

fn answer(
    task: &Task,
    index: usize,
    status: beacon_core::execution::ExecutionStatus,
) -> Taken<Next> {
    let Stage::Inside(inside @ Inside { at: At::Pairs(pairs), .. }) = &task.stage else {
        return Err(Stop::Disabled);
    };
    let mut pairs = pairs.clone();
    match pairs.get_mut(index) {
        Some(pair @ Pair::Out) => *pair = Pair::Got(status),
        Some(Pair::Missing | Pair::Got(_) | Pair::Stored(_)) | None => return Err(Stop::Disabled),
    }
    Ok(inside.at(At::Pairs(pairs)))
}

impl Inside {
    /// It goes on here.
    pub(crate) fn at(&self, at: At) -> Next {
        Next::Stage(Stage::Inside(Self { at, ..self.clone() }))
    }

    /// The lane is found marked: it is closed instead.
    pub(crate) fn close(&mut self, cause: EndCause) {
        let missing = cause.status();
        self.duty = Duty::Close(cause);
        if let At::Pairs(pairs) = &mut self.at {
            give_up(pairs, missing);
        }
    }
}

/// The pairs that did not end are recorded as ended like this; their calls are dropped.
pub(crate) fn give_up(pairs: &mut [Pair], status: beacon_core::execution::ExecutionStatus) {
    for pair in pairs {
        match pair {
            Pair::Missing | Pair::Out => *pair = Pair::Got(status),
            Pair::Got(_) | Pair::Stored(_) => {}
        }
    }
}

impl Task {
    /// Whether its message is its own.
    pub(crate) fn owns(&self) -> bool {
        match self.origin {
            Origin::Queue { owns } => owns,
            Origin::Reconciler { .. } => false,
        }
    }
}

impl State {
    /// The message in flight is to be received again.
    pub(crate) fn free(&mut self, lane: usize, owns: bool) {
        self.groups[lane].in_flight &= !owns;
    }

    /// The message in flight is done with.
    pub(crate) fn delete(&mut self, lane: usize, owns: bool) {
        if owns {
            self.groups[lane].messages.remove(0);
            self.groups[lane].in_flight = false;
        }
    }

    /// A completion message is sent.
    pub(crate) fn complete(&mut self, run: beacon_core::Run) {
        if let Err(at) = self.completions.binary_search(&run) {
            self.completions.insert(at, run);
        }
    }
}
