//! Final jobs whose answers nobody analyses: the coordinator is told of them again.

use beacon_aws::TableError;
use beacon_core::JobId;
use beacon_core::job::Job;
use beacon_core::message::CompletionMessage;
use beacon_core::reconcile::{Occasion, Pass};
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use crate::{ReconcileError, Reconciler};

/// Jobs that are looked at in one pass.
const JOBS: usize = 100;
/// Looked at at a time.
const AT_A_TIME: usize = 8;

impl Reconciler {
    /// Tells the coordinator of final jobs that are not analysed and that nobody is at. Of more than a pass
    /// looks at, each minute has others, so that those whose analysis fails do not keep the rest waiting.
    pub(crate) async fn ask_analyses(
        &self,
        time: Timestamp,
        occasion: Occasion,
        until: Instant,
        pass: &mut Pass,
    ) -> Result<(), ReconcileError> {
        let jobs = of_minute(self.table.unanalysed().await?, time);
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

/// Those whose turn it is, in this minute.
fn of_minute(mut jobs: Vec<JobId>, time: Timestamp) -> Vec<JobId> {
    let minute = usize::try_from(time.as_second() / 60).unwrap_or(0);
    let first = minute.wrapping_mul(JOBS) % jobs.len().max(1);
    jobs.rotate_left(first);
    jobs.truncate(JOBS);
    jobs
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_job_has_its_turn() {
        let job = |n: usize| JobId::new(format!("j-{n}")).unwrap();
        for count in [0, 1, 99, 100, 101, 250, 1000] {
            let jobs: Vec<JobId> = (0..count).map(job).collect();
            let minutes = i64::try_from(count.div_ceil(JOBS)).unwrap();
            let mut seen = BTreeSet::new();
            for minute in 29_000_000..29_000_000 + minutes {
                let time = Timestamp::from_second(minute * 60).unwrap();
                let turn = of_minute(jobs.clone(), time);
                assert_eq!(turn.len(), count.min(JOBS));
                seen.extend(turn);
            }
            assert_eq!(seen.len(), count, "of {count}");
        }
    }
}
