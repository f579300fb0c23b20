//! Whether a job, or one of its executions, is asked anew.

use super::{Job, JobStatus, MAX_RETRIES, MAX_RUNS, cost_limit, total};
use crate::execution::ExecutionStatus;
use crate::lane::Lane;
use crate::money::Dollars;

/// Why a job has no further run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRun {
    /// It has not ended.
    NotFinal(JobStatus),
    /// It has had as many runs as a job has.
    TooMany,
    /// It has spent this, which is all that it may.
    CostSpent(Dollars),
}

/// How many executions a further run of a job is for, unless it is for some alone; 0 where all are completed.
pub fn may_run_again(job: &Job, lanes: &[Lane]) -> Result<u64, NoRun> {
    if !job.status.is_final() {
        return Err(NoRun::NotFinal(job.status));
    }
    if job.run.0 >= MAX_RUNS {
        return Err(NoRun::TooMany);
    }
    let spent = job.max_cost.filter(|max_cost| cost_limit(*max_cost, lanes).is_some());
    if let Some(max_cost) = spent {
        return Err(NoRun::CostSpent(max_cost));
    }
    Ok(without_answer(job, lanes))
}

/// How many executions of a job are not completed.
pub fn without_answer(job: &Job, lanes: &[Lane]) -> u64 {
    job.expected.saturating_sub(total(lanes).completed)
}

/// Why an execution is not asked anew by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRetry {
    /// It has its answer.
    Completed,
    /// It was cancelled and did not fail.
    Cancelled,
    /// It is asked, or about to be.
    OnItsWay,
    /// It was retried as often as one is.
    TooOften,
}

/// Whether an execution of this status, retried so often, is asked anew by itself.
pub fn may_retry(status: ExecutionStatus, retries: u32) -> Result<(), NoRetry> {
    match status {
        ExecutionStatus::Failed | ExecutionStatus::TimedOut if retries < MAX_RETRIES => Ok(()),
        ExecutionStatus::Failed | ExecutionStatus::TimedOut => Err(NoRetry::TooOften),
        ExecutionStatus::Completed => Err(NoRetry::Completed),
        ExecutionStatus::Cancelled => Err(NoRetry::Cancelled),
        ExecutionStatus::Pending | ExecutionStatus::Running => Err(NoRetry::OnItsWay),
    }
}
