//! Whether final jobs are what final jobs are.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

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
/// Every job has its turn in one of so many minutes, the same for as long as it is listed.
const TURNS: u64 = 20;
/// Jobs that a pass looks at at most, a request each: about half as many have their turn.
const JOBS: usize = 50;
/// Looked at at a time.
const AT_A_TIME: usize = 8;

impl Reconciler {
    /// Counts the jobs among some final ones that have an open lane, or tallies that do not add up.
    /// Only for metrics, so that it costs nothing where there are none. Of a pass that is over, or
    /// that looked at no final job, no mismatches are told: nought would be made up.
    pub(crate) async fn audit(
        &self,
        time: Timestamp,
        until: Instant,
    ) -> Result<(), ReconcileError> {
        if !self.table.metrics().is_on() || Instant::now() >= until {
            return Ok(());
        }
        let recent = self.table.jobs_since(time - WINDOW, time, NEWEST);
        let Ok(recent) = timeout_at(until, recent).await else { return Ok(()) };
        let looks = turn(recent?, time).into_iter().map(|job_id| self.look_at(job_id));
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
        let mut figures = vec![Figure::JobsAudited(audited)];
        figures.extend((audited > 0).then_some(Figure::StatusMismatch(mismatches)));
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
        if !is_mismatch(&job, &lanes) {
            return Ok(Look::Right);
        }
        // The read is no snapshot: of a job that was retried meanwhile it has lanes of the next run.
        let again = self.table.job(&job_id).await?;
        if again.is_none_or(|again| (again.run, again.status) != (job.run, job.status)) {
            return Ok(Look::NotFinal);
        }
        error!(%job_id, "a final job is not what a final job is");
        Ok(Look::Mismatch)
    }
}

/// What a look at a job came to.
enum Look {
    /// The job has no final status, or was retried while it was read.
    NotFinal,
    Right,
    Mismatch,
}

/// The jobs whose turn it is. A job's turn follows from its id alone: were it its place in the list,
/// jobs that are accepted meanwhile would shift it.
fn turn(recent: Vec<ListedJob>, time: Timestamp) -> Vec<JobId> {
    let minute = u64::try_from(time.as_second() / 60).unwrap_or(0);
    let jobs = recent.into_iter().map(|listed| listed.job);
    jobs.filter(|job| turn_of(job) == minute % TURNS).take(JOBS).collect()
}

/// The same in every process: the hasher has no random key.
fn turn_of(job: &JobId) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(job.as_str()) % TURNS
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Jobs that are accepted between two passes; twenty passes later they are listed no more.
    const ARRIVALS: i64 = 25;

    #[test]
    fn every_job_has_its_turn_once_while_others_arrive() {
        let begin = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1000);
        let job = |n: i64| ListedJob {
            job: JobId::new(format!("j{n}")).unwrap(),
            created_at: begin + SignedDuration::from_mins(n / ARRIVALS),
        };
        let mut turns: BTreeMap<JobId, u32> = BTreeMap::new();
        for minute in 1..=60 {
            let newest_first = (0..minute * ARRIVALS).rev().map(job);
            let recent: Vec<ListedJob> = newest_first.take(NEWEST).collect();
            for job in turn(recent, begin + SignedDuration::from_mins(minute)) {
                *turns.entry(job).or_default() += 1;
            }
        }
        // Those of the last twenty minutes have theirs yet to come, or had it already.
        for n in 0..40 * ARRIVALS {
            assert_eq!(turns.get(&job(n).job), Some(&1), "{n}");
        }
        assert!(turns.values().all(|count| *count == 1), "{turns:?}");
    }

    #[test]
    fn every_job_has_its_turn_while_none_arrive() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1000);
        for count in [0, 1, 25, 26, 60, 500] {
            let job = |n: i64| ListedJob {
                job: JobId::new(format!("j{n}")).unwrap(),
                created_at: now - SignedDuration::from_mins(n),
            };
            let recent: Vec<ListedJob> = (0..count).map(job).collect();
            let minutes = (0..20).map(|n| now + SignedDuration::from_mins(n));
            let turns: Vec<Vec<JobId>> = minutes.map(|at| turn(recent.clone(), at)).collect();
            let mut seen: Vec<&JobId> = turns.iter().flatten().collect();
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), recent.len());
        }
    }

    #[test]
    fn a_pass_looks_at_no_more_than_its_limit() {
        let now = Timestamp::UNIX_EPOCH;
        let one = ListedJob { job: JobId::new("j").unwrap(), created_at: now };
        let minutes = (0..20).map(|n| now + SignedDuration::from_mins(n));
        let looked_at: Vec<usize> =
            minutes.map(|at| turn(vec![one.clone(); 60], at).len()).collect();
        assert_eq!((looked_at.iter().max(), looked_at.iter().sum::<usize>()), (Some(&JOBS), JOBS));
    }
}
