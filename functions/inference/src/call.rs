//! One pair's call to the router, and the row that it becomes.

use std::time::Duration;

use beacon_aws::Clock;
use beacon_core::execution::{Ending, ExecutionRow};
use beacon_core::failure::{Failure, Stage};
use beacon_core::lane::Ticket;
use beacon_core::message::QuestionMessage;
use beacon_core::prompt::{Prompt, PromptHash};
use beacon_core::reply::{Asked, Reply, read};
use beacon_core::wire::InferenceRequest;
use beacon_core::{ExecutionId, view};
use jiff::Timestamp;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::Router;
use crate::link::{Answer, Request};

/// Attempts at a call that was not sent.
const ATTEMPTS: u32 = 3;
/// The number in every key. Only a known failure makes another call; what was not sent is still the
/// same one, and under another key its answer, had another worker got as far, would be paid twice.
const CALL: u32 = 1;
/// Before the second attempt; twice that before the third.
const PAUSE: Duration = Duration::from_millis(200);
/// A call that ends sooner without having reached the router points at a wrong setting.
const SUSPICIOUSLY_FAST_MS: u64 = 100;

/// What is the same for all pairs of a question.
pub(crate) struct Asking<'a> {
    pub(crate) message: &'a QuestionMessage,
    pub(crate) prompt: Prompt<'a>,
    pub(crate) sha256: PromptHash,
    pub(crate) ticket: &'a Ticket,
    pub(crate) clock: Clock,
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
            completed_at: self.clock.now(),
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
        let started_at = asking.clock.now();
        let mut attempt = 1;
        let reply = loop {
            let reply = self.call(asking, id, &request, attempt).await;
            let again = reply.ending.failure().is_some_and(Failure::may_be_sent_again);
            if !again || attempt == ATTEMPTS {
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
        let begun = asking.clock.now();
        let ExecutionId { job: job_id, region, model: model_id, .. } = id;
        let (question_id, ticket) = (&asking.message.question_id, asking.ticket);
        info!(
            %job_id, run = %ticket.run, %region, %model_id, %question_id, holder = %ticket.nonce,
            execution_id = %id, attempt, url = format!("{}/inference", self.base), timeout_ms = milliseconds(self.wait),
            prompt_len = request.prompt.len(),
            "inference call begins"
        );
        let mut dropped = Dropped { id: Some(id), attempt, begun, clock: asking.clock };
        let budget_ms = milliseconds(self.budget);
        let deadline = begun.as_millisecond().saturating_add_unsigned(budget_ms);
        let ask = Request::Ask {
            key: &format!("{id}:{CALL}"),
            trace: &id.to_string(),
            deadline: Timestamp::from_millisecond(deadline).unwrap_or(Timestamp::MAX),
            body: request,
        };
        let sent = self.link.send(ask, self.wait).await;
        dropped.id = None;
        let reply = match sent {
            Ok(Answer { status, body }) => {
                let system = asking.prompt.system;
                read(status, &body, Asked { region, system, attempts: attempt })
            }
            Err(lost) => Reply::without_provider(lost.ending(&self.base, attempt)),
        };
        let duration_ms = view::milliseconds(begun, asking.clock.now());
        let failure = reply.ending.failure();
        info!(
            %job_id, run = %ticket.run, %region, %model_id, %question_id, holder = %ticket.nonce,
            execution_id = %id, attempt, duration_ms, status = %reply.ending.status(),
            code = failure.map(|failure| tracing::field::display(&failure.code)),
            output_len = output_len(&reply.ending),
            "inference call ends"
        );
        let unsent = failure.filter(|failure| failure.stage == Stage::RouterConnect);
        if let Some(failure) = unsent.filter(|_| duration_ms < SUSPICIOUSLY_FAST_MS) {
            warn!(
                %job_id, run = %ticket.run, %region, %model_id, %question_id,
                holder = %ticket.nonce, execution_id = %id, attempt, duration_ms,
                code = %failure.code, reason = failure.message,
                "suspiciously fast failure"
            );
        }
        reply
    }
}

/// Tells of a call that nobody waits for any more; one that ends tells of itself.
struct Dropped<'a> {
    id: Option<&'a ExecutionId>,
    attempt: u32,
    begun: Timestamp,
    clock: Clock,
}

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let duration_ms = view::milliseconds(self.begun, self.clock.now());
        let ExecutionId { job: job_id, region, model: model_id, .. } = id;
        info!(
            %job_id, %region, %model_id, execution_id = %id, attempt = self.attempt, duration_ms,
            "inference call dropped"
        );
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Bytes of the text that came back.
fn output_len(ending: &Ending) -> Option<usize> {
    match ending {
        Ending::Completed(answer) => Some(answer.response.len()),
        Ending::Failed(_) | Ending::TimedOut(_) | Ending::Cancelled(_) => None,
    }
}
