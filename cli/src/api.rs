//! The API as the command line calls it.

mod pages;

use std::time::Duration;

use beacon_analysis::answer::{AggregatesPage, FindingsPage};
use beacon_analysis::manifest::{Manifest, ManifestPage};
use beacon_core::verdict::VerdictView;
use beacon_core::view::{
    CancelAccepted, ClassifyAccepted, ErrorView, ExecutionsPage, JobView, JobsPage, RetryAccepted,
    Submitted, Summary,
};
use beacon_evidence::answer::OneExecution;
use beacon_evidence::published::PublishedKeys;
use beacon_infra::{BodyError, read_body};
use reqwest::header::{HeaderMap, LINK};
use reqwest::{Client, Method, RequestBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

pub(crate) use pages::{BundlePages, Pages};

/// Longer than any answer takes.
const TIMEOUT: Duration = Duration::from_secs(60);
/// More than any answer has: a page ends after some MiB.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Why a call brought no answer.
#[derive(Debug, Error)]
pub(crate) enum ApiError {
    /// The API refused and said why.
    #[error("{}", .0.error)]
    Refused(ErrorView),
    /// Nobody answers.
    #[error("no Beacon answers at {base}")]
    Unreachable {
        base: String,
        #[source]
        source: reqwest::Error,
    },
    /// API Gateway did not let the request through to Beacon.
    #[error("{base} refuses (HTTP {status}, {message}): {}", to_do(*.status))]
    Gateway { base: String, status: u16, message: String },
    /// Somebody else answers.
    #[error("the answer of {base} is not Beacon's (HTTP {status})")]
    Unexpected { base: String, status: u16 },
    /// What is answered has no end.
    #[error("the answer of {base} is not Beacon's: {endless}")]
    Endless { base: String, endless: Endless },
}

/// How an answer has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Endless {
    #[error("it has more than {ANSWER_BYTES} bytes")]
    Body,
    #[error("a page names one that was read already as the next")]
    Pages,
}

impl ApiError {
    /// The API refused with this code.
    pub(crate) fn is(&self, code: &str) -> bool {
        match self {
            Self::Refused(view) => view.error_code == code,
            Self::Unreachable { .. }
            | Self::Gateway { .. }
            | Self::Unexpected { .. }
            | Self::Endless { .. } => false,
        }
    }

    /// Asking again may help.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(view) => {
                matches!(view.error_code.as_str(), "table_unavailable" | "rate_limited")
            }
            Self::Gateway { status, .. } => *status >= 500 || *status == 429,
            Self::Unexpected { status, .. } => *status >= 500,
            Self::Endless { .. } => false,
        }
    }
}

/// What the gateway itself answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GatewayView {
    message: String,
}

fn to_do(status: u16) -> &'static str {
    match status {
        401 => {
            "it takes a token that is valid; set BEACON_TOKEN to one, of the stack's issuer where it has \
             one, or use --stack, which finds one of the stack's secret"
        }
        403 => {
            "it does not know the token, or the token allows nothing; set BEACON_TOKEN to one of the \
             stack's secret, or of its issuer with a scope of Beacon, or unset it and use --stack"
        }
        429 => "it gets too many requests; try again later",
        500.. => "a function behind it does not answer; look at its log",
        404 => "correct the address, which is the output ApiUrl of the stack",
        413 => "what was sent is too large",
        _ => "it does not take the request",
    }
}

/// A Beacon's API.
#[derive(Debug)]
pub(crate) struct Api {
    client: Client,
    base: String,
    token: Option<String>,
}

impl Api {
    pub(crate) fn new(base: &str, token: Option<String>) -> Result<Self, reqwest::Error> {
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { client: beacon_infra::http_client()?, base, token })
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Submits a specification, under a key where the same one sent again is to be the same job.
    pub(crate) async fn submit(
        &self,
        spec: &Value,
        key: Option<&str>,
    ) -> Result<Submitted, ApiError> {
        let mut request = self.request(Method::POST, "/api/v1/jobs").json(spec);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.read(request).await
    }

    pub(crate) async fn cancel(&self, job: &str) -> Result<CancelAccepted, ApiError> {
        self.call(Method::POST, &format!("/api/v1/jobs/{}/cancel", segment(job)), None).await
    }

    pub(crate) async fn retry(&self, job: &str, asked: &Value) -> Result<RetryAccepted, ApiError> {
        self.call(Method::POST, &format!("/api/v1/jobs/{}/retry", segment(job)), Some(asked)).await
    }

    pub(crate) async fn job(&self, job: &str) -> Result<JobView, ApiError> {
        self.get(&format!("/api/v1/jobs/{}", segment(job))).await
    }

    /// All jobs, newest first.
    pub(crate) async fn jobs(&self) -> Result<Vec<JobView>, ApiError> {
        let path = "/api/v1/jobs?limit=200".to_owned();
        let mut pages = Pages::new(self, path, |page: &JobsPage| &page.cursor);
        let mut jobs = Vec::new();
        while let Some(page) = pages.next().await? {
            jobs.extend(page.jobs);
        }
        Ok(jobs)
    }

    pub(crate) async fn summary(&self, job: &str) -> Result<Summary, ApiError> {
        self.get(&format!("/api/v1/jobs/{}/summary", segment(job))).await
    }

    /// The pairs of a job.
    pub(crate) fn executions(&self, job: &str) -> Pages<'_, ExecutionsPage> {
        let path = format!("/api/v1/jobs/{}/executions/all?limit=1000", segment(job));
        Pages::new(self, path, |page| &page.cursor)
    }

    pub(crate) async fn execution(&self, id: &str) -> Result<OneExecution, ApiError> {
        self.get(&format!("/api/v1/executions/{}", segment(id))).await
    }

    /// What was found in a job, once that is stored.
    pub(crate) fn findings(&self, job: &str) -> Pages<'_, FindingsPage> {
        let path = format!("/api/v1/jobs/{}/findings", segment(job));
        Pages::new(self, path, |page| &page.cursor)
    }

    /// What findings are computed from.
    pub(crate) fn aggregates(&self, job: &str) -> Pages<'_, AggregatesPage> {
        let path = format!("/api/v1/jobs/{}/aggregates?limit=1000", segment(job));
        Pages::new(self, path, |page| &page.cursor)
    }

    /// What a report needs of a job beside its pairs.
    pub(crate) async fn manifest(&self, job: &str) -> Result<Manifest, ApiError> {
        let path = format!("/api/v1/jobs/{}/manifest", segment(job));
        let mut pages = Pages::new(self, path, |page: &ManifestPage| &page.cursor);
        let mut all = pages.first().await?;
        while let Some(page) = pages.next().await? {
            all.append(page);
        }
        Ok(all.manifest)
    }

    /// The bundle of a job's run; of the last that has one where none is named.
    pub(crate) fn bundle(&self, job: &str, run: Option<u32>) -> BundlePages<'_> {
        let path = format!("/api/v1/jobs/{}/bundle", segment(job));
        let query = run.map(|run| format!("?run={run}")).unwrap_or_default();
        BundlePages::new(self, path, query)
    }

    /// All public keys, newest first.
    pub(crate) async fn keys(&self) -> Result<PublishedKeys, ApiError> {
        self.get("/api/v1/keys").await
    }

    /// Has a job's answers judged anew.
    pub(crate) async fn classify(&self, job: &str) -> Result<ClassifyAccepted, ApiError> {
        self.call(Method::POST, &format!("/api/v1/jobs/{}/classify", segment(job)), None).await
    }

    /// Gives an execution a person's verdict, or takes it back.
    pub(crate) async fn label(&self, id: &str, label: &Value) -> Result<VerdictView, ApiError> {
        let path = format!("/api/v1/executions/{}/label", segment(id));
        self.call(Method::POST, &path, Some(label)).await
    }

    fn endless(&self, endless: Endless) -> ApiError {
        ApiError::Endless { base: self.base.clone(), endless }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.call(Method::GET, path, None).await
    }

    /// A page of bytes, and the query of the next.
    async fn page(&self, path: &str) -> Result<(Vec<u8>, Option<String>), ApiError> {
        let (_, headers, bytes) = self.send(self.request(Method::GET, path)).await?;
        let next = headers.get(LINK).and_then(|link| next_query(link.to_str().ok()?));
        Ok((bytes, next))
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, ApiError> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.read(request).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base)).timeout(TIMEOUT);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ApiError> {
        let (status, _, bytes) = self.send(request).await?;
        serde_json::from_slice(&bytes)
            .map_err(|_other_shape| ApiError::Unexpected { base: self.base.clone(), status })
    }

    /// What is answered with success.
    async fn send(&self, request: RequestBuilder) -> Result<(u16, HeaderMap, Vec<u8>), ApiError> {
        let unreachable = |source: reqwest::Error| ApiError::Unreachable {
            base: self.base.clone(),
            source: source.without_url(),
        };
        let response = request.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = read_body(response, ANSWER_BYTES).await.map_err(|error| match error {
            BodyError::TooLarge { .. } => self.endless(Endless::Body),
            BodyError::Broken(source) => unreachable(source),
        })?;
        if status.is_success() {
            return Ok((status.as_u16(), headers, bytes));
        }
        if let Ok(view) = serde_json::from_slice(&bytes) {
            return Err(ApiError::Refused(view));
        }
        let (base, status) = (self.base.clone(), status.as_u16());
        Err(match serde_json::from_slice::<GatewayView>(&bytes) {
            Ok(GatewayView { message }) => {
                let message = message.chars().take(200).collect();
                ApiError::Gateway { base, status, message }
            }
            Err(_other_shape) => ApiError::Unexpected { base, status },
        })
    }
}

/// Of `<?query>; rel="next"`, which is relative to the page's own address.
fn next_query(link: &str) -> Option<String> {
    let (target, rel) = link.strip_prefix('<')?.split_once('>')?;
    (target.starts_with('?') && rel == "; rel=\"next\"").then(|| target.to_owned())
}

/// An id in an address: what is not of an id's characters is refused by the API, not followed.
fn segment(id: &str) -> String {
    id.chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.~".contains(c) { c } else { '!' })
        .collect()
}
