//! A retry of one pair, as the predecessor's clients ask for it.

use beacon_aws::{ApiError, json};
use beacon_core::execution::ExecutionStatus;
use beacon_core::job::{Job, MAX_RETRIES, NoRetry, Selection, is_for, may_retry, retries};
use beacon_core::lane::Lane;
use beacon_core::message::position_of;
use beacon_core::spec::{PairAsked, limit, parse_pair};
use beacon_core::view::{
    ExecutionView, PairRetry, PairRetryResult, PairRetryStatus, RetriesHad, Source, regions,
};
use beacon_core::{ExecutionId, Nonce, Region};
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};

use crate::retry_answers::nonce;
use crate::{Intake, Retry, body};

/// A pair as it is, and the lane that it belongs to.
struct Pair {
    job: Job,
    lane: Lane,
    view: ExecutionView,
}

impl Intake {
    pub(crate) async fn answer_retry_question(
        &self,
        request: &Request,
        id: &ExecutionId,
        by: Option<String>,
    ) -> Result<Response<Body>, ApiError> {
        let nonce = nonce(request.headers())?;
        let asked = parse_pair(&body::json(request, limit::RETRY_BYTES)?);
        let pair = self.pair(id, Some(&asked.map_err(ApiError::InvalidSpec)?)).await?;
        let reply = self.retry_pair(pair, by, nonce).await?;
        json(status_of(&reply), &reply)
    }

    /// Begins a new run of a job for one execution alone, unless it is completed or some run is on its way
    /// to it. The nonce is drawn for the request, or derived from its idempotency key.
    ///
    /// # Errors
    /// Without such an execution, for one that was cancelled or was retried as often as may be, and where
    /// its job cannot be retried.
    pub async fn retry_execution(
        &self,
        id: &ExecutionId,
        by: Option<String>,
        request: Nonce,
    ) -> Result<PairRetry, ApiError> {
        let pair = self.pair(id, None).await?;
        self.retry_pair(pair, by, request).await
    }

    async fn retry_pair(
        &self,
        pair: Pair,
        by: Option<String>,
        request: Nonce,
    ) -> Result<PairRetry, ApiError> {
        if let Some(reply) = pair.without_a_run() {
            return Ok(reply);
        }
        let had = RetriesHad { retry_attempt: pair.view.retries, max_attempts: MAX_RETRIES };
        may_retry(pair.view.status, had.retry_attempt).map_err(|why| match why {
            NoRetry::Completed | NoRetry::Cancelled | NoRetry::OnItsWay => {
                ApiError::NotRetryable(pair.view.status)
            }
            NoRetry::TooOften => ApiError::TooManyRetries(had),
        })?;
        let id = &pair.view.id;
        let selection = Selection { execution: Some(id.clone()), ..Selection::default() };
        let retry = Retry { selection, by, why: None, request };
        let retried = self.retry(&id.job, retry).await?;
        let question_id = pair.view.question_id.clone();
        let attempt = retries(&retried.job.runs, id, &question_id);
        Ok(PairRetry {
            retry_attempt: attempt,
            result: Some(PairRetryResult::Queued {
                message: "Retry queued successfully".to_owned(),
                job_id: id.job.clone(),
                model_id: id.model.clone(),
                question_id,
            }),
            ..pair.reply(PairRetryStatus::Retrying, retried.record.at)
        })
    }

    /// A pair, which is the one that the body names beside its id.
    async fn pair(&self, id: &ExecutionId, asked: Option<&PairAsked>) -> Result<Pair, ApiError> {
        let found = self.table.job_and_lanes(&id.job).await?;
        let (job, lanes) = found.ok_or_else(|| ApiError::NoSuchJob(id.job.clone()))?;
        if asked.is_some_and(|asked| !is_that(asked, id, &regions(&lanes))) {
            return Err(ApiError::NotThatExecution);
        }
        let spec = self.table.spec(&job).await?;
        let (k, _position) = position_of(&spec, id.question);
        let missing = || ApiError::NoSuchExecution(id.to_string());
        let is_its = |lane: &&Lane| lane.id.region == id.region && lane.id.k == k;
        let lane = lanes.iter().find(is_its).ok_or_else(missing)?.clone();
        spec.question_of(id).ok_or_else(missing)?;
        let row = self.table.row(id).await?;
        let source = Source { job: &job, lanes: &lanes, spec: &spec };
        let view = source.view(id.clone(), row).ok_or_else(missing)?;
        Ok(Pair { job, lane, view })
    }
}

/// Whether a body names this execution of a job with these regions.
fn is_that(asked: &PairAsked, id: &ExecutionId, regions: &[Region]) -> bool {
    let region = Region::resolve(&asked.region, regions);
    region.as_ref() == Ok(&id.region) && asked.question_index == u64::from(id.question.0)
}

/// What waits is accepted; what has its answer, and what got a run just now, is told whole.
fn status_of(reply: &PairRetry) -> StatusCode {
    match (reply.status, &reply.result) {
        (PairRetryStatus::Completed, _) | (PairRetryStatus::Retrying, Some(_)) => StatusCode::OK,
        (PairRetryStatus::Retrying, None)
        | (PairRetryStatus::Pending | PairRetryStatus::Running, _) => StatusCode::ACCEPTED,
    }
}

impl Pair {
    /// The answer where the pair has its own, or some run is on its way to it.
    fn without_a_run(&self) -> Option<PairRetry> {
        let waits = |status| Some(self.reply(status, self.lane.moved_at));
        match self.view.status {
            ExecutionStatus::Completed => {
                let at = self.view.row.as_ref().map_or(self.lane.moved_at, |row| row.completed_at);
                let stored = self.view.output.clone();
                let result = stored.map(|output| PairRetryResult::Stored(Box::new(output)));
                Some(PairRetry { result, ..self.reply(PairRetryStatus::Completed, at) })
            }
            ExecutionStatus::Pending => waits(PairRetryStatus::Pending),
            ExecutionStatus::Running => waits(PairRetryStatus::Running),
            ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Cancelled => {
                let record = self.job.runs.last().filter(|_| self.is_about_to_be_asked())?;
                Some(self.reply(PairRetryStatus::Retrying, record.at))
            }
        }
    }

    /// Whether the job's run is for it and has not reached its lane.
    fn is_about_to_be_asked(&self) -> bool {
        let Self { job, lane, view } = self;
        !job.status.is_final()
            && job.ending.is_none()
            && lane.run < job.run
            && is_for(&job.runs, job.run, &view.id, &view.question_id)
    }

    fn reply(&self, status: PairRetryStatus, updated_at: Timestamp) -> PairRetry {
        let view = &self.view;
        PairRetry {
            execution_id: view.id.clone(),
            region: view.region.clone(),
            question_index: view.question,
            status,
            retry_attempt: view.retries,
            updated_at,
            result: None,
        }
    }
}
