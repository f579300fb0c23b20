//! One inference: who is asked, in which time, and what comes back.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use beacon_aws::SharedCalls;
use beacon_core::Region;
use beacon_core::region::UnknownRegion;
use beacon_core::wire::{CallKey, CallView, InferenceRequest, InferenceResponse, ProviderView};

use crate::attempt::{Deadline, attempt};
use crate::calls::{Asking, Calls, Handover, KeyConflict, Told};
use crate::choose::{Candidate, choose};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::failure::{Failure, FailureCode};
use crate::provider::{Call, Provider, Sent};
use crate::response;

/// What comes with a call besides its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallContext {
    /// Unix milliseconds after which nobody waits for the answer.
    pub deadline_ms: Option<u64>,
    /// A call with a key is made once. A call without one is made whenever it is asked for.
    pub idempotency_key: Option<CallKey>,
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
    calls: Arc<Calls>,
    clock: Clock,
}

/// What a call goes by besides its request.
#[derive(Debug, Clone, Copy)]
struct Terms<'a> {
    context: &'a CallContext,
    /// Wins over the context's: others may wait for the same call.
    deadline: &'a Deadline,
    sent: &'a Sent,
}

/// A provider that serves what is asked, and the model's name there.
type Serving<'a> = (&'a Provider, &'a str);

impl HybridRouter {
    /// Makes the providers of a configuration ready to be called.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Self::with_clock(config, Clock::System)
    }

    /// The same, by another clock than the machine's.
    pub fn with_clock(config: Config, clock: Clock) -> Result<Self, ConfigError> {
        let providers = Provider::all(config, clock)?;
        let mut regions: Vec<Region> = providers.iter().map(|p| p.region.clone()).collect();
        regions.sort();
        regions.dedup();
        let calls = Arc::new(Calls::new(clock));
        Ok(Self { shared: Arc::new(Shared { providers, regions, calls, clock }) })
    }

    /// The same, with calls with a key that other routers know too. Only the first table counts.
    #[must_use]
    pub fn with_shared_calls(self, calls: SharedCalls) -> Self {
        self.shared.calls.share(calls);
        self
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
        let now = self.now_ms();
        let asked = region.map(|given| Region::resolve(given, &self.shared.regions));
        let fits = |provider: &&Provider| match &asked {
            None => true,
            Some(Ok(region)) => provider.region == *region,
            Some(Err(_unknown)) => false,
        };
        self.shared.providers.iter().filter(fits).map(|provider| provider.view(now)).collect()
    }

    /// Asks one provider, or joins the call of the same key, or repeats what it ended with. Dropping
    /// the future drops the call, unless others wait for it.
    pub async fn infer(
        &self,
        request: &InferenceRequest,
        context: &CallContext,
    ) -> Result<InferenceResponse, KeyConflict> {
        let deadline_ms = context.deadline_ms;
        let Some(key) = &context.idempotency_key else {
            let (deadline, sent) = (&Deadline::new(deadline_ms), &Sent::default());
            return Ok(self.ask(request, Terms { context, deadline, sent }).await);
        };
        let make = |deadline, sent, _handover: Handover| {
            let (router, request, context) = (self.clone(), request.clone(), context.clone());
            async move {
                let terms = Terms { context: &context, deadline: &deadline, sent: &sent };
                router.ask(&request, terms).await
            }
        };
        let told = self.shared.calls.ask(Asking { key, request, deadline_ms }, make).await?;
        Ok(match told {
            Told::Answered(response) => Arc::unwrap_or_clone(response),
            Told::Stopped { maybe_billed, earlier_maybe_billed } => InferenceResponse {
                earlier_maybe_billed,
                ..self.refused(request, None, &Failure::stopped(maybe_billed))
            },
            Told::Unprotected { maybe_billed, earlier_maybe_billed } => InferenceResponse {
                earlier_maybe_billed,
                ..self.refused(request, None, &Failure::unprotected(maybe_billed))
            },
            Told::Conflict => return Err(KeyConflict),
            Told::Late { maybe_billed, earlier_maybe_billed } => InferenceResponse {
                earlier_maybe_billed,
                ..self.refused(request, None, &Failure::late(maybe_billed))
            },
        })
    }

    /// What is known of the call with a key.
    pub async fn look(&self, key: &CallKey) -> CallView {
        self.shared.calls.look(key).await
    }

    /// Stops the call with a key, for good, also if it comes only later. Those who wait for it are
    /// told. Once this resolves, nothing of it runs, unless the view says that it does: a router that
    /// died may have left it so, until its lease is over. A call that was done before stays so.
    pub async fn stop(&self, key: &CallKey) -> CallView {
        self.shared.calls.stop(key).await
    }

    /// Resolves when the end of every call is stored where other routers look for it. To be awaited
    /// before the process ends, or they wait for the lease of what it made.
    pub async fn settle(&self) {
        self.shared.calls.settle().await;
    }

    /// Now, Unix milliseconds, by the router's clock.
    pub(crate) fn now_ms(&self) -> u64 {
        self.shared.clock.now_ms()
    }

    fn refused(
        &self,
        request: &InferenceRequest,
        region: Option<&Region>,
        failure: &Failure,
    ) -> InferenceResponse {
        response::refused(request, region, failure, self.now_ms())
    }

    async fn ask(&self, request: &InferenceRequest, terms: Terms<'_>) -> InferenceResponse {
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
                return self.refused(request, None, &failure);
            }
        };
        let now = self.now_ms();
        let serving = self.serving(request, region.as_ref(), now);
        if serving.is_empty() {
            let failure = self.unavailable(request, region.as_ref());
            return self.refused(request, region.as_ref(), &failure);
        }
        let given = terms.context.trace_id.as_deref().or(request.trace_id.as_deref());
        let trace_id = given.map_or_else(|| Cow::Owned(new_trace_id()), Cow::Borrowed);
        self.ask_in_turn(serving, request, region.as_ref(), terms, &trace_id).await
    }

    /// Asks the first provider, and the next only while certainly nothing was sent.
    async fn ask_in_turn(
        &self,
        serving: Vec<Serving<'_>>,
        request: &InferenceRequest,
        region: Option<&Region>,
        terms: Terms<'_>,
        trace_id: &str,
    ) -> InferenceResponse {
        let Terms { context, deadline, sent } = terms;
        let clock = self.shared.clock;
        let mut unreached = None;
        for (attempts, (provider, upstream_model)) in (1..).zip(serving) {
            let Some(limit) = deadline.time_for(provider.timeout, self.now_ms()) else {
                break;
            };
            let call = Call {
                request,
                upstream_model,
                region: &provider.region,
                trace_id,
                idempotency_key: context.idempotency_key.as_ref().map(CallKey::as_str),
                sent,
            };
            let (outcome, seconds) = attempt(provider, &call, limit, deadline, clock).await;
            match outcome {
                Ok(answer) => return response::answered(provider, request, answer, seconds),
                Err(failure) => {
                    let certainly_not_sent = failure.code == FailureCode::Unreachable;
                    let now = self.now_ms();
                    let failed =
                        response::failed(provider, request, &failure, seconds, attempts, now);
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
            self.refused(request, region, &failure)
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
