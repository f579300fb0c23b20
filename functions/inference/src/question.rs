//! One receive of a question: in through the gate, every missing pair asked and stored, and out.

use beacon_aws::{Calls, LaneUpdate, Received, TableError, fresh_nonce};
use beacon_core::cloudwatch::{Figure, Reason};
use beacon_core::execution::{Ending, StoredRow};
use beacon_core::failure::{Failure, FailureCode, Stage};
use beacon_core::lane::{
    Entry, Finished, GateRejection, Holder, Lane, LaneState, LaneWrite, PairRow, Ticket, enter,
    gate, gave_up, rejected, take_over, take_over_marked,
};
use beacon_core::message::QuestionMessage;
use beacon_core::{ModelId, Sample, time_budget};
use futures_util::future::join_all;
use jiff::Timestamp;
use std::collections::BTreeMap;
use thiserror::Error;
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use crate::Inference;
use crate::call::{Asking, Behind};
use crate::fence::Fence;
use crate::interrupt::Interrupt;

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
pub(crate) struct Entered {
    /// The lane as the gate left it.
    pub(crate) lane: Lane,
    pub(crate) entry: Entry,
    /// Others held it before, and may have calls out whose keys are the ones of this run.
    pub(crate) behind: Option<Behind>,
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
        let mut ticket = self.ticket(received);
        let interrupt = Interrupt::default();
        let work = async {
            // Before anything is signed with it.
            self.table.make_known(&self.signer, self.clock.now()).await?;
            self.end_at_deadline(message).await?;
            self.end_at_cost_limit(message).await?;
            match self.enter_lane(message, &mut ticket).await? {
                Gated::Done(finished) => Ok(finished),
                Gated::In(entered) => {
                    Box::pin(self.work(message, &ticket, *entered, &interrupt)).await
                }
            }
        };
        // Biased, here and below: what may stop a call is looked at before the call goes on.
        tokio::select! {
            biased;
            never = self.keep_hidden(received, &interrupt) => match never {},
            done = work => done,
        }
    }

    fn ticket(&self, received: &Received<QuestionMessage>) -> Ticket {
        let sent_ms = received.sent_ms;
        Ticket {
            run: received.body.run,
            position: received.body.position,
            question: received.body.question,
            due: received.body.due,
            nonce: fresh_nonce(),
            boot: self.boot.clone(),
            sent_at: sent_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            received_at: self.clock.now(),
        }
    }

    async fn enter_lane(
        &self,
        message: &QuestionMessage,
        ticket: &mut Ticket,
    ) -> Result<Gated, WorkError> {
        let QuestionMessage { job_id, run, lane, position, .. } = message;
        let mut write = gate(ticket, self.clock.now());
        let mut holders = Vec::new();
        for _gate in 0..GATES {
            let since = Instant::now();
            let seen = match self.table.write_lane(job_id, lane, &write).await? {
                LaneUpdate::Applied(before) => {
                    return Ok(Gated::In(Box::new(entered(
                        ticket, &write, before, holders, since,
                    ))));
                }
                LaneUpdate::Refused(seen) => seen,
            };
            let rejection = rejected(ticket, seen.as_ref());
            let figure = Figure::GateRejections(Reason::from(&rejection));
            self.table.metrics().tell(&[figure], self.clock.now());
            write = match (rejection, seen) {
                (GateRejection::Passed, seen) => {
                    self.make_up_for_lost_page(message, seen.as_ref()).await;
                    return Ok(Gated::Done(Finished::Acknowledge));
                }
                (GateRejection::PredecessorLost, _) => {
                    warn!(%job_id, %run, %lane, %position, "the question before this one is lost");
                    return Ok(Gated::Done(Finished::Acknowledge));
                }
                (GateRejection::Closed, _) => return Ok(Gated::Done(Finished::Complete)),
                (GateRejection::Marked(_, Some(holder)), _) => {
                    let write = take_over_marked(ticket, fresh_nonce(), &holder, self.clock.now());
                    holders.push(holder);
                    write
                }
                (GateRejection::Marked(mark, None), Some(seen)) => {
                    let now = self.clock.now();
                    match self.table.close_lane(job_id, *run, &mark.cause, seen, now).await? {
                        LaneState::Closed => return Ok(Gated::Done(Finished::Complete)),
                        LaneState::Open => gate(ticket, now),
                    }
                }
                (GateRejection::Held(holder), Some(seen)) => {
                    let previous_holder = &holder.nonce;
                    warn!(
                        %job_id, %run, %lane, %position, holder = %ticket.nonce, %previous_holder,
                        "taking over"
                    );
                    let write = take_over(ticket, fresh_nonce(), &seen, &holder, self.clock.now());
                    holders.push(holder);
                    write
                }
                (GateRejection::Free, Some(_)) => gate(ticket, self.clock.now()),
                (
                    GateRejection::OtherRun
                    | GateRejection::ClosedBefore
                    | GateRejection::Marked(_, None)
                    | GateRejection::Held(_)
                    | GateRejection::Free,
                    _,
                ) => return Ok(Gated::Done(Finished::Acknowledge)),
            };
        }
        Err(WorkError::Lost)
    }

    async fn work(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        entered: Entered,
        interrupt: &Interrupt,
    ) -> Result<Finished, WorkError> {
        let fence = Fence { table: &self.table, message, nonce: &ticket.nonce, interrupt };
        // A gate that took long proves little about who holds the lane now.
        let held = if entered.since.elapsed() < time_budget::LOOK {
            entered.since
        } else {
            let until = Instant::now() + time_budget::FENCE;
            fence.look(until).await.ok_or(WorkError::Lost)?.started
        };
        tokio::select! {
            biased;
            never = fence.watch(held) => match never {},
            never = self.keep_deadline(message, interrupt) => match never {},
            done = self.answer(message, ticket, &entered, interrupt) => done,
        }
    }

    /// Sees to it that every pair of the question has its row, and finishes the question.
    async fn answer(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        entered: &Entered,
        interrupt: &Interrupt,
    ) -> Result<Finished, WorkError> {
        if let Some(wait) = entered.entry.wait {
            tokio::select! {
                biased;
                () = interrupt.lost() => return Err(WorkError::Lost),
                () = sleep(wait) => {}
            }
        }
        if let Some(mark) = &entered.lane.mark {
            let rows = self.leave(message, ticket, entered, &mark.cause.ending(1, true)).await?;
            return self.finish(message, ticket, entered, &rows, Some(&mark.cause)).await;
        }
        if gave_up(&entered.lane) {
            let QuestionMessage { job_id, run, lane, position, .. } = message;
            let (takeovers, code) = (entered.lane.takeovers, FailureCode::WorkerCrashed);
            error!(%job_id, %run, %lane, %position, takeovers, %code, "a question is given up");
            let ending = crashed(entered.lane.takeovers);
            let rows = self.leave(message, ticket, entered, &ending).await?;
            return self.finish(message, ticket, entered, &rows, None).await;
        }
        let rows = self.ask_missing(message, ticket, entered, interrupt).await?;
        let cause = interrupt.cause();
        if let Some(reason) = cause {
            let QuestionMessage { job_id, lane, position, .. } = message;
            info!(
                %job_id, region = %lane.region, question_num = position.0 + 1,
                completed_questions = entered.lane.cursor.0, %reason,
                "stopping region question queue - context cancelled"
            );
        }
        self.finish(message, ticket, entered, &rows, cause).await
    }

    /// The question's rows, the missing ones written with this ending.
    async fn leave(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        entered: &Entered,
        ending: &Ending,
    ) -> Result<Vec<PairRow>, WorkError> {
        self.verify_holder(message, ticket).await?;
        let behind = entered.behind.unwrap_or_default();
        let (since, holders) = (behind.since, behind.holders);
        let calls = Calls { link: self.router.link.as_ref(), since, holders };
        let now = self.clock.now();
        Ok(self.table.end_missing(message, ticket, ending, calls, now).await?)
    }

    async fn ask_missing(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        entered: &Entered,
        interrupt: &Interrupt,
    ) -> Result<Vec<PairRow>, WorkError> {
        let stored = self.stored_rows(message, ticket, entered).await?;
        let prompt = message.prompt();
        let (sha256, clock, behind) = (prompt.sha256(), self.clock, entered.behind);
        let asking = Asking { message, prompt, sha256, ticket, behind, clock };
        let pairs = message.pairs().map(|(model, id)| {
            let there = stored.get(&(id.model.clone(), id.sample)).copied();
            let asking = &asking;
            async move {
                let counts = |row: &StoredRow| row.counted.stands_in(ticket.run);
                match there {
                    Some(row) if counts(&row) => Ok(spared(message, model, &row, ticket)),
                    earlier => self.ask_pair(asking, model, &id, earlier, interrupt).await,
                }
            }
        });
        // Every pair runs to its end, so that the answers that are there are stored even when
        // another pair's write failed.
        join_all(pairs).await.into_iter().collect()
    }

    /// The rows that stand already, where there may be any.
    async fn stored_rows(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        entered: &Entered,
    ) -> Result<BTreeMap<(ModelId, Sample), StoredRow>, WorkError> {
        if !entered.entry.check_rows {
            return Ok(BTreeMap::new());
        }
        self.verify_holder(message, ticket).await?;
        let QuestionMessage { job_id, lane, question, .. } = message;
        Ok(self.table.rows_of_question(job_id, &lane.region, *question).await?)
    }

    async fn verify_holder(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
    ) -> Result<(), WorkError> {
        let QuestionMessage { job_id, lane, .. } = message;
        let mine = self.table.is_held_by(job_id, lane, &ticket.nonce).await?;
        if mine { Ok(()) } else { Err(WorkError::Lost) }
    }
}

fn entered(
    ticket: &Ticket,
    write: &LaneWrite,
    before: Lane,
    mut holders: Vec<Holder>,
    begun: Instant,
) -> Entered {
    let entry = enter(ticket, &before, &holders);
    holders.extend(before.holder.clone());
    let count = before.holder.as_ref().map_or(0, |holder| holder.known_to(&ticket.nonce));
    let lane = write.change.apply(before);
    let mut others = holders.into_iter().filter(|holder| holder.nonce != ticket.nonce);
    // When those came who were before the ones seen, nobody knows.
    let since = others.next().filter(|_| count == 1).map(|holder| holder.since);
    let behind = (count > 0).then_some(Behind { since, holders: count });
    Entered { lane, entry, behind, since: begun }
}

/// A pair whose row was there already.
fn spared(message: &QuestionMessage, model: usize, row: &StoredRow, ticket: &Ticket) -> PairRow {
    PairRow { spared: true, ..PairRow::of(model, row, ticket.run, message.bound(model)) }
}

/// The ending of pairs at which too many workers died.
fn crashed(takeovers: u32) -> Ending {
    Ending::Failed(Failure {
        stage: Stage::Worker,
        code: FailureCode::WorkerCrashed,
        message: format!("{takeovers} workers in a row died, or lost the lane, at this question"),
        retryable: true,
        maybe_billed: true,
        provider_id: None,
        http_status: None,
        attempts: 1,
    })
}
