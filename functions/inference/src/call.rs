//! One pair's calls to the router, and the row that they become.

use std::time::Duration;

use beacon_aws::{Answer, Clock, Lost, Request, call_view};
use beacon_core::bill::{Fate, call_key, fate, remembers};
use beacon_core::execution::{Ending, ExecutionRow, StoredRow};
use beacon_core::failure::{Failure, Stage};
use beacon_core::job::EndCause;
use beacon_core::lane::Ticket;
use beacon_core::message::QuestionMessage;
use beacon_core::prompt::{Prompt, PromptHash};
use beacon_core::reply::{Asked, Reply, read};
use beacon_core::wire::{CallState, CallView, InferenceRequest, NOTHING_TO_JOIN};
use beacon_core::{ExecutionId, view};
use jiff::Timestamp;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::Router;
use crate::lost;
use crate::pair::{LOOK_UP, Progress, Sent, untold};

/// Attempts at a call that was not sent.
const ATTEMPTS: u32 = 3;
/// Before the second attempt; twice that before the third.
const PAUSE: Duration = Duration::from_millis(200);
/// The router ends a call half a second before its deadline, which is to be that of the call itself.
const PAST_DEADLINE: Duration = Duration::from_secs(1);
/// A call that ends sooner without having reached the router points at a wrong setting.
const SUSPICIOUSLY_FAST_MS: u64 = 100;

/// Holders of the question before this one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Behind {
    /// When the first of them came; none where that is not known.
    pub(crate) since: Option<Timestamp>,
    /// How many there were.
    pub(crate) holders: u32,
}

/// What is the same for all pairs of a question.
pub(crate) struct Asking<'a> {
    pub(crate) message: &'a QuestionMessage,
    pub(crate) prompt: Prompt<'a>,
    pub(crate) sha256: PromptHash,
    pub(crate) ticket: &'a Ticket,
    /// Others had the question before, and may have called with the keys of this run since then.
    pub(crate) behind: Option<Behind>,
    pub(crate) clock: Clock,
}

impl Asking<'_> {
    /// The row of a pair that ended now.
    pub(crate) fn row(
        &self,
        reply: Reply,
        attempts: u32,
        key_number: u32,
        started_at: Timestamp,
    ) -> ExecutionRow {
        // An answer that came and was not believed is charged for: with its cost, if that is known.
        let is_counted =
            |failure: &Failure| failure.stage == Stage::Verification && reply.cost.is_some();
        let failure = reply.ending.failure();
        let is_open = failure.is_some_and(|failure| failure.maybe_billed && !is_counted(failure));
        ExecutionRow {
            run: self.ticket.run,
            holder: self.ticket.nonce.clone(),
            ending: reply.ending,
            prompt_sha256: self.sha256.clone(),
            sampling: self.message.sampling.clone(),
            served: reply.served,
            attempts,
            key_number,
            maybe_billed: reply.earlier_maybe_billed + u32::from(is_open),
            cost: reply.cost,
            started_at,
            completed_at: self.clock.now(),
            provider_receipt: reply.provider_receipt,
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

/// How a call under a key ended.
enum Called {
    /// With an answer, or with a failure that is known.
    Ended(Reply),
    /// It certainly was not sent, and may be the next time.
    NotSent(Reply),
    /// The router still has it.
    Running(Reply),
}

impl Router {
    /// Asks until there is an answer or a failure. Only what certainly was not sent is sent again:
    /// the retries of an inference belong to the router.
    pub(crate) async fn ask(
        &self,
        asking: &Asking<'_>,
        id: &ExecutionId,
        earlier: Option<StoredRow>,
        progress: &Progress,
    ) -> ExecutionRow {
        let started_at = asking.clock.now();
        let mut key_number = earlier.map_or(1, |row| row.key_number + 1);
        if let Some(row) = earlier.filter(|row| row.is_open) {
            // What became of it in the meantime costs no call.
            let view = self.look(id, row.key_number).await;
            let answer = view.as_ref().and_then(|view| answer_of(asking, id, view, 0));
            match answer.filter(|reply| matches!(reply.ending, Ending::Completed(_))) {
                Some(reply) => return asking.row(reply, 0, row.key_number, started_at),
                None if view.is_some_and(|view| view.state == CallState::Running) => {
                    key_number = row.key_number;
                }
                None => {}
            }
        }
        let earlier_maybe_billed = self.left_behind(asking, id, key_number).await;
        progress.set_behind(earlier_maybe_billed);
        let request = asking.request(id);
        let mut attempt = 1;
        let mut reply = loop {
            if asking.clock.now() >= asking.message.deadline {
                let ending = EndCause::Deadline.ending(attempt - 1, false);
                break self.give_up(asking, id, Reply::without_provider(ending), progress).await;
            }
            progress.attempt(attempt);
            match self.call(asking, id, &request, key_number, progress).await {
                Called::Ended(reply) => break reply,
                Called::NotSent(reply) | Called::Running(reply) if attempt == ATTEMPTS => {
                    break self.give_up(asking, id, reply, progress).await;
                }
                Called::NotSent(_) => sleep(PAUSE * attempt).await,
                // Its answer is waited for under the same key.
                Called::Running(_) => {}
            }
            attempt += 1;
        };
        reply.earlier_maybe_billed = reply.earlier_maybe_billed.max(earlier_maybe_billed);
        let attempts = progress.attempts();
        asking.row(reply, attempts, key_number, started_at)
    }

    /// Nothing more is sent: a call that the router still has is stopped.
    async fn give_up(
        &self,
        asking: &Asking<'_>,
        id: &ExecutionId,
        reply: Reply,
        progress: &Progress,
    ) -> Reply {
        match progress.out() {
            Some(sent) => self.stop(asking, id, sent, reply.ending, progress).await,
            None => reply,
        }
    }

    async fn call(
        &self,
        asking: &Asking<'_>,
        id: &ExecutionId,
        request: &InferenceRequest,
        key_number: u32,
        progress: &Progress,
    ) -> Called {
        // The deadline counts from here: a call that waits for its turn is not late.
        let _slot = self.slots.acquire().await;
        let attempt = progress.attempts();
        let begun = asking.clock.now();
        // One that the router still has began before.
        let before = progress.out();
        let sent = before.unwrap_or(Sent { key_number, begun });
        progress.set_out(Some(sent));
        self.tell_begin(asking, id, attempt, request.prompt.len());
        let mut dropped = Dropped { id: Some(id), attempt, begun, clock: asking.clock };
        let budget_ms = milliseconds(self.budget);
        let deadline = begun.as_millisecond().saturating_add_unsigned(budget_ms);
        let deadline = Timestamp::from_millisecond(deadline).unwrap_or(Timestamp::MAX);
        // At the job's deadline the worker breaks the call off and says so.
        let of_job = asking.message.deadline.saturating_add(PAST_DEADLINE);
        let of_job = of_job.unwrap_or(Timestamp::MAX);
        let (key, trace) = (call_key(id, key_number), id.to_string());
        let ask = Request::Ask {
            key: key.as_str(),
            trace: &trace,
            deadline: deadline.min(of_job),
            // What it wants to join may have been given up since: that may be billed.
            joins: before.is_some(),
            body: request,
        };
        let answer = self.link.send(ask, self.wait).await;
        dropped.id = None;
        // One that did not leave says nothing of the call before, which then is out still.
        let left_out = before.filter(|_| matches!(answer, Err(Lost::Unsent(..))));
        let called = match answer {
            Ok(Answer { status: NOTHING_TO_JOIN, .. }) if before.is_some() => {
                let lost = Lost::Broken("the router gave up the call that was out".to_owned());
                self.resolve(asking, id, lost, attempt, sent, before).await
            }
            Ok(Answer { status, body }) => {
                let (region, system) = (&id.region, asking.prompt.system);
                Called::Ended(read(status, &body, Asked { region, system, attempts: attempt }))
            }
            Err(lost) => self.resolve(asking, id, lost, attempt, sent, before).await,
        };
        match &called {
            Called::Ended(_) => progress.set_out(None),
            Called::NotSent(_) => progress.set_out(left_out),
            Called::Running(_) => {}
        }
        tell_end(asking, id, attempt, begun, called.reply());
        called
    }

    /// What became of a call whose answer did not arrive; the router may still have one from before.
    async fn resolve(
        &self,
        asking: &Asking<'_>,
        id: &ExecutionId,
        lost: Lost,
        attempt: u32,
        sent: Sent,
        before: Option<Sent>,
    ) -> Called {
        // That this one did not leave says nothing of the one before.
        let (known, goes_on) = match &lost {
            Lost::Unsent(..) => (true, before.is_some()),
            Lost::TooLarge { .. } => (true, false),
            Lost::Silent | Lost::Unfinished | Lost::Broken(_) => (false, false),
        };
        let mut reply = Reply::without_provider(lost::ending(lost, &self.base, attempt));
        if known {
            let again = reply.ending.failure().is_some_and(Failure::may_be_sent_again);
            return if again || goes_on { Called::NotSent(reply) } else { Called::Ended(reply) };
        }
        let Some(view) = self.look(id, sent.key_number).await else { return Called::Ended(reply) };
        if let Some(answer) = answer_of(asking, id, &view, attempt) {
            return Called::Ended(answer);
        }
        match fate(&view, sent.begun) {
            None => Called::Running(reply),
            Some(Fate::NotSent) => {
                reply.ending = reply.ending.billed(false);
                Called::NotSent(reply)
            }
            Some(Fate::GivenUp) => {
                // The row counts this one itself.
                reply.earlier_maybe_billed = view.maybe_billed.saturating_sub(1);
                Called::Ended(reply)
            }
            Some(Fate::Unknown | Fate::Forgotten | Fate::Answered) => Called::Ended(reply),
        }
    }

    /// Asks the router what became of a call, more than once where it does not tell.
    async fn look(&self, id: &ExecutionId, key_number: u32) -> Option<CallView> {
        let key = call_key(id, key_number);
        let mut attempt = 1;
        loop {
            let look = Request::Look { key: key.as_str() };
            match call_view(&*self.link, look, LOOK_UP).await {
                Ok(view) => return view,
                Err(lost) if attempt == ATTEMPTS => return untold(id, &key, &lost),
                Err(_again) => sleep(PAUSE * attempt).await,
            }
            attempt += 1;
        }
    }

    /// Calls of the holder before under this key that may be billed, those included whose fate
    /// nobody knows.
    async fn left_behind(&self, asking: &Asking<'_>, id: &ExecutionId, key_number: u32) -> u32 {
        let Some(Behind { since, holders }) = asking.behind else { return 0 };
        let Some(view) = self.look(id, key_number).await else { return holders };
        let unknown = !remembers(&view, since.unwrap_or(Timestamp::MIN));
        if unknown { holders.max(view.maybe_billed) } else { view.maybe_billed }
    }

    fn tell_begin(&self, asking: &Asking<'_>, id: &ExecutionId, attempt: u32, prompt_len: usize) {
        let ExecutionId { job: job_id, region, model: model_id, .. } = id;
        let (question_id, ticket) = (&asking.message.question_id, asking.ticket);
        info!(
            %job_id, run = %ticket.run, %region, %model_id, %question_id, holder = %ticket.nonce,
            execution_id = %id, attempt, url = format!("{}/inference", self.base),
            timeout_ms = milliseconds(self.wait), prompt_len,
            "inference call begins"
        );
    }
}

/// The answer that the router has kept for a call.
pub(crate) fn answer_of(
    asking: &Asking<'_>,
    id: &ExecutionId,
    view: &CallView,
    attempts: u32,
) -> Option<Reply> {
    let body = serde_json::to_vec(view.response.as_ref()?).ok()?;
    let (region, system) = (&id.region, asking.prompt.system);
    Some(read(200, &body, Asked { region, system, attempts }))
}

impl Called {
    fn reply(&self) -> &Reply {
        match self {
            Self::Ended(reply) | Self::NotSent(reply) | Self::Running(reply) => reply,
        }
    }
}

fn tell_end(asking: &Asking<'_>, id: &ExecutionId, attempt: u32, begun: Timestamp, reply: &Reply) {
    let ExecutionId { job: job_id, region, model: model_id, .. } = id;
    let (question_id, ticket) = (&asking.message.question_id, asking.ticket);
    let duration_ms = view::milliseconds(begun, asking.clock.now());
    let failure = reply.ending.failure();
    info!(
        %job_id, run = %ticket.run, %region, %model_id, %question_id, holder = %ticket.nonce,
        execution_id = %id, attempt, duration_ms, status = %reply.ending.status(),
        code = failure.map(|failure| tracing::field::display(&failure.code)),
        output_len = reply.ending.response_bytes(),
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
