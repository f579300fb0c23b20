//! Requests for a new run of a job.

use beacon_aws::{ApiError, fresh_nonce, json};
use beacon_core::idempotency::IdempotencyKey;
use beacon_core::spec::{RetryAsked, parse_retry};
use beacon_core::view::{RetryAccepted, regions};
use beacon_core::{JobId, Nonce};
use lambda_http::http::{HeaderMap, StatusCode};
use lambda_http::{Body, Request, Response};

use crate::body::{idempotency_key, ignored, optional_json};
use crate::{Intake, Retried, Retry};

impl Intake {
    pub(crate) async fn answer_retry(
        &self,
        request: &Request,
        id: &JobId,
        by: Option<String>,
    ) -> Result<Response<Body>, ApiError> {
        let nonce = nonce(request.headers())?;
        let asked = match optional_json(request)? {
            None => RetryAsked::default(),
            Some(sent) => {
                let found = self.table.job_and_lanes(id).await?;
                let (_job, lanes) = found.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?;
                parse_retry(&sent, &regions(&lanes)).map_err(ApiError::InvalidSpec)?
            }
        };
        let RetryAsked { selection, reason } = asked;
        accepted(self.retry(id, Retry { selection, by, why: reason, request: nonce }).await?)
    }

    pub(crate) async fn answer_retry_all(
        &self,
        request: &Request,
        id: &JobId,
        by: Option<String>,
    ) -> Result<Response<Body>, ApiError> {
        let nonce = nonce(request.headers())?;
        ignored(request)?;
        let RetryAsked { selection, reason } = RetryAsked::default();
        accepted(self.retry(id, Retry { selection, by, why: reason, request: nonce }).await?)
    }
}

/// Of the request: it makes one run, however often it is sent.
pub(crate) fn nonce(headers: &HeaderMap) -> Result<Nonce, ApiError> {
    Ok(idempotency_key(headers)?.as_ref().map_or_else(fresh_nonce, IdempotencyKey::request))
}

fn accepted(retried: Retried) -> Result<Response<Body>, ApiError> {
    let Retried { job, record, existing } = retried;
    let view = RetryAccepted {
        ok: true,
        job_id: job.id,
        run: record.run,
        executions: record.executions,
        status: job.status,
        existing,
    };
    json(if existing { StatusCode::OK } else { StatusCode::ACCEPTED }, &view)
}
