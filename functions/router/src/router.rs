//! One inference: who is asked, in which time, and what comes back.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use beacon_core::Region;
use beacon_core::region::UnknownRegion;
use beacon_core::wire::{InferenceRequest, InferenceResponse, MAX_RESPONSE_BYTES, ProviderView};

use crate::choose::{Candidate, choose};
use crate::config::{Config, ConfigError};
use crate::failure::{Failure, FailureCode};
use crate::provider::{Answer, Call, Provider};
use crate::response;
use crate::stats::Observation;

/// Kept free before the caller's deadline, for the answer's way back.
const RESERVE: Duration = Duration::from_millis(500);

/// What comes with a call besides its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallContext {
    /// Unix milliseconds after which nobody waits for the answer.
    pub deadline_ms: Option<u64>,
    /// `<execution id>:<attempt>`.
    pub idempotency_key: Option<String>,
    /// Wins over the body's `trace_id`.
    pub trace_id: Option<String>,
}

/// The router. Clones share the providers and what is known of them.
#[derive(Debug, Clone)]
pub struct HybridRouter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    providers: Vec<Provider>,
    regions: Vec<Region>,
}

/// A provider that serves what is asked, and the model's name there.
type Serving<'a> = (&'a Provider, &'a str);

impl HybridRouter {
    /// Makes the providers of a configuration ready to be called.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let providers = Provider::all(config)?;
        let mut regions: Vec<Region> = providers.iter().map(|p| p.region.clone()).collect();
        regions.sort();
        regions.dedup();
        Ok(Self { shared: Arc::new(Shared { providers, regions }) })
    }

    /// Whether every provider makes its answers up.
    pub fn is_simulated(&self) -> bool {
        self.shared.providers.iter().all(Provider::is_simulated)
    }

    /// The regions that providers declare, in order.
    pub fn regions(&self) -> &[Region] {
        &self.shared.regions
    }

    /// The providers of a region, canonical or alias; of all regions without one.
    pub fn providers(&self, region: Option<&str>) -> Vec<ProviderView> {
        let now = now_ms();
        let asked = region.map(|given| Region::resolve(given, &self.shared.regions));
        let fits = |provider: &&Provider| match &asked {
            None => true,
            Some(Ok(region)) => provider.region == *region,
            Some(Err(_unknown)) => false,
        };
        self.shared.providers.iter().filter(fits).map(|provider| provider.view(now)).collect()
    }

    /// Asks one provider. Dropping the future drops the call to it.
    pub async fn infer(
        &self,
        request: &InferenceRequest,
        context: &CallContext,
    ) -> InferenceResponse {
        let asked = match &request.region_preference {
            None => Ok(None),
            Some(given) => Region::resolve(given, &self.shared.regions).map(Some),
        };
        let region = match asked {
            Ok(region) => region,
            Err(UnknownRegion { given, .. }) => {
                let there = list(self.regions());
                let message = format!("unknown region `{given}`; there are providers in {there}");
                let failure = Failure::new(FailureCode::Unavailable, message);
                return response::refused(request, None, &failure);
            }
        };
        let now = now_ms();
        let serving = self.serving(request, region.as_ref(), now);
        if serving.is_empty() {
            let failure = self.unavailable(request, region.as_ref());
            return response::refused(request, region.as_ref(), &failure);
        }
        let given = context.trace_id.as_deref().or(request.trace_id.as_deref());
        let trace_id = given.map_or_else(|| Cow::Owned(new_trace_id()), Cow::Borrowed);
        self.ask_in_turn(serving, request, region.as_ref(), context, &trace_id).await
    }

    /// Asks the first provider, and the next only while certainly nothing was sent.
    async fn ask_in_turn(
        &self,
        serving: Vec<Serving<'_>>,
        request: &InferenceRequest,
        region: Option<&Region>,
        context: &CallContext,
        trace_id: &str,
    ) -> InferenceResponse {
        let mut unreached = None;
        let mut attempts = 0;
        for (provider, upstream_model) in serving {
            let Some(limit) = time_for(provider.timeout, context.deadline_ms, now_ms()) else {
                break;
            };
            attempts += 1;
            let call = Call {
                request,
                upstream_model,
                region: &provider.region,
                trace_id,
                idempotency_key: context.idempotency_key.as_deref(),
            };
            let (outcome, seconds) = attempt(provider, &call, limit).await;
            log(provider, &call, &outcome, seconds);
            match outcome {
                Ok(answer) => return response::answered(provider, request, answer, seconds),
                Err(failure) => {
                    let certainly_not_sent = failure.code == FailureCode::Unreachable;
                    let failed = response::failed(provider, request, &failure, seconds, attempts);
                    if !certainly_not_sent {
                        return failed;
                    }
                    unreached = Some(failed);
                }
            }
        }
        unreached.unwrap_or_else(|| {
            let message = "not started: too little time is left before the deadline";
            let failure = Failure::new(FailureCode::DeadlineExceeded, message);
            response::refused(request, region, &failure)
        })
    }

    /// The providers of the region and model asked, the best first. There is no other region to
    /// fall back to.
    fn serving(
        &self,
        request: &InferenceRequest,
        region: Option<&Region>,
        now_ms: u64,
    ) -> Vec<Serving<'_>> {
        let of_region = |provider: &&Provider| region.is_none_or(|asked| provider.region == *asked);
        let candidate = |provider| {
            let upstream_model = Provider::upstream_model(provider, &request.model)?;
            Some(Candidate {
                provider: (provider, upstream_model),
                price: provider.price.nominal(),
                record: provider.stats.record(),
            })
        };
        let candidates = self.shared.providers.iter().filter(of_region).filter_map(candidate);
        choose(candidates.collect(), request.cost_priority, now_ms)
    }

    /// Why nobody serves the request, and what there is instead.
    fn unavailable(&self, request: &InferenceRequest, region: Option<&Region>) -> Failure {
        let providers = &self.shared.providers;
        let of_region = |provider: &&Provider| region.is_none_or(|asked| provider.region == *asked);
        let models: BTreeSet<&str> =
            providers.iter().filter(of_region).flat_map(Provider::models).collect();
        let model: String = request.model.chars().take(80).collect();
        let message = match region {
            Some(region) if models.is_empty() => {
                format!(
                    "no provider in region `{region}`; there are providers in {}",
                    list(self.regions())
                )
            }
            Some(region) => format!(
                "no provider in region `{region}` serves the model `{model}`; served there: {}",
                list(models)
            ),
            None => format!("no provider serves the model `{model}`; served: {}", list(models)),
        };
        Failure::new(FailureCode::Unavailable, message)
    }
}

fn new_trace_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn list(all: impl IntoIterator<Item = impl ToString>) -> String {
    all.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(", ")
}

/// The time that a call may take; none where too little is left to start it.
fn time_for(timeout: Duration, deadline_ms: Option<u64>, now_ms: u64) -> Option<Duration> {
    let Some(deadline_ms) = deadline_ms else { return Some(timeout) };
    let left = Duration::from_millis(deadline_ms.saturating_sub(now_ms));
    let usable = left.checked_sub(RESERVE).filter(|usable| !usable.is_zero())?;
    Some(timeout.min(usable))
}

/// One call within its time, and how many seconds it took.
async fn attempt(
    provider: &Provider,
    call: &Call<'_>,
    limit: Duration,
) -> (Result<Answer, Failure>, f64) {
    let begun = Instant::now();
    let outcome = match tokio::time::timeout(limit, provider.call(call)).await {
        Ok(Ok(answer)) if answer.text.len() > MAX_RESPONSE_BYTES => {
            let message = format!("the answer's text is larger than {MAX_RESPONSE_BYTES} bytes");
            Err(Failure::new(FailureCode::ResponseTooLarge, message))
        }
        Ok(outcome) => outcome,
        Err(_elapsed) => {
            let message = format!("no answer within {} ms", limit.as_millis());
            Err(Failure::new(FailureCode::Timeout, message))
        }
    };
    let seconds = begun.elapsed().as_secs_f64();
    match &outcome {
        Ok(_) => provider.stats.observe(Observation::Success { seconds }, now_ms()),
        Err(failure) if failure.code.is_providers_fault() => {
            provider.stats.observe(Observation::Failure, now_ms());
        }
        Err(_not_its_fault) => {}
    }
    (outcome, seconds)
}

fn log(provider: &Provider, call: &Call<'_>, outcome: &Result<Answer, Failure>, seconds: f64) {
    let (name, region) = (&provider.name, &provider.region);
    let (model, trace_id) = (&call.request.model, call.trace_id);
    match outcome {
        Ok(_) => tracing::debug!(
            provider_id = %name, %region, model_id = model, trace_id, seconds,
            "provider answered"
        ),
        Err(failure) => tracing::warn!(
            provider_id = %name, %region, model_id = model, trace_id, seconds,
            code = %failure.code, reason = failure.message, "provider failed"
        ),
    }
}

/// Unix milliseconds.
#[expect(clippy::disallowed_methods, reason = "the one place where the router reads the clock")]
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_gets_the_lesser_of_its_time_out_and_what_is_left() {
        let table = [
            (None, Some(10_000)),
            (Some(1_000_000), Some(10_000)),
            (Some(105_500), Some(5_000)),
            (Some(100_501), Some(1)),
            (Some(100_500), None),
            (Some(100_000), None),
            (Some(1), None),
        ];
        for (deadline, expected) in table {
            let limit = time_for(Duration::from_secs(10), deadline, 100_000);
            assert_eq!(limit, expected.map(Duration::from_millis), "{deadline:?}");
        }
    }
}
