//! All that is at one moment: the table, the queues, who works at what, and what may still go wrong.

use beacon_core::execution::{Counted, ExecutionStatus, Outcome};
use beacon_core::job::{EndCause, Job, JobWrite};
use beacon_core::lane::{Finished, HolderChange, HolderIs, Lane, LaneWrite, WorkList};
use beacon_core::message::DispatchMessage;
use beacon_core::reconcile::Step;
use beacon_core::{Nonce, Run};

use super::pool::Ref;
use super::world::{Question, World};

/// What counts of a stored row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) run: Run,
    pub(crate) status: ExecutionStatus,
}

impl Row {
    pub(crate) fn counted(self) -> Counted {
        let Self { run, status } = self;
        let outcome = (status == ExecutionStatus::Completed).then_some(Outcome::Text);
        Counted { run, status, outcome, simulated: false, duration_ms: 0 }
    }
}

/// A lane's question messages: one at a time, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Group {
    /// The first is with a worker, and nobody else gets any.
    pub(crate) in_flight: bool,
    pub(crate) messages: Vec<Ref<Question>>,
}

/// A pair of the open question, as its worker knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Pair {
    /// To be asked.
    Missing,
    /// Its call is out.
    Out,
    /// It ended, and is not stored.
    Got(ExecutionStatus),
    /// As the table has it.
    Stored(Row),
}

/// How a worker is to get in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    Gate,
    /// In place of the holder of the lane as it was seen.
    TakeOver(Ref<Lane>),
    /// The same, to close it.
    TakeOverMarked(Ref<Lane>),
}

impl Way {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::TakeOver(_) => "takes over",
            Self::TakeOverMarked(_) => "takes over to close",
        }
    }
}

/// What a worker that is in is to do about missing pairs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Duty {
    Ask,
    GiveUp,
    Close(EndCause),
}

/// How far a worker that is in has come.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum At {
    /// Until the calls of those before are over.
    Wait,
    /// The lane is to be read, for the own nonce, and then the rows.
    Verify,
    /// Pairs are asked and stored.
    Pairs(Vec<Pair>),
    /// The lane was lost: answers that are there are stored, no more.
    Lost(Vec<Pair>),
    /// A stop was decided; the job as it was read.
    Stop(Vec<Pair>, Ref<Job>),
    /// All is stored.
    Finish(Vec<Pair>),
}

impl At {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Wait => "waits".to_owned(),
            Self::Verify => "verifies".to_owned(),
            Self::Pairs(pairs) => format!("{pairs:?}"),
            Self::Lost(pairs) => format!("lost its lane: {pairs:?}"),
            Self::Stop(..) => "stops the job".to_owned(),
            Self::Finish(_) => "finishes".to_owned(),
        }
    }
}

/// A worker that is in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Inside {
    /// The lane as it was left by the write that let it in.
    pub(crate) held: Ref<Lane>,
    pub(crate) duty: Duty,
    /// Its last look at its nonce is too old to start a call.
    pub(crate) fenced: bool,
    pub(crate) at: At,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    /// Before the lane; holders that refusals on the way showed.
    Outside(Way, Vec<Ref<Lane>>),
    Inside(Inside),
    /// The lane, as it was seen, is marked and nobody's: to be closed.
    Close(Ref<Lane>),
    Done(Finished),
}

/// Who does a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// A worker; whether the message is still its own.
    Queue { owns: bool },
    /// The reconciler, in place of dead workers.
    Reconciler { gives_up: bool },
}

/// One receive of a question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Task {
    pub(crate) message: Ref<Question>,
    /// Drawn for the first request, and kept where anybody else may know of it.
    pub(crate) nonce: Option<u8>,
    /// Drawn for the next takeover.
    pub(crate) fresh: Option<u8>,
    pub(crate) origin: Origin,
    pub(crate) stage: Stage,
}

impl Task {
    /// Its pairs whose calls are out, by their place in the message.
    pub(crate) fn out(&self) -> impl Iterator<Item = usize> + '_ {
        let pairs = match &self.stage {
            Stage::Inside(Inside { at: At::Pairs(pairs), .. }) => pairs.as_slice(),
            Stage::Inside(_) | Stage::Outside(..) | Stage::Close(_) | Stage::Done(_) => &[],
        };
        pairs.iter().enumerate().filter(|(_, pair)| **pair == Pair::Out).map(|(index, _)| index)
    }
}

/// Closing all lanes of a run, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FanOut {
    pub(crate) run: Run,
    pub(crate) cause: EndCause,
    /// The one that is next.
    pub(crate) lane: usize,
    /// It, as it was read.
    pub(crate) seen: Option<Ref<Lane>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    Idle,
    /// With the job as it was read.
    Cancel(Ref<Job>),
    FanOut(FanOut),
    Retry(Ref<Job>),
    /// The retry is in the table; its messages are not sent.
    Send(Run),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Dispatcher {
    Idle,
    /// With the job and the lane as they were read.
    Plan(Ref<DispatchMessage>, Ref<Job>, Ref<Lane>),
    Send(Ref<DispatchMessage>, Ref<Job>, Ref<Lane>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Coordinator {
    Idle,
    /// With the message's run, the job, and the lanes read so far.
    Read(Run, Ref<Job>, Vec<Ref<Lane>>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Reconciler {
    Idle,
    /// With the job and the lanes read so far; which of those are idle; whether it is rash.
    Read {
        job: Ref<Job>,
        lanes: Vec<Ref<Lane>>,
        idle: Vec<bool>,
        early: bool,
    },
    /// With the plan and the step that is next.
    Act {
        job: Ref<Job>,
        plan: Ref<Vec<Step>>,
        next: usize,
        within: Within,
    },
}

/// Within a step of the reconciler.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Within {
    Start,
    FanOut(FanOut),
    /// The lane is written; the message is not sent.
    Send(Ref<DispatchMessage>),
}

/// A copy of a request that is still under way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Delayed {
    Lane { lane: usize, write: Ref<LaneWrite>, opens: bool },
    Job(Ref<JobWrite>),
    Row { pair: usize, row: Row },
}

/// What must never happen, where only the step shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Broken {
    CompletedRowChanged,
    ChangedAfterFinal,
    OpenedAfterCancel,
    TwoCalls,
    CompletedAskedAgain,
}

/// All that is at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) job: Ref<Job>,
    pub(crate) lanes: Vec<Ref<Lane>>,
    /// Each lane's stored work list.
    pub(crate) works: Vec<Option<Ref<WorkList>>>,
    pub(crate) rows: Vec<Option<Row>>,
    pub(crate) groups: Vec<Group>,
    pub(crate) dispatches: Vec<Ref<DispatchMessage>>,
    /// Runs of which there is a completion message.
    pub(crate) completions: Vec<Run>,
    /// Workers, then one place for each reconciler.
    pub(crate) tasks: Vec<Option<Task>>,
    /// Pairs whose calls are out though their worker is dead.
    pub(crate) orphans: Vec<usize>,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) coordinator: Coordinator,
    pub(crate) reconcilers: Vec<Reconciler>,
    pub(crate) client: Client,
    pub(crate) delayed: Vec<Delayed>,
    /// The deadline of the job's run has passed.
    pub(crate) late: bool,
    /// The run whose cancel was acknowledged.
    pub(crate) acknowledged: Option<Run>,
    /// Faults that may still occur.
    pub(crate) faults: u8,
    /// Passes of reconcilers that may still begin at any time.
    pub(crate) eager: u8,
    pub(crate) may_cancel: bool,
    pub(crate) may_retry: bool,
    pub(crate) may_be_late: bool,
    pub(crate) broken: Option<Broken>,
}

impl State {
    /// The nonces that anything knows of.
    pub(crate) fn nonces<'a>(&'a self, world: &'a World) -> Vec<&'a Nonce> {
        let mut lanes: Vec<&Lane> = self.lanes.iter().map(|lane| &**lane).collect();
        let mut nonces: Vec<&Nonce> = Vec::new();
        for task in self.tasks.iter().flatten() {
            let drawn = task.nonce.into_iter().chain(task.fresh);
            nonces.extend(drawn.map(|nonce| world.nonce(nonce)));
            match &task.stage {
                Stage::Outside(way, seen) => {
                    lanes.extend(seen.iter().map(|lane| &**lane));
                    match way {
                        Way::TakeOver(lane) | Way::TakeOverMarked(lane) => lanes.push(lane),
                        Way::Gate => {}
                    }
                }
                Stage::Inside(_) | Stage::Close(_) | Stage::Done(_) => {}
            }
        }
        for reconciler in &self.reconcilers {
            match reconciler {
                Reconciler::Idle => {}
                Reconciler::Read { lanes: read, .. } => {
                    lanes.extend(read.iter().map(|lane| &**lane));
                }
                Reconciler::Act { plan, .. } => lanes.extend(plan.iter().filter_map(lane_of)),
            }
        }
        for delayed in &self.delayed {
            match delayed {
                Delayed::Lane { write, .. } => nonces.extend(of_write(write)),
                Delayed::Job(_) | Delayed::Row { .. } => {}
            }
        }
        nonces.extend(lanes.into_iter().filter_map(|lane| lane.holder.as_ref()).map(|h| &h.nonce));
        nonces
    }

    /// Calls that are out for a pair.
    pub(crate) fn calls(&self, pair: usize) -> usize {
        let tasks = self.tasks.iter().flatten();
        let held = tasks.filter(|task| task.out().any(|index| task.message.places[index] == pair));
        held.count() + self.orphans.iter().filter(|orphan| **orphan == pair).count()
    }

    /// Whether the job's last run has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.job.status.is_final() && !self.may_retry && self.client == Client::Idle
    }

    /// Whether nobody has anything to do.
    pub(crate) fn is_at_rest(&self) -> bool {
        let queued = self.groups.iter().any(|group| !group.messages.is_empty());
        let works = self.tasks.iter().any(Option::is_some) || !self.orphans.is_empty();
        !queued
            && !works
            && self.dispatches.is_empty()
            && self.completions.is_empty()
            && self.dispatcher == Dispatcher::Idle
            && self.coordinator == Coordinator::Idle
    }

    /// Whether any call is out.
    pub(crate) fn has_calls(&self) -> bool {
        let mut tasks = self.tasks.iter().flatten();
        !self.orphans.is_empty() || tasks.any(|task| task.out().next().is_some())
    }
}

fn lane_of(step: &Step) -> Option<&Lane> {
    match step {
        Step::TakeOver(lane) | Step::GiveUp(lane) => Some(lane),
        Step::Dispatch(..) | Step::Replan(_) | Step::End(_) | Step::Close(_) | Step::Finalise => {
            None
        }
    }
}

fn of_write(write: &LaneWrite) -> impl Iterator<Item = &Nonce> {
    let asked = match &write.condition.holder {
        HolderIs::AbsentOr(nonce) | HolderIs::Exactly(nonce) => Some(nonce),
        HolderIs::Anything | HolderIs::Absent | HolderIs::Present => None,
    };
    let set = match &write.change.holder {
        HolderChange::Set(holder) => Some(&holder.nonce),
        HolderChange::Keep | HolderChange::Remove => None,
    };
    asked.into_iter().chain(set)
}
