//! `GET …` in → jobs, executions, their evidence, health and metrics out, as the tables and the router have them now.
//!
//! What an address answers is also there as a value, for those who show it in another form.

mod bundle;
mod debug;
mod evidence;
mod executions;
mod filter;
mod findings;
mod health;
mod jobs;
mod metrics;
mod parameters;
mod predecessor;
mod providers;
mod stalled;
mod summary;

use std::sync::Arc;

use beacon_aws::{Admitted, ApiError, Door, RouterProbe, SpecifiedJob, Table, json, text};
use beacon_core::JobId;
use beacon_core::route::{Function, Route};
use beacon_core::view::{Questions, SettingView};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};

pub use bundle::BundlePage;
pub use findings::manifest_of;
pub use jobs::{jobs_cursor, read_jobs_cursor};
use parameters::Parameters;
pub use providers::NoProviders;
pub use stalled::{STALLED_LANES, Stalled, StalledLane};

/// The API described, compressed. The code that describes it is half a megabyte more to load at a start.
const OPENAPI: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.zst"));

/// What query works on.
#[derive(Debug)]
pub struct Query {
    /// Lets requests in.
    pub door: Arc<Door>,
    /// The table.
    pub table: Table,
    /// The router; none where nothing is executed.
    pub router: Option<RouterProbe>,
    /// The configuration in effect, without secrets.
    pub settings: Vec<SettingView>,
}

impl Query {
    /// Answers a read of the API.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let work = async |request: Request, admitted: Admitted| {
            let parameters = Parameters::new(request.query_string_parameters());
            self.read(admitted.route, &parameters).await
        };
        self.door.answer(Function::Query, request, work).await
    }

    /// A job with what its executions are shown from.
    ///
    /// # Errors
    /// Without such a job, and where the table does not answer.
    pub async fn specified_job(&self, id: &JobId) -> Result<SpecifiedJob, ApiError> {
        let found = self.table.specified_job(id).await?;
        found.ok_or_else(|| ApiError::NoSuchJob(id.clone()))
    }

    async fn read(
        &self,
        route: Route,
        parameters: &Parameters,
    ) -> Result<Response<Body>, ApiError> {
        match route {
            Route::Health => self.health().await,
            Route::Live => health::live(),
            Route::Ready => self.ready().await,
            Route::OpenApi => Ok(text(StatusCode::OK, "application/json", described())),
            Route::Metrics => self.metrics().await,
            Route::Questions => json(StatusCode::OK, &Questions::built_in()),
            Route::Jobs => self.jobs(parameters).await,
            Route::Job(id) => self.job(&id, parameters).await,
            Route::Summary(id) => self.summary(&id).await,
            Route::ExecutionsOfJob(id) => self.executions(&id, parameters).await,
            Route::Executions => self.executions(&parameters.job()?, parameters).await,
            Route::Execution(id) => self.execution(&id).await,
            Route::Receipt(id) => self.receipt(&id).await,
            Route::Root => self.root(parameters).await,
            Route::Proof => self.proof(parameters).await,
            Route::Bundle(id) => self.bundle(&id, parameters).await,
            Route::Keys => self.keys().await,
            Route::Findings(id) => self.findings(&id, parameters).await,
            Route::Aggregates(id) => self.aggregates(&id, parameters).await,
            Route::Manifest(id) => self.manifest(&id, parameters).await,
            Route::BiasAnalysis(id) => self.bias_analysis(&id).await,
            Route::CrossRegion(id) => self.cross_region(&id, parameters).await,
            Route::CrossRegionDiff(id) => self.cross_region_diff(&id, parameters).await,
            Route::DebugConfig => self.debug_config(),
            Route::DebugExecutor => self.debug_executor(),
            Route::DebugJob(id) => self.debug_job(&id).await,
            // The door lets only reads in.
            Route::Submit
            | Route::SubmitCrossRegion
            | Route::Cancel(_)
            | Route::Retry(_)
            | Route::RetryQuestion(_)
            | Route::RetryAllFailed(_)
            | Route::Classify(_)
            | Route::Label(_) => Err(ApiError::NoSuchPath("/api/v1/jobs".to_owned())),
        }
    }
}

fn described() -> String {
    #[expect(clippy::expect_used, reason = "the build compressed a text")]
    let document = zstd::decode_all(OPENAPI).expect("compressed by the build");
    String::from_utf8_lossy(&document).into_owned()
}
