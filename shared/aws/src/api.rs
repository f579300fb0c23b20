//! The edge of the HTTP API: answers and errors in one envelope.

use beacon_core::JobId;
use beacon_core::spec::Problem;
use beacon_core::view::ErrorView;
use lambda_http::http::header::CONTENT_TYPE;
use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Response};
use serde::Serialize;
use thiserror::Error;

use crate::error::chain;
use crate::table::TableError;

/// Why a request was not answered as wished: one variant, one status and code.
#[derive(Debug, Error)]
pub enum ApiError {
    /// 400: the body is not JSON.
    #[error("the body is not JSON: line {line}, column {column}")]
    InvalidJson {
        /// Where.
        line: usize,
        /// Where.
        column: usize,
    },
    /// 400: fields are wrong; all of them are listed.
    #[error("the specification has {} wrong fields", .0.len())]
    InvalidSpec(Vec<Problem>),
    /// 400: a parameter of the address is wrong.
    #[error("`{name}` is wrong: {problem}")]
    InvalidParameter {
        /// Which.
        name: &'static str,
        /// What is allowed.
        problem: String,
    },
    /// 404: nothing at this address.
    #[error("there is nothing at `{0}`")]
    NoSuchPath(String),
    /// 404: no such job.
    #[error("there is no job `{0}`")]
    NoSuchJob(JobId),
    /// 404: the job has no such execution.
    #[error("the job has no execution `{0}`")]
    NoSuchExecution(String),
    /// 405: the address does not take this method.
    #[error("`{0}` is not possible here")]
    MethodNotAllowed(Method),
    /// 409: the id is taken by other content.
    #[error("the id `{0}` belongs to a job with another specification; choose another id")]
    Conflict(JobId),
    /// 413: the body is too large.
    #[error("the body has more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// 415: the body is said to be something else.
    #[error("the body must be sent as `application/json`")]
    UnsupportedMediaType,
    /// 503: the router did not tell its providers; nothing was accepted.
    #[error("{message}; nothing was accepted, check HYBRID_ROUTER_URL and the router")]
    RouterUnavailable {
        /// What happened.
        message: String,
    },
    /// 503: the table did not answer.
    #[error("the table cannot be used now; try again")]
    Table(#[from] TableError),
    /// 500: an answer could not be written.
    #[error("the answer could not be written")]
    Answer(#[from] serde_json::Error),
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::InvalidJson { .. } | Self::InvalidSpec(_) | Self::InvalidParameter { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::NoSuchPath(_) | Self::NoSuchJob(_) | Self::NoSuchExecution(_) => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RouterUnavailable { .. } | Self::Table(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Answer(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InvalidJson { .. } => "invalid_json",
            Self::InvalidSpec(_) => "validation_error",
            Self::InvalidParameter { .. } => "invalid_parameter",
            Self::NoSuchPath(_) => "not_found",
            Self::NoSuchJob(_) => "job_not_found",
            Self::NoSuchExecution(_) => "execution_not_found",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::Conflict(_) => "id_conflict",
            Self::TooLarge { .. } => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::RouterUnavailable { .. } => "router_unavailable",
            Self::Table(_) => "table_unavailable",
            Self::Answer(_) => "internal_error",
        }
    }

    fn into_details(self) -> Vec<Problem> {
        if let Self::InvalidSpec(problems) = self { problems } else { Vec::new() }
    }

    /// The answer to the client; what is ours alone is logged here and not told.
    pub fn answer(self) -> Response<Body> {
        let (status, code) = (self.status(), self.code());
        // Of the others the answer tells all there is to know.
        if matches!(self, Self::Table(_) | Self::Answer(_)) {
            tracing::error!(code, error = chain(&self), "request failed");
        }
        let view = ErrorView {
            error: self.to_string(),
            error_code: code.to_owned(),
            details: self.into_details(),
        };
        let body = serde_json::to_string(&view).unwrap_or_default();
        respond(status, body)
    }
}

/// A JSON answer.
pub fn json<T: Serialize>(status: StatusCode, view: &T) -> Result<Response<Body>, ApiError> {
    Ok(respond(status, serde_json::to_string(view)?))
}

fn respond(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    let json = lambda_http::http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
