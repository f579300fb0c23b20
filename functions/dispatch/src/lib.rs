//! `DispatchMessage` in → the lane's next page of `QuestionMessage`s out, in order.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use beacon_aws::{
    Clock, JobUpdate, LaneUpdate, QueueError, Queues, Table, TableError, each_message,
};
use beacon_aws::{chain, partial_response};
use beacon_core::cloudwatch::Figure;
use beacon_core::job::{self, Job, JobStatus};
use beacon_core::lane::{Lane, LaneState, pass_over, replan};
use beacon_core::message::{Asks, CompletionMessage, DispatchMessage, max_hops};
use beacon_core::spec::Spec;
use beacon_core::{JobId, Run};
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
        self.table.tell_writes(self.clock.now());
        partial_response(failed)
    }

    async fn send_page(&self, message: &DispatchMessage) -> Result<(), DispatchError> {
        let DispatchMessage { job_id, run, lane: lane_id, .. } = message;
        let Some(job) = self.table.job(job_id).await? else {
            warn!(%job_id, "no such job");
            return Ok(());
        };
        let Some(lane) = self.table.lane(job_id, lane_id).await? else { return Ok(()) };
        let spec = self.table.spec(&job).await?;
        let plans = lane.state == LaneState::Closed && lane.run.next() == *run && job.run == *run;
        let lane = if plans { self.plan(&job, &spec, lane).await? } else { lane };
        // The gate would refuse the questions of any other lane; they need not be sent.
        let current = lane.run == *run
            && lane.mark.is_none()
            && lane.dispatch_number == message.dispatch_number;
        if !current {
            return Ok(());
        }
        if lane.state == LaneState::Closed {
            // Perhaps the last one, and nothing in it to ask.
            return Ok(self.tell_closed(job_id, *run).await?);
        }
        if message.hop > max_hops(lane.length) {
            error!(%job_id, lane = %lane_id, hop = message.hop, "too many pages were asked for");
            self.table.metrics().tell(&[Figure::HopBoundReached], self.clock.now());
            return Ok(());
        }
        if job.status == JobStatus::Queued {
            self.start(&job, *run).await?;
        }
        let work = self.table.work(job_id, lane_id, *run).await?;
        let prices = self.table.prices(&job).await?;
        let asks = Asks {
            job: &job,
            spec: &spec,
            lane: &lane,
            work: work.as_ref(),
            prices: prices.as_ref(),
        };
        self.queues.send_questions(asks.page(message.from, message.hop)).await?;
        Ok(())
    }

    /// Plans a closed lane's part of the job's new run: the work list first, then the lane goes over.
    /// Returns the lane as it is then, by whomever.
    async fn plan(&self, job: &Job, spec: &Spec, lane: Lane) -> Result<Lane, TableError> {
        let now = self.clock.now();
        let record = job.runs.iter().find(|record| record.run == job.run);
        let write = if record.is_some_and(|record| record.selection.takes_region(&lane.id.region)) {
            let rows = self.table.rows_of_region(&job.id, &lane.id.region).await?;
            let planned = replan(&job.id, &lane, &job.runs, spec, &rows, now);
            self.table.put_work(&job.id, &lane.id, lane.run.next(), &planned.work).await?;
            planned.write
        } else {
            pass_over(&lane, job.run, now)
        };
        match self.table.write_lane(&job.id, &lane.id, &write).await? {
            LaneUpdate::Applied(before) => Ok(write.change.apply(before)),
            LaneUpdate::Refused(seen) => Ok(seen.unwrap_or(lane)),
        }
    }

    async fn tell_closed(&self, job_id: &JobId, run: Run) -> Result<(), QueueError> {
        self.queues.send_completion(&CompletionMessage { job_id: job_id.clone(), run }).await
    }

    /// The first lane of a job that is dispatched starts it; a refusal says that another did.
    async fn start(&self, job: &Job, run: Run) -> Result<(), TableError> {
        let write = job::start(run, self.clock.now());
        if let JobUpdate::Applied(_) = self.table.write_job(&job.id, &write).await? {
            info!(
                job_id = %job.id,
                total_executions = job.expected,
                "starting multi-model per-region question queue execution"
            );
        }
        Ok(())
    }
}
