//! The whole as a state machine: from a state, what can happen, and what it leads to.

use std::sync::Arc;

use beacon_core::execution::ExecutionStatus;
use beacon_core::message::DispatchMessage;
use beacon_core::{DispatchNumber, Position, Run};
use stateright::{Model, Property};

use super::action::{Action, Fault, Move, Sent, Wish};
use super::property::properties;
use super::scope::{Retry, Scope};
use super::state::{
    At, Client, Coordinator, Dispatcher, Group, Inside, Pair, Reconciler, Stage, State, Task,
};
use super::turn::{Stop, Turn};
use super::world::{World, hash};

#[derive(Clone)]
pub(crate) struct System {
    pub(crate) world: Arc<World>,
}

impl System {
    pub(crate) fn new(scope: Scope) -> Self {
        Self { world: Arc::new(World::new(scope)) }
    }

    /// A job that was just accepted, its messages sent.
    fn first(&self) -> State {
        let World { scope, first_lanes, job, .. } = &*self.world;
        let places = scope.regions * scope.questions * scope.models;
        let mut first = State {
            job: *job,
            lanes: first_lanes.clone(),
            works: vec![None; first_lanes.len()],
            rows: vec![None; places],
            groups: vec![Group::default(); first_lanes.len()],
            dispatches: Vec::new(),
            completions: Vec::new(),
            tasks: vec![None; scope.workers + scope.reconcilers],
            orphans: Vec::new(),
            dispatcher: Dispatcher::Idle,
            coordinator: Coordinator::Idle,
            reconcilers: vec![Reconciler::Idle; scope.reconcilers],
            client: Client::Idle,
            delayed: Vec::new(),
            late: false,
            acknowledged: None,
            faults: scope.faults,
            eager: scope.eager,
            may_cancel: scope.cancel,
            may_retry: scope.retry != Retry::Never,
            may_be_late: scope.deadline,
            broken: None,
        };
        for lane in first_lanes {
            let (job_id, lane) = (job.id.clone(), lane.id.clone());
            let (run, dispatch_number) = (Run::FIRST, DispatchNumber(0));
            let from = Position(0);
            let message = DispatchMessage { job_id, run, lane, dispatch_number, from, hop: 0 };
            first.send_dispatch(self.world.keep_dispatch(message));
        }
        first
    }

    /// What brings the job on. Somebody does one of these sooner or later, in this order if nobody
    /// is slow.
    pub(crate) fn progress(&self, state: &State, actions: &mut Vec<Action>) {
        if !state.orphans.is_empty() {
            actions.push(Action::EndOrphans);
        }
        for (slot, task) in state.tasks.iter().enumerate() {
            let moves = task.iter().flat_map(|task| self.moves(state, task));
            actions.extend(moves.map(|does| Action::Work { slot, does, sent: Sent::Once }));
        }
        if state.dispatcher != Dispatcher::Idle {
            actions.push(Action::Dispatch(Sent::Once));
        }
        if state.coordinator != Coordinator::Idle {
            actions.push(Action::Coordinate(Sent::Once));
        }
        for (reconciler, at) in state.reconcilers.iter().enumerate() {
            if *at != Reconciler::Idle {
                actions.push(Action::Reconcile { reconciler, sent: Sent::Once });
            }
        }
        let workers = 0..self.world.scope.workers;
        if let Some(worker) = workers.into_iter().find(|worker| state.tasks[*worker].is_none()) {
            let lanes = state.groups.iter().enumerate();
            let waiting = lanes.filter(|(_, group)| !group.in_flight && !group.messages.is_empty());
            actions.extend(waiting.map(|(lane, _)| Action::Receive { worker, lane }));
        }
        if state.dispatcher == Dispatcher::Idle {
            actions.extend((0..state.dispatches.len()).map(Action::Fetch));
        }
        if state.coordinator == Coordinator::Idle {
            actions.extend((0..state.completions.len()).map(Action::Complete));
        }
        for (reconciler, at) in state.reconcilers.iter().enumerate() {
            if *at == Reconciler::Idle && !state.job.status.is_final() {
                actions.push(Action::Begin { reconciler, early: false });
            }
        }
    }

    fn moves(&self, state: &State, task: &Task) -> Vec<Move> {
        let (pairs, is_lost) = match &task.stage {
            Stage::Inside(Inside { at: At::Pairs(pairs), .. }) => (pairs, false),
            Stage::Inside(Inside { at: At::Lost(pairs), .. }) => (pairs, true),
            Stage::Inside(_) | Stage::Outside(..) | Stage::Close(_) | Stage::Done(_) => {
                return vec![Move::Go];
            }
        };
        let mut moves = Vec::new();
        let is_open = |pair: &Pair| matches!(pair, Pair::Missing | Pair::Out);
        if !is_lost && pairs.iter().any(is_open) {
            moves.push(Move::Look);
        }
        if !is_lost && !pairs.iter().any(|pair| matches!(pair, Pair::Out | Pair::Got(_))) {
            moves.push(Move::Go);
        }
        for (index, pair) in pairs.iter().enumerate() {
            match pair {
                Pair::Got(_) => moves.push(Move::Store(index)),
                Pair::Out => {
                    let late = state.late.then_some(ExecutionStatus::TimedOut);
                    let answers = self.world.scope.answers.iter().copied().chain(late);
                    moves.extend(answers.map(|status| Move::Answer(index, status)));
                }
                Pair::Missing | Pair::Stored(_) => {}
            }
        }
        moves
    }

    /// What clients and the clock do.
    fn wishes(state: &State, actions: &mut Vec<Action>) {
        if state.client != Client::Idle {
            actions.push(Action::Client(Sent::Once));
        } else if state.job.status.is_final() {
            actions.push(Action::Wish(Wish::Retry));
        } else {
            actions.push(Action::Wish(Wish::Cancel));
        }
        if state.may_be_late {
            actions.push(Action::TimeIsUp);
        }
        actions.extend((0..state.delayed.len()).map(Action::Arrive));
    }

    fn faults(&self, state: &State, actions: &mut Vec<Action>) {
        if state.faults == 0 || state.is_over() {
            return;
        }
        let once = std::mem::take(actions);
        for action in once {
            actions.push(action);
            actions.extend(
                [Sent::AnswerLost, Sent::Twice].into_iter().filter_map(|sent| action.sent(sent)),
            );
        }
        let mut faults: Vec<Fault> = (0..self.world.scope.workers).map(Fault::KillTask).collect();
        faults.extend((0..=self.world.scope.questions).map(Fault::KillDispatcher));
        faults.extend([Fault::KillCoordinator, Fault::KillClient, Fault::Purge]);
        faults.extend((0..state.reconcilers.len()).map(Fault::KillReconciler));
        let lanes = 0..state.lanes.len();
        faults.extend(lanes.flat_map(|l| [Fault::Expire(l), Fault::Lose(l), Fault::Duplicate(l)]));
        actions.extend(faults.into_iter().map(Action::Fault));
        for (reconciler, at) in state.reconcilers.iter().enumerate() {
            if *at == Reconciler::Idle && !state.job.status.is_final() {
                actions.push(Action::Begin { reconciler, early: true });
            }
        }
    }
}

impl Action {
    /// The same, its request sent in another way.
    fn sent(self, sent: Sent) -> Option<Self> {
        match self {
            Self::Work { slot, does: does @ (Move::Go | Move::Store(_)), .. } => {
                Some(Self::Work { slot, does, sent })
            }
            Self::Dispatch(_) => Some(Self::Dispatch(sent)),
            Self::Coordinate(_) => Some(Self::Coordinate(sent)),
            Self::Reconcile { reconciler, .. } => Some(Self::Reconcile { reconciler, sent }),
            Self::Client(_) => Some(Self::Client(sent)),
            Self::Work { does: Move::Look | Move::Answer(..), .. }
            | Self::Receive { .. }
            | Self::EndOrphans
            | Self::Fetch(_)
            | Self::Complete(_)
            | Self::Begin { .. }
            | Self::Wish(_)
            | Self::Arrive(_)
            | Self::TimeIsUp
            | Self::Fault(_) => None,
        }
    }
}

impl Turn<'_> {
    fn act(&mut self, action: Action) -> Result<(), Stop> {
        match action {
            Action::Receive { worker, lane } => self.receive(worker, lane),
            Action::Work { slot, does, .. } => self.work(slot, does),
            Action::EndOrphans => {
                self.state.orphans.clear();
                Ok(())
            }
            Action::Fetch(index) => self.fetch(index),
            Action::Dispatch(_) => self.dispatch(),
            Action::Complete(index) => self.receive_completion(index),
            Action::Coordinate(_) => self.coordinate(),
            Action::Begin { reconciler, early } => self.begin(reconciler, early),
            Action::Reconcile { reconciler, .. } => self.reconcile(reconciler),
            Action::Wish(wish) => self.wish(wish),
            Action::Client(_) => self.serve(),
            Action::Arrive(index) => self.arrive(index),
            Action::TimeIsUp => {
                (self.state.late, self.state.may_be_late) = (true, false);
                Ok(())
            }
            Action::Fault(fault) => self.go_wrong(fault),
        }
    }
}

impl Model for System {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.first()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.broken.is_some() {
            return;
        }
        self.progress(state, actions);
        Self::wishes(state, actions);
        self.faults(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let sent = match action {
            Action::Work { sent, .. }
            | Action::Dispatch(sent)
            | Action::Coordinate(sent)
            | Action::Reconcile { sent, .. }
            | Action::Client(sent) => sent,
            Action::Receive { .. }
            | Action::EndOrphans
            | Action::Fetch(_)
            | Action::Complete(_)
            | Action::Begin { .. }
            | Action::Wish(_)
            | Action::Arrive(_)
            | Action::TimeIsUp
            | Action::Fault(_) => Sent::Once,
        };
        let mut turn = Turn { world: &self.world, state: last.clone(), sent, wrote: false };
        match turn.act(action) {
            Ok(()) | Err(Stop::Unanswered) => {}
            Err(Stop::Disabled) => return None,
        }
        // What makes no request that writes cannot lose its answer.
        if sent != Sent::Once && !turn.wrote {
            return None;
        }
        let mut next = turn.state;
        next.sort_workers(self.world.scope.workers);
        (next != *last).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties(&self.world.scope)
    }
}

impl State {
    /// Workers are alike: states that differ only in which of them does what are the same.
    fn sort_workers(&mut self, workers: usize) {
        self.tasks[..workers].sort_by_cached_key(|task| task.as_ref().map(hash));
    }
}
