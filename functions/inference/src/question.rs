//! One receive of a question: in through the gate, every missing pair asked and stored, and out.

use std::collections::BTreeMap;

use beacon_aws::{LaneUpdate, Received, ResultWrite, TableError, chain, clock};
use beacon_core::execution::{Counted, Ending, ExecutionRow, ExecutionStatus};
use beacon_core::failure::{Failure, FailureCode, Stage};
use beacon_core::lane::{
    Finished, GateRejection, Lane, LaneState, Ticket, enter, finish, finish_refused, gate,
    rejected, take_over,
};
use beacon_core::message::QuestionMessage;
use beacon_core::reply::Reply;
use beacon_core::{ExecutionId, ModelId, Nonce, Sample};
use futures_util::FutureExt;
use futures_util::future::join_all;
use thiserror::Error;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::Inference;
use crate::call::Asking;
use crate::fence::Fence;

/// Why a question was left to whoever receives its message next.
#[derive(Debug, Error)]
pub(crate) enum WorkError {
    /// Another holder has the lane, or this one could not make sure that none has.
    #[error("the lane was lost")]
    Lost,
    /// The table did not answer.
    #[error("the table cannot be used")]
    Table(#[from] TableError),
}

/// A worker that is in.
struct Entered {
    lane: Lane,
    check_rows: bool,
    wait: Option<std::time::Duration>,
    /// Before the request that let it in was sent.
    since: Instant,
}

/// What the gate came to.
enum Gated {
    In(Box<Entered>),
    Done(Finished),
}

/// Gates after which a lane that changes hands all the time is left to the queue.
const GATES: usize = 5;

impl Inference {
    pub(crate) async fn ask_question(
        &self,
        received: &Received<QuestionMessage>,
    ) -> Result<Finished, WorkError> {
        let message = &received.body;
        let ticket = self.ticket(received);
        let lost = CancellationToken::new();
        let work = async {
            match self.enter_lane(message, &ticket).await? {
                Gated::Done(finished) => Ok(finished),
                Gated::In(entered) => self.work(message, &ticket, *entered, &lost).await,
            }
        };
        let hold = self.keep_hidden(received, &lost);
        tokio::select! {
            done = work => done,
            never = hold => match never {},
        }
    }

    fn ticket(&self, received: &Received<QuestionMessage>) -> Ticket {
        let now = clock::now().as_millisecond();
        let waited = received.sent_ms.map_or(0, |sent| now - sent);
        Ticket {
            run: received.body.run,
            position: received.body.position,
            nonce: fresh_nonce(),
            boot: self.boot.clone(),
            waited_ms: u64::try_from(waited).unwrap_or(0),
        }
    }

    async fn enter_lane(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
    ) -> Result<Gated, WorkError> {
        let QuestionMessage { job_id, run, lane, position, .. } = message;
        let mut write = gate(ticket, clock::now());
        for _gate in 0..GATES {
            let since = Instant::now();
            let seen = match self.table.write_lane(job_id, lane, &write).await? {
                LaneUpdate::Applied(before) => {
                    let entry = enter(ticket, &before);
                    let (wait, check_rows) = (entry.wait, entry.check_rows);
                    let lane = write.change.apply(before);
                    return Ok(Gated::In(Box::new(Entered { lane, check_rows, wait, since })));
                }
                LaneUpdate::Refused(seen) => seen,
            };
            write = match rejected(ticket, seen.as_ref()) {
                GateRejection::OtherRun | GateRejection::Passed => {
                    return Ok(Gated::Done(Finished::Acknowledge));
                }
                GateRejection::PredecessorLost => {
                    warn!(%job_id, %run, %lane, %position, "the question before this one is lost");
                    return Ok(Gated::Done(Finished::Acknowledge));
                }
                GateRejection::Closed => return Ok(Gated::Done(Finished::Complete)),
                GateRejection::Held(holder) => {
                    warn!(%job_id, %run, %lane, %position, holder = %holder.nonce, "taking over");
                    take_over(ticket, &holder, clock::now())
                }
                GateRejection::Free => gate(ticket, clock::now()),
            };
        }
        Err(WorkError::Lost)
    }

    async fn work(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        entered: Entered,
        lost: &CancellationToken,
    ) -> Result<Finished, WorkError> {
        let fence = Fence { table: &self.table, message, nonce: &ticket.nonce, lost };
        let work = self.ask_missing(message, ticket, &entered, lost);
        tokio::select! {
            done = work => done,
            never = fence.watch(entered.since) => match never {},
        }
    }

    async fn ask_missing(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        entered: &Entered,
        lost: &CancellationToken,
    ) -> Result<Finished, WorkError> {
        if let Some(wait) = entered.wait {
            tokio::select! {
                () = sleep(wait) => {}
                () = lost.cancelled() => return Err(WorkError::Lost),
            }
        }
        let stored = self.stored_rows(message, ticket, entered).await?;
        let prompt = message.prompt();
        let asking = Asking { message, prompt, sha256: prompt.sha256(), ticket };
        let pairs = pairs(message).map(|(model, sample)| {
            let stored = stored.get(&(model.clone(), sample)).copied();
            let asking = &asking;
            async move {
                match stored {
                    Some(row) => Ok(row),
                    None => self.ask_pair(asking, &model, sample, lost).await,
                }
            }
        });
        // Every pair runs to its end, so that the answers that are there are stored even when
        // another pair's write failed.
        let rows = join_all(pairs).await.into_iter().collect::<Result<Vec<_>, WorkError>>()?;
        self.finish(message, ticket, &entered.lane, &rows).await
    }

    /// The rows that stand already, where there may be any.
    async fn stored_rows(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        entered: &Entered,
    ) -> Result<BTreeMap<(ModelId, Sample), Counted>, WorkError> {
        if !entered.check_rows {
            return Ok(BTreeMap::new());
        }
        let QuestionMessage { job_id, lane, question, .. } = message;
        let seen = self.table.lane(job_id, lane).await?;
        let holder = seen.and_then(|lane| lane.holder).map(|holder| holder.nonce);
        if holder.as_ref() != Some(&ticket.nonce) {
            return Err(WorkError::Lost);
        }
        let mut rows = self.table.rows_of_question(job_id, &lane.region, *question).await?;
        // A row of an earlier run that is not completed counts as no row.
        rows.retain(|_, row| row.run == ticket.run || row.status == ExecutionStatus::Completed);
        Ok(rows)
    }

    async fn ask_pair(
        &self,
        asking: &Asking<'_>,
        model: &ModelId,
        sample: Sample,
        lost: &CancellationToken,
    ) -> Result<Counted, WorkError> {
        let id = ExecutionId {
            job: asking.message.job_id.clone(),
            question: asking.message.question,
            model: model.clone(),
            region: asking.message.lane.region.clone(),
            sample,
        };
        let call = caught(self.router.ask(asking, &id), || asking.panicked());
        let row = tokio::select! {
            row = call => row,
            () = lost.cancelled() => return Err(WorkError::Lost),
        };
        self.store(&id, &row).await
    }

    async fn store(&self, id: &ExecutionId, row: &ExecutionRow) -> Result<Counted, WorkError> {
        let write = self.table.put_result(id, row).await?;
        if let (ResultWrite::Dropped(there), Ending::Completed(_)) = (&write, &row.ending) {
            let (stored_run, stored) = (there.run, there.status);
            warn!(execution_id = %id, run = %row.run, holder = %row.holder, %stored_run, ?stored,
                "late result dropped");
        }
        Ok(write.counted())
    }

    async fn finish(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        held: &Lane,
        rows: &[Counted],
    ) -> Result<Finished, WorkError> {
        let write = finish(ticket, held, rows, clock::now());
        match self.table.write_lane(&message.job_id, &message.lane, &write).await? {
            LaneUpdate::Applied(before) => {
                let lane = write.change.apply(before);
                if lane.state == LaneState::Closed {
                    return Ok(Finished::Complete);
                }
                self.ask_for_next_page(message, lane.length).await;
                Ok(Finished::Acknowledge)
            }
            LaneUpdate::Refused(seen) => Ok(finish_refused(ticket, seen.as_ref())),
        }
    }

    /// A request that is lost costs time, not questions: the reconciler dispatches the lane anew.
    async fn ask_for_next_page(&self, message: &QuestionMessage, length: u32) {
        let Some(page) = message.next_page(length) else { return };
        if let Err(error) = self.queues.send_dispatch(&page).await {
            let (job_id, lane) = (&message.job_id, &message.lane);
            warn!(%job_id, %lane, error = chain(&error), "the next page was not asked for");
        }
    }
}

/// All pairs of a question: every model, every sample.
fn pairs(message: &QuestionMessage) -> impl Iterator<Item = (ModelId, Sample)> + '_ {
    let samples = message.samples;
    message
        .models
        .iter()
        .flat_map(move |model| (0..samples).map(move |sample| (model.clone(), Sample(sample))))
}

fn fresh_nonce() -> Nonce {
    let text = format!("{:032x}", rand::random::<u128>());
    #[expect(clippy::expect_used, reason = "32 hexadecimal digits are a nonce")]
    Nonce::new(text).expect("a nonce")
}

/// A panic in one pair is its own failure and leaves the others undisturbed.
async fn caught(
    call: impl Future<Output = ExecutionRow>,
    panicked: impl FnOnce() -> ExecutionRow,
) -> ExecutionRow {
    match std::panic::AssertUnwindSafe(call).catch_unwind().await {
        Ok(row) => row,
        // The panic hook has logged the message and the place.
        Err(_payload) => {
            error!(code = %FailureCode::WorkerPanic, "a pair's call panicked");
            panicked()
        }
    }
}

impl Asking<'_> {
    fn panicked(&self) -> ExecutionRow {
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
        let now = clock::now();
        self.row(Reply::without_provider(Ending::Failed(failure)), 0, now)
    }
}

#[cfg(test)]
mod tests;
