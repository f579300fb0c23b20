//! Cancelling a job: no question is opened any more once it is acknowledged.

use beacon_aws::{ApiError, JobUpdate, chain};
use beacon_core::JobId;
use beacon_core::job::{EndCause, Job, JobStatus, cancel};
use beacon_core::message::CompletionMessage;
use beacon_core::view::CancelAccepted;
use tracing::{info, warn};

use crate::Intake;

impl Intake {
    /// Cancels a job. It returns when every lane is closed, or marked for its holder, who drops his
    /// calls within 2.5 s; what fails before that, the reconciler makes up for.
    pub async fn cancel(&self, id: &JobId, by: Option<String>) -> Result<CancelAccepted, ApiError> {
        let mut seen = self.table.job(id).await?;
        let (job, previous_status) = loop {
            let job = seen.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?;
            if job.status.is_final() {
                return Err(ApiError::JobIsFinal { job: job.id, status: job.status });
            }
            let Some(write) = cancel(&job, by.clone(), self.clock.now()) else {
                let status = job.status;
                break (job, status);
            };
            match self.table.write_job(id, &write).await? {
                JobUpdate::Applied(cancelled) => break (*cancelled, job.status),
                JobUpdate::Refused(other) => seen = other.map(|job| *job),
            }
        };
        info!(job_id = %id, run = %job.run, %previous_status, by, "job is cancelled");
        self.close(&job).await?;
        Ok(CancelAccepted {
            ok: true,
            job_id: job.id,
            previous_status,
            new_status: JobStatus::Cancelling,
        })
    }

    async fn close(&self, job: &Job) -> Result<(), ApiError> {
        // A deadline or stop that was decided first stands.
        let cause = job.ending.as_ref().map_or(&EndCause::Cancel, |ending| &ending.cause);
        let now = self.clock.now();
        if self.table.close_run(&job.id, job.run, cause, now).await? {
            let completion = CompletionMessage { job_id: job.id.clone(), run: job.run };
            // Lost, it costs a minute: the reconciler finds a job whose lanes are closed.
            if let Err(error) = self.queues.send_completion(&completion).await {
                warn!(job_id = %job.id, error = chain(&error), "completion was not sent");
            }
        }
        Ok(())
    }
}
