//! One receive of a question: in through the gate, every missing pair asked and stored, and out.

use std::collections::BTreeMap;

use beacon_aws::{LaneUpdate, Received, TableError, chain};
use beacon_core::execution::{Counted, Ending, ExecutionRow, ExecutionStatus};
use beacon_core::failure::{Failure, FailureCode, Stage};
use beacon_core::lane::{
    Entry, Finished, GateRejection, Lane, LaneState, PairRow, Ticket, enter, finish,
    finish_refused, gate, rejected, take_over,
};
use beacon_core::message::QuestionMessage;
use beacon_core::reply::Reply;
use beacon_core::{ExecutionId, ModelId, Nonce, Sample, time_budget};
use futures_util::FutureExt;
use futures_util::future::join_all;
use jiff::Timestamp;
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
    entry: Entry,
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
        // Biased, here and below: what may stop a call is looked at before the call goes on.
        tokio::select! {
            biased;
            never = self.keep_hidden(received, &lost) => match never {},
            done = work => done,
        }
    }

    fn ticket(&self, received: &Received<QuestionMessage>) -> Ticket {
        let sent_ms = received.sent_ms;
        Ticket {
            run: received.body.run,
            position: received.body.position,
            nonce: fresh_nonce(),
            boot: self.boot.clone(),
            sent_at: sent_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            received_at: self.clock.now(),
        }
    }

    async fn enter_lane(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
    ) -> Result<Gated, WorkError> {
        let QuestionMessage { job_id, run, lane, position, .. } = message;
        let mut write = gate(ticket, self.clock.now());
        let mut holders = Vec::new();
        for _gate in 0..GATES {
            let since = Instant::now();
            let seen = match self.table.write_lane(job_id, lane, &write).await? {
                LaneUpdate::Applied(before) => {
                    let entry = enter(ticket, &before, &holders);
                    let lane = write.change.apply(before);
                    return Ok(Gated::In(Box::new(Entered { lane, entry, since })));
                }
                LaneUpdate::Refused(seen) => seen,
            };
            write = match rejected(ticket, seen.as_ref()) {
                GateRejection::OtherRun => return Ok(Gated::Done(Finished::Acknowledge)),
                GateRejection::Passed => {
                    self.make_up_for_lost_page(message, seen.as_ref()).await;
                    return Ok(Gated::Done(Finished::Acknowledge));
                }
                GateRejection::PredecessorLost => {
                    warn!(%job_id, %run, %lane, %position, "the question before this one is lost");
                    return Ok(Gated::Done(Finished::Acknowledge));
                }
                GateRejection::Closed => return Ok(Gated::Done(Finished::Complete)),
                GateRejection::Held(holder) => {
                    let previous_holder = &holder.nonce;
                    warn!(
                        %job_id, %run, %lane, %position, holder = %ticket.nonce, %previous_holder,
                        "taking over"
                    );
                    let write = take_over(ticket, &holder, self.clock.now());
                    holders.push(holder);
                    write
                }
                GateRejection::Free => gate(ticket, self.clock.now()),
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
        // A gate that took long proves little about who holds the lane now.
        let held = if entered.since.elapsed() < time_budget::LOOK {
            entered.since
        } else {
            fence.look(Instant::now() + time_budget::FENCE).await.ok_or(WorkError::Lost)?
        };
        tokio::select! {
            biased;
            never = fence.watch(held) => match never {},
            done = self.ask_missing(message, ticket, &entered, lost) => done,
        }
    }

    async fn ask_missing(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        entered: &Entered,
        lost: &CancellationToken,
    ) -> Result<Finished, WorkError> {
        if let Some(wait) = entered.entry.wait {
            tokio::select! {
                biased;
                () = lost.cancelled() => return Err(WorkError::Lost),
                () = sleep(wait) => {}
            }
        }
        let stored = self.stored_rows(message, ticket, entered).await?;
        let prompt = message.prompt();
        let asking = Asking { message, prompt, sha256: prompt.sha256(), ticket, clock: self.clock };
        let samples = usize::from(message.samples).max(1);
        let pairs = pairs(message).enumerate().map(|(index, (model, sample))| {
            let stored = stored.get(&(model.clone(), sample)).copied();
            let (asking, index) = (&asking, index / samples);
            async move {
                let (counted, failed_writes) = match stored {
                    Some(row) => (row, 0),
                    None => self.ask_pair(asking, &model, sample, lost).await?,
                };
                let spared = stored.is_some();
                Ok(PairRow { model: index, counted, spared, failed_writes })
            }
        });
        // Every pair runs to its end, so that the answers that are there are stored even when
        // another pair's write failed.
        let rows = join_all(pairs).await.into_iter().collect::<Result<Vec<_>, WorkError>>()?;
        self.finish(message, ticket, entered, &rows).await
    }

    /// The rows that stand already, where there may be any.
    async fn stored_rows(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        entered: &Entered,
    ) -> Result<BTreeMap<(ModelId, Sample), Counted>, WorkError> {
        if !entered.entry.check_rows {
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
    ) -> Result<(Counted, u32), WorkError> {
        let id = ExecutionId {
            job: asking.message.job_id.clone(),
            question: asking.message.question,
            model: model.clone(),
            region: asking.message.lane.region.clone(),
            sample,
        };
        let call = caught(self.router.ask(asking, &id), || asking.panicked(&id));
        let row = tokio::select! {
            biased;
            () = lost.cancelled() => return Err(WorkError::Lost),
            row = call => row,
        };
        self.store(&asking.message.question_id, &id, &row).await
    }

    async fn finish(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        entered: &Entered,
        rows: &[PairRow],
    ) -> Result<Finished, WorkError> {
        let waited_ms = entered.entry.waited_ms;
        let write = finish(ticket, &entered.lane, waited_ms, rows, self.clock.now());
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

    /// The question was finished, by a worker that may have died before it asked for the page.
    async fn make_up_for_lost_page(&self, message: &QuestionMessage, seen: Option<&Lane>) {
        let current = seen.filter(|lane| lane.dispatch_number == message.dispatch_number);
        if let Some(lane) = current {
            self.ask_for_next_page(message, lane.length).await;
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
        Err(_payload) => panicked(),
    }
}

impl Asking<'_> {
    fn panicked(&self, id: &ExecutionId) -> ExecutionRow {
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
        let now = self.clock.now();
        self.row(Reply::without_provider(Ending::Failed(failure)), 0, now)
    }
}

#[cfg(test)]
mod tests;
