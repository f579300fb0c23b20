//! One pair's call to the router, and the row that it becomes.

use std::time::Duration;

use beacon_aws::{BodyError, chain, clock, read_body};
use beacon_core::execution::{Ending, ExecutionRow};
use beacon_core::failure::{Failure, FailureCode, Stage};
use beacon_core::lane::Ticket;
use beacon_core::message::QuestionMessage;
use beacon_core::prompt::{Prompt, PromptHash};
use beacon_core::reply::{Asked, Reply, read};
use beacon_core::wire::{
    DEADLINE_HEADER, IDEMPOTENCY_HEADER, InferenceRequest, MAX_RESPONSE_BYTES, TRACE_HEADER,
};
use beacon_core::{ExecutionId, view};
use jiff::Timestamp;
use tokio::time::sleep;
use tracing::info;

use crate::Router;

/// Bytes of a router's answer that are read: the text escaped as JSON at its worst, and the rest.
const MAX_BODY: usize = 6 * MAX_RESPONSE_BYTES + 512 * 1024;
/// Attempts at a router that accepts no connections.
const ATTEMPTS: u32 = 3;
/// Before the second attempt; twice that before the third.
const PAUSE: Duration = Duration::from_millis(200);

/// What is the same for all pairs of a question.
pub(crate) struct Asking<'a> {
    pub(crate) message: &'a QuestionMessage,
    pub(crate) prompt: Prompt<'a>,
    pub(crate) sha256: PromptHash,
    pub(crate) ticket: &'a Ticket,
}

impl Asking<'_> {
    /// The row of a pair that ended now.
    pub(crate) fn row(&self, reply: Reply, attempts: u32, started_at: Timestamp) -> ExecutionRow {
        ExecutionRow {
            run: self.ticket.run,
            holder: self.ticket.nonce.clone(),
            ending: reply.ending,
            prompt_sha256: self.sha256.clone(),
            sampling: self.message.sampling.clone(),
            served: reply.served,
            attempts,
            started_at,
            completed_at: clock::now(),
        }
    }

    fn request(&self, id: &ExecutionId) -> InferenceRequest {
        let sampling = &self.message.sampling;
        InferenceRequest {
            model: id.model.to_string(),
            prompt: self.prompt.flattened(),
            messages: Some(self.prompt.messages()),
            temperature: sampling.temperature,
            max_tokens: sampling.max_tokens,
            seed: sampling.seed,
            top_p: sampling.top_p,
            region_preference: Some(id.region.to_string()),
            cost_priority: true,
            trace_id: Some(id.to_string()),
        }
    }
}

impl Router {
    /// Asks until there is an answer or a failure. Only what certainly was not sent is sent again:
    /// the retries of an inference belong to the router.
    pub(crate) async fn ask(&self, asking: &Asking<'_>, id: &ExecutionId) -> ExecutionRow {
        let request = asking.request(id);
        let started_at = clock::now();
        let mut attempt = 1;
        let reply = loop {
            let reply = self.call(asking, id, &request, attempt).await;
            let unsent = reply
                .ending
                .failure()
                .is_some_and(|failure| failure.code == FailureCode::RouterUnreachable);
            if !unsent || attempt == ATTEMPTS {
                break reply;
            }
            sleep(PAUSE * attempt).await;
            attempt += 1;
        };
        asking.row(reply, attempt, started_at)
    }

    async fn call(
        &self,
        asking: &Asking<'_>,
        id: &ExecutionId,
        request: &InferenceRequest,
        attempt: u32,
    ) -> Reply {
        // The deadline counts from here: a call that waits for its turn is not late.
        let _slot = self.slots.acquire().await;
        let begun = clock::now();
        let prompt_len = request.prompt.len();
        info!(execution_id = %id, attempt, url = self.base, prompt_len, "inference call begins");
        let reply = match self.send(id, request, attempt, begun).await {
            Ok((status, body)) => {
                let region = &id.region;
                read(
                    status,
                    &body,
                    Asked { region, system: asking.prompt.system, attempts: attempt },
                )
            }
            Err(lost) => Reply::without_provider(lost.ending(&self.base, attempt)),
        };
        let duration_ms = view::milliseconds(begun, clock::now());
        let status = reply.ending.status();
        let code = reply.ending.failure().map(|failure| failure.code.to_string());
        info!(execution_id = %id, attempt, duration_ms, ?status, code, "inference call ends");
        reply
    }

    async fn send(
        &self,
        id: &ExecutionId,
        request: &InferenceRequest,
        attempt: u32,
        begun: Timestamp,
    ) -> Result<(u16, Vec<u8>), Lost> {
        let budget_ms = i64::try_from(self.budget.as_millis()).unwrap_or(i64::MAX);
        let deadline_ms = begun.as_millisecond().saturating_add(budget_ms);
        let sent = self
            .client
            .post(format!("{}/inference", self.base))
            .header(DEADLINE_HEADER, deadline_ms)
            .header(IDEMPOTENCY_HEADER, format!("{id}:{attempt}"))
            .header(TRACE_HEADER, id.to_string())
            .timeout(self.wait)
            .json(request)
            .send();
        let response = sent.await.map_err(Lost::Request)?;
        let status = response.status().as_u16();
        match read_body(response, MAX_BODY).await {
            Ok(body) => Ok((status, body)),
            Err(BodyError::TooLarge { limit }) => Err(Lost::TooLarge { limit }),
            Err(BodyError::Broken(error)) => Err(Lost::Request(error)),
        }
    }
}

/// A call without a whole answer.
enum Lost {
    Request(reqwest::Error),
    TooLarge { limit: usize },
}

impl Lost {
    fn ending(self, base: &str, attempts: u32) -> Ending {
        let failure = |stage, code, message: String, billed| Failure {
            stage,
            code,
            message: Failure::message(message),
            retryable: true,
            maybe_billed: billed,
            provider_id: None,
            http_status: None,
            attempts,
        };
        match self {
            Self::Request(error) if error.is_connect() => Ending::Failed(failure(
                Stage::RouterConnect,
                FailureCode::RouterUnreachable,
                format!("no connection to the router at {base}: {}", chain(&error.without_url())),
                false,
            )),
            Self::Request(error) if error.is_timeout() => Ending::TimedOut(failure(
                Stage::RouterHttpTimeout,
                FailureCode::RouterTimeout,
                format!("the router at {base} did not answer in time"),
                true,
            )),
            Self::Request(error) => Ending::Failed(failure(
                Stage::RouterNetwork,
                FailureCode::RouterConnectionLost,
                format!("the connection to the router was lost: {}", chain(&error.without_url())),
                true,
            )),
            Self::TooLarge { limit } => Ending::Failed(Failure {
                retryable: false,
                ..failure(
                    Stage::RouterResponseParse,
                    FailureCode::ResponseTooLarge,
                    format!("the router's answer has more than {limit} bytes"),
                    true,
                )
            }),
        }
    }
}
