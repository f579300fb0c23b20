//! Answers to requests that change a job.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OutputView;
use crate::id::{ExecutionId, JobId, ModelId, QuestionId, QuestionIndex, Run};
use crate::job::JobStatus;
use crate::region::Region;
use crate::verdict::RulesVersion;

/// Answer to a cancel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancelAccepted {
    /// Always true.
    pub ok: bool,
    /// The job.
    pub job_id: JobId,
    /// Where it was before.
    pub previous_status: JobStatus,
    /// `cancelling`: it is `cancelled` only when nothing runs any more.
    pub new_status: JobStatus,
}

/// Answer to a request to judge a job's answers anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClassifyAccepted {
    /// The job.
    pub job_id: JobId,
    /// Of the rules that will judge them.
    pub rules: RulesVersion,
}

/// Answer to a retry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RetryAccepted {
    /// Always true.
    pub ok: bool,
    /// The job.
    pub job_id: JobId,
    /// The run that the request made.
    pub run: Run,
    /// Executions that the run is for: those selected that are not completed.
    pub executions: u64,
    /// Where the job is.
    pub status: JobStatus,
    /// The request was made before, under its `Idempotency-Key`: nothing new runs.
    pub existing: bool,
}

/// Answer to a retry of one pair, as the predecessor's clients read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PairRetry {
    /// The pair.
    pub execution_id: ExecutionId,
    /// Its region, canonical.
    pub region: Region,
    /// Index into the job's question list.
    pub question_index: QuestionIndex,
    /// Where it is.
    pub status: PairRetryStatus,
    /// Its retries so far, this one included.
    pub retry_attempt: u32,
    /// When it came to be there.
    pub updated_at: Timestamp,
    /// What there is to tell; absent while it waits or runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<PairRetryResult>,
}

/// Where a pair is whose retry was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairRetryStatus {
    /// It has its answer, and is not asked again.
    Completed,
    /// Its run has not come to it.
    Pending,
    /// It is asked now.
    Running,
    /// A run that will ask it was accepted.
    Retrying,
}

/// What a retry of one pair tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PairRetryResult {
    /// A new run was accepted.
    Queued {
        /// For people.
        message: String,
        /// The job.
        job_id: JobId,
        /// The model that is asked.
        model_id: ModelId,
        /// The question that it is asked.
        question_id: QuestionId,
    },
    /// The answer that is stored.
    Stored(Box<OutputView>),
}

/// Retries of a pair that has had them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RetriesHad {
    /// So many it has had.
    pub retry_attempt: u32,
    /// So many a pair may have.
    pub max_attempts: u32,
}
