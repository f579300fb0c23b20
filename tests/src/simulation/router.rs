//! The router, which decides as the real one does, and what its provider was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use beacon_core::wire::{CallKey, InferenceRequest, InferenceResponse, WireFailure};
use beacon_core::{ExecutionId, Run};
use beacon_inference::{Answer, Request};
use beacon_router::{Arrival, BOUNDS, Digest, Memory};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::provider::{Reply, draw};
use super::world::World;

/// A call as its provider saw it, in virtual time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The execution.
    pub id: ExecutionId,
    /// The call's idempotency key.
    pub key: String,
    /// The job's run when it began.
    pub run: Run,
    /// How often the router had forgotten everything before.
    pub router_life: u32,
    /// When it began.
    pub began: Duration,
    /// When and how it ended; absent while it runs.
    pub ended: Option<(Duration, CallEnd)>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEnd {
    /// With an answer, be it a failure.
    Answered,
    /// Nobody waited for it any more.
    Dropped,
}

/// The router.
#[derive(Debug)]
pub(super) struct Router(Mutex<Known>);

#[derive(Debug)]
struct Known {
    memory: Memory<Flight>,
    /// How often it began anew.
    life: u32,
    calls: Vec<Call>,
    /// Calls that run, by their index.
    flights: BTreeMap<usize, Flight>,
}

/// A call that runs.
#[derive(Debug, Clone)]
struct Flight {
    call: usize,
    earlier_maybe_billed: u32,
    upstream: AbortHandle,
    /// What those who wait get; one receiver each.
    landing: Arc<watch::Sender<Option<Landed>>>,
}

/// What comes of waiting for a call.
#[derive(Debug, Clone)]
enum Landed {
    Told(Answer),
    /// The router is gone, and the connections to it.
    Broken,
}

/// What one who asks finds.
enum Found {
    Told(Answer),
    Waits(Flight),
}

/// Somebody who waits for a call. The last one who leaves takes the call with him.
struct Caller<'a> {
    world: &'a Arc<World>,
    key: &'a CallKey,
    flight: &'a Flight,
    landing: watch::Receiver<Option<Landed>>,
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        // The own receiver is still there.
        if self.flight.landing.receiver_count() == 1 {
            self.world.router.lock().give_up(self.world, self.key, self.flight);
        }
    }
}

impl Router {
    /// A router that began at this time, Unix milliseconds.
    pub(super) fn begun(at_ms: u64) -> Self {
        let memory = Memory::new(BOUNDS, at_ms);
        let (calls, flights) = (Vec::new(), BTreeMap::new());
        Self(Mutex::new(Known { memory, life: 0, calls, flights }))
    }

    /// Forgets everything. What runs is dropped, and the connections of those who wait break.
    pub(super) fn restart(&self, world: &World) {
        let mut known = self.lock();
        known.memory = Memory::new(BOUNDS, world.now_ms());
        known.life += 1;
        let running: Vec<usize> = known.flights.keys().copied().collect();
        for call in running {
            let flight = known.end(world, call, CallEnd::Dropped).unwrap();
            flight.landing.send_replace(Some(Landed::Broken));
        }
    }

    /// Answers one request; not where the router ends meanwhile.
    pub(super) async fn send(&self, world: &Arc<World>, request: Request<'_>) -> Option<Answer> {
        let (Request::Ask { key, .. } | Request::Look { key } | Request::Stop { key }) = request;
        let key = CallKey::new(key).unwrap();
        match request {
            Request::Ask { joins, body, .. } => self.ask(world, &key, joins, body).await,
            Request::Look { .. } => Some(self.lock().look(world, &key)),
            Request::Stop { .. } => Some(self.lock().stop(world, &key)),
        }
    }

    /// What the provider was asked so far.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    async fn ask(
        &self,
        world: &Arc<World>,
        key: &CallKey,
        joins: bool,
        body: &InferenceRequest,
    ) -> Option<Answer> {
        let (flight, landing) = match self.lock().find(world, key, joins, body) {
            Found::Told(answer) => return Some(answer),
            Found::Waits(flight) => (flight.clone(), flight.landing.subscribe()),
        };
        let mut caller = Caller { world, key, flight: &flight, landing };
        let landed = caller.landing.wait_for(Option::is_some).await.unwrap().clone();
        match landed? {
            Landed::Told(answer) => Some(answer),
            Landed::Broken => None,
        }
    }

    fn answered(&self, world: &World, key: &CallKey, call: usize, reply: Reply) {
        let mut known = self.lock();
        let Some(flight) = known.end(world, call, CallEnd::Answered) else { return };
        let Reply { response, answer } = reply;
        let (bytes, now_ms) = (written(&response).len(), world.now_ms());
        known.memory.finish(key, Arc::new(response), bytes, now_ms);
        flight.landing.send_replace(Some(Landed::Told(answer)));
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// What to wait for, or what is known already.
    fn find(
        &mut self,
        world: &Arc<World>,
        key: &CallKey,
        joins: bool,
        body: &InferenceRequest,
    ) -> Found {
        let (digest, now_ms): (Digest, _) = (Sha256::digest(written(body)).into(), world.now_ms());
        match self.memory.arrive(key, digest, now_ms) {
            Arrival::New { .. } if joins => {
                Found::Told(Answer { status: 412, body: b"{}".to_vec() })
            }
            Arrival::New { earlier_maybe_billed } => {
                let flight = self.depart(world, key, body, earlier_maybe_billed);
                self.memory.begin(key, digest, now_ms, flight.clone());
                Found::Waits(flight)
            }
            Arrival::Running(flight) => Found::Waits(flight),
            Arrival::Done(response) => Found::Told(ok(&*response)),
            Arrival::Stopped { maybe_billed, earlier_maybe_billed } => {
                Found::Told(stopped(maybe_billed, earlier_maybe_billed))
            }
            Arrival::Conflict => Found::Told(Answer { status: 409, body: b"{}".to_vec() }),
        }
    }

    fn depart(
        &mut self,
        world: &Arc<World>,
        key: &CallKey,
        body: &InferenceRequest,
        earlier_maybe_billed: u32,
    ) -> Flight {
        let (id, call) = (execution_of(key.as_str()), self.calls.len());
        let run = world.call_begins(&self.calls, &id);
        let (key, router_life, began) = (key.clone(), self.life, world.now());
        let (text, ended) = (key.to_string(), None);
        self.calls.push(Call { id, key: text, run, router_life, began, ended });
        let (latency, reply) = draw(world, body, earlier_maybe_billed);
        let upstream = Arc::clone(world);
        let upstream = tokio::spawn(async move {
            sleep(latency).await;
            upstream.router.answered(&upstream, &key, call, reply);
        });
        let upstream = upstream.abort_handle();
        let landing = Arc::new(watch::Sender::new(None));
        let flight = Flight { call, earlier_maybe_billed, upstream, landing };
        self.flights.insert(call, flight.clone());
        flight
    }

    /// Ends a call that runs.
    fn end(&mut self, world: &World, call: usize, end: CallEnd) -> Option<Flight> {
        let flight = self.flights.remove(&call)?;
        let ended = &mut self.calls[call];
        world.trace.tell(format_args!("provider: {} {end:?}", ended.key));
        ended.ended = Some((world.now(), end));
        if end == CallEnd::Dropped {
            flight.upstream.abort();
        }
        Some(flight)
    }

    /// A call that the provider has is dropped, if it runs still.
    fn give_up(&mut self, world: &World, key: &CallKey, flight: &Flight) {
        if self.end(world, flight.call, CallEnd::Dropped).is_some() {
            self.memory.give_up(key, true, world.now_ms());
        }
    }

    fn look(&mut self, world: &World, key: &CallKey) -> Answer {
        ok(&self.memory.look(key, world.now_ms()))
    }

    fn stop(&mut self, world: &World, key: &CallKey) -> Answer {
        if let Some(flight) = self.memory.stop(key, world.now_ms()) {
            self.give_up(world, key, &flight);
            let told = stopped(true, flight.earlier_maybe_billed);
            flight.landing.send_replace(Some(Landed::Told(told)));
        }
        self.look(world, key)
    }
}

/// The execution that a key is of.
pub(super) fn execution_of(key: &str) -> ExecutionId {
    ExecutionId::parse(key.rsplit_once(':').unwrap().0).unwrap()
}

/// What those are told who ask for a call that was stopped.
fn stopped(maybe_billed: bool, earlier_maybe_billed: u32) -> Answer {
    let failure = WireFailure {
        code: "CALL_STOPPED".into(),
        stage: "provider_request".into(),
        retryable: Some(false),
        maybe_billed: Some(maybe_billed),
        ..serde_json::from_value(json!({})).unwrap()
    };
    ok(&InferenceResponse {
        failure: Some(failure),
        earlier_maybe_billed,
        ..serde_json::from_value(json!({ "success": false })).unwrap()
    })
}

pub(super) fn ok(body: &impl Serialize) -> Answer {
    Answer { status: 200, body: written(body) }
}

fn written(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).unwrap()
}
