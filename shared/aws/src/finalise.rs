//! Giving a job its final status: the last thing that happens to a run.

use beacon_core::JobId;
use beacon_core::cloudwatch::{Figure, region_balance};
use beacon_core::job::{Actor, JobStatus, finalise};
use jiff::Timestamp;
use tracing::{info, warn};

use crate::table::{JobUpdate, Table, TableError};

/// Refusals after which somebody else is sure to have finished it, or to try again.
const READS: usize = 5;

impl Table {
    /// Reads a job and its lanes strongly and, when every lane is closed, gives it its final
    /// status. Returns that status if this call gave it.
    pub async fn finalise(
        &self,
        job: &JobId,
        who: Actor,
        now: Timestamp,
    ) -> Result<Option<JobStatus>, TableError> {
        for _read in 0..READS {
            let Some((seen, lanes)) = self.job_and_lanes(job).await? else {
                warn!(job_id = %job, "no such job");
                return Ok(None);
            };
            let Some(finalisation) = finalise(&seen, &lanes, who, now) else {
                return Ok(None);
            };
            let (tallies, to) = (finalisation.tallies, finalisation.write.transition.to);
            info!(
                job_id = %job,
                results_count = tallies.ended(),
                expected_executions = seen.expected,
                "all region question queues completed - ready for status calculation"
            );
            info!(
                job_id = %job,
                completed = tallies.completed,
                failed = tallies.failed,
                total = seen.expected,
                success_rate = finalisation.success_rate,
                min_success_rate = seen.min_success_rate,
                final_status = %to,
                "calculating final job status after all executions"
            );
            match self.write_job(job, &finalisation.write).await? {
                JobUpdate::Applied(_) => {
                    let balance = region_balance(&lanes).map(Figure::RegionBalance);
                    let figures: Vec<Figure> =
                        std::iter::once(Figure::JobsFinished(to)).chain(balance).collect();
                    self.metrics().tell(&figures, now);
                    return Ok(Some(to));
                }
                JobUpdate::Refused(_) => {}
            }
        }
        Ok(None)
    }
}
