//! Calls whose fate was not known when their rows were written, and what the router told of them
//! later. The rows stay as they are.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{ExecutionId, Run};
use crate::wire::{CallKey, CallState, CallView, InferenceResponse};

/// What became of a call that nobody got an answer from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Nobody knows yet: the provider may have charged for it.
    Unknown,
    /// Nobody will know: no router remembers as long.
    Forgotten,
    /// It was sent to a provider and given up: the provider may have charged for it.
    GivenUp,
    /// It was answered, and is charged for.
    Answered,
    /// Nothing is charged for it: no provider got it, or none answered.
    NotSent,
}

/// A call whose fate was not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The call's key.
    pub key: CallKey,
    /// The run that made it.
    pub run: Run,
    /// When its row was written.
    pub at: Timestamp,
    /// What is known by now.
    pub fate: Fate,
}

/// The key of an execution's call with this number.
pub fn call_key(id: &ExecutionId, number: u32) -> CallKey {
    let text = format!("{id}:{number}");
    #[expect(clippy::expect_used, reason = "an execution id and a number are a key, tested there")]
    CallKey::new(text).expect("an idempotency key")
}

/// What the router's view of a call tells of one that began at `begun`; none while it runs. What the
/// router does not know has not arrived, if it would remember it: it may have started since, also
/// where it knows a later call of the key, or was told to stop it. `begun` is taken by another clock,
/// so the router must remember ten seconds more.
pub fn fate(view: &CallView, begun: Timestamp) -> Option<Fate> {
    let remembers = remembers(view, begun);
    match view.state {
        CallState::Running => None,
        CallState::Done => Some(view.response.as_ref().map_or(Fate::Answered, fate_of_answer)),
        CallState::Dropped | CallState::Stopped if view.maybe_billed > 0 => Some(Fate::GivenUp),
        CallState::Dropped | CallState::Stopped | CallState::Unknown if remembers => {
            Some(Fate::NotSent)
        }
        CallState::Dropped | CallState::Stopped | CallState::Unknown => Some(Fate::Unknown),
    }
}

/// Whether the router would know every call that began then or later.
pub fn remembers(view: &CallView, begun: Timestamp) -> bool {
    let begun_ms = u64::try_from(begun.as_millisecond()).unwrap_or(0);
    view.remembers_since_ms.saturating_add(CLOCKS_MS) <= begun_ms
}

fn fate_of_answer(response: &InferenceResponse) -> Fate {
    match &response.failure {
        Some(failure) if failure.maybe_billed == Some(false) => Fate::NotSent,
        Some(_) => Fate::GivenUp,
        None => Fate::Answered,
    }
}

/// How far the clocks of two machines may differ, milliseconds.
const CLOCKS_MS: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn view(state: CallState, maybe_billed: u32, remembers_since_ms: u64) -> CallView {
        CallView {
            key: CallKey::new("k:1").unwrap(),
            state,
            response: None,
            maybe_billed,
            begun_ms: None,
            ended_ms: None,
            remembers_since_ms,
        }
    }

    #[test]
    fn what_the_router_tells_is_believed_as_far_as_it_remembers() {
        let begun = Timestamp::from_millisecond(100_000).unwrap();
        let table = [
            (CallState::Running, 0, 0, None),
            (CallState::Done, 0, 0, Some(Fate::Answered)),
            (CallState::Dropped, 1, 0, Some(Fate::GivenUp)),
            (CallState::Dropped, 0, 0, Some(Fate::NotSent)),
            (CallState::Stopped, 1, 0, Some(Fate::GivenUp)),
            (CallState::Stopped, 1, 200_000, Some(Fate::GivenUp)),
            (CallState::Stopped, 0, 0, Some(Fate::NotSent)),
            // It was told to stop what it has forgotten.
            (CallState::Stopped, 0, 90_001, Some(Fate::Unknown)),
            (CallState::Dropped, 0, 200_000, Some(Fate::Unknown)),
            (CallState::Unknown, 0, 90_000, Some(Fate::NotSent)),
            (CallState::Unknown, 0, 90_001, Some(Fate::Unknown)),
            (CallState::Unknown, 0, 200_000, Some(Fate::Unknown)),
        ];
        for (state, maybe_billed, since, expected) in table {
            let told = fate(&view(state, maybe_billed, since), begun);
            assert_eq!(told, expected, "{state:?} {since}");
        }
    }

    #[test]
    fn what_a_call_that_is_done_costs_stands_in_its_answer() {
        let table = [
            (serde_json::json!({"success": true, "response": "4"}), Fate::Answered),
            (serde_json::json!({"success": true, "response": ""}), Fate::Answered),
            (
                serde_json::json!({"success": false, "failure": {"maybe_billed": false}}),
                Fate::NotSent,
            ),
            (
                serde_json::json!({"success": false, "failure": {"maybe_billed": true}}),
                Fate::GivenUp,
            ),
            (serde_json::json!({"success": false, "failure": {}}), Fate::GivenUp),
        ];
        for (response, expected) in table {
            let told = response.to_string();
            let response = Some(serde_json::from_value(response).unwrap());
            let view = CallView { response, ..view(CallState::Done, 0, 0) };
            assert_eq!(fate(&view, Timestamp::UNIX_EPOCH), Some(expected), "{told}");
        }
    }
}
