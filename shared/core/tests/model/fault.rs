//! What goes wrong.

use super::action::Fault;
use super::scope::Kind;
use super::state::{Client, Coordinator, Delayed, Dispatcher, Group, Origin, Reconciler, Task};
use super::turn::{Stop, Taken, Turn};

impl Turn<'_> {
    pub(crate) fn go_wrong(&mut self, fault: Fault) -> Taken {
        self.fault(match fault {
            Fault::KillTask(_)
            | Fault::KillDispatcher(_)
            | Fault::KillCoordinator
            | Fault::KillReconciler(_)
            | Fault::KillClient => Kind::Crash,
            Fault::Expire(_) => Kind::Expire,
            Fault::Lose(_) => Kind::Lose,
            Fault::Duplicate(_) => Kind::Duplicate,
            Fault::Purge => Kind::Purge,
        })?;
        match fault {
            Fault::KillTask(slot) => self.kill_task(slot),
            Fault::KillDispatcher(sent) => self.kill_dispatcher(sent),
            Fault::KillCoordinator => self.kill_coordinator(),
            Fault::KillReconciler(reconciler) => self.kill_reconciler(reconciler),
            Fault::KillClient => {
                let client = std::mem::replace(&mut self.state.client, Client::Idle);
                if client == Client::Idle { Err(Stop::Disabled) } else { Ok(()) }
            }
            Fault::Expire(lane) => self.expire(lane),
            Fault::Lose(lane) => {
                self.waiting(lane)?;
                self.state.groups[lane].messages.remove(0);
                Ok(())
            }
            Fault::Duplicate(lane) => {
                let group = self.state.groups.get_mut(lane).ok_or(Stop::Disabled)?;
                let first = *group.messages.first().ok_or(Stop::Disabled)?;
                group.messages.push(first);
                Ok(())
            }
            Fault::Purge => {
                self.purge();
                Ok(())
            }
        }
    }

    /// Its message is received again; its calls end a little later.
    fn kill_task(&mut self, slot: usize) -> Taken {
        let task: Task = self.state.tasks[slot].take().ok_or(Stop::Disabled)?;
        let places: Vec<usize> = task.out().map(|index| task.message.places[index]).collect();
        self.state.orphans.extend(places);
        self.state.orphans.sort_unstable();
        self.state.free(task.message.lane, task.owns());
        Ok(())
    }

    fn kill_dispatcher(&mut self, sent: usize) -> Taken {
        match std::mem::replace(&mut self.state.dispatcher, Dispatcher::Idle) {
            Dispatcher::Idle => return Err(Stop::Disabled),
            Dispatcher::Plan(message, ..) => self.state.send_dispatch(message),
            Dispatcher::Send(message, job, lane) => {
                if job.status != beacon_core::job::JobStatus::Queued {
                    self.send_page(message, job, lane, sent);
                }
                self.state.send_dispatch(message);
            }
        }
        Ok(())
    }

    fn kill_coordinator(&mut self) -> Taken {
        match std::mem::replace(&mut self.state.coordinator, Coordinator::Idle) {
            Coordinator::Idle => return Err(Stop::Disabled),
            Coordinator::Read(run, ..) => self.state.complete(run),
        }
        Ok(())
    }

    fn kill_reconciler(&mut self, reconciler: usize) -> Taken {
        let slot = self.world.slot(reconciler);
        if self.state.tasks[slot].is_some() {
            self.kill_task(slot)?;
        }
        let killed = std::mem::replace(&mut self.state.reconcilers[reconciler], Reconciler::Idle);
        if killed == Reconciler::Idle { Err(Stop::Disabled) } else { Ok(()) }
    }

    fn expire(&mut self, lane: usize) -> Taken {
        let group = self.state.groups.get_mut(lane).ok_or(Stop::Disabled)?;
        if !std::mem::take(&mut group.in_flight) {
            return Err(Stop::Disabled);
        }
        let tasks = self.state.tasks.iter_mut().flatten();
        for task in tasks.filter(|task| task.message.lane == lane) {
            match &mut task.origin {
                Origin::Queue { owns } => *owns = false,
                Origin::Reconciler { .. } => {}
            }
        }
        Ok(())
    }

    fn purge(&mut self) {
        self.state.groups.fill(Group::default());
        self.state.dispatches.clear();
        self.state.completions.clear();
        for task in self.state.tasks.iter_mut().flatten() {
            match &mut task.origin {
                Origin::Queue { owns } => *owns = false,
                Origin::Reconciler { .. } => {}
            }
        }
    }

    /// A lane has a message that no worker has.
    fn waiting(&self, lane: usize) -> Taken {
        let group = self.state.groups.get(lane).ok_or(Stop::Disabled)?;
        if group.in_flight || group.messages.is_empty() { Err(Stop::Disabled) } else { Ok(()) }
    }

    /// A copy of a request arrives; nobody hears of the answer.
    pub(crate) fn arrive(&mut self, index: usize) -> Taken {
        if index >= self.state.delayed.len() {
            return Err(Stop::Disabled);
        }
        match self.state.delayed.remove(index) {
            Delayed::Lane { lane, write, opens } => {
                let _answer = self.judge_lane(lane, &write, opens);
            }
            Delayed::Job(write) => {
                let _answer = self.judge_job(&write);
            }
            Delayed::Row { pair, row } => {
                let _stored = self.judge_row(pair, row);
            }
        }
        Ok(())
    }
}
