//! Who can be asked, and why nobody can.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use beacon_core::Region;
use beacon_core::wire::{Considered, InferenceRequest, Order, Standing, Usage};

use super::course::Course;
use super::{Asking, Way, tokens};
use crate::choose::{Candidate, rank};
use crate::failure::{Failure, FailureCode};
use crate::provider::Provider;
use crate::route::Route;
use crate::router::Fleet;

/// How long a call takes where no candidate has answered yet, for comparing prices.
const NOMINAL_SECONDS: f64 = 1.0;
/// Providers of other regions and models that are told of, at most.
const MOST_TOLD: usize = 50;

/// The providers of the region and model asked that this call may still ask, the best first.
pub(super) fn considered<'a>(
    asking: Asking<'a>,
    region: Option<&Region>,
    order: Order,
    course: &Course,
    now_ms: u64,
) -> Vec<Candidate<Way<'a>>> {
    let tokens = tokens(asking.request);
    let candidate = |provider: &'a Arc<Provider>| {
        let route = provider.route(&asking.request.model)?;
        let (standing, wait_ms) = route.standing(&provider.slots, tokens, now_ms);
        let expected_seconds = expected_seconds(route, now_ms);
        let shown = Considered {
            provider: provider.name.to_string(),
            standing,
            wait_ms: Some(wait_ms).filter(|wait| *wait > 0),
            expected_cost: None,
            expected_seconds,
        };
        let tried = course.tried(provider);
        Some(Candidate { provider: (provider.as_ref(), route), shown, tried })
    };
    let left = asking.fleet.of_region(region).filter(|p| !course.is_ruled_out(p));
    let mut candidates: Vec<Candidate<Way<'a>>> = left.filter_map(candidate).collect();
    // A request that was taken has its result with the provider that took it.
    if let Some(url) = asking.sent.result_url() {
        let owns = |candidate: &Candidate<Way<'a>>| candidate.provider.0.owns(&url);
        candidates.retain(owns);
    }
    // One that never answered counts as fast as the fastest, or a dear one that was asked first
    // would stay cheaper than all that were not.
    let known = candidates.iter().filter_map(|candidate| candidate.shown.expected_seconds);
    let fastest = known.min_by(f64::total_cmp).unwrap_or(NOMINAL_SECONDS);
    for Candidate { provider: (provider, _), shown, .. } in &mut candidates {
        let seconds = shown.expected_seconds.unwrap_or(fastest);
        shown.expected_cost = provider.price.known_cost(seconds, Some(size(asking.request)));
    }
    rank(&mut candidates, order);
    candidates
}

/// What the call would use if its answer were as long as it may be.
fn size(request: &InferenceRequest) -> Usage {
    let output = u64::from(request.max_tokens);
    let input = tokens(request).saturating_sub(output);
    Usage { input_tokens: Some(input), output_tokens: Some(output) }
}

/// By the latest calls, with what loading the model takes; none before the first of a model that
/// needs no loading.
fn expected_seconds(route: &Route, now_ms: u64) -> Option<f64> {
    let known = route.known();
    let latency = known.record.latency();
    let waking = known.waking.extra(now_ms);
    match (latency, waking) {
        (None, Duration::ZERO) => None,
        (latency, waking) => Some(latency.unwrap_or(0.0) + waking.as_secs_f64()),
    }
}

/// Why nobody is asked, and what there is instead.
pub(super) fn unavailable(
    asking: Asking<'_>,
    region: Option<&Region>,
    candidates: &[Candidate<Way<'_>>],
    course: &mut Course,
) -> Failure {
    let (fleet, model) = (asking.fleet, asking.request.model.as_str());
    if candidates.is_empty() {
        course.decision.candidates = not_considered(fleet, model, region);
        return Failure::new(FailureCode::Unavailable, nobody_serves(fleet, model, region));
    }
    let reasons = candidates.iter().map(|candidate| {
        let Considered { provider, standing, wait_ms, .. } = &candidate.shown;
        match (standing, wait_ms) {
            (Standing::Probing, _) => format!("`{provider}` is just being tried again"),
            (_, Some(wait_ms)) => {
                format!("`{provider}` failed lately and is tried again in {wait_ms} ms")
            }
            (_, None) => format!("`{provider}` failed lately and is tried again now"),
        }
    });
    let message = format!("no healthy provider: {}", list(reasons));
    let soonest = candidates.iter().filter_map(|candidate| candidate.shown.wait_ms).min();
    let retry_after = soonest.map(Duration::from_millis);
    Failure { retry_after, ..Failure::new(FailureCode::Unavailable, message) }
}

/// The providers that are no candidates, and why each is none.
pub(super) fn not_considered(
    fleet: &Fleet,
    model: &str,
    region: Option<&Region>,
) -> Vec<Considered> {
    let reason = |provider: &Provider| {
        let served = provider.route(model).is_some();
        let there = region.is_some_and(|asked| provider.region == *asked);
        if served || (region.is_some() && !there) {
            Standing::OtherRegion
        } else {
            Standing::OtherModel
        }
    };
    let told = fleet.providers.iter().take(MOST_TOLD).map(|provider| Considered {
        provider: provider.name.to_string(),
        standing: reason(provider),
        wait_ms: None,
        expected_cost: None,
        expected_seconds: None,
    });
    told.collect()
}

fn nobody_serves(fleet: &Fleet, model: &str, region: Option<&Region>) -> String {
    let there = fleet.of_region(region);
    let models: BTreeSet<&str> = there.flat_map(|provider| provider.models()).collect();
    let model: String = model.chars().take(80).collect();
    match region {
        Some(region) if models.is_empty() => {
            let there = list(&fleet.regions);
            format!("no provider in region `{region}`; there are providers in {there}")
        }
        Some(region) => format!(
            "no provider in region `{region}` serves the model `{model}`; served there: {}",
            list(models)
        ),
        None => format!("no provider serves the model `{model}`; served: {}", list(models)),
    }
}

/// All of them, with commas.
pub(super) fn list(all: impl IntoIterator<Item = impl ToString>) -> String {
    all.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(", ")
}
