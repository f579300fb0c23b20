//! One job: what its plan says, carried out.

use beacon_aws::{Finalised, JobUpdate, LaneUpdate};
use beacon_core::JobId;
use beacon_core::execution::Ending;
use beacon_core::failure::{Failure, FailureCode, Stage};
use beacon_core::job::{Actor, EndCause, Job, JobWrite};
use beacon_core::lane::{Lane, LaneWrite};
use beacon_core::message::DispatchMessage;
use beacon_core::reconcile::{Pass, Sight, Step, plan};
use futures_util::future::join_all;
use tracing::{info, warn};

use crate::question::Leaving;
use crate::{ReconcileError, Reconciler};

impl Reconciler {
    /// Does for a job what its plan says, and gives it its final status if that closed its last lane.
    pub(crate) async fn look_after(
        &self,
        job: &Job,
        lanes: Vec<Lane>,
        sight: Sight,
        pass: &mut Pass,
    ) -> Result<(), ReconcileError> {
        let mut leaving = Vec::new();
        for step in plan(job, &lanes, sight) {
            match step {
                Step::Dispatch(write, message) => self.dispatch(&write, &message, pass).await?,
                Step::Replan(message) => {
                    let (job_id, run, lane) = (&message.job_id, message.run, &message.lane);
                    info!(%job_id, %run, %lane, "lane is planned anew");
                    pass.dispatched += 1;
                    self.queues.send_dispatch(&message).await?;
                }
                Step::End(write) => self.end(job, &write, pass).await?,
                Step::Close(cause) => self.close(job, &cause, pass).await?,
                Step::TakeOver(lane) => {
                    pass.taken_over += 1;
                    leaving.push(Leaving::Marked(*lane));
                }
                Step::GiveUp(lane) => {
                    pass.given_up += 1;
                    let ending = lost_question(job, &lane);
                    leaving.push(Leaving::Question(*lane, Box::new(ending)));
                }
                Step::Finalise => self.finalise(&job.id, pass).await?,
            }
        }
        self.leave_all(job, leaving, pass).await
    }

    pub(crate) async fn dispatch(
        &self,
        write: &LaneWrite,
        message: &DispatchMessage,
        pass: &mut Pass,
    ) -> Result<(), ReconcileError> {
        let (job_id, lane, position) = (&message.job_id, &message.lane, message.from);
        let update = self.table.write_lane(job_id, lane, write).await?;
        if let LaneUpdate::Applied(_) = update {
            info!(%job_id, %lane, %position, "lane is dispatched anew");
            pass.dispatched += 1;
            self.queues.send_dispatch(message).await?;
        }
        Ok(())
    }

    async fn end(
        &self,
        job: &Job,
        write: &JobWrite,
        pass: &mut Pass,
    ) -> Result<(), ReconcileError> {
        match self.table.write_job(&job.id, write).await? {
            JobUpdate::Applied(job) => match &job.ending {
                Some(ending) => {
                    info!(job_id = %job.id, run = %job.run, reason = %ending.cause, "the job is stopped");
                    self.close(&job, &ending.cause, pass).await
                }
                None => Ok(()),
            },
            // Another was there first; the next pass sees what it did.
            JobUpdate::Refused(_) => Ok(()),
        }
    }

    async fn close(
        &self,
        job: &Job,
        cause: &EndCause,
        pass: &mut Pass,
    ) -> Result<(), ReconcileError> {
        pass.closed += 1;
        if self.table.close_run(&job.id, job.run, cause, self.clock.now()).await? {
            self.finalise(&job.id, pass).await?;
        }
        Ok(())
    }

    async fn finalise(&self, job_id: &JobId, pass: &mut Pass) -> Result<(), ReconcileError> {
        let now = self.clock.now();
        match self.table.finalise(job_id, Actor::Reconciler, now).await? {
            Finalised::Now(job) => {
                pass.finalised += 1;
                self.ask_analysis(&job).await
            }
            Finalised::Before(_) | Finalised::NotYet => Ok(()),
        }
    }

    /// Ends the questions of several lanes at once: each may have to wait for a holder.
    async fn leave_all(
        &self,
        job: &Job,
        leaving: Vec<Leaving>,
        pass: &mut Pass,
    ) -> Result<(), ReconcileError> {
        if leaving.is_empty() {
            return Ok(());
        }
        let spec = self.table.spec(job).await?;
        let left = leaving.into_iter().map(|leaving| self.leave(job, &spec, leaving));
        // One lane's trouble does not keep the others open.
        let (mut closed, mut result) = (false, Ok(()));
        for left in join_all(left).await {
            match left {
                Ok(left) => closed |= left,
                Err(error) => result = result.and(Err(error)),
            }
        }
        if closed {
            self.finalise(&job.id, pass).await?;
        }
        result
    }
}

/// The ending of pairs whose question's messages never arrive.
fn lost_question(job: &Job, lane: &Lane) -> Ending {
    let (redispatches, was_held) = (lane.redispatches, lane.holder.is_some());
    let code = FailureCode::QuestionLost;
    warn!(
        job_id = %job.id, run = %job.run, lane = %lane.id, position = %lane.cursor, redispatches,
        %code, "a question is given up"
    );
    Ending::Failed(Failure {
        stage: Stage::Worker,
        code,
        message: format!(
            "the question was sent {} times, and no worker finished it",
            redispatches + 1
        ),
        retryable: true,
        maybe_billed: was_held,
        provider_id: None,
        http_status: None,
        attempts: u32::from(was_held),
    })
}
