//! The metrics on `CloudWatch`: name, unit and dimension of each.

/// What a metric is in, by `CloudWatch`'s names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Hundredths of a whole.
    Percent,
    /// `CloudWatch` has no unit for it: US dollars.
    None,
}

impl Unit {
    /// As `CloudWatch` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Seconds => "Seconds",
            Self::Percent => "Percent",
            Self::None => "None",
        }
    }
}

/// A metric on `CloudWatch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Executions that ended.
    Executions,
    /// Executions that completed.
    CompletedExecutions,
    /// How long completed executions took.
    ExecutionDuration,
    /// Calls that were not made, because the row was there.
    DuplicatesPrevented,
    /// Answers dropped, because another worker's row was first.
    LateResultsDropped,
    /// Attempts that may have been charged for without an answer having arrived.
    MaybeBilled,
    /// Of the calls of ended executions, failed ones too, where that is known.
    Cost,
    /// Completed executions whose price is not known.
    ExecutionsWithoutCost,
    /// Requests to open a question that the gate refused. Some are made again at once and let in.
    GateRejections,
    /// Pages that were refused, because a chain of requests had too many.
    HopBoundReached,
    /// Writes that the table answered.
    TableWritesOk,
    /// Writes that it did not.
    TableWritesFailed,
    /// Jobs that got their final status.
    JobsFinished,
    /// Of a job that got its final status.
    RegionBalance,
    /// Jobs without a final status.
    OpenJobs,
    /// Lanes whose cursor does not move.
    StalledLanes,
    /// Executions of lanes that nobody works at.
    ExecutionsMissing,
    /// Executions whose worker is out of time.
    ExecutionsOverTime,
    /// Since an answer was counted.
    RouterSuccessAge,
    /// Final jobs that are not what a final job is.
    StatusMismatch,
    /// Final jobs that were looked at for that.
    JobsAudited,
    /// Questions whose message the queue gave up.
    DeadLetters,
    /// How long a pass of the reconciler took.
    PassDuration,
    /// Jobs that a pass could not look after.
    PassTroubles,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::Executions,
        Self::CompletedExecutions,
        Self::ExecutionDuration,
        Self::DuplicatesPrevented,
        Self::LateResultsDropped,
        Self::MaybeBilled,
        Self::Cost,
        Self::ExecutionsWithoutCost,
        Self::GateRejections,
        Self::HopBoundReached,
        Self::TableWritesOk,
        Self::TableWritesFailed,
        Self::JobsFinished,
        Self::RegionBalance,
        Self::OpenJobs,
        Self::StalledLanes,
        Self::ExecutionsMissing,
        Self::ExecutionsOverTime,
        Self::RouterSuccessAge,
        Self::StatusMismatch,
        Self::JobsAudited,
        Self::DeadLetters,
        Self::PassDuration,
        Self::PassTroubles,
    ];

    /// Its name: the variant's.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// What it is in.
    pub fn unit(self) -> Unit {
        match self {
            Self::Executions
            | Self::CompletedExecutions
            | Self::DuplicatesPrevented
            | Self::LateResultsDropped
            | Self::MaybeBilled
            | Self::ExecutionsWithoutCost
            | Self::GateRejections
            | Self::HopBoundReached
            | Self::TableWritesOk
            | Self::TableWritesFailed
            | Self::JobsFinished
            | Self::OpenJobs
            | Self::StalledLanes
            | Self::ExecutionsMissing
            | Self::ExecutionsOverTime
            | Self::StatusMismatch
            | Self::JobsAudited
            | Self::DeadLetters
            | Self::PassTroubles => Unit::Count,
            Self::ExecutionDuration | Self::PassDuration => Unit::Milliseconds,
            Self::RouterSuccessAge => Unit::Seconds,
            Self::RegionBalance => Unit::Percent,
            Self::Cost => Unit::None,
        }
    }

    /// What it is told apart by, beside the stack.
    pub fn dimension(self) -> Option<&'static str> {
        match self {
            Self::Executions => Some("Status"),
            Self::JobsFinished => Some("JobStatus"),
            Self::CompletedExecutions => Some("Outcome"),
            Self::ExecutionDuration => Some("Region"),
            Self::GateRejections => Some("Reason"),
            Self::DuplicatesPrevented
            | Self::LateResultsDropped
            | Self::MaybeBilled
            | Self::Cost
            | Self::ExecutionsWithoutCost
            | Self::HopBoundReached
            | Self::TableWritesOk
            | Self::TableWritesFailed
            | Self::RegionBalance
            | Self::OpenJobs
            | Self::StalledLanes
            | Self::ExecutionsMissing
            | Self::ExecutionsOverTime
            | Self::RouterSuccessAge
            | Self::StatusMismatch
            | Self::JobsAudited
            | Self::DeadLetters
            | Self::PassDuration
            | Self::PassTroubles => None,
        }
    }
}
