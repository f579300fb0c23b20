//! Whether final jobs are what final jobs are.

use beacon_aws::{ListedJob, TableError};
use beacon_core::JobId;
use beacon_core::cloudwatch::Figure;
use beacon_core::view::is_mismatch;
use futures_util::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, timeout_at};
use tracing::error;

use crate::{ReconcileError, Reconciler};

/// Jobs of which some are looked at: the newest, accepted within this time. A request lists them, or
/// two at a month's turn.
const NEWEST: usize = 500;
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// Jobs that a pass looks at, a request each: every one of the newest within twenty passes.
const JOBS: usize = 25;
/// Looked at at a time.
const AT_A_TIME: usize = 8;

impl Reconciler {
    /// Counts the jobs among some final ones that have an open lane, or tallies that do not add up.
    /// Only for metrics, so that it costs nothing where there are none.
    pub(crate) async fn audit(
        &self,
        time: Timestamp,
        until: Instant,
    ) -> Result<(), ReconcileError> {
        if !self.table.metrics().is_on() {
            return Ok(());
        }
        let recent = self.table.jobs_since(time - WINDOW, time, NEWEST).await?;
        let looks = turn(recent, time).into_iter().map(|job_id| self.look_at(job_id));
        let mut looks = stream::iter(looks).buffer_unordered(AT_A_TIME);
        let (mut audited, mut mismatches, mut result) = (0, 0, Ok(()));
        while let Ok(Some(look)) = timeout_at(until, looks.next()).await {
            match look {
                Ok(Look::NotFinal) => {}
                Ok(Look::Right) => audited += 1,
                Ok(Look::Mismatch) => (audited, mismatches) = (audited + 1, mismatches + 1),
                Err(error) => result = result.and(Err(error.into())),
            }
        }
        let figures = [Figure::JobsAudited(audited), Figure::StatusMismatch(mismatches)];
        self.table.metrics().tell(&figures, self.clock.now());
        result
    }

    async fn look_at(&self, job_id: JobId) -> Result<Look, TableError> {
        let Some((job, lanes)) = self.table.job_and_lanes(&job_id).await? else {
            return Ok(Look::NotFinal);
        };
        if !job.status.is_final() {
            return Ok(Look::NotFinal);
        }
        if is_mismatch(&job, &lanes) {
            error!(%job_id, "a final job is not what a final job is");
            return Ok(Look::Mismatch);
        }
        Ok(Look::Right)
    }
}

/// What a look at a job came to.
enum Look {
    NotFinal,
    Right,
    Mismatch,
}

/// The jobs whose turn it is: each minute those after the last minute's.
fn turn(recent: Vec<ListedJob>, time: Timestamp) -> Vec<JobId> {
    let mut jobs: Vec<JobId> = recent.into_iter().map(|listed| listed.job).collect();
    let turns = jobs.len().div_ceil(JOBS).max(1);
    let minute = usize::try_from(time.as_second() / 60).unwrap_or(0);
    jobs.rotate_left((minute % turns) * JOBS);
    jobs.truncate(JOBS);
    jobs
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_recent_job_has_its_turn() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1000);
        for count in [0, 1, 25, 26, 60, 500] {
            let job = |n: i64| ListedJob {
                job: JobId::new(format!("j{n}")).unwrap(),
                created_at: now - SignedDuration::from_mins(n),
            };
            let recent: Vec<ListedJob> = (0..count).map(job).collect();
            let minutes = (0..20).map(|n| now + SignedDuration::from_mins(n));
            let turns: Vec<Vec<JobId>> = minutes.map(|at| turn(recent.clone(), at)).collect();
            assert!(turns.iter().all(|jobs| jobs.len() <= JOBS));
            let seen: BTreeSet<&JobId> = turns.iter().flatten().collect();
            assert_eq!(seen.len(), usize::try_from(count).unwrap());
        }
    }
}
