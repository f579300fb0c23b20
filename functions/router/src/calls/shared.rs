//! Calls that several routers share in a table: one makes each, the others wait for it.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use beacon_aws::{Claimed, Renewed, SharedCalls, TableError, chain};
use beacon_core::shared_call::SharedEnding;
use beacon_core::wire::{CallKey, CallState, CallView, InferenceResponse, ResponseMetadata};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::memory::Digest;
use crate::clock::Clock;
use crate::failure::{Failure, FailureCode, Subject};

/// How long the end of a call may take to be stored before those who wait for it are told anyway.
const PATIENCE: Duration = Duration::from_secs(2);
/// Tries of storing the end of a call, beside those of the client.
const TRIES: u32 = 3;

/// The shared calls, and the endings that are being stored.
#[derive(Debug)]
pub(super) struct SharedTable {
    pub(super) calls: Arc<SharedCalls>,
    endings: Mutex<JoinSet<()>>,
    /// Whether the table answered last, so that an outage is told once.
    answers: AtomicBool,
}

/// What came of waiting for a turn to make a call.
pub(super) enum Turn {
    Mine {
        earlier_maybe_billed: u32,
        result_url: Option<String>,
        /// Its lease counts from here.
        since: Instant,
    },
    Done(Box<InferenceResponse>),
    Stopped {
        maybe_billed: bool,
        earlier_maybe_billed: u32,
    },
    Conflict,
    NothingToJoin,
    OutOfReach,
}

/// Why a call must end that was this router's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// Somebody asked another router to stop it.
    Stop,
    /// No sign of life of this router can be stored, or another has taken the call over.
    Lost,
}

/// What follows, whatever happens.
struct Then<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for Then<F> {
    fn drop(&mut self) {
        if let Some(then) = self.0.take() {
            then();
        }
    }
}

impl SharedTable {
    pub(super) fn new(calls: SharedCalls) -> Self {
        let endings = Mutex::new(JoinSet::new());
        Self { calls: Arc::new(calls), endings, answers: AtomicBool::new(true) }
    }

    /// Waits until the call is this router's to make, or has ended elsewhere.
    pub(super) async fn turn(
        &self,
        (key, digest, joins): (&CallKey, Digest, bool),
        stop: &tokio::sync::Notify,
        elsewhere: &AtomicBool,
        clock: Clock,
    ) -> Turn {
        let bounds = self.calls.bounds();
        loop {
            let since = Instant::now();
            let claimed = self.calls.claim(key, digest, joins, clock.now_ms()).await;
            match self.told(claimed) {
                None => return Turn::OutOfReach,
                Some(Claimed::Mine { earlier_maybe_billed, result_url }) => {
                    elsewhere.store(false, Ordering::Relaxed);
                    return Turn::Mine { earlier_maybe_billed, result_url, since };
                }
                Some(Claimed::Done(response)) => return Turn::Done(response),
                Some(Claimed::Stopped { maybe_billed, earlier_maybe_billed }) => {
                    return Turn::Stopped { maybe_billed, earlier_maybe_billed };
                }
                Some(Claimed::Conflict) => return Turn::Conflict,
                Some(Claimed::NothingToJoin) => return Turn::NothingToJoin,
                Some(Claimed::Elsewhere) => elsewhere.store(true, Ordering::Relaxed),
            }
            let mut ended = pin!(self.ended(key, clock));
            let answered = tokio::select! {
                answered = &mut ended => answered,
                () = stop.notified() => {
                    // The one who makes it tells how it ended.
                    let asked = self.calls.stop(key, clock.now_ms()).await;
                    if self.told(asked).is_none() { return Turn::OutOfReach; }
                    ended.await
                }
            };
            if !answered {
                return Turn::OutOfReach;
            }
            sleep(bounds.first_look).await;
        }
    }

    /// Resolves when no other router makes the call any more: true. False where the table does not
    /// answer for longer than the one who makes it could live without it.
    async fn ended(&self, key: &CallKey, clock: Clock) -> bool {
        let bounds = self.calls.bounds();
        let mut pause = bounds.first_look;
        let patience = bounds.lease + bounds.clocks;
        let mut answered = Instant::now();
        loop {
            sleep(pause).await;
            pause = (pause * 2).min(bounds.last_look);
            let runs = self.calls.runs(key, clock.now_ms()).await;
            match self.told(runs) {
                Some(false) => return true,
                Some(true) => answered = Instant::now(),
                None if answered.elapsed() > patience => return false,
                None => {}
            }
        }
    }

    /// Gives signs of life, until the call must end.
    pub(super) async fn keep(&self, key: &CallKey, since: Instant, clock: Clock) -> Interrupt {
        let bounds = self.calls.bounds();
        let (mut renewed, mut in_doubt, mut at_once) = (since, false, false);
        loop {
            let until = renewed + bounds.lease;
            let begun = Instant::now();
            let due = in_doubt || begun.duration_since(renewed) >= bounds.renew;
            let waits = !std::mem::take(&mut at_once);
            let found = async {
                if waits {
                    sleep(bounds.watch).await;
                }
                if due {
                    self.calls.renew(key, clock.now_ms()).await
                } else {
                    self.calls.watch(key, clock.now_ms()).await
                }
            };
            // Whether a write that is late was stored does not matter: the lease before it ends.
            let Ok(found) = timeout_at(until, found).await else { return Interrupt::Lost };
            match self.told(found) {
                Some(Renewed::Mine) if due => (renewed, in_doubt) = (begun, false),
                Some(Renewed::Mine) | None => {}
                Some(Renewed::StopAsked) => return Interrupt::Stop,
                Some(Renewed::Lost) if due => return Interrupt::Lost,
                // What stood a moment ago may be what was before the claim.
                Some(Renewed::Lost) => (in_doubt, at_once) = (true, true),
            }
        }
    }

    /// Stores the end of a call, which outlives those who waited for it, and then does what follows.
    /// `end` is dropped last.
    pub(super) fn store(
        self: &Arc<Self>,
        key: CallKey,
        ending: SharedEnding,
        clock: Clock,
        end: watch::Sender<()>,
        then: impl FnOnce() + Send + 'static,
    ) {
        let table = Arc::clone(self);
        let then = Then(Some(then));
        let work = async move {
            // Dropped in this order, also where the work is broken off.
            let (_end, _then) = (end, then);
            table.store_now(&key, ending, clock).await;
        };
        // Without a runtime nobody is left to wait, and the lease tells.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mut endings = self.endings.lock().unwrap_or_else(PoisonError::into_inner);
        while endings.try_join_next().is_some() {}
        endings.spawn_on(work, &runtime);
    }

    async fn store_now(&self, key: &CallKey, mut ending: SharedEnding, clock: Clock) {
        // Of a call that was given up the lease tells as well; an answer is worth more.
        let tries = if matches!(ending, SharedEnding::Done(_)) { TRIES } else { 1 };
        for _try in 0..tries {
            let now_ms = clock.now_ms();
            let stored = self.calls.end(key, ending.clone(), now_ms).await;
            if let (Err(TableError::NotStorable { .. }), SharedEnding::Done(response)) =
                (&stored, &ending)
            {
                ending = SharedEnding::Done(Box::new(not_kept(response, now_ms)));
                continue;
            }
            match (self.told(stored), &ending) {
                (Some(false), SharedEnding::Done(_)) => break,
                (Some(_), _) => return,
                (None, _) => {}
            }
        }
        tracing::warn!(%key, "the end of a call is not stored");
    }

    /// Resolves when everything that ended is stored.
    pub(super) async fn settle(&self) {
        let mut endings = {
            let mut endings = self.endings.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *endings)
        };
        while endings.join_next().await.is_some() {}
    }

    /// Stops the call on whichever router makes it, and waits until that one has, or is dead.
    pub(super) async fn stop(&self, key: &CallKey, clock: Clock) -> Option<CallView> {
        let stopped = self.calls.stop(key, clock.now_ms()).await;
        self.told(stopped)?;
        let bounds = self.calls.bounds();
        // Nobody renews the lease of a call that is to stop.
        let most = bounds.lease + bounds.clocks + bounds.watch;
        let _ended_or_not = timeout(most, self.ended_now(key, clock)).await;
        self.look(key, clock).await
    }

    async fn ended_now(&self, key: &CallKey, clock: Clock) {
        let view = self.look(key, clock).await;
        if view.is_some_and(|view| view.state == CallState::Running) {
            self.ended(key, clock).await;
        }
    }

    /// What the routers know of a call; none where the table does not answer.
    pub(super) async fn look(&self, key: &CallKey, clock: Clock) -> Option<CallView> {
        let seen = self.calls.look(key, clock.now_ms()).await;
        self.told(seen)
    }

    /// What the table answered; an outage is told at its beginning and at its end.
    fn told<T>(&self, answer: Result<T, TableError>) -> Option<T> {
        match answer {
            Ok(answer) => {
                if !self.answers.swap(true, Ordering::Relaxed) {
                    tracing::info!("the router shares its calls again");
                }
                Some(answer)
            }
            Err(error) => {
                if self.answers.swap(false, Ordering::Relaxed) {
                    let error = chain(&error);
                    tracing::error!(error, "the router cannot share its calls");
                }
                None
            }
        }
    }
}

/// What is kept in place of an answer that no item holds.
fn not_kept(response: &InferenceResponse, now_ms: u64) -> InferenceResponse {
    let message = "the answer is larger than what is kept of a call with a key";
    let failure = Failure::new(FailureCode::ResponseTooLarge, message);
    let metadata = &response.metadata;
    let kind = metadata.provider_type.as_deref().unwrap_or_default();
    let subject = Subject {
        provider: Some((&response.provider_used, kind)),
        region: metadata.region.as_deref(),
        model: metadata.model.as_deref().unwrap_or_default(),
        attempts: response
            .decision
            .as_ref()
            .map_or(1, |told| u32::try_from(told.attempts.len()).unwrap_or(u32::MAX)),
    };
    InferenceResponse {
        success: false,
        response: None,
        outcome: None,
        finish_reason: None,
        served_region: None,
        served_model: None,
        error: Some(failure.message.clone()),
        error_code: Some(failure.code.to_string()),
        failure: Some(failure.to_wire(subject, now_ms)),
        metadata: ResponseMetadata { receipt: None, ..metadata.clone() },
        ..response.clone()
    }
}

/// Waits for an ending to be stored, as long as those who wait for the call can be let wait.
pub(super) async fn stored(gone: watch::Receiver<()>) {
    let _in_time_or_not = timeout(PATIENCE, super::flight::closed(gone)).await;
}
