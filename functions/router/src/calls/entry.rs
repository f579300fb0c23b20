//! A running call's entry, and the way of the call from its first request to its end.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use beacon_core::shared_call::SharedEnding;
use beacon_core::wire::{CallKey, InferenceResponse};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::flight::{Flight, Told};
use super::handover::Handover;
use super::memory::Digest;
use super::shared::{Interrupt, SharedTable, Turn, stored};
use super::{Calls, json};
use crate::provider::Sent;

/// A running call's entry. Dropped before the call's end, it says so.
pub(super) struct Entry {
    calls: Arc<Calls>,
    key: CallKey,
    digest: Digest,
    /// It was begun for one who only joins.
    joins: bool,
    sent: Sent,
    elsewhere: Arc<AtomicBool>,
    stop: Arc<Notify>,
    handover: Handover,
    earlier_maybe_billed: u32,
    hold: Hold,
    /// When it became this router's.
    since: Instant,
    /// Of a call that does not run any more.
    ended: bool,
    /// Dropped when nothing of the call is left.
    end: Option<watch::Sender<()>>,
}

/// What this router has of a call.
enum Hold {
    /// All: nobody else knows it.
    Alone,
    /// It asks the others whose it is, and may have been told.
    Asking(Arc<SharedTable>),
    /// It makes it, as the others know.
    Holding(Arc<SharedTable>),
}

impl Entry {
    pub(super) fn new(
        calls: &Arc<Calls>,
        (key, digest, joins): (&CallKey, Digest, bool),
        flight: &Flight,
        handover: Handover,
        end: watch::Sender<()>,
    ) -> Self {
        let shared = calls.shared.get().cloned();
        Self {
            calls: Arc::clone(calls),
            key: key.clone(),
            digest,
            joins,
            sent: flight.sent.clone(),
            elsewhere: Arc::clone(&flight.elsewhere),
            stop: Arc::clone(&flight.stop),
            handover,
            earlier_maybe_billed: flight.earlier_maybe_billed,
            hold: shared.map_or(Hold::Alone, Hold::Asking),
            since: Instant::now(),
            ended: false,
            end: Some(end),
        }
    }

    /// Makes the call, or waits for the router that does.
    pub(super) async fn fly(mut self, call: impl Future<Output = InferenceResponse>) -> Told {
        if let Hold::Asking(shared) = &self.hold {
            let shared = Arc::clone(shared);
            // Boxed, as what follows is: what is asked of a table is large, and over soon.
            if let Some(told) = Box::pin(self.turn(&shared)).await {
                return told;
            }
            self.hold = Hold::Holding(shared);
        }
        let stop = Arc::clone(&self.stop);
        let interrupted = async {
            match &self.hold {
                Hold::Holding(shared) => {
                    Box::pin(shared.keep(&self.key, self.since, self.calls.clock)).await
                }
                Hold::Alone | Hold::Asking(_) => pending().await,
            }
        };
        let answer = tokio::select! {
            biased;
            response = call => Ok(response),
            () = stop.notified() => Err(Interrupt::Stop),
            interrupt = interrupted => Err(interrupt),
        };
        let earlier_maybe_billed = self.earlier_maybe_billed;
        match answer {
            Ok(response) => {
                self.finish(InferenceResponse { earlier_maybe_billed, ..response }).await
            }
            Err(interrupt) => {
                let maybe_billed = self.sent.maybe();
                match interrupt {
                    Interrupt::Stop => {
                        let _own = self.calls.memory().stop(&self.key, self.calls.clock.now_ms());
                        Told::Stopped { maybe_billed, earlier_maybe_billed }
                    }
                    Interrupt::Lost => Told::Unprotected { maybe_billed, earlier_maybe_billed },
                }
            }
        }
    }

    /// Waits until the call is this router's; otherwise what those who wait are told.
    async fn turn(&mut self, shared: &SharedTable) -> Option<Told> {
        let clock = self.calls.clock;
        let wanted = (&self.key, self.digest, self.joins);
        let turn = shared.turn(wanted, &self.stop, &self.elsewhere, clock).await;
        Some(match turn {
            Turn::Mine { earlier_maybe_billed, result_url, since } => {
                self.since = since;
                self.earlier_maybe_billed = self.earlier_maybe_billed.max(earlier_maybe_billed);
                self.handover.take(&shared.calls, &self.key, result_url);
                return None;
            }
            Turn::Done(response) => self.keep(Arc::new(*response)),
            Turn::Stopped { maybe_billed, earlier_maybe_billed } => {
                self.ended = true;
                let now_ms = clock.now_ms();
                let mut memory = self.calls.memory();
                let _own = memory.stop(&self.key, now_ms);
                memory.give_up(&self.key, maybe_billed, now_ms);
                Told::Stopped { maybe_billed, earlier_maybe_billed }
            }
            Turn::Conflict => self.withdraw(Told::Conflict),
            Turn::NothingToJoin => self.withdraw(Told::NothingToJoin),
            // That this router makes it may be stored all the same.
            Turn::OutOfReach => Told::Unprotected {
                maybe_billed: self.elsewhere.load(Ordering::Relaxed),
                earlier_maybe_billed: self.earlier_maybe_billed,
            },
        })
    }

    /// It was no call of this router's.
    fn withdraw(&mut self, told: Told) -> Told {
        self.ended = true;
        self.calls.memory().withdraw(&self.key);
        told
    }

    fn keep(&mut self, response: Arc<InferenceResponse>) -> Told {
        self.ended = true;
        let bytes = json(&*response).len();
        let now_ms = self.calls.clock.now_ms();
        self.calls.memory().finish(&self.key, Arc::clone(&response), bytes, now_ms);
        Told::Answered(response)
    }

    /// The answer is remembered here at once, and told when the others know it too.
    async fn finish(mut self, response: InferenceResponse) -> Told {
        let response = Arc::new(response);
        let asked = response.decision.as_ref().is_none_or(|told| !told.attempts.is_empty());
        if !asked && self.sent.result_url().is_some() {
            // The result that it was to fetch can be fetched later: it is given up, not over.
            return Told::Answered(response);
        }
        let told = self.keep(Arc::clone(&response));
        if let (Hold::Holding(shared), Some(end)) = (&self.hold, self.end.take()) {
            let gone = end.subscribe();
            let ending = SharedEnding::Done(Box::new(response.as_ref().clone()));
            shared.store(self.key.clone(), ending, self.calls.clock, end, || ());
            stored(gone).await;
        }
        told
    }

    /// The call ends without an answer.
    fn give_up(&mut self) {
        let maybe_billed = self.sent.maybe();
        let stopping = self.calls.memory().is_stopping(&self.key);
        if let Some(url) = self.sent.result_url().filter(|_| !stopping) {
            let now_ms = self.calls.clock.now_ms();
            self.calls.results().keep(self.key.clone(), self.digest, url, now_ms);
        }
        let (calls, key, clock) = (Arc::clone(&self.calls), self.key.clone(), self.calls.clock);
        match (&self.hold, self.end.take()) {
            (Hold::Holding(shared), Some(end)) => {
                let ending = if stopping {
                    SharedEnding::Stopped { maybe_billed }
                } else {
                    SharedEnding::Dropped { maybe_billed }
                };
                let own_key = self.key.clone();
                shared.store(key, ending, clock, end, move || {
                    calls.memory().give_up(&own_key, maybe_billed, clock.now_ms());
                });
            }
            (Hold::Asking(shared), Some(end)) => {
                let ending = SharedEnding::Dropped { maybe_billed: false };
                let own_key = self.key.clone();
                shared.store(key, ending, clock, end, move || calls.memory().withdraw(&own_key));
            }
            (Hold::Alone, _) | (_, None) => {
                calls.memory().give_up(&key, maybe_billed, clock.now_ms());
            }
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.ended {
            self.give_up();
        }
    }
}
