//! Final jobs whose answers nobody analyses: the coordinator is told of them again.

use beacon_aws::TableError;
use beacon_core::JobId;
use beacon_core::job::Job;
use beacon_core::message::CompletionMessage;
use beacon_core::reconcile::{Occasion, Pass};
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use crate::turn::of_minute;
use crate::{ReconcileError, Reconciler};

/// Jobs that are looked at in one pass.
const JOBS: usize = 100;
/// Looked at at a time.
const AT_A_TIME: usize = 8;

impl Reconciler {
    /// Tells the coordinator of final jobs that are not analysed and that nobody is at.
    pub(crate) async fn ask_analyses(
        &self,
        time: Timestamp,
        occasion: Occasion,
        until: Instant,
        pass: &mut Pass,
    ) -> Result<(), ReconcileError> {
        let jobs = of_minute(self.table.unanalysed().await?, time, JOBS);
        let looks = jobs.into_iter().map(|job_id| self.ask_again(job_id, time, occasion));
        let mut looks = stream::iter(looks).buffer_unordered(AT_A_TIME);
        let mut result = Ok(());
        while let Ok(Some(asked)) = timeout_at(until, looks.next()).await {
            match asked {
                Ok(asked) => pass.analyses += u64::from(asked),
                Err(error) => result = result.and(Err(error)),
            }
        }
        result
    }

    async fn ask_again(
        &self,
        job_id: JobId,
        time: Timestamp,
        occasion: Occasion,
    ) -> Result<bool, ReconcileError> {
        let Some(job) = self.unanalysed(&job_id).await? else { return Ok(false) };
        match occasion {
            Occasion::Schedule => {
                if !job.analysis.due.is_some_and(|due| due.is_late(time)) {
                    return Ok(false);
                }
            }
            // Whoever was at it ended with the start before.
            Occasion::Start => self.table.free_analysis(&job).await?,
        }
        self.ask_analysis(&job).await?;
        Ok(true)
    }

    async fn unanalysed(&self, job_id: &JobId) -> Result<Option<Job>, TableError> {
        let job = self.table.job(job_id).await?;
        Ok(job.filter(|job| job.status.is_final() && job.analysis.due.is_some()))
    }

    /// Tells the coordinator of a job that has its final status.
    pub(crate) async fn ask_analysis(&self, job: &Job) -> Result<(), ReconcileError> {
        let completion = CompletionMessage { job_id: job.id.clone(), run: job.run };
        Ok(self.queues.send_completion(&completion).await?)
    }
}
