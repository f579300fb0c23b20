//! A call with a key that several routers know: what is stored of it, and what each may make of it.
//!
//! Every write replaces the whole item on the condition that it still has the version that was
//! seen. So each change is a pure function of what was seen, and a request that arrives twice
//! changes nothing the second time.

mod bounds;

use std::borrow::Cow;
use std::time::Duration;

use crate::id::Nonce;
use crate::wire::{CallKey, CallState, CallView, InferenceResponse};

pub use bounds::SharedBounds;

/// SHA-256 of a request.
pub type RequestDigest = [u8; 32];

/// A call as it is stored. Times are Unix milliseconds of the router that wrote them.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedCall {
    /// One more with each write.
    pub version: u64,
    /// Of its request; none where it was stopped before it came.
    pub digest: Option<RequestDigest>,
    /// The router that made it last.
    pub owner: Option<Nonce>,
    /// Of the latest attempt; where it never came, when it was stopped.
    pub begun_ms: u64,
    /// Attempts given up before, for which the provider may charge.
    pub earlier_maybe_billed: u32,
    /// Where the provider will have the answer, if it told so.
    pub result_url: Option<String>,
    /// Whether it runs, or how it ended.
    pub state: SharedState,
}

/// Whether a shared call runs.
#[derive(Debug, Clone, PartialEq)]
pub enum SharedState {
    /// Its owner makes it.
    Running {
        /// Without a sign of life until then the owner is taken for dead.
        lease_until_ms: u64,
        /// Somebody asked to stop it.
        stop_asked: bool,
    },
    /// It does not run any more.
    Ended {
        /// Since when.
        at_ms: u64,
        /// How.
        ending: SharedEnding,
    },
}

/// How a shared call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum SharedEnding {
    /// With an answer or a failure.
    Done(Box<InferenceResponse>),
    /// Nobody waited for it any more, or its owner died.
    Dropped {
        /// The provider may charge for it.
        maybe_billed: bool,
    },
    /// Somebody stopped it, for good.
    Stopped {
        /// The provider may charge for it.
        maybe_billed: bool,
    },
}

/// A write: the whole item, if the version that was seen still stands.
#[derive(Debug, Clone, PartialEq)]
pub struct CallWrite {
    /// The version seen; none where there was no item.
    pub seen: Option<u64>,
    /// The item as it is to be.
    pub call: SharedCall,
}

impl CallWrite {
    /// What follows what was seen.
    pub fn after(seen: Option<&SharedCall>, call: SharedCall) -> Self {
        let seen = seen.map(|seen| seen.version);
        Self { seen, call: SharedCall { version: seen.unwrap_or(0) + 1, ..call } }
    }

    /// Whether it happens to what is stored.
    pub fn holds(&self, stored: Option<&SharedCall>) -> bool {
        self.seen == stored.map(|stored| stored.version)
    }
}

/// A router that a request with a key has come to.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    /// Its name among the routers.
    pub owner: &'a Nonce,
    /// Of the request.
    pub digest: RequestDigest,
    /// Now.
    pub now_ms: u64,
    /// It wants only a call that runs, or its answer.
    pub joins: bool,
}

/// What a request with a key finds.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// Nothing that answers it: it is made once this is written.
    Make(CallWrite),
    /// Another router makes it.
    Elsewhere,
    /// Its answer.
    Done(Box<InferenceResponse>),
    /// It was stopped.
    Stopped {
        /// The provider may have got it before.
        maybe_billed: bool,
        /// Attempts given up before it, for which the provider may charge.
        earlier_maybe_billed: u32,
    },
    /// The key is another request's.
    Conflict,
    /// Nothing that it wants.
    NothingToJoin,
}

/// What a request with a key finds. A router that claims what it owns itself has lost the call
/// before: it makes no key twice at a time.
pub fn claim(seen: Option<&SharedCall>, claimant: Claimant<'_>, bounds: SharedBounds) -> Claim {
    let Claimant { owner, digest, now_ms, joins } = claimant;
    let fresh = SharedCall {
        version: 0,
        digest: Some(digest),
        owner: Some(owner.clone()),
        begun_ms: now_ms,
        earlier_maybe_billed: 0,
        result_url: None,
        state: leased(now_ms, bounds),
    };
    let known = seen.and_then(|call| call.as_of(now_ms, Some(owner), bounds));
    let Some(known) = known else {
        return if joins {
            Claim::NothingToJoin
        } else {
            Claim::Make(CallWrite::after(seen, fresh))
        };
    };
    if known.digest.is_some_and(|known| known != digest) {
        return Claim::Conflict;
    }
    match &known.state {
        SharedState::Running { .. } => Claim::Elsewhere,
        SharedState::Ended { ending, .. } => match ending {
            SharedEnding::Done(response) => Claim::Done(response.clone()),
            SharedEnding::Stopped { maybe_billed } => Claim::Stopped {
                maybe_billed: *maybe_billed,
                earlier_maybe_billed: known.earlier_maybe_billed,
            },
            SharedEnding::Dropped { .. } if joins && known.result_url.is_none() => {
                Claim::NothingToJoin
            }
            SharedEnding::Dropped { .. } => {
                // Where the answer can still be fetched, the attempt goes on.
                let result_url = known.result_url.clone();
                let given_up = result_url.is_none() && known.may_charge_for_its_last();
                let earlier_maybe_billed =
                    known.earlier_maybe_billed.saturating_add(given_up.into());
                let call = SharedCall { earlier_maybe_billed, result_url, ..fresh };
                Claim::Make(CallWrite::after(seen, call))
            }
        },
    }
}

/// What an owner finds when it gives a sign of life.
#[derive(Debug, Clone, PartialEq)]
pub enum Renewal {
    /// The call is its own for another lease once this is written.
    Renew(CallWrite),
    /// It is to stop the call.
    StopAsked,
    /// The call is not its own any more.
    Lost,
}

/// A sign of life.
pub fn renew(
    seen: Option<&SharedCall>,
    owner: &Nonce,
    now_ms: u64,
    bounds: SharedBounds,
) -> Renewal {
    match seen.filter(|call| call.owner.as_ref() == Some(owner)) {
        Some(call) => match call.state {
            SharedState::Running { stop_asked: true, .. } => Renewal::StopAsked,
            SharedState::Running { stop_asked: false, .. } => {
                let state = leased(now_ms, bounds);
                let call = SharedCall { state, ..call.clone() };
                Renewal::Renew(CallWrite::after(seen, call))
            }
            SharedState::Ended { .. } => Renewal::Lost,
        },
        None => Renewal::Lost,
    }
}

/// The owner ends its call; none where it is not its own any more. One that was asked to stop is
/// stopped, not dropped.
pub fn end(
    seen: Option<&SharedCall>,
    owner: &Nonce,
    ending: SharedEnding,
    now_ms: u64,
) -> Option<CallWrite> {
    let (call, stop_asked) = seen?.run_by(owner)?;
    let ending = match ending {
        SharedEnding::Dropped { maybe_billed } if stop_asked => {
            SharedEnding::Stopped { maybe_billed }
        }
        ending @ (SharedEnding::Done(_)
        | SharedEnding::Dropped { .. }
        | SharedEnding::Stopped { .. }) => ending,
    };
    let state = SharedState::Ended { at_ms: now_ms, ending };
    Some(CallWrite::after(seen, SharedCall { state, ..call.clone() }))
}

/// The owner stores where the provider will have the answer; none where the call is not its own any
/// more.
pub fn keep_result_url(
    seen: Option<&SharedCall>,
    owner: &Nonce,
    result_url: &str,
) -> Option<CallWrite> {
    let (call, _stop_asked) = seen?.run_by(owner)?;
    let call = SharedCall { result_url: Some(result_url.to_owned()), ..call.clone() };
    Some(CallWrite::after(seen, call))
}

/// Somebody asks to stop the call; none where it has ended for good, or where its owner was asked
/// already.
pub fn stop(seen: Option<&SharedCall>, now_ms: u64, bounds: SharedBounds) -> Option<CallWrite> {
    let Some(known) = seen.and_then(|call| call.as_of(now_ms, None, bounds)) else {
        let stopped = SharedEnding::Stopped { maybe_billed: false };
        let call = SharedCall {
            version: 0,
            digest: None,
            owner: None,
            begun_ms: now_ms,
            earlier_maybe_billed: 0,
            result_url: None,
            state: SharedState::Ended { at_ms: now_ms, ending: stopped },
        };
        return Some(CallWrite::after(seen, call));
    };
    let state = match &known.state {
        SharedState::Running { stop_asked: true, .. } => return None,
        SharedState::Running { lease_until_ms, stop_asked: false } => {
            SharedState::Running { lease_until_ms: *lease_until_ms, stop_asked: true }
        }
        SharedState::Ended { at_ms, ending } => match *ending {
            SharedEnding::Done(_) | SharedEnding::Stopped { .. } => return None,
            SharedEnding::Dropped { maybe_billed } => {
                SharedState::Ended { at_ms: *at_ms, ending: SharedEnding::Stopped { maybe_billed } }
            }
        },
    };
    Some(CallWrite::after(seen, SharedCall { state, ..known.into_owned() }))
}

/// What is known of a call, as `GET /inference/{key}` shows it.
pub fn view(
    seen: Option<&SharedCall>,
    key: &CallKey,
    remembers_since_ms: u64,
    now_ms: u64,
    bounds: SharedBounds,
) -> CallView {
    let mut view = CallView::unknown(key.clone(), remembers_since_ms);
    let Some(known) = seen.and_then(|call| call.as_of(now_ms, None, bounds)) else { return view };
    view.begun_ms = known.digest.map(|_came| known.begun_ms);
    let own = u32::from(known.may_charge_for_its_last());
    view.maybe_billed = known.earlier_maybe_billed.saturating_add(own);
    view.state = match &known.state {
        SharedState::Running { .. } => CallState::Running,
        SharedState::Ended { at_ms, ending } => {
            view.ended_ms = Some(*at_ms);
            match ending {
                SharedEnding::Done(response) => {
                    view.response = Some(response.as_ref().clone());
                    CallState::Done
                }
                SharedEnding::Dropped { .. } => CallState::Dropped,
                SharedEnding::Stopped { .. } => CallState::Stopped,
            }
        }
    };
    view
}

/// Since when the routers know every call that began, if they have shared them since then.
pub fn remembers_since_ms(shared_since_ms: u64, now_ms: u64, bounds: SharedBounds) -> u64 {
    shared_since_ms.max(now_ms.saturating_sub(milliseconds(bounds.age)))
}

impl SharedCall {
    /// Whether another router than those that are dead makes it now.
    pub fn runs(&self, now_ms: u64, bounds: SharedBounds) -> bool {
        self.as_of(now_ms, None, bounds)
            .is_some_and(|call| matches!(call.state, SharedState::Running { .. }))
    }

    /// The call as it counts now: given up where its owner is dead, or is `lost_by` itself; none
    /// where it is forgotten.
    fn as_of(
        &self,
        now_ms: u64,
        lost_by: Option<&Nonce>,
        bounds: SharedBounds,
    ) -> Option<Cow<'_, Self>> {
        let known = match self.state {
            SharedState::Ended { .. } => Cow::Borrowed(self),
            SharedState::Running { lease_until_ms, stop_asked } => {
                let until_ms = lease_until_ms.saturating_add(milliseconds(bounds.clocks));
                let lost = lost_by.is_some() && self.owner.as_ref() == lost_by;
                if now_ms < until_ms && !lost {
                    return Some(Cow::Borrowed(self));
                }
                let ending = if stop_asked {
                    SharedEnding::Stopped { maybe_billed: true }
                } else {
                    SharedEnding::Dropped { maybe_billed: true }
                };
                let at_ms = lease_until_ms.min(now_ms);
                let state = SharedState::Ended { at_ms, ending };
                Cow::Owned(Self { state, ..self.clone() })
            }
        };
        let SharedState::Ended { at_ms, .. } = known.state else { return Some(known) };
        (now_ms.saturating_sub(at_ms) < milliseconds(bounds.age)).then_some(known)
    }

    /// The call, and whether it is to stop, if this router makes it.
    fn run_by(&self, owner: &Nonce) -> Option<(&Self, bool)> {
        match self.state {
            SharedState::Running { stop_asked, .. } if self.owner.as_ref() == Some(owner) => {
                Some((self, stop_asked))
            }
            SharedState::Running { .. } | SharedState::Ended { .. } => None,
        }
    }

    /// Whether the provider may charge for the latest attempt without an answer having come.
    fn may_charge_for_its_last(&self) -> bool {
        match &self.state {
            SharedState::Running { .. } => false,
            SharedState::Ended { ending, .. } => match ending {
                SharedEnding::Done(_) => false,
                SharedEnding::Dropped { maybe_billed } | SharedEnding::Stopped { maybe_billed } => {
                    *maybe_billed
                }
            },
        }
    }
}

fn leased(now_ms: u64, bounds: SharedBounds) -> SharedState {
    let lease_until_ms = now_ms.saturating_add(milliseconds(bounds.lease));
    SharedState::Running { lease_until_ms, stop_asked: false }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
