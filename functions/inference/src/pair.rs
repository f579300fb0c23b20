//! One pair: asked, or left because its job ends, and its row stored.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use beacon_aws::{Calls, Lost, Request, call_view, ended_row};
use beacon_core::ExecutionId;
use beacon_core::bill::{Fate, call_key, fate};
use beacon_core::execution::{Ending, ExecutionRow, StoredRow};
use beacon_core::failure::{Failure, FailureCode, Stage};
use beacon_core::job::EndCause;
use beacon_core::lane::PairRow;
use beacon_core::reply::Reply;
use beacon_core::wire::{CallKey, CallView};
use beacon_evidence::SOFTWARE;
use beacon_evidence::receipt::{Put, sealed};
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

    /// The call that is out, or that the router still has.
    pub(crate) fn out(&self) -> Option<Sent> {
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
        let call = self.router.ask(asking, id, earlier, &progress);
        let call = caught(call, || asking.panicked(id, earlier, &progress));
        let row = tokio::select! {
            biased;
            () = interrupt.lost() => return Err(WorkError::Lost),
            cause = interrupt.ended() => {
                let left = self.router.leave(asking, id, earlier, cause, &progress);
                caught(left, || asking.panicked(id, earlier, &progress)).await
            }
            row = call => row,
        };
        let (question_id, variant) = (&asking.message.question_id, &asking.message.variant);
        let put = Put { question_id, variant };
        let row = async { sealed(id, put, row, SOFTWARE, self.signer.key()) };
        let row = caught(row, || asking.panicked(id, earlier, &progress)).await;
        let (stored, failed_writes) = self.store(question_id, id, &row).await?;
        let bound = asking.message.bound(model);
        Ok(PairRow { failed_writes, ..PairRow::of(model, &stored, asking.ticket.run, bound) })
    }
}

impl Router {
    /// The row of a pair whose job ends. Its call, if one was out, is stopped at the router; had it
    /// ended by then, its answer counts.
    async fn leave(
        &self,
        asking: &Asking<'_>,
        id: &ExecutionId,
        earlier: Option<StoredRow>,
        cause: &EndCause,
        progress: &Progress,
    ) -> ExecutionRow {
        let attempts = progress.attempts();
        let ending = cause.ending(attempts, false);
        if let Some(sent) = progress.out() {
            let reply = self.stop(asking, id, sent, ending, progress).await;
            return asking.row(reply, attempts, sent.key_number, sent.begun);
        }
        let ExecutionId { job: job_id, region, model: model_id, .. } = id;
        info!(
            %job_id, %region, %model_id, question = %id.question, reason = %cause,
            "skipping model execution - context cancelled"
        );
        let stopped = self.stop_behind(asking, id, earlier, progress).await;
        let now = asking.clock.now();
        let row = ended_row(asking.message, asking.ticket, &ending, earlier, stopped, now);
        let ending = row.ending.after(attempts.max(row.attempts));
        ExecutionRow { attempts: attempts.max(row.attempts), ending, ..row }
    }

    /// Stops a call that is out, or that the router still has. Had it ended by then, its answer is
    /// the reply; if not, this ending is.
    pub(crate) async fn stop(
        &self,
        asking: &Asking<'_>,
        id: &ExecutionId,
        sent: Sent,
        ending: Ending,
        progress: &Progress,
    ) -> Reply {
        let key = call_key(id, sent.key_number);
        let view = call_view(&*self.link, Request::Stop { key: key.as_str() }, LOOK_UP).await;
        let view = view.unwrap_or_else(|lost| untold(id, &key, &lost));
        let attempts = progress.attempts();
        let answered = view.as_ref().and_then(|view| answer_of(asking, id, view, attempts));
        answered.unwrap_or_else(|| {
            let fate = view.as_ref().and_then(|view| fate(view, sent.begun));
            let maybe_billed = fate != Some(Fate::NotSent);
            let counted = view.map_or(0, |view| view.maybe_billed);
            let counted = counted.max(progress.behind() + u32::from(maybe_billed));
            Reply {
                // The row counts the last one itself.
                earlier_maybe_billed: counted.saturating_sub(maybe_billed.into()),
                ..Reply::without_provider(ending.billed(maybe_billed))
            }
        })
    }

    /// Stops what holders before may have called with the key that this one would have taken. How
    /// many of those calls may be billed; none where there were no such holders.
    async fn stop_behind(
        &self,
        asking: &Asking<'_>,
        id: &ExecutionId,
        earlier: Option<StoredRow>,
        progress: &Progress,
    ) -> Option<u32> {
        let Behind { since, holders } = asking.behind?;
        if progress.attempts() > 0 {
            return Some(progress.behind());
        }
        let calls = Calls { link: self.link.as_ref(), since, holders };
        Some(calls.stop(id, earlier.map_or(0, |row| row.key_number) + 1).await)
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
        earlier: Option<StoredRow>,
        progress: &Progress,
    ) -> ExecutionRow {
        let ExecutionId { job: job_id, region, model: model_id, .. } = id;
        error!(
            %job_id, run = %self.ticket.run, %region, %model_id,
            question_id = %self.message.question_id, holder = %self.ticket.nonce,
            execution_id = %id, code = %FailureCode::WorkerPanic,
            "a pair's call panicked"
        );
        let attempts = progress.attempts();
        let failure = Failure {
            stage: Stage::Worker,
            code: FailureCode::WorkerPanic,
            message: "the worker's own code failed on this pair; its log has the place".to_owned(),
            retryable: true,
            maybe_billed: true,
            provider_id: None,
            http_status: None,
            attempts,
        };
        let reply = Reply {
            earlier_maybe_billed: progress.behind(),
            ..Reply::without_provider(Ending::Failed(failure))
        };
        let next_key = earlier.map_or(0, |row| row.key_number) + 1;
        let key_number = progress.out().map_or(next_key, |sent| sent.key_number);
        self.row(reply, attempts, key_number, self.clock.now())
    }
}

#[cfg(test)]
mod tests;
