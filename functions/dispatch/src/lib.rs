//! `DispatchMessage` in → the lane's next page of `QuestionMessage`s out, in order.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use beacon_aws::{Clock, JobUpdate, QueueError, Queues, Table, TableError, each_message};
use beacon_aws::{chain, partial_response};
use beacon_core::Run;
use beacon_core::job::{self, Job, JobStatus};
use beacon_core::lane::LaneState;
use beacon_core::message::{DispatchMessage, max_hops};
use thiserror::Error;
use tracing::{error, info, warn};

/// What dispatch works on.
#[derive(Debug)]
pub struct Dispatch {
    /// The table.
    pub table: Table,
    /// The queues.
    pub queues: Queues,
    /// What time it is.
    pub clock: Clock,
}

/// Why a page was not, or not wholly, sent. The message stays in its queue.
#[derive(Debug, Error)]
enum DispatchError {
    #[error("reading what to send failed")]
    Table(#[from] TableError),
    #[error("sending questions failed")]
    Queue(#[from] QueueError),
}

impl Dispatch {
    /// Sends the page that each message asks for.
    pub async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        let mut failed = Vec::new();
        for message in each_message::<DispatchMessage>(event) {
            if let Err(error) = self.send_page(&message.body).await {
                let DispatchMessage { job_id, run, lane, .. } = &message.body;
                error!(%job_id, %run, %lane, error = chain(&error), "lane was not dispatched");
                failed.push(message.message_id);
            }
        }
        partial_response(failed)
    }

    async fn send_page(&self, message: &DispatchMessage) -> Result<(), DispatchError> {
        let DispatchMessage { job_id, run, lane: lane_id, .. } = message;
        let Some(job) = self.table.job(job_id).await? else {
            warn!(%job_id, "no such job");
            return Ok(());
        };
        let lane = self.table.lane(job_id, lane_id).await?;
        let current = lane.filter(|lane| {
            lane.run == *run
                && lane.state == LaneState::Open
                && lane.dispatch_number == message.dispatch_number
        });
        // The gate would refuse the questions of any other lane; they need not be sent.
        let Some(lane) = current else { return Ok(()) };
        if message.hop > max_hops(lane.length) {
            error!(%job_id, lane = %lane_id, hop = message.hop, "too many pages were asked for");
            return Ok(());
        }
        if job.status == JobStatus::Queued {
            self.start(&job, *run).await?;
        }
        let spec = self.table.spec(&job).await?;
        self.queues.send_questions(message.page(&spec)).await?;
        Ok(())
    }

    /// The first lane of a job that is dispatched starts it; a refusal says that another did.
    async fn start(&self, job: &Job, run: Run) -> Result<(), TableError> {
        let write = job::start(run, self.clock.now());
        if self.table.write_job(&job.id, &write).await? == JobUpdate::Applied {
            info!(
                job_id = %job.id,
                total_executions = job.expected,
                "starting multi-model per-region question queue execution"
            );
        }
        Ok(())
    }
}
