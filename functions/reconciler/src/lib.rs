//! The schedule in → what a crash or a lost message left undone is done, from the tables alone.

use beacon_aws::{Clock, LaneUpdate, QueueError, Queues, Table, TableError, chain};
use beacon_core::JobId;
use beacon_core::job::Actor;
use beacon_core::reconcile::{Occasion, Step, longest_wait, plan};
use jiff::Timestamp;
use serde::Deserialize;
use thiserror::Error;
use tracing::{error, info};

/// What the reconciler works on.
#[derive(Debug)]
pub struct Reconciler {
    /// The table.
    pub table: Table,
    /// The queues.
    pub queues: Queues,
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

impl Reconciler {
    /// Looks after every job without a final status. One job's trouble does not keep it from the
    /// others; the first trouble is returned when all were looked after.
    pub async fn handle(
        &self,
        event: ScheduleEvent,
        occasion: Occasion,
    ) -> Result<(), ReconcileError> {
        let mut first_trouble = Ok(());
        let mut open = Vec::new();
        for job_id in self.table.open_jobs().await? {
            match self.table.job_and_lanes(&job_id).await {
                Ok(found) => open.extend(found),
                Err(error) => {
                    error!(%job_id, error = chain(&error), "job was not read");
                    first_trouble = first_trouble.and(Err(error.into()));
                }
            }
        }
        let longest = longest_wait(open.iter().flat_map(|(_, lanes)| lanes));
        for (job, lanes) in &open {
            let steps = plan(job, lanes, longest, occasion, event.time);
            if let Err(error) = self.perform(&job.id, steps).await {
                error!(job_id = %job.id, error = chain(&error), "job was not reconciled");
                first_trouble = first_trouble.and(Err(error));
            }
        }
        first_trouble
    }

    async fn perform(&self, job_id: &JobId, steps: Vec<Step>) -> Result<(), ReconcileError> {
        for step in steps {
            match step {
                Step::Finalise => {
                    let now = self.clock.now();
                    self.table.finalise(job_id, Actor::Reconciler, now).await?;
                }
                Step::Dispatch(write, message) => {
                    let update = self.table.write_lane(job_id, &message.lane, &write).await?;
                    if let LaneUpdate::Applied(_) = update {
                        let (lane, position) = (&message.lane, message.from);
                        info!(%job_id, %lane, %position, "lane is dispatched anew");
                        self.queues.send_dispatch(&message).await?;
                    }
                }
            }
        }
        Ok(())
    }
}
