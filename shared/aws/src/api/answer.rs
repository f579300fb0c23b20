//! Answers and errors in one form.

use beacon_core::JobId;
use beacon_core::job::{MAX_RUNS, NoRun};
use beacon_core::view::{Details, ErrorView, RetriesHad};
use beacon_evidence::violation::Violation;
use lambda_http::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use lambda_http::http::{HeaderMap, HeaderValue, StatusCode};
use lambda_http::{Body, Response};
use serde::Serialize;

use super::error::ApiError;
use super::no_evidence::NoEvidence;
use crate::error::chain;

/// When to ask again for what is being analysed. Most jobs take less.
const ANALYSIS_SECONDS: u64 = 5;

impl ApiError {
    /// Why a job has no further run.
    pub fn no_run(job: &JobId, why: NoRun) -> Self {
        let job = job.clone();
        match why {
            NoRun::NotFinal(status) => Self::JobNotFinal { job, status },
            NoRun::TooMany => Self::TooManyRuns { job, limit: MAX_RUNS },
            NoRun::CostSpent(max_cost) => Self::CostLimit { job, max_cost },
        }
    }

    /// Whether it is who asks, or how often, that is refused.
    fn is_of_access(&self) -> bool {
        let status = self.status();
        [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status)
            || matches!(self, Self::RateLimited { .. })
    }

    /// Headers that tell a program what to do next.
    fn put_headers(&self, headers: &mut HeaderMap) {
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"beacon\""));
        }
        if let Self::MethodNotAllowed { allow, .. } = self {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if let Self::RateLimited { retry_seconds, .. }
        | Self::AnalysisFails { retry_seconds, .. }
        | Self::Unverified {
            violation: Violation::TooManyFailures { retry_seconds }, ..
        } = self
        {
            headers.insert(RETRY_AFTER, HeaderValue::from(*retry_seconds));
        }
        if let Self::NotAnalysed(_) | Self::NoEvidence(NoEvidence::RootNotYet(_)) = self {
            headers.insert(RETRY_AFTER, HeaderValue::from(ANALYSIS_SECONDS));
        }
    }

    fn retries(&self) -> Option<RetriesHad> {
        if let Self::TooManyRetries(had) = self { Some(*had) } else { None }
    }

    fn into_details(self) -> Option<Details> {
        if let Self::Unverified { violation, .. } = self {
            let reason = violation.reason()?.to_owned();
            return Some(Details::Time { reason });
        }
        if matches!(self, Self::NoReplayProtection(_)) {
            return None;
        }
        let problems = if let Self::InvalidSpec(problems)
        | Self::InvalidJobSpec(problems)
        | Self::NotServed(problems)
        | Self::NoPrice(problems) = self
        {
            problems
        } else {
            Vec::new()
        };
        Some(Details::Fields(problems))
    }

    /// The answer to the client; what is ours alone is logged here and not told.
    pub fn answer(self) -> Response<Body> {
        let (status, code) = (self.status(), self.code());
        // Of the others the answer tells all there is to know.
        if matches!(self, Self::Table(_) | Self::Answer(_) | Self::NoReplayProtection(_)) {
            tracing::error!(code, error = chain(&self), "request failed");
        } else if let Self::Unverified { key_id, .. } = &self {
            let key_id = key_id.as_ref().map(tracing::field::display);
            tracing::warn!(code, key_id, "specification refused for its signature");
        } else if let Self::RouterUnavailable { message } = &self {
            tracing::warn!(code, error = message, "the router is out of reach");
        } else if self.is_of_access() {
            tracing::info!(code, "request refused");
        }
        let mut headers = HeaderMap::new();
        self.put_headers(&mut headers);
        let view = ErrorView {
            error: self.to_string(),
            error_code: code.to_owned(),
            retries: self.retries(),
            details: self.into_details(),
        };
        let body = serde_json::to_string(&view).unwrap_or_default();
        let mut response = text(status, JSON, body);
        response.headers_mut().extend(headers);
        response
    }
}

const JSON: &str = "application/json";

/// A JSON answer.
pub fn json<T: Serialize>(status: StatusCode, view: &T) -> Result<Response<Body>, ApiError> {
    Ok(text(status, JSON, serde_json::to_string(view)?))
}

/// An answer of this type.
pub fn text(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
