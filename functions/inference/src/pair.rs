//! One pair: asked, or left because its job ends, and its row stored.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use beacon_aws::{Calls, Lost, Request, ended_row};
use beacon_core::ExecutionId;
use beacon_core::bill::{Fate, call_key, fate};
use beacon_core::execution::{Ending, ExecutionRow, StoredRow};
use beacon_core::failure::{Failure, FailureCode, Stage};
use beacon_core::job::EndCause;
use beacon_core::lane::PairRow;
use beacon_core::reply::Reply;
use beacon_core::wire::{CallKey, CallView};
use futures_util::FutureExt;
use jiff::Timestamp;
use tracing::{error, info, warn};

use crate::call::{Asking, Behind, answer_of};
use crate::interrupt::Interrupt;
use crate::question::WorkError;
use crate::{Inference, Router};

/// How long the router is asked what became of a call.
pub(crate) const LOOK_UP: Duration = Duration::from_secs(1);

/// A call that is out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// Number of its key.
    pub(crate) key_number: u32,
    /// When it began.
    pub(crate) begun: Timestamp,
}

/// How far asking a pair has come, for whoever breaks it off.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<State>);

#[derive(Debug, Default, Clone, Copy)]
struct State {
    attempts: u32,
    out: Option<Sent>,
    behind: u32,
}

impl Progress {
    /// Requests sent to the router.
    pub(crate) fn attempts(&self) -> u32 {
        self.lock().attempts
    }

    /// The call that is out.
    fn out(&self) -> Option<Sent> {
        self.lock().out
    }

    /// One more attempt.
    pub(crate) fn attempt(&self, number: u32) {
        self.lock().attempts = number;
    }

    /// A call goes out, or is over.
    pub(crate) fn set_out(&self, sent: Option<Sent>) {
        self.lock().out = sent;
    }

    /// Calls of holders before that may be billed.
    pub(crate) fn set_behind(&self, count: u32) {
        self.lock().behind = count;
    }

    fn behind(&self) -> u32 {
        self.lock().behind
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inference {
    /// Asks a pair; `earlier` is its row of an earlier run.
    pub(crate) async fn ask_pair(
        &self,
        asking: &Asking<'_>,
        model: usize,
        id: &ExecutionId,
        earlier: Option<StoredRow>,
        interrupt: &Interrupt,
    ) -> Result<PairRow, WorkError> {
        let progress = Progress::default();
        let key_before = earlier.map_or(0, |row| row.key_number);
        let call = self.router.ask(asking, id, earlier, &progress);
        let call = caught(call, || asking.panicked(id, key_before, &progress));
        let row = tokio::select! {
            biased;
            () = interrupt.lost() => return Err(WorkError::Lost),
            cause = interrupt.ended() => {
                let left = self.router.leave(asking, id, key_before, cause, &progress);
                caught(left, || asking.panicked(id, key_before, &progress)).await
            }
            row = call => row,
        };
        let (counted, failed_writes) = self.store(&asking.message.question_id, id, &row).await?;
        let maybe_billed = row.maybe_billed;
        Ok(PairRow { model, counted, spared: false, failed_writes, maybe_billed })
    }
}

impl Router {
    /// The row of a pair whose job ends. Its call, if one was out, is stopped at the router; had it
    /// ended by then, its answer counts.
    async fn leave(
        &self,
        asking: &Asking<'_>,
        id: &ExecutionId,
        key_before: u32,
        cause: &EndCause,
        progress: &Progress,
    ) -> ExecutionRow {
        let Some(sent) = progress.out() else {
            let ExecutionId { job: job_id, region, model: model_id, .. } = id;
            info!(
                %job_id, %region, %model_id, question = %id.question, reason = %cause,
                "skipping model execution - context cancelled"
            );
            return self.leave_unasked(asking, id, key_before, cause, progress).await;
        };
        let attempts = progress.attempts();
        let key = call_key(id, sent.key_number);
        let request = Request::Stop { key: key.as_str() };
        let view = self.view(request).await;
        let view = view.unwrap_or_else(|lost| untold(id, &key, &lost));
        let answered = view.as_ref().and_then(|view| answer_of(asking, id, view, attempts));
        let reply = answered.unwrap_or_else(|| {
            let fate = view.as_ref().and_then(|view| fate(view, sent.begun));
            let maybe_billed = fate != Some(Fate::NotSent);
            let counted = view.map_or(0, |view| view.maybe_billed);
            let counted = counted.max(progress.behind() + u32::from(maybe_billed));
            Reply {
                // The row counts the last one itself.
                earlier_maybe_billed: counted.saturating_sub(maybe_billed.into()),
                ..Reply::without_provider(cause.ending(attempts, maybe_billed))
            }
        });
        asking.row(reply, attempts, sent.key_number, sent.begun)
    }

    /// The row of a pair that has no call out. Holders before may have called all the same; what
    /// they left is stopped and counted here, because the next run takes another key.
    async fn leave_unasked(
        &self,
        asking: &Asking<'_>,
        id: &ExecutionId,
        key_before: u32,
        cause: &EndCause,
        progress: &Progress,
    ) -> ExecutionRow {
        let attempts = progress.attempts();
        let billed = match asking.behind {
            Some(Behind { since, holders }) if attempts == 0 => {
                let calls = Calls { link: self.link.as_ref(), since, holders };
                calls.stop(id, key_before + 1).await
            }
            Some(_) => progress.behind(),
            None => 0,
        };
        let (ending, now) = (cause.ending(attempts, false), asking.clock.now());
        let row = ended_row(asking.message, asking.ticket, &ending, key_before, billed, now);
        ExecutionRow { attempts: row.attempts.max(attempts), ..row }
    }

    /// What the router tells of a call: none where it answers, but tells nothing, as a router does
    /// that knows no keys.
    pub(crate) async fn view(&self, request: Request<'_>) -> Result<Option<CallView>, Lost> {
        let answer = self.link.send(request, LOOK_UP).await?;
        Ok(serde_json::from_slice(&answer.body).ok())
    }
}

/// The router did not tell what became of a call.
pub(crate) fn untold(id: &ExecutionId, key: &CallKey, lost: &Lost) -> Option<CallView> {
    warn!(execution_id = %id, %key, reason = ?lost, "what became of a call was not told");
    None
}

/// A panic in one pair is its own failure and leaves the others undisturbed.
pub(crate) async fn caught(
    call: impl Future<Output = ExecutionRow>,
    panicked: impl FnOnce() -> ExecutionRow,
) -> ExecutionRow {
    match std::panic::AssertUnwindSafe(call).catch_unwind().await {
        Ok(row) => row,
        // The panic hook has logged the message and the place.
        Err(_payload) => panicked(),
    }
}

impl Asking<'_> {
    pub(crate) fn panicked(
        &self,
        id: &ExecutionId,
        key_before: u32,
        progress: &Progress,
    ) -> ExecutionRow {
        let ExecutionId { job: job_id, region, model: model_id, .. } = id;
        error!(
            %job_id, run = %self.ticket.run, %region, %model_id,
            question_id = %self.message.question_id, holder = %self.ticket.nonce,
            execution_id = %id, code = %FailureCode::WorkerPanic,
            "a pair's call panicked"
        );
        let failure = Failure {
            stage: Stage::Worker,
            code: FailureCode::WorkerPanic,
            message: "the worker's own code failed on this pair; its log has the place".to_owned(),
            retryable: true,
            maybe_billed: true,
            provider_id: None,
            http_status: None,
            attempts: 0,
        };
        let reply = Reply {
            earlier_maybe_billed: progress.behind(),
            ..Reply::without_provider(Ending::Failed(failure))
        };
        self.row(reply, 0, key_before + 1, self.clock.now())
    }
}

#[cfg(test)]
mod tests;
