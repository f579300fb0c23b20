//! Writes of a job as data: when each happens, and what it changes.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Actor, Cause, Due, EndCause, Job, JobEnding, JobStatus, RunRecord, Selection, Transition,
};
use crate::id::{Nonce, Run};

/// When a write happens: all clauses hold at the moment of the write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobCondition {
    /// The run.
    pub run: Run,
    /// The status.
    pub status: JobStatus,
    /// No early end was decided.
    pub no_ending: bool,
}

impl JobCondition {
    /// Whether the write would happen on this job.
    pub fn holds(&self, job: &Job) -> bool {
        job.run == self.run
            && job.status == self.status
            && !(self.no_ending && job.ending.is_some())
    }
}

/// What a write does besides the log.
#[derive(Debug, Clone, PartialEq)]
pub enum JobChange {
    /// The first lane was dispatched.
    Start,
    /// An early end is decided; the status stays.
    End(JobEnding),
    /// As [`JobChange::End`], unless another was decided before.
    Cancel(JobEnding),
    /// A new run begins, with this deadline.
    Retry(Box<RunRecord>, Timestamp),
    /// The final status; its answers are to be analysed.
    Finalise,
}

/// One conditional write of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobWrite {
    /// When it happens.
    pub condition: JobCondition,
    /// Its log entry; its `to` is the status afterwards.
    pub transition: Transition,
    /// What else it changes.
    pub change: JobChange,
}

impl JobWrite {
    /// The job after the write.
    #[must_use]
    pub fn apply(&self, mut job: Job) -> Job {
        job.status = self.transition.to;
        job.transitions.push(self.transition.clone());
        match &self.change {
            JobChange::Start => job.started_at = Some(self.transition.at),
            JobChange::End(ending) => job.ending = Some(ending.clone()),
            JobChange::Cancel(ending) => {
                job.ending.get_or_insert_with(|| ending.clone());
            }
            JobChange::Retry(record, deadline) => {
                job.run = record.run;
                job.deadline = *deadline;
                job.runs.push(record.as_ref().clone());
                (job.ending, job.finished_at, job.usage) = (None, None, None);
                job.analysis.due = None;
            }
            JobChange::Finalise => {
                job.finished_at = Some(self.transition.at);
                job.analysis.due = Some(Due::new(self.transition.at));
            }
        }
        job
    }
}

/// Dispatch: a queued job starts running; any other is left alone.
pub fn start(run: Run, now: Timestamp) -> JobWrite {
    JobWrite {
        condition: JobCondition { run, status: JobStatus::Queued, no_ending: false },
        transition: Transition {
            at: now,
            from: Some(JobStatus::Queued),
            to: JobStatus::Running,
            why: Cause::Dispatched,
            who: Actor::Dispatch,
            by: None,
        },
        change: JobChange::Start,
    }
}

/// A deadline or a stop is recorded as the job's ending, the first one. The status stays until
/// finalise. The job was read as `queued` or `running`; that it still is, is the condition.
pub fn end(job: &Job, cause: EndCause, who: Actor, now: Timestamp) -> JobWrite {
    let why = Cause::Ended(cause.clone());
    JobWrite {
        condition: JobCondition { run: job.run, status: job.status, no_ending: true },
        transition: Transition {
            at: now,
            from: Some(job.status),
            to: job.status,
            why,
            who,
            by: None,
        },
        change: JobChange::End(JobEnding { cause, at: now, who, by: None }),
    }
}

/// A cancel, asked for by the holder of this token; none where the job is not underway.
pub fn cancel(job: &Job, by: Option<String>, now: Timestamp) -> Option<JobWrite> {
    let ending = JobEnding { cause: EndCause::Cancel, at: now, who: Actor::Intake, by: by.clone() };
    let transition = Transition {
        at: now,
        from: Some(job.status),
        to: JobStatus::Cancelling,
        why: Cause::Ended(EndCause::Cancel),
        who: Actor::Intake,
        by,
    };
    match job.status {
        JobStatus::Queued | JobStatus::Running => Some(JobWrite {
            condition: JobCondition { run: job.run, status: job.status, no_ending: false },
            transition,
            change: JobChange::Cancel(ending),
        }),
        JobStatus::Cancelling
        | JobStatus::Completed
        | JobStatus::Failed
        | JobStatus::Cancelled
        | JobStatus::TimedOut => None,
    }
}

/// What is asked for with a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryRequest {
    /// Which pairs.
    pub selection: Selection,
    /// How many of them have no completed row.
    pub executions: u64,
    /// Whose token asks.
    pub by: Option<String>,
    /// In the words of whom asks.
    pub why: Option<String>,
    /// Drawn for the request, or derived from its idempotency key.
    pub request: Nonce,
}

/// A new run of a job; none where its status is not final.
pub fn retry(job: &Job, asked: RetryRequest, now: Timestamp) -> Option<JobWrite> {
    let RetryRequest { selection, executions, by, why, request } = asked;
    let condition = JobCondition { run: job.run, status: job.status, no_ending: false };
    let (who, run) = (Actor::Intake, job.run.next());
    let transition = Transition {
        at: now,
        from: Some(job.status),
        to: JobStatus::Queued,
        why: Cause::Retried,
        who,
        by: by.clone(),
    };
    let record = RunRecord { run, at: now, who, by, why, selection, executions, request };
    let deadline = now + Duration::from_secs(job.timeout_seconds);
    job.status.is_final().then(|| JobWrite {
        condition,
        transition,
        change: JobChange::Retry(Box::new(record), deadline),
    })
}

#[cfg(test)]
mod tests;
