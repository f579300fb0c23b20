//! `POST /api/v1/jobs` in → job, lanes and specification stored, one `DispatchMessage` a lane out.

mod providers;

use beacon_aws::{ApiError, Queues, Submit, Table, chain, clock, json};
use beacon_core::job::Job;
use beacon_core::message::DispatchMessage;
use beacon_core::spec::{Spec, Submission, limit, parse};
use beacon_core::view::Submitted;
use beacon_core::{JobId, Region};
use lambda_http::http::header::CONTENT_TYPE;
use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use tracing::error;

/// What intake works on.
#[derive(Debug)]
pub struct Intake {
    /// The table.
    pub table: Table,
    /// The queues.
    pub queues: Queues,
    /// For asking the router.
    pub http: reqwest::Client,
    /// The router's base address.
    pub router_base: String,
}

impl Intake {
    /// Accepts a job, or says everything that is wrong with it.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        self.submit(request).await.unwrap_or_else(ApiError::answer)
    }

    async fn submit(&self, request: Request) -> Result<Response<Body>, ApiError> {
        if request.uri().path() != "/api/v1/jobs" {
            return Err(ApiError::NoSuchPath(request.uri().path().to_owned()));
        }
        if request.method() != Method::POST {
            return Err(ApiError::MethodNotAllowed(request.method().clone()));
        }
        if !is_json(&request) {
            return Err(ApiError::UnsupportedMediaType);
        }
        let document = read_json(request.body())?;
        let declared = self.declared_regions().await?;
        let Submission { id, spec, warnings } =
            parse(&document, &declared).map_err(ApiError::InvalidSpec)?;
        let id = id.unwrap_or_else(fresh_id);
        let (job, existing) = match self.table.submit(id.clone(), &spec, clock::now()).await? {
            Submit::Created(job) => {
                self.dispatch(&job, &spec).await;
                (job, false)
            }
            Submit::Exists { job, same: true } => (job, true),
            Submit::Exists { same: false, .. } => return Err(ApiError::Conflict(id)),
        };
        let status = if existing { StatusCode::OK } else { StatusCode::ACCEPTED };
        json(
            status,
            &Submitted {
                job_id: job.id.clone(),
                id: job.id,
                status: job.status,
                run: job.run,
                expected_executions: job.expected,
                existing,
                warnings,
            },
        )
    }

    /// Whether the router says that some provider makes its answers up.
    pub async fn has_simulated_provider(&self) -> bool {
        let providers = providers::providers(&self.http, &self.router_base).await;
        providers.is_ok_and(|providers| providers.iter().any(|provider| provider.simulated))
    }

    /// Regions beyond the built-in ones that some provider serves.
    async fn declared_regions(&self) -> Result<Vec<Region>, ApiError> {
        let providers = providers::providers(&self.http, &self.router_base).await;
        let providers =
            providers.map_err(|error| ApiError::RouterUnavailable { message: chain(&error) })?;
        Ok(providers.into_iter().filter_map(|provider| Region::new(provider.region).ok()).collect())
    }

    /// The job is accepted already: a message that is lost here is sent again by the reconciler.
    async fn dispatch(&self, job: &Job, spec: &Spec) {
        for lane in spec.lanes() {
            let message = DispatchMessage::first(job.id.clone(), lane);
            if let Err(error) = self.queues.send_dispatch(&message).await {
                let (job_id, lane) = (&job.id, &message.lane);
                error!(%job_id, %lane, error = chain(&error), "lane was not dispatched");
            }
        }
    }
}

/// A page of another site cannot send this type without asking first.
fn is_json(request: &Request) -> bool {
    let sent = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let sent = sent.and_then(|value| value.split(';').next()).unwrap_or_default();
    sent.trim().eq_ignore_ascii_case("application/json")
}

fn read_json(body: &Body) -> Result<serde_json::Value, ApiError> {
    let bytes: &[u8] = body.as_ref();
    if bytes.len() > limit::SPEC_BYTES {
        return Err(ApiError::TooLarge { limit: limit::SPEC_BYTES });
    }
    serde_json::from_slice(bytes)
        .map_err(|error| ApiError::InvalidJson { line: error.line(), column: error.column() })
}

fn fresh_id() -> JobId {
    let text = format!("job-{:016x}", rand::random::<u64>());
    #[expect(clippy::expect_used, reason = "`job-` and hexadecimal digits are a job id")]
    JobId::new(text).expect("a job id")
}
