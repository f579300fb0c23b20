//! Jobs: one, and all by age.

use beacon_aws::{ApiError, ListedJob, clock, json};
use beacon_core::JobId;
use beacon_core::view::{JobPage, JobView, JobsPage, Source, jobspec};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};

use crate::Query;
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
        let _verdicts = parameters.verdicts()?;
        let found = self.table.job_and_lanes(id).await?;
        let (job, lanes) = found.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?;
        let spec = if include { Some(self.table.spec(&job).await?) } else { None };
        let submitted = if job.has_jobspec { self.table.jobspec(id).await? } else { None };
        let document = submitted.unwrap_or_else(|| jobspec(&job, &lanes, spec.as_ref()));
        let page = match &spec {
            None => None,
            Some(spec) => {
                let source = Source { job: &job, lanes: &lanes, spec };
                Some(self.page(&source, parameters, document.to_string().len()).await?)
            }
        };
        let view = JobView::new(&job, &lanes, clock::now());
        json(StatusCode::OK, &JobPage { view, job: document, page })
    }

    pub(crate) async fn jobs(&self, parameters: &Parameters) -> Result<Response<Body>, ApiError> {
        let limit = parameters.limit(50, 200)?;
        let after = parameters.cursor().map(read_jobs_cursor).transpose()?;
        json(StatusCode::OK, &self.jobs_page(after.as_ref(), limit).await?)
    }

    /// At most so many jobs, the newest first: from the newest, or behind a page's last.
    ///
    /// # Errors
    /// Where the table does not answer.
    pub async fn jobs_page(
        &self,
        after: Option<&ListedJob>,
        limit: usize,
    ) -> Result<JobsPage, ApiError> {
        let now = clock::now();
        let listed = self.table.jobs_before(after, now, limit).await?;
        let full = listed.len() == limit;
        let read = stream::iter(listed)
            .map(async |listed| self.table.job_and_lanes(&listed.job).await)
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>();
        let found = read.await?.into_iter().flatten();
        let jobs: Vec<JobView> =
            found.map(|(job, lanes)| JobView::new(&job, &lanes, now)).collect();
        let last = jobs.last().filter(|_| full);
        let cursor = last.map(|job| print_cursor(&job.job_id, job.created_at));
        Ok(JobsPage { jobs, cursor })
    }
}

/// The cursor of the page behind a job.
pub fn jobs_cursor(after: &ListedJob) -> String {
    print_cursor(&after.job, after.created_at)
}

/// The job that the page of this cursor comes behind.
///
/// # Errors
/// For a text that is no cursor of jobs.
pub fn read_jobs_cursor(cursor: &str) -> Result<ListedJob, ApiError> {
    read_cursor(cursor).ok_or_else(bad_cursor)
}

fn print_cursor(job: &JobId, created_at: Timestamp) -> String {
    format!("{}.{job}", created_at.as_millisecond())
}

fn read_cursor(cursor: &str) -> Option<ListedJob> {
    let (ms, job) = cursor.split_once('.')?;
    let created_at = Timestamp::from_millisecond(ms.parse().ok()?).ok()?;
    Some(ListedJob { job: JobId::new(job).ok()?, created_at })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_a_cursor_or_none(text in "\\PC{0,40}|[0-9.+-]{0,60}") {
            let _read = read_cursor(&text);
        }

        #[test]
        fn any_time_is_a_cursor_or_none(ms in any::<i64>()) {
            let _read = read_cursor(&format!("{ms}.j"));
        }

        #[test]
        fn a_printed_cursor_reads_back(
            ms in -377_705_023_201_000_i64..=253_402_207_200_999,
            job in "[A-Za-z0-9_-]{1,255}",
        ) {
            let cursor = format!("{ms}.{job}");
            let read = read_cursor(&cursor).unwrap();
            prop_assert_eq!(jobs_cursor(&read), cursor);
            prop_assert_eq!((read.created_at.as_millisecond(), read.job.as_str()), (ms, job.as_str()));
        }
    }
}
