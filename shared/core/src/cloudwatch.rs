//! Figures for `CloudWatch`: what they are called, what they are in, and what they are told apart by.

mod counted;
mod document;
mod metric;

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::execution::{ExecutionStatus, Outcome};
use crate::exposition::name;
use crate::job::JobStatus;
use crate::lane::GateRejection;
use crate::money::Dollars;
use crate::region::Region;

pub use counted::{counted, region_balance};
pub use document::documents;
pub use metric::{Metric, Unit};

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Beacon";
/// The dimension that every metric has.
pub const STACK: &str = "Stack";

/// Name of a `CloudFormation` stack, which tells the metrics of one Beacon from another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackName(String);

/// A text is no stack's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a stack's name is 1 to 128 letters, digits and hyphens, and begins with a letter")]
pub struct NoStackName;

impl StackName {
    /// The name, as `CloudFormation` allows it
    /// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-using-console-create-stack-parameters.html>).
    pub fn new(text: &str) -> Result<Self, NoStackName> {
        let letter_first = text.starts_with(|c: char| c.is_ascii_alphabetic());
        let known = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if letter_first && known && text.len() <= 128 {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoStackName)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hundredths of a whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percent(pub f64);

/// Something measured: a [`Metric`] with its value, in the metric's unit.
#[derive(Debug, Clone, PartialEq)]
pub enum Figure {
    /// [`Metric::Executions`].
    Executions(ExecutionStatus, u64),
    /// [`Metric::CompletedExecutions`].
    CompletedExecutions(Outcome, u64),
    /// [`Metric::ExecutionDuration`].
    ExecutionDuration(Region, Duration),
    /// [`Metric::DuplicatesPrevented`].
    DuplicatesPrevented(u64),
    /// [`Metric::LateResultsDropped`].
    LateResultsDropped(u64),
    /// [`Metric::MaybeBilled`].
    MaybeBilled(u64),
    /// [`Metric::Cost`].
    Cost(Dollars),
    /// [`Metric::ExecutionsWithoutCost`].
    ExecutionsWithoutCost(u64),
    /// [`Metric::GateRejections`]: one.
    GateRejections(Reason),
    /// [`Metric::HopBoundReached`]: once.
    HopBoundReached,
    /// [`Metric::TableWritesOk`].
    TableWritesOk(u64),
    /// [`Metric::TableWritesFailed`].
    TableWritesFailed(u64),
    /// [`Metric::JobsFinished`]: one.
    JobsFinished(JobStatus),
    /// [`Metric::RegionBalance`].
    RegionBalance(Percent),
    /// [`Metric::OpenJobs`].
    OpenJobs(u64),
    /// [`Metric::StalledLanes`].
    StalledLanes(u64),
    /// [`Metric::ExecutionsMissing`].
    ExecutionsMissing(u64),
    /// [`Metric::ExecutionsOverTime`].
    ExecutionsOverTime(u64),
    /// [`Metric::RouterSuccessAge`].
    RouterSuccessAge(Duration),
    /// [`Metric::StatusMismatch`].
    StatusMismatch(u64),
    /// [`Metric::JobsAudited`].
    JobsAudited(u64),
    /// [`Metric::DeadLetters`].
    DeadLetters(u64),
    /// [`Metric::PassDuration`].
    PassDuration(Duration),
    /// [`Metric::PassTroubles`].
    PassTroubles(u64),
}

/// Why the gate refused to open a question: [`GateRejection`] by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason(&'static str);

impl From<&GateRejection> for Reason {
    fn from(rejection: &GateRejection) -> Self {
        Self(match rejection {
            GateRejection::OtherRun => "other_run",
            GateRejection::Closed => "closed",
            GateRejection::ClosedBefore => "closed_before",
            GateRejection::Passed => "passed",
            GateRejection::PredecessorLost => "predecessor_lost",
            GateRejection::Marked(..) => "marked",
            GateRejection::Held(_) => "held",
            GateRejection::Free => "free",
        })
    }
}

/// A value in its metric's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Value {
    Whole(u64),
    Real(f64),
}

impl Figure {
    /// The metric that it is of.
    pub fn metric(&self) -> Metric {
        self.parts().0
    }

    /// Metric, value of the metric's dimension, and value.
    fn parts(&self) -> (Metric, Option<String>, Value) {
        let whole = |metric, count: &u64| (metric, None, Value::Whole(*count));
        match self {
            Self::Executions(status, count) => {
                (Metric::Executions, Some(name(status)), Value::Whole(*count))
            }
            Self::CompletedExecutions(outcome, count) => {
                (Metric::CompletedExecutions, Some(name(outcome)), Value::Whole(*count))
            }
            Self::ExecutionDuration(region, taken) => {
                let region = Some(region.as_str().to_owned());
                (Metric::ExecutionDuration, region, milliseconds(*taken))
            }
            Self::GateRejections(Reason(reason)) => {
                (Metric::GateRejections, Some((*reason).to_owned()), Value::Whole(1))
            }
            Self::JobsFinished(status) => {
                (Metric::JobsFinished, Some(name(status)), Value::Whole(1))
            }
            Self::Cost(dollars) => (Metric::Cost, None, Value::Real(dollars.as_f64())),
            Self::RegionBalance(Percent(percent)) => {
                (Metric::RegionBalance, None, Value::Real(*percent))
            }
            Self::RouterSuccessAge(age) => whole(Metric::RouterSuccessAge, &age.as_secs()),
            Self::PassDuration(taken) => (Metric::PassDuration, None, milliseconds(*taken)),
            Self::HopBoundReached => whole(Metric::HopBoundReached, &1),
            Self::DuplicatesPrevented(count) => whole(Metric::DuplicatesPrevented, count),
            Self::LateResultsDropped(count) => whole(Metric::LateResultsDropped, count),
            Self::MaybeBilled(count) => whole(Metric::MaybeBilled, count),
            Self::ExecutionsWithoutCost(count) => whole(Metric::ExecutionsWithoutCost, count),
            Self::TableWritesOk(count) => whole(Metric::TableWritesOk, count),
            Self::TableWritesFailed(count) => whole(Metric::TableWritesFailed, count),
            Self::OpenJobs(count) => whole(Metric::OpenJobs, count),
            Self::StalledLanes(count) => whole(Metric::StalledLanes, count),
            Self::ExecutionsMissing(count) => whole(Metric::ExecutionsMissing, count),
            Self::ExecutionsOverTime(count) => whole(Metric::ExecutionsOverTime, count),
            Self::StatusMismatch(count) => whole(Metric::StatusMismatch, count),
            Self::JobsAudited(count) => whole(Metric::JobsAudited, count),
            Self::DeadLetters(count) => whole(Metric::DeadLetters, count),
            Self::PassTroubles(count) => whole(Metric::PassTroubles, count),
        }
    }
}

fn milliseconds(taken: Duration) -> Value {
    Value::Whole(u64::try_from(taken.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
