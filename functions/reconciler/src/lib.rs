//! The schedule in → what a crash or a lost message left undone is done, from the tables alone.

mod analyses;
mod audit;
mod bills;
mod dead_letters;
mod job;
mod question;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use beacon_aws::{
    Clock, DeadQuestions, Link, QueueError, QueueName, Queues, Table, TableError, chain,
};
use beacon_core::cloudwatch::Figure;
use beacon_core::job::Job;
use beacon_core::lane::Lane;
use beacon_core::reconcile::{Occasion, Pass, Sight, Survey, has_idle, longest_wait};
use beacon_core::{BootId, JobId};
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use serde::Deserialize;
use thiserror::Error;
use tokio::time::Instant;
use tracing::{error, info};

use crate::turn::of_minute;

/// What the reconciler works on.
#[derive(Debug)]
pub struct Reconciler {
    /// The table.
    pub table: Table,
    /// The queues.
    pub queues: Queues,
    /// Questions whose message was given up.
    pub dead: DeadQuestions,
    /// The way to the router, which is asked what became of calls.
    pub link: Arc<dyn Link>,
    /// This start of the local stack; none on AWS.
    pub boot: Option<BootId>,
    /// What time it is.
    pub clock: Clock,
}

/// What the schedule sends: `EventBridge` events have a `time`, and so has this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct ScheduleEvent {
    /// When it fired. A late one makes lanes look less idle than they are, which is harmless.
    pub time: Timestamp,
}

/// Why a job, or all of them, was not looked after this time.
#[derive(Debug, Error)]
pub enum ReconcileError {
    /// The table did not answer.
    #[error("the table cannot be used")]
    Table(#[from] TableError),
    /// A queue did not answer.
    #[error("a message was not sent")]
    Queue(#[from] QueueError),
}

/// Jobs that one pass looks after; the others come in the next. A prime, so that passes begin
/// elsewhere however many there are.
const JOBS: usize = 499;
/// Jobs that are looked after at a time.
const AT_A_TIME: usize = 8;
/// After this long a pass begins with no more jobs: the next one is due.
const LONGEST: Duration = Duration::from_secs(50);

impl Reconciler {
    /// Looks after every job without a final status. One job's trouble does not keep it from the
    /// others; the first trouble is returned when all were looked after. Two at once, or one twice,
    /// do no harm: every write is conditional on what was seen.
    pub async fn handle(
        &self,
        event: ScheduleEvent,
        occasion: Occasion,
    ) -> Result<(), ReconcileError> {
        let begun = Instant::now();
        let mut pass = Pass::begin(event.time);
        let result = self.look_after_all(event, occasion, begun, &mut pass).await;
        pass.duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Err(error) = self.table.put_pass(&pass).await {
            error!(error = chain(&error), "the pass was not recorded");
        }
        let now = self.clock.now();
        self.table.metrics().tell(&pass.figures(), now);
        self.table.tell_writes(now);
        result
    }

    async fn look_after_all(
        &self,
        event: ScheduleEvent,
        occasion: Occasion,
        begun: Instant,
        pass: &mut Pass,
    ) -> Result<(), ReconcileError> {
        let mut first_trouble = Ok(());
        let mut open = Vec::new();
        for job_id in self.some_open_jobs(event.time).await? {
            match self.table.job_and_lanes(&job_id).await {
                Ok(found) => open.extend(found),
                Err(error) => {
                    pass.troubles += 1;
                    first_trouble = first_trouble.and(trouble(&job_id, error.into()));
                }
            }
        }
        pass.jobs = open.len() as u64;
        let survey = Survey::new(&open, event.time).figures();
        self.table.metrics().tell(&survey, self.clock.now());
        let sight = self.sight(&open, occasion, event.time).await?;
        let looks = open.into_iter().map(|(job, lanes)| async move {
            if begun.elapsed() > LONGEST {
                return (Pass::default(), Ok(()));
            }
            let mut done = Pass::default();
            let result = self.look_after(&job, lanes, sight, &mut done).await;
            (done, result.or_else(|error| trouble(&job.id, error)))
        });
        let mut looks = stream::iter(looks).buffer_unordered(AT_A_TIME);
        while let Some((done, result)) = looks.next().await {
            pass.add(&done);
            pass.troubles += u64::from(result.is_err());
            first_trouble = first_trouble.and(result);
        }
        drop(looks);
        // Last, because a router that hangs must not keep a job from its end.
        let until = begun + LONGEST;
        let analyses = self.ask_analyses(event.time, occasion, until, pass).await;
        let letters = self.dead_letters(until, pass).await;
        let bills = self.resolve_bills(event.time, until, pass).await;
        let audit = self.audit(event.time, until).await;
        let beside = [
            ("analyses", analyses),
            ("dead letters", letters),
            ("bills", bills),
            ("final jobs", audit),
        ];
        for (what, result) in beside {
            if let Err(error) = &result {
                pass.troubles += 1;
                error!(what, error = chain(error), "not all of these were looked after");
            }
            first_trouble = first_trouble.and(result);
        }
        first_trouble
    }

    /// Those whose turn it is.
    async fn some_open_jobs(&self, time: Timestamp) -> Result<Vec<JobId>, TableError> {
        let jobs = self.table.open_jobs().await?;
        self.table.metrics().tell(&[Figure::OpenJobs(jobs.len() as u64)], self.clock.now());
        if jobs.len() > JOBS {
            info!(open = jobs.len(), looked_after = JOBS, "more jobs than a pass looks after");
        }
        Ok(of_minute(jobs, time, JOBS))
    }

    /// The queue is asked only where it matters: a lane is idle.
    async fn sight(
        &self,
        open: &[(Job, Vec<Lane>)],
        occasion: Occasion,
        now: Timestamp,
    ) -> Result<Sight, QueueError> {
        let longest_wait = longest_wait(open.iter().flat_map(|(_, lanes)| lanes));
        let idle = open.iter().any(|(job, lanes)| has_idle(job, lanes, longest_wait, now));
        let queue_is_empty = if idle {
            let state = self.queues.state(QueueName::Question).await?;
            state.is_some_and(|state| state.visible == 0)
        } else {
            false
        };
        Ok(Sight { longest_wait, queue_is_empty, occasion, now })
    }
}

fn trouble(job_id: &JobId, error: ReconcileError) -> Result<(), ReconcileError> {
    error!(%job_id, error = chain(&error), "job was not reconciled");
    Err(error)
}
