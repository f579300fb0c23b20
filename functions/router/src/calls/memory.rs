//! What is remembered of calls with a key: decisions without clock, lock or network.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use beacon_core::wire::{CallKey, CallState, CallView, InferenceResponse};

pub use beacon_core::shared_call::RequestDigest as Digest;

/// How much is remembered. Calls that run are, whatever their number.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How long after its end.
    pub age_ms: u64,
    /// Calls that ended.
    pub calls: usize,
    /// Bytes of their keys and answers.
    pub bytes: usize,
}

/// The calls with a key. `F` is what leads to one that runs. Times are Unix milliseconds.
#[derive(Debug)]
pub struct Memory<F> {
    calls: HashMap<CallKey, Call<F>>,
    /// Those that ended, the first to end first.
    ended: BTreeMap<u64, CallKey>,
    /// How many ever ended.
    endings: u64,
    bytes: usize,
    bounds: Bounds,
    remembers_since_ms: u64,
}

#[derive(Debug)]
struct Call<F> {
    /// Of the request; none where the call was stopped before it came.
    digest: Option<Digest>,
    /// Of the latest attempt; where it never came, when it was stopped.
    begun_ms: u64,
    /// Attempts dropped before, for which the provider may charge.
    earlier_maybe_billed: u32,
    state: State<F>,
}

#[derive(Debug)]
enum State<F> {
    Running { flight: F, stopping: bool },
    Ended { ending: Ending, at_ms: u64, number: u64, bytes: usize },
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ending {
    Done(Arc<InferenceResponse>),
    Dropped { maybe_billed: bool },
    Stopped { maybe_billed: bool },
}

/// What a request with a key finds.
#[derive(Debug, PartialEq)]
pub enum Arrival<F> {
    /// Nothing that answers it: it is to be made.
    New {
        /// Requests of the key that were given up before and may be charged for.
        earlier_maybe_billed: u32,
    },
    /// The same call, running.
    Running(F),
    /// The same call's answer.
    Done(Arc<InferenceResponse>),
    /// It was stopped.
    Stopped {
        /// The provider may have got it before.
        maybe_billed: bool,
        /// Requests of the key that were given up before it and may be charged for.
        earlier_maybe_billed: u32,
    },
    /// The key is another request's.
    Conflict,
}

impl<F: Clone> Memory<F> {
    /// A memory that begins now: what came before it does not know.
    pub fn new(bounds: Bounds, now_ms: u64) -> Self {
        Self {
            calls: HashMap::new(),
            ended: BTreeMap::new(),
            endings: 0,
            bytes: 0,
            bounds,
            remembers_since_ms: now_ms,
        }
    }

    /// What a request finds.
    pub fn arrive(&mut self, key: &CallKey, digest: Digest, now_ms: u64) -> Arrival<F> {
        self.forget(now_ms);
        let Some(call) = self.calls.get(key) else {
            return Arrival::New { earlier_maybe_billed: 0 };
        };
        if call.digest.is_some_and(|known| known != digest) {
            return Arrival::Conflict;
        }
        let earlier_maybe_billed = call.earlier_maybe_billed;
        match &call.state {
            State::Running { flight, .. } => Arrival::Running(flight.clone()),
            State::Ended { ending, .. } => match ending {
                Ending::Done(response) => Arrival::Done(Arc::clone(response)),
                Ending::Stopped { maybe_billed } => {
                    Arrival::Stopped { maybe_billed: *maybe_billed, earlier_maybe_billed }
                }
                Ending::Dropped { .. } => {
                    Arrival::New { earlier_maybe_billed: call.maybe_billed_attempts() }
                }
            },
        }
    }

    /// A request that found nothing is made.
    pub fn begin(&mut self, key: &CallKey, digest: Digest, now_ms: u64, flight: F) {
        let before = self.take(key);
        let call = Call {
            digest: Some(digest),
            begun_ms: now_ms,
            earlier_maybe_billed: before.map_or(0, |call| call.maybe_billed_attempts()),
            state: State::Running { flight, stopping: false },
        };
        self.calls.insert(key.clone(), call);
    }

    /// A call that was made anew fetches the result of the request before: that one goes on.
    pub fn goes_on(&mut self, key: &CallKey) {
        if let Some(call) = self.calls.get_mut(key) {
            call.earlier_maybe_billed = call.earlier_maybe_billed.saturating_sub(1);
        }
    }

    /// A running call has its answer, of so many bytes.
    pub fn finish(
        &mut self,
        key: &CallKey,
        response: Arc<InferenceResponse>,
        bytes: usize,
        now_ms: u64,
    ) {
        self.end(key, Ending::Done(response), bytes, now_ms);
    }

    /// A running call was none: another router makes it, or nobody may. Its key is as if it had never
    /// come.
    pub fn withdraw(&mut self, key: &CallKey) {
        if self.runs(key) {
            self.take(key);
        }
    }

    /// Whether the call runs.
    pub fn runs(&self, key: &CallKey) -> bool {
        self.calls.get(key).is_some_and(|call| matches!(call.state, State::Running { .. }))
    }

    /// Whether the call runs and is to stop.
    pub fn is_stopping(&self, key: &CallKey) -> bool {
        let stopping = |call: &Call<F>| matches!(call.state, State::Running { stopping: true, .. });
        self.calls.get(key).is_some_and(stopping)
    }

    /// A running call is given up: because it is to stop, or because nobody waits for it.
    pub fn give_up(&mut self, key: &CallKey, maybe_billed: bool, now_ms: u64) {
        let Some(call) = self.calls.get(key) else { return };
        let ending = match &call.state {
            State::Running { stopping: true, .. } => Ending::Stopped { maybe_billed },
            State::Running { stopping: false, .. } => Ending::Dropped { maybe_billed },
            State::Ended { .. } => return,
        };
        self.end(key, ending, 0, now_ms);
    }

    /// Lets no request of the key be made any more. What leads to a call that runs is returned: it
    /// is stopped once it is given up.
    pub fn stop(&mut self, key: &CallKey, now_ms: u64) -> Option<F> {
        self.forget(now_ms);
        let Some(call) = self.calls.get_mut(key) else {
            let call = Call {
                digest: None,
                begun_ms: now_ms,
                earlier_maybe_billed: 0,
                state: self.ended(key, Ending::Stopped { maybe_billed: false }, 0, now_ms),
            };
            self.calls.insert(key.clone(), call);
            self.forget(now_ms);
            return None;
        };
        match &mut call.state {
            State::Running { flight, stopping } => {
                *stopping = true;
                Some(flight.clone())
            }
            State::Ended { ending, .. } => {
                if let Ending::Dropped { maybe_billed } = *ending {
                    *ending = Ending::Stopped { maybe_billed };
                }
                None
            }
        }
    }

    /// What is known of a call.
    pub fn look(&mut self, key: &CallKey, now_ms: u64) -> CallView {
        self.forget(now_ms);
        let mut view = CallView::unknown(key.clone(), self.remembers_since_ms);
        let Some(call) = self.calls.get(key) else { return view };
        view.begun_ms = call.digest.map(|_came| call.begun_ms);
        view.maybe_billed = call.maybe_billed_attempts();
        view.state = match &call.state {
            State::Running { .. } => CallState::Running,
            State::Ended { ending, at_ms, .. } => {
                view.ended_ms = Some(*at_ms);
                match ending {
                    Ending::Done(response) => {
                        view.response = Some(response.as_ref().clone());
                        CallState::Done
                    }
                    Ending::Dropped { .. } => CallState::Dropped,
                    Ending::Stopped { .. } => CallState::Stopped,
                }
            }
        };
        view
    }

    fn end(&mut self, key: &CallKey, ending: Ending, bytes: usize, now_ms: u64) {
        let state = self.ended(key, ending, bytes, now_ms);
        if let Some(call) = self.calls.get_mut(key) {
            call.state = state;
        }
        self.forget(now_ms);
    }

    /// Enters an ending into the order of endings.
    fn ended(&mut self, key: &CallKey, ending: Ending, bytes: usize, at_ms: u64) -> State<F> {
        let (number, bytes) = (self.endings, bytes + key.as_str().len());
        self.endings += 1;
        self.bytes += bytes;
        self.ended.insert(number, key.clone());
        State::Ended { ending, at_ms, number, bytes }
    }

    /// Removes a call, with its place in the order of endings.
    fn take(&mut self, key: &CallKey) -> Option<Call<F>> {
        let call = self.calls.remove(key)?;
        if let State::Ended { number, bytes, .. } = &call.state {
            self.ended.remove(number);
            self.bytes -= bytes;
        }
        Some(call)
    }

    /// Forgets the calls that ended first while more are kept than the bounds allow.
    fn forget(&mut self, now_ms: u64) {
        while let Some((_, key)) = self.ended.first_key_value() {
            let key = key.clone();
            let full = self.ended.len() > self.bounds.calls || self.bytes > self.bounds.bytes;
            let old = self.calls.get(&key).is_some_and(|call| call.is_older(now_ms, self.bounds));
            if !full && !old {
                return;
            }
            if let Some(call) = self.take(&key) {
                self.remembers_since_ms = self.remembers_since_ms.max(call.begun_ms + 1);
            }
        }
    }
}

impl<F> Call<F> {
    /// Attempts that were given up and for which the provider may charge.
    fn maybe_billed_attempts(&self) -> u32 {
        let own = match &self.state {
            State::Running { .. } => false,
            State::Ended { ending, .. } => match ending {
                Ending::Done(_) => false,
                Ending::Dropped { maybe_billed } | Ending::Stopped { maybe_billed } => {
                    *maybe_billed
                }
            },
        };
        self.earlier_maybe_billed.saturating_add(own.into())
    }

    fn is_older(&self, now_ms: u64, bounds: Bounds) -> bool {
        match self.state {
            State::Running { .. } => false,
            State::Ended { at_ms, .. } => now_ms.saturating_sub(at_ms) >= bounds.age_ms,
        }
    }
}

#[cfg(test)]
mod tests;
