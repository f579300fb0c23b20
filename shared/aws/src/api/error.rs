//! Errors of the API: each with its status and code.

use beacon_core::access::Role;
use beacon_core::execution::ExecutionStatus;
use beacon_core::job::{Job, JobStatus};
use beacon_core::money::Dollars;
use beacon_core::seal::KeyId;
use beacon_core::spec::Problem;
use beacon_core::view::RetriesHad;
use beacon_core::{ExecutionId, JobId, Run};
use beacon_evidence::violation::Violation;
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use thiserror::Error;

use super::no_evidence::NoEvidence;
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
    /// 400, or 429 where too many failed: a specification is not signed as it must be.
    #[error("{violation}")]
    Unverified {
        /// The key that it names.
        key_id: Option<KeyId>,
        /// What is wrong.
        violation: Violation,
    },
    /// 503: the table does not tell whether a signed specification was sent before.
    #[error("whether this was sent before cannot be told now; nothing was accepted, try again")]
    NoReplayProtection(#[source] TableError),
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
    /// 409: the job has not ended, and what is asked for is there when it has.
    #[error("the job `{job}` is {status}; this can be asked for when it has ended")]
    NotEnded {
        /// Which.
        job: JobId,
        /// Where it is.
        status: JobStatus,
    },
    /// 409: the job has ended a moment ago.
    #[error("the answers of the job `{0}` are being analysed; ask again in a few seconds")]
    NotAnalysed(JobId),
    /// 409: the analysis failed, and is tried again.
    #[error(
        "the analysis of the job `{job}` has failed {tries} times and is tried again ever more rarely; the \
         coordinator's log says why"
    )]
    AnalysisFails {
        /// Which.
        job: JobId,
        /// How often.
        tries: u32,
        /// Until it is tried again, about.
        retry_seconds: u64,
    },
    /// 409: nobody asked for an analysis, as of a job that an earlier release gave its final status.
    #[error(
        "the answers of the job `{0}` are not analysed: POST /api/v1/jobs/{0}/classify has them analysed"
    )]
    NeverAnalysed(JobId),
    /// 409: there is no text to judge.
    #[error("the execution `{id}` has no text that can be judged: {why}")]
    NoText {
        /// Which.
        id: ExecutionId,
        /// What it has.
        why: &'static str,
    },
    /// 400: a parameter is missing, told in the predecessor's words.
    #[error("{0} query parameter is required")]
    ParameterMissing(&'static str),
    /// 404: no such job, told in the predecessor's words.
    #[error("Job not found or analysis not available")]
    NoSuchJobOrAnalysis,
    /// 404: the job is not analysed, told in the predecessor's words.
    #[error("Bias analysis not found for this job")]
    NoBiasAnalysis,
    /// 404: the job does not ask that, told in the predecessor's words.
    #[error("No executions found for job {job}, model {model}, question {question}")]
    NoExecutions {
        /// Which.
        job: JobId,
        /// As asked for, cut to 200 characters.
        model: String,
        /// As asked for, cut to 200 characters.
        question: String,
    },
    /// 400 or 404: what is asked for of a job's evidence is not there.
    #[error(transparent)]
    NoEvidence(#[from] NoEvidence),
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
    /// 422: a `max_cost` needs prices that nobody declares; all of them are listed.
    #[error(
        "max_cost cannot be kept: {} of the (model, region) pairs have a provider without a declared \
         price; nothing new was accepted", .0.len()
    )]
    NoPrice(Vec<Problem>),
    /// 409: the job has spent what it may.
    #[error(
        "the job `{job}` has spent its max_cost of {max_cost}; submit it anew with a higher one"
    )]
    CostLimit {
        /// Which.
        job: JobId,
        /// What it may cost.
        max_cost: Dollars,
    },
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
    /// Of a final job without an analysis: why there is none.
    pub fn not_analysed(job: &Job, now: Timestamp) -> Self {
        let Some(due) = job.analysis.due else { return Self::NeverAnalysed(job.id.clone()) };
        match due.failures(now) {
            0 => Self::NotAnalysed(job.id.clone()),
            tries => {
                let retry_seconds = due.seconds_to_next(now);
                Self::AnalysisFails { job: job.id.clone(), tries, retry_seconds }
            }
        }
    }

    /// The status that it is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unverified { violation: Violation::TooManyFailures { .. }, .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Unverified { .. }
            | Self::InvalidJson { .. }
            | Self::InvalidSpec(_)
            | Self::InvalidJobSpec(_)
            | Self::InvalidParameter { .. }
            | Self::ParameterMissing(_)
            | Self::NotRetryable(_) => StatusCode::BAD_REQUEST,
            Self::TokenMissing { .. } | Self::TokenUnreadable | Self::TokenUnknown => {
                StatusCode::UNAUTHORIZED
            }
            Self::Forbidden { .. } | Self::NoRole { .. } => StatusCode::FORBIDDEN,
            Self::NoSuchPath(_)
            | Self::NoSuchJob(_)
            | Self::NoSuchExecution(_)
            | Self::NoSuchJobOrAnalysis
            | Self::NoBiasAnalysis
            | Self::NoExecutions { .. }
            | Self::NotThatExecution => StatusCode::NOT_FOUND,
            Self::NoEvidence(error) => error.status(),
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_)
            | Self::KeyConflict(_)
            | Self::RunKeyConflict { .. }
            | Self::JobIsFinal { .. }
            | Self::JobNotFinal { .. }
            | Self::NotEnded { .. }
            | Self::NotAnalysed(_)
            | Self::AnalysisFails { .. }
            | Self::NeverAnalysed(_)
            | Self::NoText { .. }
            | Self::NothingToRetry(_)
            | Self::TooManyRuns { .. }
            | Self::CostLimit { .. } => StatusCode::CONFLICT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotServed(_) | Self::NoPrice(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRetries(_) | Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::RouterUnavailable { .. }
            | Self::NoReplayProtection(_)
            | Self::Table(TableError::Request { .. }) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Table(
                TableError::NotStorable { .. }
                | TableError::Corrupt { .. }
                | TableError::Analysis { .. }
                | TableError::Spec { .. },
            )
            | Self::Answer(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Its name for programs, which never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unverified { violation, .. } => violation.code(),
            Self::NoReplayProtection(_) => "protection_unavailable:replay",
            Self::InvalidJson { .. } => "invalid_json",
            Self::InvalidSpec(_) | Self::InvalidJobSpec(_) => "validation_error",
            Self::InvalidParameter { .. } | Self::ParameterMissing(_) => "invalid_parameter",
            Self::NoEvidence(error) => error.code(),
            Self::TokenMissing { .. } => "unauthorized",
            Self::TokenUnreadable => "invalid_auth_format",
            Self::TokenUnknown => "invalid_token",
            Self::Forbidden { .. } | Self::NoRole { .. } => "forbidden",
            Self::NoSuchPath(_) => "not_found",
            Self::NoSuchJob(_) | Self::NoSuchJobOrAnalysis => "job_not_found",
            Self::NoBiasAnalysis => "analysis_not_found",
            Self::NoSuchExecution(_) | Self::NotThatExecution | Self::NoExecutions { .. } => {
                "execution_not_found"
            }
            Self::NotRetryable(_) => "not_retryable",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::Conflict(_) => "id_conflict",
            Self::KeyConflict(_) | Self::RunKeyConflict { .. } => "idempotency_key_conflict",
            Self::JobIsFinal { .. } => "job_final",
            Self::JobNotFinal { .. } | Self::NotEnded { .. } => "job_not_final",
            Self::NotAnalysed(_) => "not_analysed",
            Self::AnalysisFails { .. } => "analysis_fails",
            Self::NeverAnalysed(_) => "never_analysed",
            Self::NoText { .. } => "no_text",
            Self::NothingToRetry(_) => "nothing_to_retry",
            Self::TooManyRuns { .. } => "too_many_runs",
            Self::TooLarge { .. } => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::CostLimit { .. } => "max_cost_spent",
            Self::NotServed(_) => "pair_not_served",
            Self::NoPrice(_) => "price_not_declared",
            Self::TooManyRetries(_) => "too_many_retries",
            Self::RateLimited { .. } => "rate_limited",
            Self::RouterUnavailable { .. } => "router_unavailable",
            Self::Table(TableError::Request { .. }) => "table_unavailable",
            Self::Table(
                TableError::NotStorable { .. }
                | TableError::Corrupt { .. }
                | TableError::Analysis { .. }
                | TableError::Spec { .. },
            )
            | Self::Answer(_) => "internal_error",
        }
    }
}
