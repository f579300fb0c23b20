//! What can happen next.

use beacon_core::execution::ExecutionStatus;

/// How a request that writes is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Once, and answered.
    Once,
    /// It happens, its answer is lost, and it is sent again.
    AnswerLost,
    /// Twice; the second is still under way.
    Twice,
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// What comes next.
    Go,
    /// It reads its lane while it waits.
    Look,
    /// A pair's call ends like this.
    Answer(usize, ExecutionStatus),
    /// It stores how a pair ended.
    Store(usize),
}

/// What the client begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Cancel,
    Retry,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A worker dies, or a reconciler at a task.
    KillTask(usize),
    /// The dispatcher dies after it sent so many messages.
    KillDispatcher(usize),
    KillCoordinator,
    KillReconciler(usize),
    KillClient,
    /// The message that is in flight is delivered again, though its worker lives.
    Expire(usize),
    /// A lane's next message is lost.
    Lose(usize),
    /// A lane's next message is there once more.
    Duplicate(usize),
    /// All messages of all queues are lost.
    Purge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// A worker receives a lane's next message.
    Receive {
        worker: usize,
        lane: usize,
    },
    Work {
        slot: usize,
        does: Move,
        sent: Sent,
    },
    /// The calls of the dead end.
    EndOrphans,
    /// The dispatcher receives a message.
    Fetch(usize),
    Dispatch(Sent),
    /// The coordinator receives a message.
    Complete(usize),
    Coordinate(Sent),
    /// A reconciler begins a pass; rashly, if it takes lanes for idle that are not.
    Begin {
        reconciler: usize,
        early: bool,
    },
    Reconcile {
        reconciler: usize,
        sent: Sent,
    },
    Wish(Wish),
    Client(Sent),
    /// A copy of a request arrives.
    Arrive(usize),
    /// The job's time is up.
    TimeIsUp,
    Fault(Fault),
}
