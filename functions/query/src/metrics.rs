//! Prometheus text from the tables and the router, never from what one process remembers.

use beacon_aws::{ApiError, ListedJob, clock, text};
use beacon_core::metrics::Metrics;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};

use crate::Query;

/// Jobs that are read at most, and those accepted within this time.
const JOBS: usize = 500;
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
const WINDOW_TEXT: &str = "of the at most 500 newest jobs of the last 24 hours";
/// Jobs that are read at a time.
const AT_ONCE: usize = 16;

impl Query {
    pub(crate) async fn metrics(&self) -> Result<Response<Body>, ApiError> {
        let now = clock::now();
        let recent = |listed: &ListedJob| now.duration_since(listed.created_at) <= WINDOW;
        let listed = self.table.jobs_before(None, now, JOBS).await?;
        let read = stream::iter(listed.into_iter().take_while(recent))
            .map(async |listed| self.table.job_whole(&listed.job).await)
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>();
        let pass = self.table.last_pass();
        let (jobs, providers, pass) = tokio::join!(read, self.providers(), pass);
        let mut metrics = Metrics::default();
        for whole in jobs?.into_iter().flatten() {
            metrics.add(&whole.job, &whole.lanes, whole.late_results);
        }
        let printed = metrics.print(WINDOW_TEXT, providers.as_deref().ok(), pass?.as_ref());
        Ok(text(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", printed))
    }
}
