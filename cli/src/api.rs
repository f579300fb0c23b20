//! The API as the command line calls it.

use std::time::Duration;

use beacon_core::view::{
    CancelAccepted, ErrorView, ExecutionView, ExecutionsPage, JobView, JobsPage, RetryAccepted,
    Submitted, Summary,
};
use reqwest::{Client, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

/// Longer than any answer takes.
const TIMEOUT: Duration = Duration::from_secs(60);

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
}

impl ApiError {
    /// Asking again may help.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(view) => {
                matches!(view.error_code.as_str(), "table_unavailable" | "rate_limited")
            }
            Self::Gateway { status, .. } => *status >= 500 || *status == 429,
            Self::Unexpected { status, .. } => *status >= 500,
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

    pub(crate) async fn submit(&self, spec: &Value) -> Result<Submitted, ApiError> {
        self.call(Method::POST, "/api/v1/jobs", Some(spec)).await
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

    pub(crate) async fn jobs(&self, cursor: Option<&str>) -> Result<JobsPage, ApiError> {
        self.get(&paged("/api/v1/jobs?limit=200", cursor)).await
    }

    pub(crate) async fn summary(&self, job: &str) -> Result<Summary, ApiError> {
        self.get(&format!("/api/v1/jobs/{}/summary", segment(job))).await
    }

    pub(crate) async fn executions(
        &self,
        job: &str,
        cursor: Option<&str>,
    ) -> Result<ExecutionsPage, ApiError> {
        let path = format!("/api/v1/jobs/{}/executions/all?limit=1000", segment(job));
        self.get(&paged(&path, cursor)).await
    }

    pub(crate) async fn execution(&self, id: &str) -> Result<ExecutionView, ApiError> {
        self.get(&format!("/api/v1/executions/{}", segment(id))).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.call(Method::GET, path, None).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, ApiError> {
        let unreachable = |source: reqwest::Error| ApiError::Unreachable {
            base: self.base.clone(),
            source: source.without_url(),
        };
        let mut request =
            self.client.request(method, format!("{}{path}", self.base)).timeout(TIMEOUT);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(unreachable)?;
        let unexpected =
            || ApiError::Unexpected { base: self.base.clone(), status: status.as_u16() };
        if status.is_success() {
            serde_json::from_slice(&bytes).map_err(|_other_shape| unexpected())
        } else {
            if let Ok(view) = serde_json::from_slice(&bytes) {
                return Err(ApiError::Refused(view));
            }
            let gateway = serde_json::from_slice::<GatewayView>(&bytes);
            Err(gateway.map_or_else(
                |_other_shape| unexpected(),
                |GatewayView { message }| {
                    let message = message.chars().take(200).collect();
                    ApiError::Gateway { base: self.base.clone(), status: status.as_u16(), message }
                },
            ))
        }
    }
}

/// An id in an address: what is not of an id's characters is refused by the API, not followed.
fn segment(id: &str) -> String {
    id.chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.~".contains(c) { c } else { '!' })
        .collect()
}

fn paged(path: &str, cursor: Option<&str>) -> String {
    match cursor {
        None => path.to_owned(),
        Some(cursor) => {
            let separator = if path.contains('?') { '&' } else { '?' };
            format!("{path}{separator}cursor={cursor}")
        }
    }
}
