//! Jobs: one, and all by age.

use beacon_aws::{AfterJob, ApiError, clock, json};
use beacon_core::JobId;
use beacon_core::view::{JobView, JobsPage};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};

use crate::{Page, Query, bad_cursor};

impl Query {
    pub(crate) async fn job(&self, id: &JobId) -> Result<Response<Body>, ApiError> {
        let found = self.table.job_and_lanes(id).await?;
        let (job, lanes) = found.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?;
        json(StatusCode::OK, &JobView::new(&job, &lanes, clock::now()))
    }

    pub(crate) async fn jobs(&self, page: &Page<'_>) -> Result<Response<Body>, ApiError> {
        let limit = page.limit(50, 200)?;
        let after = page.cursor.map(|cursor| read_cursor(cursor).ok_or_else(bad_cursor));
        let now = clock::now();
        let ids = self.table.jobs_before(after.transpose()?.as_ref(), now, limit).await?;
        let full = ids.len() == limit;
        let mut jobs = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some((job, lanes)) = self.table.job_and_lanes(&id).await? {
                jobs.push(JobView::new(&job, &lanes, now));
            }
        }
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
