//! The deadline of a job, as a worker keeps it.

use std::convert::Infallible;
use std::time::Duration;

use beacon_aws::{TableError, chain};
use beacon_core::job::{Actor, EndCause};
use beacon_core::message::QuestionMessage;
use tokio::time::sleep;
use tracing::warn;

use crate::Inference;
use crate::interrupt::Interrupt;

/// Pause after a write that failed.
const AGAIN: Duration = Duration::from_millis(100);

impl Inference {
    /// A question that comes after the deadline ends the job instead of being asked: the gate then
    /// finds its lane closed or marked.
    pub(crate) async fn end_at_deadline(
        &self,
        message: &QuestionMessage,
    ) -> Result<(), TableError> {
        if self.clock.now() >= message.deadline
            && let Some(cause) = self.end_now(message, &EndCause::Deadline).await?
        {
            self.close(message, &cause).await?;
        }
        Ok(())
    }

    /// Waits for the deadline and ends the job then, with the calls that are out.
    pub(crate) async fn keep_deadline(
        &self,
        message: &QuestionMessage,
        interrupt: &Interrupt,
    ) -> Infallible {
        let left = message.deadline.duration_since(self.clock.now());
        sleep(Duration::try_from(left).unwrap_or_default()).await;
        let ended = loop {
            match self.end_now(message, &EndCause::Deadline).await {
                Ok(ended) => break ended,
                Err(error) => {
                    let QuestionMessage { job_id, run, .. } = message;
                    warn!(%job_id, %run, error = chain(&error), "the job's end was not recorded");
                    sleep(AGAIN).await;
                }
            }
        };
        if let Some(cause) = ended {
            // What fails here the reconciler makes up for: the end stands in the job.
            if let Err(error) = self.close(message, &cause).await {
                let QuestionMessage { job_id, run, .. } = message;
                warn!(%job_id, %run, error = chain(&error), "not all lanes were closed");
            }
            interrupt.end(&cause);
        }
        std::future::pending().await
    }

    /// Why the job ends: for this, unless something else was decided before.
    pub(crate) async fn end_now(
        &self,
        message: &QuestionMessage,
        cause: &EndCause,
    ) -> Result<Option<EndCause>, TableError> {
        let QuestionMessage { job_id, run, .. } = message;
        self.table.end_job(job_id, *run, cause, Actor::Inference, self.clock.now()).await
    }

    /// Closes the job's lanes, or marks them for their holders.
    pub(crate) async fn close(
        &self,
        message: &QuestionMessage,
        cause: &EndCause,
    ) -> Result<(), TableError> {
        let QuestionMessage { job_id, run, .. } = message;
        self.table.close_run(job_id, *run, cause, self.clock.now()).await?;
        Ok(())
    }
}
