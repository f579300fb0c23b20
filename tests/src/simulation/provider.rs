//! How long a provider takes, and what it answers.

use std::time::Duration;

use beacon_core::wire::{InferenceRequest, InferenceResponse, ResponseMetadata, WireFailure};
use beacon_inference::Answer;
use serde_json::json;

use super::router::ok;
use super::world::World;

/// What came of a call.
#[derive(Debug)]
pub(super) struct Reply {
    /// As the router has it.
    pub(super) response: InferenceResponse,
    /// As it comes through to those who wait.
    pub(super) answer: Answer,
}

/// How long the provider takes for a call, and what comes of it. So many calls of its key were
/// dropped before.
pub(super) fn draw(
    world: &World,
    body: &InferenceRequest,
    earlier_maybe_billed: u32,
) -> (Duration, Reply) {
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
        retryable: Some(true),
        maybe_billed: Some(false),
        ..serde_json::from_value(json!({})).unwrap()
    });
    let response = InferenceResponse {
        success: !failed,
        response: (!failed).then(|| if empty { String::new() } else { "An answer.".into() }),
        failure,
        provider_used: "lab".into(),
        earlier_maybe_billed,
        finish_reason: Some("stop".into()),
        metadata,
        ..serde_json::from_value(json!({ "success": true })).unwrap()
    };
    let mut answer = ok(&response);
    // What a gateway says in the router's place does not tell of earlier calls either.
    let garbled = || failed && earlier_maybe_billed == 0 && chance.happens(0.2);
    if garbled() {
        answer.body = b"<html>".to_vec();
    }
    if garbled() {
        answer.status = 502;
    }
    (latency, Reply { response, answer })
}
