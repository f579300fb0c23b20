//! The schedule in → what a crash or a lost message left undone is done, from the tables alone.

use beacon_aws::{LaneUpdate, QueueError, Queues, Table, TableError, chain};
use beacon_core::JobId;
use beacon_core::job::Actor;
use beacon_core::reconcile::{Occasion, Step, plan};
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
    /// others.
    pub async fn handle(
        &self,
        event: ScheduleEvent,
        occasion: Occasion,
    ) -> Result<(), ReconcileError> {
        for job_id in self.table.open_jobs().await? {
            if let Err(error) = self.reconcile(&job_id, occasion, event.time).await {
                error!(%job_id, error = chain(&error), "job was not reconciled");
            }
        }
        Ok(())
    }

    async fn reconcile(
        &self,
        job_id: &JobId,
        occasion: Occasion,
        now: Timestamp,
    ) -> Result<(), ReconcileError> {
        let Some((job, lanes)) = self.table.job_and_lanes(job_id).await? else { return Ok(()) };
        for step in plan(&job, &lanes, occasion, now) {
            match step {
                Step::Finalise => {
                    self.table.finalise(job_id, Actor::Reconciler).await?;
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
