//! Jobs as pages need them. A specification never changes, so that those looked at last are kept.

use std::sync::Arc;

use beacon_aws::ApiError;
use beacon_core::JobId;
use beacon_core::job::{Job, NoRun, may_run_again, without_answer};
use beacon_core::lane::Lane;
use beacon_core::spec::{Spec, SpecHash};
use beacon_core::view::{JobView, Source};
use jiff::Timestamp;

use crate::Portal;
use crate::answer::PageError;
use crate::recent::Recent;

/// Specifications that are kept: each has at most some 20 MB.
const KEPT: usize = 4;

/// A specification, which never changes.
#[derive(Debug)]
pub(crate) struct Kept {
    job: JobId,
    hash: SpecHash,
    spec: Arc<Spec>,
}

/// Those looked at last.
pub(crate) fn specs() -> Recent<Kept> {
    Recent::new(KEPT)
}

/// A job with all that its pages are made from but rows.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) job: Job,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) spec: Arc<Spec>,
}

impl Seen {
    /// What views of its pairs are made from.
    pub(crate) fn source(&self) -> Source<'_> {
        Source { job: &self.job, lanes: &self.lanes, spec: &self.spec }
    }

    /// Whether every execution is completed.
    pub(crate) fn is_complete(&self) -> bool {
        without_answer(&self.job, &self.lanes) == 0
    }

    /// Why what has no answer is not asked again, however often one asks; none where it can be, now or when the
    /// job has ended.
    pub(crate) fn never_again(&self) -> Option<NoRun> {
        match may_run_again(&self.job, &self.lanes) {
            Ok(_) | Err(NoRun::NotFinal(_)) => None,
            Err(why @ (NoRun::TooMany | NoRun::CostSpent(_))) => Some(why),
        }
    }

    /// As the API shows it.
    pub(crate) fn view(&self, now: Timestamp) -> JobView {
        JobView::new(&self.job, &self.lanes, now)
    }
}

impl Portal {
    /// A job, its lanes and its specification.
    pub(crate) async fn seen(&self, id: &JobId) -> Result<Seen, PageError> {
        let found = self.query.table.job_and_lanes(id).await?;
        let (job, lanes) = found.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?;
        let is_its = |kept: &Kept| kept.job == job.id && kept.hash == job.spec_hash;
        if let Some(kept) = self.specs.find(is_its) {
            return Ok(Seen { job, lanes, spec: Arc::clone(&kept.spec) });
        }
        let spec = Arc::new(self.query.table.spec(&job).await?);
        let kept =
            Kept { job: job.id.clone(), hash: job.spec_hash.clone(), spec: Arc::clone(&spec) };
        self.specs.keep(kept, |_other| false);
        Ok(Seen { job, lanes, spec })
    }
}
