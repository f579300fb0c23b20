//! A router that knows calls by their keys, and what its provider was asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use beacon_core::ExecutionId;
use beacon_core::wire::{
    CallKey, CallState, CallView, InferenceRequest, InferenceResponse, ResponseMetadata,
    WireFailure,
};
use beacon_inference::{Answer, Request};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::world::World;

/// A call as its provider saw it, in virtual time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The execution.
    pub id: ExecutionId,
    /// The call's idempotency key.
    pub key: String,
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
#[derive(Debug, Default)]
pub(super) struct Router(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_key: HashMap<String, Keyed>,
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Keyed {
    body: InferenceRequest,
    progress: Progress,
    callers: u32,
    /// Calls of this key that were dropped before.
    dropped: u32,
}

#[derive(Debug)]
enum Progress {
    Running { call: usize, upstream: AbortHandle, answer: watch::Receiver<Option<Answer>> },
    Done(Answer),
    Dropped,
    Stopped,
}

/// Somebody who waits for a call. The last one who leaves takes the call with him.
struct Caller<'a> {
    world: &'a Arc<World>,
    key: &'a str,
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.world.router.leave(self.world, self.key);
    }
}

impl Router {
    /// Answers one request.
    pub(super) async fn send(&self, world: &Arc<World>, request: Request<'_>) -> Answer {
        match request {
            Request::Ask { key, body, .. } => self.ask(world, key, body).await,
            Request::Look { key } => self.look(key),
            Request::Stop { key } => self.stop(world, key),
        }
    }

    /// What the provider was asked so far.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    async fn ask(&self, world: &Arc<World>, key: &str, body: &InferenceRequest) -> Answer {
        let mut answer = match self.join(world, key, body) {
            Ok(answer) => answer,
            Err(known) => return known,
        };
        let _caller = Caller { world, key };
        let answered = answer.wait_for(Option::is_some).await;
        answered.ok().and_then(|answer| answer.clone()).unwrap_or_else(stopped)
    }

    /// What to wait for, or what is known already.
    fn join(
        &self,
        world: &Arc<World>,
        key: &str,
        body: &InferenceRequest,
    ) -> Result<watch::Receiver<Option<Answer>>, Answer> {
        let mut known = self.lock();
        let mut dropped = 0;
        if let Some(keyed) = known.by_key.get_mut(key) {
            if keyed.body != *body {
                return Err(plain(409));
            }
            match &keyed.progress {
                Progress::Done(answer) => return Err(answer.clone()),
                Progress::Stopped => return Err(stopped()),
                Progress::Running { answer, .. } => {
                    keyed.callers += 1;
                    return Ok(answer.clone());
                }
                Progress::Dropped => dropped = keyed.dropped + 1,
            }
        }
        let (sender, answer) = watch::channel(None);
        let id = execution_of(key);
        let call = known.calls.len();
        world.call_begins(&known.calls, &id);
        known.calls.push(Call { id, key: key.to_owned(), began: world.now(), ended: None });
        let (latency, reply) = draw(world, body, dropped);
        let (upstream, key) = ((Arc::clone(world), key.to_owned()), key.to_owned());
        let upstream = tokio::spawn(async move {
            sleep(latency).await;
            let (world, key) = upstream;
            world.router.answered(&world, &key, &reply);
            let _nobody_waits = sender.send(Some(reply));
        });
        let upstream = upstream.abort_handle();
        let progress = Progress::Running { call, upstream, answer: answer.clone() };
        known.by_key.insert(key, Keyed { body: body.clone(), progress, callers: 1, dropped });
        Ok(answer)
    }

    fn answered(&self, world: &World, key: &str, reply: &Answer) {
        let mut known = self.lock();
        known.end(world, key, CallEnd::Answered, Progress::Done(reply.clone()));
    }

    fn leave(&self, world: &World, key: &str) {
        let mut known = self.lock();
        let Some(keyed) = known.by_key.get_mut(key) else { return };
        keyed.callers -= 1;
        if keyed.callers == 0 {
            known.end(world, key, CallEnd::Dropped, Progress::Dropped);
        }
    }

    fn look(&self, key: &str) -> Answer {
        self.lock().view(key)
    }

    fn stop(&self, world: &World, key: &str) -> Answer {
        let mut known = self.lock();
        known.end(world, key, CallEnd::Dropped, Progress::Stopped);
        known.view(key)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// What it tells of a call. It began before every schedule, so it forgets nothing.
    fn view(&self, key: &str) -> Answer {
        let (state, response) = match self.by_key.get(key).map(|keyed| &keyed.progress) {
            Some(Progress::Running { .. }) => (CallState::Running, None),
            Some(Progress::Done(answer)) => {
                (CallState::Done, serde_json::from_slice(&answer.body).ok())
            }
            Some(Progress::Stopped) => (CallState::Stopped, None),
            Some(Progress::Dropped) => (CallState::Dropped, None),
            None => (CallState::Unknown, None),
        };
        let view = CallView {
            key: CallKey::new(key).unwrap(),
            state,
            response,
            maybe_billed: matches!(state, CallState::Dropped | CallState::Stopped),
            begun_ms: None,
            ended_ms: None,
            remembers_since_ms: 0,
        };
        Answer { status: 200, body: serde_json::to_vec(&view).unwrap() }
    }

    /// Ends a call that runs; any other is left as it is.
    fn end(&mut self, world: &World, key: &str, end: CallEnd, progress: Progress) {
        let Some(keyed) = self.by_key.get_mut(key) else { return };
        let Progress::Running { call, upstream, .. } = &keyed.progress else { return };
        world.trace.tell(format_args!("provider: {key} {end:?}"));
        self.calls[*call].ended = Some((world.now(), end));
        if end == CallEnd::Dropped {
            upstream.abort();
        }
        keyed.progress = progress;
    }
}

/// The execution that a key is of.
pub(super) fn execution_of(key: &str) -> ExecutionId {
    ExecutionId::parse(key.rsplit_once(':').unwrap().0).unwrap()
}

/// How long the provider takes, and what it answers.
fn draw(world: &World, body: &InferenceRequest, dropped: u32) -> (Duration, Answer) {
    let (chance, faults) = (&world.chance, &world.plan.faults);
    let most =
        if world.faulty(faults.slow) { 200_000 } else { chance.one_of(&[300, 3_000, 9_000]) };
    let latency = chance.time(10..most);
    let failed = world.faulty(faults.provider_failure);
    let empty = world.faulty(faults.empty);
    let metadata =
        ResponseMetadata { region: body.region_preference.clone(), ..ResponseMetadata::default() };
    let failure = failed.then(|| WireFailure {
        code: "PROVIDER_HTTP_503".into(),
        stage: "provider_execution".into(),
        ..serde_json::from_value(json!({})).unwrap()
    });
    let response = InferenceResponse {
        success: !failed,
        response: (!failed).then(|| if empty { String::new() } else { "An answer.".into() }),
        failure,
        provider_used: "lab".into(),
        earlier_maybe_billed: dropped,
        finish_reason: Some("stop".into()),
        metadata,
        ..serde_json::from_value(json!({ "success": true })).unwrap()
    };
    // What cannot be read does not tell of earlier calls either.
    let unread = failed && dropped == 0 && chance.happens(0.2);
    let body = if unread { b"<html>".to_vec() } else { serde_json::to_vec(&response).unwrap() };
    (
        latency,
        Answer {
            status: if failed && dropped == 0 && chance.happens(0.2) { 502 } else { 200 },
            body,
        },
    )
}

fn stopped() -> Answer {
    plain(409)
}

fn plain(status: u16) -> Answer {
    Answer { status, body: b"{}".to_vec() }
}
