//! Giving a job its final status: the last thing that happens to a run.

use beacon_core::JobId;
use beacon_core::cloudwatch::{Figure, region_balance};
use beacon_core::job::{Actor, Job, finalise};
use jiff::Timestamp;
use tracing::{info, warn};

use crate::table::{JobUpdate, Table, TableError};

/// Refusals after which somebody else is sure to have finished it, or to try again.
const READS: usize = 5;

/// What became of giving a job its final status.
#[derive(Debug, Clone, PartialEq)]
pub enum Finalised {
    /// This call gave it; the job as it is now.
    Now(Box<Job>),
    /// It has it already; the job as it was read.
    Before(Box<Job>),
    /// A lane of its run is open, or there is no such job.
    NotYet,
}

impl Table {
    /// Reads a job and its lanes strongly and, when every lane is closed, gives it its final
    /// status.
    pub async fn finalise(
        &self,
        job: &JobId,
        who: Actor,
        now: Timestamp,
    ) -> Result<Finalised, TableError> {
        for _read in 0..READS {
            let Some((seen, lanes)) = self.job_and_lanes(job).await? else {
                warn!(job_id = %job, "no such job");
                return Ok(Finalised::NotYet);
            };
            let Some(finalisation) = finalise(&seen, &lanes, who, now) else {
                let is_final = seen.status.is_final();
                let before = || Finalised::Before(Box::new(seen));
                return Ok(if is_final { before() } else { Finalised::NotYet });
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
                JobUpdate::Applied(given) => {
                    let balance = region_balance(&lanes).map(Figure::RegionBalance);
                    let figures: Vec<Figure> =
                        std::iter::once(Figure::JobsFinished(to)).chain(balance).collect();
                    self.metrics().tell(&figures, now);
                    return Ok(Finalised::Now(given));
                }
                JobUpdate::Refused(_) => {}
            }
        }
        Ok(Finalised::NotYet)
    }
}
