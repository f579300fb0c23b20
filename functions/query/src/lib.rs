//! `GET /api/v1/…` in → jobs and executions as the tables have them now.

mod executions;
mod jobs;
mod summary;

use beacon_aws::{ApiError, Table};
use beacon_core::{ExecutionId, JobId};
use lambda_http::http::Method;
use lambda_http::{Body, Request, RequestExt, Response};

/// What query works on.
#[derive(Debug)]
pub struct Query {
    /// The table.
    pub table: Table,
}

impl Query {
    /// Answers a read of the API.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        self.route(request).await.unwrap_or_else(ApiError::answer)
    }

    async fn route(&self, request: Request) -> Result<Response<Body>, ApiError> {
        let path = request.uri().path().to_owned();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let ["api", "v1", rest @ ..] = parts.as_slice() else {
            return Err(ApiError::NoSuchPath(path));
        };
        let known = matches!(
            rest,
            ["jobs"]
                | ["jobs" | "executions", _]
                | ["jobs", _, "summary"]
                | ["jobs", _, "executions", "all"]
        );
        if known && request.method() != Method::GET {
            return Err(ApiError::MethodNotAllowed(request.method().clone()));
        }
        let parameters = request.query_string_parameters();
        let page = Page { limit: parameters.first("limit"), cursor: parameters.first("cursor") };
        match rest {
            ["jobs"] => self.jobs(&page).await,
            ["jobs", id] => self.job(&job_id(id)?).await,
            ["jobs", id, "summary"] => self.summary(&job_id(id)?).await,
            ["jobs", id, "executions", "all"] => self.executions(&job_id(id)?, &page).await,
            ["executions", id] => self.execution(&execution_id(id)?).await,
            _ => Err(ApiError::NoSuchPath(path)),
        }
    }
}

/// The parameters of a page.
struct Page<'a> {
    limit: Option<&'a str>,
    cursor: Option<&'a str>,
}

impl Page<'_> {
    fn limit(&self, default: usize, most: usize) -> Result<usize, ApiError> {
        let Some(text) = self.limit else { return Ok(default) };
        let limit = text.parse().ok().filter(|limit| (1..=most).contains(limit));
        limit.ok_or_else(|| ApiError::InvalidParameter {
            name: "limit",
            problem: format!("must be a whole number from 1 to {most}"),
        })
    }
}

fn bad_cursor() -> ApiError {
    let problem = "must be the `cursor` of the page before".to_owned();
    ApiError::InvalidParameter { name: "cursor", problem }
}

fn job_id(text: &str) -> Result<JobId, ApiError> {
    JobId::new(text)
        .map_err(|error| ApiError::InvalidParameter { name: "job id", problem: error.to_string() })
}

fn execution_id(text: &str) -> Result<ExecutionId, ApiError> {
    ExecutionId::parse(text).map_err(|error| ApiError::InvalidParameter {
        name: "execution id",
        problem: error.to_string(),
    })
}
