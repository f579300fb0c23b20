//! The answer on the wire, of every end that a call can have.

use beacon_core::Region;
use beacon_core::wire::{InferenceRequest, InferenceResponse, ResponseMetadata};

use crate::failure::{Failure, Subject};
use crate::provider::{Answer, Provider};

/// The provider answered, be it with nothing.
pub(crate) fn answered(
    provider: &Provider,
    request: &InferenceRequest,
    answer: Answer,
    seconds: f64,
) -> InferenceResponse {
    InferenceResponse {
        success: true,
        response: Some(answer.text),
        outcome: Some(answer.kind),
        error: None,
        error_code: None,
        failure: None,
        provider_used: provider.name.to_string(),
        inference_time: seconds,
        cost_estimate: provider.price.cost(seconds, answer.usage),
        finish_reason: answer.finish_reason,
        usage: answer.usage,
        served_region: answer.served_region,
        served_model: answer.served_model,
        metadata: ResponseMetadata { receipt: answer.receipt, ..metadata(provider, request) },
        earlier_maybe_billed: 0,
        timings: None,
        decision: None,
    }
}

/// The provider was asked, and there is no answer.
pub(crate) fn failed(
    provider: &Provider,
    request: &InferenceRequest,
    failure: &Failure,
    seconds: f64,
    attempts: u32,
    now_ms: u64,
) -> InferenceResponse {
    let subject = Subject {
        provider: Some((provider.name.as_str(), provider.kind())),
        region: Some(provider.region.as_str()),
        model: &request.model,
        attempts,
    };
    InferenceResponse {
        provider_used: provider.name.to_string(),
        inference_time: seconds,
        cost_estimate: if failure.was_sent() { provider.price.cost(seconds, None) } else { 0.0 },
        ..unanswered(failure, subject, metadata(provider, request), now_ms)
    }
}

/// No provider is known that was asked.
pub(crate) fn refused(
    request: &InferenceRequest,
    region: Option<&Region>,
    failure: &Failure,
    now_ms: u64,
) -> InferenceResponse {
    let subject = Subject {
        provider: None,
        region: region.map(Region::as_str),
        model: &request.model,
        attempts: failure.maybe_billed().into(),
    };
    let asked = request.region_preference.as_deref().unwrap_or("unknown");
    let requested_region = Some(asked.chars().take(80).collect());
    let metadata = ResponseMetadata { requested_region, ..Default::default() };
    unanswered(failure, subject, metadata, now_ms)
}

fn unanswered(
    failure: &Failure,
    subject: Subject<'_>,
    metadata: ResponseMetadata,
    now_ms: u64,
) -> InferenceResponse {
    InferenceResponse {
        success: false,
        response: None,
        outcome: None,
        error: Some(failure.message.clone()),
        error_code: Some(failure.code.to_string()),
        failure: Some(failure.to_wire(subject, now_ms)),
        provider_used: String::new(),
        inference_time: 0.0,
        cost_estimate: 0.0,
        finish_reason: None,
        usage: None,
        served_region: None,
        served_model: None,
        metadata,
        earlier_maybe_billed: 0,
        timings: None,
        decision: None,
    }
}

fn metadata(provider: &Provider, request: &InferenceRequest) -> ResponseMetadata {
    ResponseMetadata {
        provider_type: Some(provider.kind().to_owned()),
        region: Some(provider.region.to_string()),
        model: Some(request.model.clone()),
        requested_region: None,
        receipt: None,
        simulated: provider.is_simulated(),
    }
}
