//! Answers and errors in one form.

use beacon_core::access::Role;
use beacon_core::execution::ExecutionStatus;
use beacon_core::job::JobStatus;
use beacon_core::spec::Problem;
use beacon_core::view::{ErrorView, RetriesHad};
use beacon_core::{JobId, Run};
use lambda_http::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use lambda_http::http::{HeaderMap, HeaderValue, StatusCode};
use lambda_http::{Body, Response};
use serde::Serialize;
use thiserror::Error;

use crate::error::chain;
use crate::table::TableError;

/// Why a request was not answered as wished: one variant, one status and code.
#[derive(Debug, Error)]
pub enum ApiError {
    /// 400: the body is not JSON.
    #[error("Malformed JSON in body: {problem}")]
    InvalidJson {
        /// What, and where.
        problem: String,
    },
    /// 400: fields are wrong; all of them are listed.
    #[error("{}", summary(.0))]
    InvalidSpec(Vec<Problem>),
    /// 400: the same, told in the predecessor's words.
    #[error("{}", sentences(.0))]
    InvalidJobSpec(Vec<Problem>),
    /// 400: a parameter of the address or a header is wrong.
    #[error("`{name}` is wrong: {problem}")]
    InvalidParameter {
        /// Which.
        name: &'static str,
        /// What is allowed.
        problem: String,
    },
    /// 401: a token is needed.
    #[error(
        "a {} token is needed: send it as `Authorization: Bearer TOKEN`, or in the address as \
         http://beacon:TOKEN@host; the `beacon` command takes it from BEACON_TOKEN", .needs.name()
    )]
    TokenMissing {
        /// The least role.
        needs: Role,
    },
    /// 401: the header holds no token.
    #[error("the Authorization header holds no token; send `Bearer TOKEN`")]
    TokenUnreadable,
    /// 401: the token is not configured.
    #[error("the token is not accepted here")]
    TokenUnknown,
    /// 403: the token allows less.
    #[error("a {} token does not allow this; it takes a {} token", .has.name(), .needs.name())]
    Forbidden {
        /// Its role.
        has: Role,
        /// The least role.
        needs: Role,
    },
    /// 403: the token is good, and allows nothing here.
    #[error("the token has no scope of Beacon; this takes the scope beacon/{} or more", .needs.name())]
    NoRole {
        /// The least role.
        needs: Role,
    },
    /// 404: nothing at this address.
    #[error("there is nothing at `{0}`")]
    NoSuchPath(String),
    /// 404: no such job.
    #[error("job not found: `{0}`")]
    NoSuchJob(JobId),
    /// 404: the job has no such execution.
    #[error("Execution not found: `{0}`")]
    NoSuchExecution(String),
    /// 404: the body names another region or question than the id.
    #[error("Execution not found for the specified region")]
    NotThatExecution,
    /// 400: the pair is not one that is asked anew.
    #[error("Execution is not in a retryable state (current status: {0})")]
    NotRetryable(ExecutionStatus),
    /// 405: the address does not take this method.
    #[error("`{method}` is not possible here; possible: {allow}")]
    MethodNotAllowed {
        /// The method, cut to 20 characters.
        method: String,
        /// Those it takes.
        allow: &'static str,
    },
    /// 409: the id is taken by other content.
    #[error("the id `{0}` belongs to a job with another specification; choose another id")]
    Conflict(JobId),
    /// 409: the key was sent before, with other content.
    #[error(
        "the Idempotency-Key was sent before with another specification, as job `{0}`; \
         choose another key"
    )]
    KeyConflict(JobId),
    /// 409: the key was sent before, for other pairs.
    #[error(
        "the Idempotency-Key was sent before for other executions of the job `{job}`, as run {run}; \
         choose another key"
    )]
    RunKeyConflict {
        /// Which.
        job: JobId,
        /// The run that it made.
        run: Run,
    },
    /// 409: the job has ended.
    #[error("the job `{job}` has ended: it is {status}")]
    JobIsFinal {
        /// Which.
        job: JobId,
        /// How.
        status: JobStatus,
    },
    /// 409: the job has not ended.
    #[error("the job `{job}` is {status}; it can be retried when it has ended")]
    JobNotFinal {
        /// Which.
        job: JobId,
        /// Where it is.
        status: JobStatus,
    },
    /// 409: every selected execution is completed.
    #[error("every selected execution of the job `{0}` is completed; completed ones stay")]
    NothingToRetry(JobId),
    /// 409: the job was retried as often as jobs are.
    #[error("the job `{job}` has had {limit} runs, which is the limit; submit it anew")]
    TooManyRuns {
        /// Which.
        job: JobId,
        /// Runs of a job.
        limit: u32,
    },
    /// 413: the body is too large.
    #[error("the body has more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// 415: the body is said to be something else.
    #[error("the body must be sent as `application/json`")]
    UnsupportedMediaType,
    /// 422: nobody serves some of the pairs of model and region; all of them are listed.
    #[error("no provider serves {} of the (model, region) pairs; nothing new was accepted", .0.len())]
    NotServed(Vec<Problem>),
    /// 429: the pair was retried as often as pairs are.
    #[error("Max retry attempts reached")]
    TooManyRetries(RetriesHad),
    /// 429: too many requests.
    #[error("more than {limit} requests a minute; ask again in {retry_seconds} s")]
    RateLimited {
        /// Requests a minute.
        limit: u32,
        /// Until one may be made.
        retry_seconds: u64,
    },
    /// 503: the router did not tell its providers; nothing was accepted.
    #[error("{message}; nothing new was accepted, check HYBRID_ROUTER_URL and the router")]
    RouterUnavailable {
        /// What happened.
        message: String,
    },
    /// 503 where asking again may help, and 500 where it does not.
    #[error("the table cannot be used now; try again")]
    Table(#[from] TableError),
    /// 500: an answer could not be written.
    #[error("the answer could not be written")]
    Answer(#[from] serde_json::Error),
}

/// The first problem, and how many more there are.
fn summary(problems: &[Problem]) -> String {
    let first = problems.first().map(|first| format!("{}: {}", first.field, first.message));
    match (first, problems.len()) {
        (Some(first), 1) => first,
        (Some(first), more) => format!("{first} (and {} more)", more - 1),
        (None, _) => "the specification is wrong".to_owned(),
    }
}

fn sentences(problems: &[Problem]) -> String {
    problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ")
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::InvalidJson { .. }
            | Self::InvalidSpec(_)
            | Self::InvalidJobSpec(_)
            | Self::InvalidParameter { .. }
            | Self::NotRetryable(_) => StatusCode::BAD_REQUEST,
            Self::TokenMissing { .. } | Self::TokenUnreadable | Self::TokenUnknown => {
                StatusCode::UNAUTHORIZED
            }
            Self::Forbidden { .. } | Self::NoRole { .. } => StatusCode::FORBIDDEN,
            Self::NoSuchPath(_)
            | Self::NoSuchJob(_)
            | Self::NoSuchExecution(_)
            | Self::NotThatExecution => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_)
            | Self::KeyConflict(_)
            | Self::RunKeyConflict { .. }
            | Self::JobIsFinal { .. }
            | Self::JobNotFinal { .. }
            | Self::NothingToRetry(_)
            | Self::TooManyRuns { .. } => StatusCode::CONFLICT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotServed(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRetries(_) | Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::RouterUnavailable { .. } | Self::Table(TableError::Request { .. }) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Table(
                TableError::NotStorable { .. }
                | TableError::Corrupt { .. }
                | TableError::Spec { .. },
            )
            | Self::Answer(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InvalidJson { .. } => "invalid_json",
            Self::InvalidSpec(_) | Self::InvalidJobSpec(_) => "validation_error",
            Self::InvalidParameter { .. } => "invalid_parameter",
            Self::TokenMissing { .. } => "unauthorized",
            Self::TokenUnreadable => "invalid_auth_format",
            Self::TokenUnknown => "invalid_token",
            Self::Forbidden { .. } | Self::NoRole { .. } => "forbidden",
            Self::NoSuchPath(_) => "not_found",
            Self::NoSuchJob(_) => "job_not_found",
            Self::NoSuchExecution(_) | Self::NotThatExecution => "execution_not_found",
            Self::NotRetryable(_) => "not_retryable",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::Conflict(_) => "id_conflict",
            Self::KeyConflict(_) | Self::RunKeyConflict { .. } => "idempotency_key_conflict",
            Self::JobIsFinal { .. } => "job_final",
            Self::JobNotFinal { .. } => "job_not_final",
            Self::NothingToRetry(_) => "nothing_to_retry",
            Self::TooManyRuns { .. } => "too_many_runs",
            Self::TooLarge { .. } => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::NotServed(_) => "pair_not_served",
            Self::TooManyRetries(_) => "too_many_retries",
            Self::RateLimited { .. } => "rate_limited",
            Self::RouterUnavailable { .. } => "router_unavailable",
            Self::Table(TableError::Request { .. }) => "table_unavailable",
            Self::Table(
                TableError::NotStorable { .. }
                | TableError::Corrupt { .. }
                | TableError::Spec { .. },
            )
            | Self::Answer(_) => "internal_error",
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
        if let Self::RateLimited { retry_seconds, .. } = self {
            headers.insert(RETRY_AFTER, HeaderValue::from(*retry_seconds));
        }
    }

    fn retries(&self) -> Option<RetriesHad> {
        if let Self::TooManyRetries(had) = self { Some(*had) } else { None }
    }

    fn into_details(self) -> Vec<Problem> {
        if let Self::InvalidSpec(problems)
        | Self::InvalidJobSpec(problems)
        | Self::NotServed(problems) = self
        {
            problems
        } else {
            Vec::new()
        }
    }

    /// The answer to the client; what is ours alone is logged here and not told.
    pub fn answer(self) -> Response<Body> {
        let (status, code) = (self.status(), self.code());
        // Of the others the answer tells all there is to know.
        if matches!(self, Self::Table(_) | Self::Answer(_)) {
            tracing::error!(code, error = chain(&self), "request failed");
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
