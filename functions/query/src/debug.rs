//! How Beacon is set up, and why a job is where it is; for admins.

use beacon_aws::{ApiError, clock, json};
use beacon_core::JobId;
use beacon_core::view::{ConfigView, DebugJob, ExecutorView};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};

use crate::Query;

/// Calls of unknown fate that are shown.
const BILLS: usize = 100;

impl Query {
    pub(crate) fn debug_config(&self) -> Result<Response<Body>, ApiError> {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        json(StatusCode::OK, &ConfigView { version, settings: self.settings.clone() })
    }

    pub(crate) fn debug_executor(&self) -> Result<Response<Body>, ApiError> {
        let base = self.router.as_ref().map(|router| router.base().to_owned());
        let view = ExecutorView {
            executor_type: "hybrid".to_owned(),
            hybrid_client_set: base.is_some(),
            hybrid_base: base,
        };
        json(StatusCode::OK, &view)
    }

    pub(crate) async fn debug_job(&self, id: &JobId) -> Result<Response<Body>, ApiError> {
        let found = self.table.job_whole(id).await?;
        let whole = found.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?;
        let bills = self.table.bills(id, BILLS).await?;
        let (job, lanes) = (&whole.job, &whole.lanes);
        let view = DebugJob::new(job, lanes, whole.late_results, bills, clock::now());
        json(StatusCode::OK, &view)
    }
}
