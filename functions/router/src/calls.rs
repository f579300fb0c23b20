//! Calls with a key: each is made once, however many ask for it, and lives as long as one of them.
//! With a table, that holds across the routers that share it.

mod entry;
mod flight;
mod handover;
mod memory;
mod results;
mod shared;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::http::StatusCode;
use beacon_aws::SharedCalls;
use beacon_core::wire::{CallKey, CallState, CallView, InferenceRequest, InferenceResponse};
use futures_util::FutureExt as _;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::attempt::{Deadline, patience};
use crate::clock::Clock;
use crate::provider::{Sent, json};
use entry::Entry;
use flight::{Flight, Landing};
use results::Results;
use shared::SharedTable;

pub(crate) use flight::Told;
pub use handover::Handover;
pub use memory::{Arrival, Bounds, Digest, Memory};

/// How much a router remembers.
pub const BOUNDS: Bounds =
    Bounds { age_ms: 24 * 60 * 60 * 1000, calls: 100_000, bytes: 64 * 1024 * 1024 };

/// Why a request with a key is no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyRefused {
    /// The key came with another request.
    #[error("the idempotency key belongs to a call with another body")]
    Conflict,
    /// It was only to be joined, and does not run.
    #[error("no call with this idempotency key runs, and none has an answer")]
    NothingToJoin,
}

impl KeyRefused {
    /// HTTP status of the answer.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Conflict => StatusCode::CONFLICT,
            Self::NothingToJoin => StatusCode::PRECONDITION_FAILED,
        }
    }

    /// For programs.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Conflict => "key_conflict",
            Self::NothingToJoin => "nothing_to_join",
        }
    }
}

/// The calls that run, and what is remembered of the others.
#[derive(Debug)]
pub(crate) struct Calls {
    memory: Mutex<Memory<Flight>>,
    results: Mutex<Results>,
    /// Where other routers know them too.
    shared: OnceLock<Arc<SharedTable>>,
    clock: Clock,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) key: &'a CallKey,
    pub(crate) request: &'a InferenceRequest,
    /// Unix milliseconds.
    pub(crate) deadline_ms: Option<u64>,
    /// It wants only a call that runs, or its answer.
    pub(crate) joins: bool,
}

/// What a request finds.
enum Found {
    Told(Told),
    Flight(Landing, Flight),
    /// The last who waited has just gone.
    Ending(Flight),
}

impl Calls {
    pub(crate) fn new(clock: Clock) -> Self {
        let memory = Mutex::new(Memory::new(BOUNDS, clock.now_ms()));
        Self { memory, results: Mutex::default(), shared: OnceLock::new(), clock }
    }

    /// From now on other routers know the calls too. Only the first table counts.
    pub(crate) fn share(&self, calls: SharedCalls) {
        self.shared.get_or_init(|| Arc::new(SharedTable::new(calls)));
    }

    /// Makes the call, joins it, or repeats what it ended with.
    pub(crate) async fn ask<F>(
        self: &Arc<Self>,
        asking: Asking<'_>,
        make: impl Fn(Deadline, Sent, Handover) -> F,
    ) -> Result<Told, KeyRefused>
    where
        F: Future<Output = InferenceResponse> + Send + 'static,
    {
        let digest: Digest = Sha256::digest(json(asking.request)).into();
        loop {
            let (landing, flight) = match self.find(asking, digest, &make)? {
                Found::Told(told) => return Ok(told),
                Found::Flight(landing, flight) => (landing, flight),
                Found::Ending(flight) => {
                    let late = flight.late();
                    if self.in_time(asking, flight.gone()).await.is_none() {
                        return Ok(late);
                    }
                    continue;
                }
            };
            return match self.in_time(asking, landing).await {
                Some(Told::Conflict) => Err(KeyRefused::Conflict),
                Some(Told::NothingToJoin) if asking.joins => Err(KeyRefused::NothingToJoin),
                // Whoever came first only wanted to join; this one may make it.
                Some(Told::NothingToJoin) => continue,
                Some(told) => Ok(told),
                // It may have ended, and wait only to be stored.
                None => match self.memory().arrive(asking.key, digest, self.clock.now_ms()) {
                    Arrival::Done(response) => Ok(Told::Answered(response)),
                    Arrival::New { .. }
                    | Arrival::Running(_)
                    | Arrival::Stopped { .. }
                    | Arrival::Conflict => Ok(flight.late()),
                },
            };
        }
    }

    /// What comes before the one who asks gives up.
    async fn in_time<T>(&self, asking: Asking<'_>, what: impl Future<Output = T>) -> Option<T> {
        let Some(deadline_ms) = asking.deadline_ms else { return Some(what.await) };
        timeout(patience(deadline_ms, self.clock.now_ms()), what).await.ok()
    }

    fn find<F>(
        self: &Arc<Self>,
        Asking { key, deadline_ms, joins, .. }: Asking<'_>,
        digest: Digest,
        make: impl Fn(Deadline, Sent, Handover) -> F,
    ) -> Result<Found, KeyRefused>
    where
        F: Future<Output = InferenceResponse> + Send + 'static,
    {
        let mut memory = self.memory();
        let now_ms = self.clock.now_ms();
        Ok(match memory.arrive(key, digest, now_ms) {
            Arrival::New { earlier_maybe_billed } => {
                let url = self.results().take(key, digest, now_ms);
                let fetches = url.is_some();
                // Whether others have it they are asked for.
                if joins && !fetches && self.shared.get().is_none() {
                    return Err(KeyRefused::NothingToJoin);
                }
                let (deadline, sent) = (Deadline::new(deadline_ms), Sent::default());
                let mut earlier_maybe_billed = earlier_maybe_billed;
                if let Some(url) = url {
                    // It is the same request still, whose result is fetched.
                    earlier_maybe_billed = earlier_maybe_billed.saturating_sub(1);
                    sent.set_result_url(url);
                }
                let handover = Handover::default();
                let call = Box::pin(make(deadline.clone(), sent.clone(), handover.clone()));
                let (end, gone) = watch::channel(());
                let flight = Flight {
                    landing: None,
                    deadline,
                    sent,
                    elsewhere: Arc::new(AtomicBool::new(false)),
                    earlier_maybe_billed,
                    stop: Arc::new(Notify::new()),
                    gone,
                };
                let entry =
                    Entry::new(self, (key, digest, joins && !fetches), &flight, handover, end);
                let landing = entry.fly(call).boxed().shared();
                let flight = Flight { landing: landing.downgrade(), ..flight };
                memory.begin(key, digest, now_ms, flight.clone());
                if fetches {
                    memory.goes_on(key);
                }
                Found::Flight(landing, flight)
            }
            Arrival::Running(flight) => match flight.landing() {
                Some(landing) => {
                    flight.deadline.extend(deadline_ms);
                    Found::Flight(landing, flight)
                }
                None => Found::Ending(flight),
            },
            Arrival::Done(response) => Found::Told(Told::Answered(response)),
            Arrival::Stopped { maybe_billed, earlier_maybe_billed } => {
                Found::Told(Told::Stopped { maybe_billed, earlier_maybe_billed })
            }
            Arrival::Conflict => return Err(KeyRefused::Conflict),
        })
    }

    /// What is known of a call.
    pub(crate) async fn look(&self, key: &CallKey) -> CallView {
        let own = self.memory().look(key, self.clock.now_ms());
        let Some(shared) = self.shared.get() else { return own };
        let told = Box::pin(shared.look(key, self.clock)).await;
        self.of_all(own, told)
    }

    /// Stops a call, also one that has not come yet. Once this resolves, nothing of it runs, unless
    /// it is told as running still.
    pub(crate) async fn stop(&self, key: &CallKey) -> CallView {
        let running = {
            let mut memory = self.memory();
            // What others may know is not stopped here alone.
            let stops = self.shared.get().is_none() || memory.runs(key);
            if stops { memory.stop(key, self.clock.now_ms()) } else { None }
        };
        if let Some(flight) = running {
            flight.stop.notify_one();
            // Those who wait may not be polled just now.
            if let Some(landing) = flight.landing() {
                landing.await;
            }
            flight.gone().await;
        }
        let own = || self.memory().look(key, self.clock.now_ms());
        let Some(shared) = self.shared.get() else { return own() };
        let told = Box::pin(shared.stop(key, self.clock)).await;
        self.of_all(own(), told)
    }

    /// What this router and all together know. Without the table, others may have had any call.
    fn of_all(&self, own: CallView, told: Option<CallView>) -> CallView {
        let Some(told) = told else {
            return CallView { remembers_since_ms: self.clock.now_ms(), ..own };
        };
        let is_final = |view: &CallView| match view.state {
            CallState::Done | CallState::Stopped => true,
            CallState::Running | CallState::Dropped | CallState::Unknown => false,
        };
        // It may not be stored yet how it ended.
        if is_final(&own) && !is_final(&told) {
            return CallView { remembers_since_ms: told.remembers_since_ms, ..own };
        }
        told
    }

    /// Resolves when everything that ended is stored where others know it.
    pub(crate) async fn settle(&self) {
        if let Some(shared) = self.shared.get() {
            shared.settle().await;
        }
    }

    fn results(&self) -> MutexGuard<'_, Results> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory<Flight>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
