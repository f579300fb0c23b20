//! What is explored: how large the job is, what its client does, and which faults occur.

use beacon_core::execution::ExecutionStatus;

/// What may go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A process dies, at any step.
    Crash,
    /// A message is delivered again while its first worker lives.
    Expire,
    /// A write happens, its answer is lost, and it is sent again.
    AnswerLost,
    /// A write is sent twice, and the second arrives at any time later.
    Twice,
    /// A question message is lost.
    Lose,
    /// A question message is sent again with its group behind it.
    Duplicate,
    /// All messages of all queues are lost.
    Purge,
    /// The reconciler takes for idle what is not.
    Early,
}

/// All of it.
pub(crate) const ANY: &[Kind] = &[
    Kind::Crash,
    Kind::Expire,
    Kind::AnswerLost,
    Kind::Twice,
    Kind::Lose,
    Kind::Duplicate,
    Kind::Purge,
    Kind::Early,
];

/// What a retry selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Nobody retries.
    Never,
    /// All pairs.
    Everything,
    /// Pairs of the first model.
    FirstModel,
}

/// One exploration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    /// For people.
    pub(crate) name: &'static str,
    pub(crate) questions: usize,
    pub(crate) models: usize,
    pub(crate) regions: usize,
    /// How calls may end.
    pub(crate) answers: &'static [ExecutionStatus],
    /// So many faults on one path.
    pub(crate) faults: u8,
    /// Of these kinds.
    pub(crate) kinds: &'static [Kind],
    /// The client may cancel, once.
    pub(crate) cancel: bool,
    /// The client may retry, once.
    pub(crate) retry: Retry,
    /// The time of the first run may be up.
    pub(crate) deadline: bool,
    /// One question without a completed execution stops the job.
    pub(crate) stops: bool,
    /// Takeovers at its first question that a lane begins with.
    pub(crate) takeovers: u32,
    /// Dispatches anew at its first question that a lane begins with.
    pub(crate) redispatches: u32,
    pub(crate) workers: usize,
    pub(crate) reconcilers: usize,
    /// So many passes of reconcilers on one path begin whenever there is something to do; the others
    /// when all else is at rest.
    pub(crate) eager: u8,
}

/// One question to one model in one region, and nothing goes wrong.
pub(crate) const SMALLEST: Scope = Scope {
    name: "smallest",
    questions: 1,
    models: 1,
    regions: 1,
    answers: &[ExecutionStatus::Completed],
    faults: 0,
    kinds: ANY,
    cancel: false,
    retry: Retry::Never,
    deadline: false,
    stops: false,
    takeovers: 0,
    redispatches: 0,
    workers: 2,
    reconcilers: 1,
    eager: 0,
};

/// Whatever a call can come to.
const BOTH: &[ExecutionStatus] = &[ExecutionStatus::Completed, ExecutionStatus::Failed];

const ONE_PAIR: Scope = SMALLEST;
const TWO_QUESTIONS: Scope = Scope { questions: 2, ..SMALLEST };
const TWO_MODELS: Scope = Scope { models: 2, answers: BOTH, ..SMALLEST };
const TWO_REGIONS: Scope = Scope { regions: 2, ..SMALLEST };
const ALL_TWICE: Scope = Scope { questions: 2, models: 2, regions: 2, ..SMALLEST };

/// Explored in every run of the tests: more than a million states in less than a minute.
pub(crate) const SCOPES: &[Scope] = &[
    Scope { name: "one pair, three faults", faults: 3, ..ONE_PAIR },
    Scope { name: "one pair, cancel, a fault", cancel: true, faults: 1, ..ONE_PAIR },
    Scope { name: "one pair, cancel, an eager reconciler", cancel: true, eager: 3, ..ONE_PAIR },
    Scope {
        name: "one pair, deadline, two eager reconcilers",
        deadline: true,
        reconcilers: 2,
        eager: 2,
        ..ONE_PAIR
    },
    Scope { name: "given up after takeovers, two faults", takeovers: 4, faults: 2, ..ONE_PAIR },
    Scope {
        name: "given up after dispatches, two faults",
        redispatches: 4,
        faults: 2,
        ..TWO_QUESTIONS
    },
    Scope {
        name: "two questions, cancel, retry, a fault",
        cancel: true,
        retry: Retry::Everything,
        faults: 1,
        ..TWO_QUESTIONS
    },
    Scope {
        name: "two questions, stop, two faults",
        answers: BOTH,
        stops: true,
        faults: 2,
        ..TWO_QUESTIONS
    },
    Scope {
        name: "two questions, deadline, two faults",
        deadline: true,
        faults: 2,
        ..TWO_QUESTIONS
    },
    Scope { name: "two models, cancel, a fault", cancel: true, faults: 1, ..TWO_MODELS },
    Scope {
        name: "two models, filtered retry, a fault",
        retry: Retry::FirstModel,
        faults: 1,
        ..TWO_MODELS
    },
    Scope { name: "two regions, a fault", faults: 1, ..TWO_REGIONS },
    Scope { name: "two regions, cancel", cancel: true, ..TWO_REGIONS },
    Scope { name: "two regions, retry", answers: BOTH, retry: Retry::Everything, ..TWO_REGIONS },
    Scope {
        name: "two regions, stop, a fault",
        answers: BOTH,
        stops: true,
        faults: 1,
        ..TWO_REGIONS
    },
    Scope { name: "two questions, models and regions", ..ALL_TWICE },
];
