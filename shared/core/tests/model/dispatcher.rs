//! The dispatcher: a lane's part of a new run is planned, the job started, the page sent.

use beacon_core::execution::Counted;
use beacon_core::job::{Job, JobStatus, start};
use beacon_core::lane::{Lane, LaneState, StoredRows, replan};
use beacon_core::message::{Asks, DispatchMessage};
use beacon_core::{LaneId, Run, Sample};

use super::pool::Ref;
use super::state::{Dispatcher, State};
use super::turn::{LaneAnswer, Stop, Taken, Turn};
use super::world::{NOW, World};

impl Turn<'_> {
    /// Receives a message and reads what it is about.
    pub(crate) fn fetch(&mut self, index: usize) -> Taken {
        if self.state.dispatcher != Dispatcher::Idle || index >= self.state.dispatches.len() {
            return Err(Stop::Disabled);
        }
        let message = self.state.dispatches.remove(index);
        self.look_at(message);
        Ok(())
    }

    fn look_at(&mut self, message: Ref<DispatchMessage>) {
        let lane = self.state.lanes[self.world.lane(&message.lane)];
        self.state.dispatcher = self.planned(message, self.state.job, lane);
    }

    pub(crate) fn dispatch(&mut self) -> Taken {
        match self.state.dispatcher.clone() {
            Dispatcher::Idle => Err(Stop::Disabled),
            Dispatcher::Plan(message, job, lane) => self.plan_run(message, job, lane),
            Dispatcher::Send(message, job, lane) => self.start_or_send(message, job, lane),
        }
    }

    /// What a message is to do to a lane as it was read.
    fn planned(
        &mut self,
        message: Ref<DispatchMessage>,
        job: Ref<Job>,
        lane: Ref<Lane>,
    ) -> Dispatcher {
        let is_current = lane.run == message.run && lane.dispatch_number == message.dispatch_number;
        let is_to_plan = lane.run.next() == message.run && job.run == message.run;
        match lane.state {
            LaneState::Closed if is_to_plan => Dispatcher::Plan(message, job, lane),
            LaneState::Open if is_current => Dispatcher::Send(message, job, lane),
            // The lane of a retry that asks nothing of it is closed from the start.
            LaneState::Closed if is_current => {
                self.state.complete(message.run);
                Dispatcher::Idle
            }
            LaneState::Open | LaneState::Closed => Dispatcher::Idle,
        }
    }

    fn plan_run(&mut self, message: Ref<DispatchMessage>, job: Ref<Job>, lane: Ref<Lane>) -> Taken {
        let index = self.world.lane(&message.lane);
        let rows = stored_rows(self.world, &self.state, index);
        let planned = replan(&job.id, &lane, &job.runs, &self.world.spec, &rows, NOW);
        // A lane goes over only from the run that its plan is from; the list of a plan whose lane
        // does not go over is that of the plan whose lane did.
        self.state.works[index] = Some(self.world.keep_work(planned.work));
        match self.write_lane(index, &planned.write, false)? {
            LaneAnswer::Applied { after, .. } => {
                self.state.dispatcher = self.planned(message, job, after);
            }
            LaneAnswer::Refused(_) => self.look_at(message),
        }
        Ok(())
    }

    fn start_or_send(
        &mut self,
        message: Ref<DispatchMessage>,
        job: Ref<Job>,
        lane: Ref<Lane>,
    ) -> Taken {
        if job.status == JobStatus::Queued {
            // A refusal says that another lane's dispatch was first, or that the job is over.
            let _answer = self.write_job(&start(message.run, NOW))?;
            let started = start(message.run, NOW).apply((*job).clone());
            self.state.dispatcher = Dispatcher::Send(message, self.world.keep_job(started), lane);
            return Ok(());
        }
        self.send_page(message, job, lane, usize::MAX);
        self.state.dispatcher = Dispatcher::Idle;
        Ok(())
    }

    /// Sends the first so many messages of a page. One that is there already is swallowed.
    pub(crate) fn send_page(
        &mut self,
        message: Ref<DispatchMessage>,
        job: Ref<Job>,
        lane: Ref<Lane>,
        most: usize,
    ) {
        let index = self.world.lane(&message.lane);
        let work = self.state.works[index].filter(|_| lane.run > Run::FIRST);
        let asks = Asks {
            job: &job,
            spec: &self.world.spec,
            lane: &lane,
            work: work.as_deref(),
            prices: None,
        };
        for question in asks.page(message.from, message.hop).take(most) {
            let question = self.world.keep_question(index, question);
            let group = &mut self.state.groups[index].messages;
            if !group.contains(&question) {
                group.push(question);
            }
        }
    }
}

fn stored_rows(world: &World, state: &State, lane: usize) -> StoredRows {
    let pairs = world.pairs(lane).into_iter();
    let rows = pairs.filter_map(|(place, _, id, _)| {
        let counted: Counted = state.rows[place]?.counted();
        Some(((id.question, id.model, Sample(0)), counted))
    });
    rows.collect()
}

impl World {
    /// A lane's index.
    pub(crate) fn lane(&self, id: &LaneId) -> usize {
        self.first_lanes.iter().position(|lane| lane.id == *id).unwrap()
    }
}

impl State {
    /// A dispatch message is sent; one that is there already is the same.
    pub(crate) fn send_dispatch(&mut self, message: Ref<DispatchMessage>) {
        if !self.dispatches.contains(&message) {
            self.dispatches.push(message);
            self.dispatches.sort_by_key(|message| message.address());
        }
    }
}
