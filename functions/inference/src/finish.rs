//! Out of a question: the lane one further, or closed, and what follows from that.

use beacon_aws::{LaneUpdate, TableError, chain};
use beacon_core::cloudwatch::{Figure, counted};
use beacon_core::execution::ExecutionStatus;
use beacon_core::job::{Actor, EndCause, unreachable};
use beacon_core::lane::{Finished, Lane, LaneState, PairRow, Ticket, finish, finish_refused};
use beacon_core::message::{NextPage, QuestionMessage};
use beacon_core::spec::Stop;
use tracing::{error, info, warn};

use crate::Inference;
use crate::question::{Entered, WorkError};

impl Inference {
    /// Finishes a question whose pairs all have a row. With a cause the lane is closed. A stop is
    /// written to the job before the finish, so that a death in between stops the job all the same.
    pub(crate) async fn finish(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        entered: &Entered,
        rows: &[PairRow],
        closing: Option<&EndCause>,
    ) -> Result<Finished, WorkError> {
        let (held, waited_ms) = (&entered.lane, entered.entry.waited_ms);
        let mut write = finish(ticket, held, waited_ms, rows, closing, self.clock.now());
        let mut stop = None;
        if closing.is_none() {
            let after = write.change.apply(held.clone());
            stop = self.decide_stop(message, rows, after).await?;
        }
        if let Some(cause) = &stop {
            write = finish(ticket, held, waited_ms, rows, Some(cause), self.clock.now());
        }
        let update = self.table.write_lane(&message.job_id, &message.lane, &write).await?;
        if let Some(cause) = &stop {
            self.stop_others(message, cause).await;
        }
        match update {
            LaneUpdate::Applied(before) => {
                let after = write.change.apply(before.clone());
                self.table.metrics().tell(&counted(&before, &after, rows), self.clock.now());
                self.go_on(message, after).await
            }
            LaneUpdate::Refused(seen) => self.leave_refused(message, ticket, seen).await,
        }
    }

    /// After a finish: a lane that was marked in the meantime is closed.
    async fn go_on(&self, message: &QuestionMessage, lane: Lane) -> Result<Finished, WorkError> {
        if lane.state == LaneState::Closed {
            return Ok(Finished::Complete);
        }
        if let Some(mark) = lane.mark.clone() {
            return Ok(self.close_marked(message, &mark.cause, lane).await?);
        }
        self.ask_for_next_page(message, lane.length).await;
        Ok(Finished::Acknowledge)
    }

    async fn leave_refused(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        seen: Option<Lane>,
    ) -> Result<Finished, WorkError> {
        let finished = finish_refused(ticket, seen.as_ref());
        // A first request that was applied, and its answer lost, is refused like this when repeated.
        let mine = seen.filter(|lane| lane.run == ticket.run && lane.holder.is_none());
        match (finished, mine) {
            (Finished::Acknowledge, Some(lane)) => self.go_on(message, lane).await,
            (finished, _) => Ok(finished),
        }
    }

    async fn close_marked(
        &self,
        message: &QuestionMessage,
        cause: &EndCause,
        lane: Lane,
    ) -> Result<Finished, TableError> {
        let QuestionMessage { job_id, run, .. } = message;
        let closed = self.table.close_lane(job_id, *run, cause, lane, self.clock.now()).await?;
        Ok(match closed {
            LaneState::Closed => Finished::Complete,
            // The next question's holder closes it.
            LaneState::Open => Finished::Acknowledge,
        })
    }

    /// Whether the job ends with this question, whose finish would leave the lane like this.
    async fn decide_stop(
        &self,
        message: &QuestionMessage,
        rows: &[PairRow],
        after: Lane,
    ) -> Result<Option<EndCause>, TableError> {
        let QuestionMessage { job_id, run, stop, .. } = message;
        let completed = |row: &PairRow| row.counted.status == ExecutionStatus::Completed;
        let cause = match stop.policy {
            Stop::Never => None,
            Stop::RegionFailure => stop.region_failed(&after),
            Stop::Unreachable if rows.iter().all(completed) => None,
            Stop::Unreachable => match self.table.job_and_lanes(job_id).await? {
                Some((job, lanes)) => {
                    let mut lanes = lanes;
                    lanes.retain(|lane| lane.id != after.id);
                    lanes.push(after);
                    unreachable(&job, &lanes)
                }
                None => None,
            },
        };
        let Some(cause) = cause else { return Ok(None) };
        let (who, now) = (Actor::Inference, self.clock.now());
        let ends = self.table.end_job(job_id, *run, &cause, who, now).await?;
        if let Some(reason) = &ends {
            info!(%job_id, %run, lane = %message.lane, %reason, "the job is stopped");
        }
        Ok(ends)
    }

    /// What fails here the reconciler makes up for: the stop stands in the job.
    async fn stop_others(&self, message: &QuestionMessage, cause: &EndCause) {
        let QuestionMessage { job_id, run, .. } = message;
        if let Err(error) = self.table.close_run(job_id, *run, cause, self.clock.now()).await {
            warn!(%job_id, %run, error = chain(&error), "not all lanes were closed");
        }
    }

    /// The question was finished, by a worker that may have died before it asked for the page.
    pub(crate) async fn make_up_for_lost_page(
        &self,
        message: &QuestionMessage,
        seen: Option<&Lane>,
    ) {
        let current = seen.filter(|lane| lane.dispatch_number == message.dispatch_number);
        if let Some(lane) = current {
            self.ask_for_next_page(message, lane.length).await;
        }
    }

    /// A request that is lost costs time, not questions: the reconciler dispatches the lane anew.
    async fn ask_for_next_page(&self, message: &QuestionMessage, length: u32) {
        let (job_id, lane) = (&message.job_id, &message.lane);
        let page = match message.next_page(length) {
            NextPage::NotDue => return,
            NextPage::Due(page) => page,
            NextPage::Refused { hop } => {
                error!(%job_id, %lane, hop, "too many pages were asked for");
                self.table.metrics().tell(&[Figure::HopBoundReached], self.clock.now());
                return;
            }
        };
        if let Err(error) = self.queues.send_dispatch(&page).await {
            warn!(%job_id, %lane, error = chain(&error), "the next page was not asked for");
        }
    }
}
