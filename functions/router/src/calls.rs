//! Calls with a key: each is made once, however many ask for it, and lives as long as one of them.

mod memory;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use beacon_core::wire::{CallKey, CallView, InferenceRequest, InferenceResponse};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::attempt::{Deadline, patience};
use crate::clock::Clock;
use crate::provider::{Sent, json};

pub use memory::{Arrival, Bounds, Digest, Memory};

/// How much a router remembers.
pub const BOUNDS: Bounds =
    Bounds { age_ms: 24 * 60 * 60 * 1000, calls: 100_000, bytes: 64 * 1024 * 1024 };

/// A key that came with one request comes with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the idempotency key belongs to a call with another body")]
pub struct KeyConflict;

/// The calls that run, and what is remembered of the others.
#[derive(Debug)]
pub(crate) struct Calls {
    memory: Mutex<Memory<Flight>>,
    clock: Clock,
}

/// What one who asks is told.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// The answer, or the failure.
    Answered(Arc<InferenceResponse>),
    /// It was stopped.
    Stopped { maybe_billed: bool, earlier_maybe_billed: u32 },
    /// The time of the one who asks is up; others may wait on.
    Late { maybe_billed: bool, earlier_maybe_billed: u32 },
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) key: &'a CallKey,
    pub(crate) request: &'a InferenceRequest,
    /// Unix milliseconds.
    pub(crate) deadline_ms: Option<u64>,
}

type Landing = Shared<BoxFuture<'static, Told>>;

/// A call that runs. It is polled by those who wait for it, so it ends with the last of them.
#[derive(Clone)]
struct Flight {
    landing: WeakShared<BoxFuture<'static, Told>>,
    deadline: Deadline,
    sent: Sent,
    earlier_maybe_billed: u32,
    stop: Arc<Notify>,
    /// Closed once the call is dropped.
    gone: watch::Receiver<()>,
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Flight {
    async fn gone(mut self) {
        while self.gone.changed().await.is_ok() {}
    }
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
        Self { memory: Mutex::new(Memory::new(BOUNDS, clock.now_ms())), clock }
    }

    /// Makes the call, joins it, or repeats what it ended with.
    pub(crate) async fn ask<F>(
        self: &Arc<Self>,
        asking: Asking<'_>,
        make: impl Fn(Deadline, Sent) -> F,
    ) -> Result<Told, KeyConflict>
    where
        F: Future<Output = InferenceResponse> + Send + 'static,
    {
        let digest: Digest = Sha256::digest(json(asking.request)).into();
        let (landing, flight) = loop {
            match self.find(asking, digest, &make)? {
                Found::Told(told) => return Ok(told),
                Found::Flight(landing, flight) => break (landing, flight),
                Found::Ending(flight) => flight.gone().await,
            }
        };
        let Some(deadline_ms) = asking.deadline_ms else { return Ok(landing.await) };
        let told = timeout(patience(deadline_ms, self.clock.now_ms()), landing).await;
        Ok(told.unwrap_or_else(|_elapsed| Told::Late {
            maybe_billed: flight.sent.maybe(),
            earlier_maybe_billed: flight.earlier_maybe_billed,
        }))
    }

    fn find<F>(
        self: &Arc<Self>,
        Asking { key, deadline_ms, .. }: Asking<'_>,
        digest: Digest,
        make: impl Fn(Deadline, Sent) -> F,
    ) -> Result<Found, KeyConflict>
    where
        F: Future<Output = InferenceResponse> + Send + 'static,
    {
        let mut memory = self.memory();
        let now_ms = self.clock.now_ms();
        Ok(match memory.arrive(key, digest, now_ms) {
            Arrival::New { earlier_maybe_billed } => {
                let (deadline, sent) = (Deadline::new(deadline_ms), Sent::default());
                let call = make(deadline.clone(), sent.clone());
                let (landing, flight) =
                    self.depart(key, call, deadline, sent, earlier_maybe_billed);
                memory.begin(key, digest, now_ms, flight.clone());
                Found::Flight(landing, flight)
            }
            Arrival::Running(flight) => match flight.landing.upgrade() {
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
            Arrival::Conflict => return Err(KeyConflict),
        })
    }

    fn depart(
        self: &Arc<Self>,
        key: &CallKey,
        call: impl Future<Output = InferenceResponse> + Send + 'static,
        deadline: Deadline,
        sent: Sent,
        earlier_maybe_billed: u32,
    ) -> (Landing, Flight) {
        let (end, gone) = watch::channel(());
        let stop = Arc::new(Notify::new());
        let entry = Entry {
            calls: Arc::clone(self),
            key: key.clone(),
            sent: sent.clone(),
            ended: false,
            _end: end,
        };
        let stopped = Arc::clone(&stop);
        let landing = async move {
            let answer = tokio::select! {
                biased;
                response = call => Some(response),
                () = stopped.notified() => None,
            };
            match answer {
                Some(response) => {
                    entry.finish(InferenceResponse { earlier_maybe_billed, ..response })
                }
                None => Told::Stopped { maybe_billed: entry.sent.maybe(), earlier_maybe_billed },
            }
        };
        let landing = landing.boxed().shared();
        #[expect(clippy::expect_used, reason = "nobody has polled it, let alone to its end")]
        let weak = landing.downgrade().expect("a future that is not complete");
        (landing, Flight { landing: weak, deadline, sent, earlier_maybe_billed, stop, gone })
    }

    /// What is known of a call.
    pub(crate) fn look(&self, key: &CallKey) -> CallView {
        self.memory().look(key, self.clock.now_ms())
    }

    /// Stops a call, also one that has not come yet. Once this resolves, nothing of it runs.
    pub(crate) async fn stop(&self, key: &CallKey) -> CallView {
        let running = self.memory().stop(key, self.clock.now_ms());
        if let Some(flight) = running {
            flight.stop.notify_one();
            // Those who wait may not be polled just now.
            if let Some(landing) = flight.landing.upgrade() {
                landing.await;
            }
            flight.gone().await;
        }
        self.look(key)
    }

    fn memory(&self) -> MutexGuard<'_, Memory<Flight>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running call's entry. Dropped before the call's end, it says so.
struct Entry {
    calls: Arc<Calls>,
    key: CallKey,
    sent: Sent,
    ended: bool,
    _end: watch::Sender<()>,
}

impl Entry {
    fn finish(mut self, response: InferenceResponse) -> Told {
        self.ended = true;
        let bytes = json(&response).len();
        let response = Arc::new(response);
        let now_ms = self.calls.clock.now_ms();
        self.calls.memory().finish(&self.key, Arc::clone(&response), bytes, now_ms);
        Told::Answered(response)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.ended {
            let now_ms = self.calls.clock.now_ms();
            self.calls.memory().give_up(&self.key, self.sent.maybe(), now_ms);
        }
    }
}
