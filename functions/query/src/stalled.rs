//! Lanes that do not move, as the reconciler counts them.

use beacon_aws::{ApiError, clock};
use beacon_core::reconcile::stalled_since;
use beacon_core::{JobId, LaneId};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::Query;

/// Lanes that are listed at most.
pub const STALLED_LANES: usize = 100;
/// Jobs without a final status that are looked at: about as many as the reconciler looks at in a pass.
const JOBS: usize = 500;
/// Jobs that are read at a time.
const AT_ONCE: usize = 16;

/// A lane whose cursor stays where it is for longer than any call may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StalledLane {
    /// Its job.
    pub job: JobId,
    /// Which of its lanes.
    pub lane: LaneId,
    /// When it last moved, or was to begin.
    pub since: Timestamp,
}

/// Lanes that do not move, and among how many jobs they were looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stalled {
    /// Those that stand longest first, at most [`STALLED_LANES`].
    pub lanes: Vec<StalledLane>,
    /// Jobs without a final status that were looked at.
    pub looked_at: usize,
    /// Jobs without a final status, as far as the index has caught up.
    pub open: usize,
}

impl Query {
    /// The stalled lanes of jobs without a final status.
    ///
    /// # Errors
    /// Where the table does not answer.
    pub async fn stalled(&self) -> Result<Stalled, ApiError> {
        let now = clock::now();
        let mut open = self.table.open_jobs().await?;
        let all = open.len();
        open.truncate(JOBS);
        let looked_at = open.len();
        let read = stream::iter(open)
            .map(async |id| self.table.job_and_lanes(&id).await)
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>();
        let mut stalled: Vec<StalledLane> = Vec::new();
        for (job, lanes) in read.await?.into_iter().flatten() {
            // The index may be late.
            if job.status.is_final() {
                continue;
            }
            stalled.extend(lanes.into_iter().filter_map(|lane| {
                let since = stalled_since(&job, &lane, now)?;
                Some(StalledLane { job: job.id.clone(), lane: lane.id, since })
            }));
        }
        stalled.sort_by_key(|lane| lane.since);
        stalled.truncate(STALLED_LANES);
        Ok(Stalled { lanes: stalled, looked_at, open: all })
    }
}
