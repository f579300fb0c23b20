//! Jobs: one, and all by age.

use beacon_aws::{AfterJob, ApiError, clock, json};
use beacon_core::JobId;
use beacon_core::view::{JobPage, JobView, JobsPage, jobspec};
use futures_util::{StreamExt, TryStreamExt, stream};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};

use crate::Query;
use crate::executions::Source;
use crate::parameters::{Parameters, bad_cursor};

/// Jobs that are read at a time.
const AT_ONCE: usize = 16;

impl Query {
    pub(crate) async fn job(
        &self,
        id: &JobId,
        parameters: &Parameters,
    ) -> Result<Response<Body>, ApiError> {
        let include = parameters.include_executions()?;
        // Told before anything is read, and where they have no effect too.
        let (_limit, _status) = (parameters.limit(200, 1000)?, parameters.status()?);
        let found = self.table.job_and_lanes(id).await?;
        let (job, lanes) = found.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?;
        let spec = if include { Some(self.table.spec(&job).await?) } else { None };
        let submitted = if job.has_jobspec { self.table.jobspec(id).await? } else { None };
        let page = match &spec {
            None => None,
            Some(spec) => {
                let source = Source { job: &job, lanes: &lanes, spec };
                Some(self.page(&source, parameters).await?)
            }
        };
        let view = JobView::new(&job, &lanes, clock::now());
        let job = submitted.unwrap_or_else(|| jobspec(&job, &lanes, spec.as_ref()));
        json(StatusCode::OK, &JobPage { view, job, page })
    }

    pub(crate) async fn jobs(&self, parameters: &Parameters) -> Result<Response<Body>, ApiError> {
        let limit = parameters.limit(50, 200)?;
        let after = parameters.cursor().map(|cursor| read_cursor(cursor).ok_or_else(bad_cursor));
        let now = clock::now();
        let ids = self.table.jobs_before(after.transpose()?.as_ref(), now, limit).await?;
        let full = ids.len() == limit;
        let read = stream::iter(ids)
            .map(async |id| self.table.job_and_lanes(&id).await)
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>();
        let found = read.await?.into_iter().flatten();
        let jobs: Vec<JobView> =
            found.map(|(job, lanes)| JobView::new(&job, &lanes, now)).collect();
        let cursor = jobs.last().filter(|_| full).map(cursor_after);
        json(StatusCode::OK, &JobsPage { jobs, cursor })
    }
}

fn cursor_after(job: &JobView) -> String {
    format!("{}.{}", job.created_at.as_millisecond(), job.job_id)
}

fn read_cursor(cursor: &str) -> Option<AfterJob> {
    let (ms, job) = cursor.split_once('.')?;
    let created_at = jiff::Timestamp::from_millisecond(ms.parse().ok()?).ok()?;
    Some(AfterJob { job: JobId::new(job).ok()?, created_at })
}
