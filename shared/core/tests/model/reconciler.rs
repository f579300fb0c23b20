//! The reconciler: it reads the job and its lanes, one by one, plans, and takes the plan's steps.

use std::time::Duration;

use beacon_core::Run;
use beacon_core::job::{Job, RunRecord};
use beacon_core::lane::Lane;
use beacon_core::message::{Asks, DispatchMessage};
use beacon_core::reconcile::{Occasion, Sight, Step, plan};

use super::pool::Ref;
use super::scope::Kind;
use super::state::{FanOut, Origin, Reconciler, Stage, State, Task, Way, Within};
use super::turn::{LaneAnswer, Stop, Taken, Turn};
use super::world::{LATER, NOW, World};

/// What a plan rests on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    job: usize,
    lanes: Vec<usize>,
    idle: Vec<bool>,
    queue_is_empty: bool,
    retry_is_lost: bool,
    late: bool,
}

impl Turn<'_> {
    /// A pass begins: where there is something to do, or where it is rash.
    pub(crate) fn begin(&mut self, reconciler: usize, early: bool) -> Taken {
        if self.state.reconcilers[reconciler] != Reconciler::Idle {
            return Err(Stop::Disabled);
        }
        if !early && !self.state.is_at_rest() {
            self.state.eager = self.state.eager.checked_sub(1).ok_or(Stop::Disabled)?;
        }
        if early {
            self.fault(Kind::Early)?;
        }
        let lanes = self.state.lanes.clone();
        let idle: Vec<bool> =
            (0..lanes.len()).map(|lane| self.state.is_idle(lane, early)).collect();
        if plan_for(self.world, &self.state, self.state.job, &lanes, &idle).is_empty() {
            return Err(Stop::Disabled);
        }
        let job = self.state.job;
        self.state.reconcilers[reconciler] = self.read_on(job, Vec::new(), Vec::new(), early);
        Ok(())
    }

    pub(crate) fn reconcile(&mut self, reconciler: usize) -> Taken {
        let next = match self.state.reconcilers[reconciler].clone() {
            Reconciler::Idle => return Err(Stop::Disabled),
            Reconciler::Read { job, lanes, idle, early } => self.read_on(job, lanes, idle, early),
            Reconciler::Act { job, plan, next, within } => {
                if self.state.tasks[self.world.slot(reconciler)].is_some() {
                    return Err(Stop::Disabled);
                }
                self.take(reconciler, job, plan, next, within)?
            }
        };
        self.state.reconcilers[reconciler] = next;
        Ok(())
    }

    fn read_on(
        &self,
        job: Ref<Job>,
        mut lanes: Vec<Ref<Lane>>,
        mut idle: Vec<bool>,
        early: bool,
    ) -> Reconciler {
        let lane = lanes.len();
        lanes.push(self.state.lanes[lane]);
        idle.push(self.state.is_idle(lane, early));
        if lanes.len() < self.state.lanes.len() {
            return Reconciler::Read { job, lanes, idle, early };
        }
        let plan = plan_for(self.world, &self.state, job, &lanes, &idle);
        if plan.is_empty() {
            Reconciler::Idle
        } else {
            Reconciler::Act { job, plan, next: 0, within: Within::Start }
        }
    }

    fn take(
        &mut self,
        reconciler: usize,
        job: Ref<Job>,
        plan: Ref<Vec<Step>>,
        next: usize,
        within: Within,
    ) -> Taken<Reconciler> {
        let Some(step) = plan.get(next) else { return Ok(Reconciler::Idle) };
        let within = match within {
            Within::Start => self.begin_step(reconciler, job, step)?,
            Within::FanOut(fan_out) => self.fan_out(&fan_out)?.map(Within::FanOut),
            Within::Send(message) => {
                self.state.send_dispatch(message);
                None
            }
        };
        Ok(match within {
            Some(within) => Reconciler::Act { job, plan, next, within },
            None if next + 1 == plan.len()
                && self.state.tasks[self.world.slot(reconciler)].is_none() =>
            {
                Reconciler::Idle
            }
            None => Reconciler::Act { job, plan, next: next + 1, within: Within::Start },
        })
    }

    /// What is left of the step.
    fn begin_step(
        &mut self,
        reconciler: usize,
        job: Ref<Job>,
        step: &Step,
    ) -> Taken<Option<Within>> {
        match step {
            Step::Dispatch(write, message) => {
                let lane = self.world.lane(&message.lane);
                let message = self.world.keep_dispatch(DispatchMessage::clone(message));
                return Ok(match self.write_lane(lane, write, false)? {
                    LaneAnswer::Applied { .. } => Some(Within::Send(message)),
                    LaneAnswer::Refused(_) => None,
                });
            }
            Step::Replan(message) => {
                let message = self.world.keep_dispatch(DispatchMessage::clone(message));
                self.state.send_dispatch(message);
            }
            Step::End(write) => {
                // A refusal says that something else came first: for the next pass.
                let _answer = self.write_job(write)?;
            }
            Step::Close(cause) => {
                let (run, cause) = (job.run, cause.clone());
                return Ok(Some(Within::FanOut(FanOut { run, cause, lane: 0, seen: None })));
            }
            Step::TakeOver(lane) => {
                let lane = self.world.keep_lane(Lane::clone(lane));
                let stage = Stage::Outside(Way::TakeOverMarked(lane), vec![lane]);
                self.begin_task(reconciler, job, lane, false, stage);
            }
            Step::GiveUp(lane) => {
                let lane = self.world.keep_lane(Lane::clone(lane));
                let stage = Stage::Outside(Way::Gate, Vec::new());
                self.begin_task(reconciler, job, lane, true, stage);
            }
            Step::Finalise => self.state.complete(job.run),
        }
        Ok(None)
    }

    /// In place of the worker that the lane's question has no more.
    fn begin_task(
        &mut self,
        reconciler: usize,
        job: Ref<Job>,
        lane: Ref<Lane>,
        gives_up: bool,
        stage: Stage,
    ) {
        let index = self.world.lane(&lane.id);
        let work = self.state.works[index].filter(|_| lane.run > Run::FIRST);
        let asks = Asks {
            job: &job,
            spec: &self.world.spec,
            lane: &lane,
            work: work.as_deref(),
            prices: None,
        };
        let message = self.world.keep_question(index, asks.at(lane.cursor).unwrap());
        let origin = Origin::Reconciler { gives_up };
        let slot = self.world.slot(reconciler);
        self.state.tasks[slot] = Some(Task { message, nonce: None, fresh: None, origin, stage });
    }
}

/// The plan for what was seen. What is idle has not moved since [`NOW`], what is not has just moved.
fn plan_for(
    world: &World,
    state: &State,
    job: Ref<Job>,
    lanes: &[Ref<Lane>],
    idle: &[bool],
) -> Ref<Vec<Step>> {
    let queue_is_empty =
        state.groups.iter().all(|group| group.in_flight || group.messages.is_empty());
    let seen = Seen {
        job: job.address(),
        lanes: lanes.iter().map(|lane| lane.address()).collect(),
        idle: idle.to_vec(),
        queue_is_empty,
        retry_is_lost: (0..lanes.len()).all(|lane| !state.is_dispatched(lane)),
        late: state.late,
    };
    world.planned.or(seen.clone(), || {
        let now = NOW + if seen.late { Duration::from_secs(job.timeout_seconds) } else { LATER };
        let shown = |(lane, idle): (&Ref<Lane>, &bool)| Lane {
            moved_at: if *idle { NOW } else { now },
            ..(**lane).clone()
        };
        let lanes: Vec<Lane> = lanes.iter().zip(idle).map(shown).collect();
        let at = if seen.retry_is_lost { NOW } else { now };
        let runs = job.runs.iter().map(|record| RunRecord { at, ..record.clone() }).collect();
        let job = Job { runs, ..(*job).clone() };
        let (longest_wait, occasion) = (Duration::ZERO, Occasion::Schedule);
        world.keep_plan(plan(&job, &lanes, Sight { longest_wait, queue_is_empty, occasion, now }))
    })
}

impl World {
    /// The place of a reconciler's task.
    pub(crate) fn slot(&self, reconciler: usize) -> usize {
        self.scope.workers + reconciler
    }
}

impl State {
    /// Whether nothing is under way in a lane, for longer than everything takes. Who is rash needs
    /// no more than that a holder is dead.
    fn is_idle(&self, lane: usize, early: bool) -> bool {
        let mut tasks = self.tasks.iter().flatten();
        let is_alive = tasks.any(|task| task.message.lane == lane);
        !is_alive && (early || (self.groups[lane].messages.is_empty() && !self.is_dispatched(lane)))
    }

    /// Whether a dispatch message of a lane is under way.
    fn is_dispatched(&self, lane: usize) -> bool {
        let id = &self.lanes[lane].id;
        let at_work = match &self.dispatcher {
            super::state::Dispatcher::Idle => false,
            super::state::Dispatcher::Plan(message, ..)
            | super::state::Dispatcher::Send(message, ..) => message.lane == *id,
        };
        at_work || self.dispatches.iter().any(|message| message.lane == *id)
    }
}
