//! The router: its providers, what is known of them, and the calls that it makes once.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use beacon_aws::SharedCalls;
use beacon_core::Region;
use beacon_core::wire::{
    CallKey, CallView, InferenceRequest, InferenceResponse, ProviderView, RouteState,
};
use reqwest::Url;

use crate::attempt::Deadline;
use crate::breaker::{PATIENCE, SharedBreakers};
use crate::calls::{Asking as Wanted, Calls, Handover, KeyRefused, Told};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::failure::Failure;
use crate::inference::{self, Asking};
use crate::metrics::Totals;
use crate::provider::{Provider, Sent};
use crate::response;
use crate::route::Route;

/// What comes with a call besides its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallContext {
    /// Unix milliseconds after which nobody waits for the answer.
    pub deadline_ms: Option<u64>,
    /// A call with a key is made once. A call without one is made whenever it is asked for.
    pub idempotency_key: Option<CallKey>,
    /// Wins over the body's `trace_id`.
    pub trace_id: Option<String>,
    /// Only a call of the key that runs, or has its answer, is meant; none is made.
    pub joins: bool,
}

/// The router. Clones share the providers and what is known of them.
#[derive(Debug, Clone)]
pub struct HybridRouter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    fleet: RwLock<Arc<Fleet>>,
    calls: Arc<Calls>,
    breakers: OnceLock<SharedBreakers>,
    clock: Clock,
    totals: Totals,
}

/// The providers of one configuration.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) providers: Vec<Arc<Provider>>,
    /// Those that they declare, in order.
    pub(crate) regions: Vec<Region>,
}

impl Fleet {
    fn new(config: Config, clock: Clock, before: &[Arc<Provider>]) -> Result<Self, ConfigError> {
        let providers = Provider::all(config, clock, before)?;
        let mut regions: Vec<Region> = providers.iter().map(|p| p.region.clone()).collect();
        regions.sort();
        regions.dedup();
        Ok(Self { providers, regions })
    }

    /// The providers of a region; of all regions without one.
    pub(crate) fn of_region<'a>(
        &'a self,
        region: Option<&Region>,
    ) -> impl Iterator<Item = &'a Arc<Provider>> {
        self.providers.iter().filter(move |p| region.is_none_or(|asked| p.region == *asked))
    }
}

/// How many of the providers and regions can be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Health {
    pub(crate) providers: usize,
    /// With a model that was answered recently, and none that is down.
    pub(crate) ready: usize,
    /// Of which nothing is known.
    pub(crate) unknown: usize,
    /// With a model that is down.
    pub(crate) down: usize,
    /// With a model that is not down.
    pub(crate) regions: BTreeSet<String>,
    /// Models at providers that were answered recently.
    pub(crate) routes_ready: usize,
    /// Models at providers that are not down.
    pub(crate) routes_up: usize,
}

/// What a call goes by besides its request.
#[derive(Debug, Clone, Copy)]
struct Terms<'a> {
    context: &'a CallContext,
    /// Wins over the context's: others may wait for the same call.
    deadline: &'a Deadline,
    sent: &'a Sent,
}

impl HybridRouter {
    /// Makes the providers of a configuration ready to be called.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Self::with_clock(config, Clock::System)
    }

    /// The same, by another clock than the machine's.
    pub fn with_clock(config: Config, clock: Clock) -> Result<Self, ConfigError> {
        let fleet = RwLock::new(Arc::new(Fleet::new(config, clock, &[])?));
        let calls = Arc::new(Calls::new(clock));
        let (breakers, totals) = (OnceLock::new(), Totals::default());
        Ok(Self { shared: Arc::new(Shared { fleet, calls, breakers, clock, totals }) })
    }

    /// Goes by another configuration from now on. Calls in flight end as they began; what is known of
    /// providers and models that are in both stays known.
    pub fn reload(&self, config: Config) -> Result<(), ConfigError> {
        let fleet = Fleet::new(config, self.shared.clock, &self.fleet().providers)?;
        fleet.providers.iter().for_each(|provider| provider.take_over());
        *self.shared.fleet.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fleet);
        Ok(())
    }

    pub(crate) fn fleet(&self) -> Arc<Fleet> {
        Arc::clone(&self.shared.fleet.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same, with calls with a key, and breakers, that other routers know too. Only the first
    /// table counts.
    #[must_use]
    pub fn with_shared_calls(self, calls: SharedCalls) -> Self {
        let (table, clock) = (calls.table().clone(), self.shared.clock);
        self.shared.breakers.get_or_init(|| SharedBreakers::new(table, clock));
        self.shared.calls.share(calls);
        self
    }

    /// Whether every provider makes its answers up.
    pub fn is_simulated(&self) -> bool {
        self.fleet().providers.iter().all(|provider| provider.is_simulated())
    }

    /// The regions that providers declare, in order.
    pub fn regions(&self) -> Vec<Region> {
        self.fleet().regions.clone()
    }

    /// The providers of a region, canonical or alias; of all regions without one.
    pub fn providers(&self, region: Option<&str>) -> Vec<ProviderView> {
        let (now, fleet) = (self.now_ms(), self.fleet());
        let asked = region.map(|given| Region::resolve(given, &fleet.regions));
        let fits = |provider: &&Arc<Provider>| match &asked {
            None => true,
            Some(Ok(region)) => provider.region == *region,
            Some(Err(_unknown)) => false,
        };
        fleet.providers.iter().filter(fits).map(|provider| provider.view(now)).collect()
    }

    /// What real calls say of the providers.
    pub(crate) fn health(&self) -> Health {
        let mut health = Health::default();
        for provider in self.providers(None) {
            health.providers += 1;
            let states = || provider.routes.iter().map(|route| route.state);
            health.routes_ready += states().filter(|state| *state == RouteState::Ready).count();
            let up = states().filter(|state| *state != RouteState::Down).count();
            if up > 0 {
                health.regions.insert(provider.region.clone());
            }
            health.routes_up += up;
            if provider.healthy {
                let ready = states().any(|state| state == RouteState::Ready);
                *(if ready { &mut health.ready } else { &mut health.unknown }) += 1;
            } else {
                health.down += 1;
            }
        }
        health
    }

    /// Closes the breakers of a provider and model, of all where one is not named, and forgets what
    /// they were told to wait. How many there were.
    pub async fn reset_breakers(&self, provider: Option<&str>, model: Option<&str>) -> usize {
        let fleet = self.fleet();
        let fits = |p: &&Arc<Provider>| provider.is_none_or(|name| p.name.as_str() == name);
        let mut count = 0;
        for provider in fleet.providers.iter().filter(fits) {
            let of_model = |r: &&Arc<Route>| model.is_none_or(|name| r.model.id.as_str() == name);
            for route in provider.routes.iter().filter(of_model) {
                // For all first, or this router would take it over again.
                if let Some(breakers) = self.breakers() {
                    breakers.close(&provider.name, &route.model.id, PATIENCE).await;
                }
                route.reset();
                count += 1;
            }
        }
        count
    }

    pub(crate) fn breakers(&self) -> Option<&SharedBreakers> {
        self.shared.breakers.get()
    }

    /// The text that Prometheus reads.
    pub(crate) fn metrics(&self) -> String {
        let fleet = self.fleet();
        let providers = fleet.providers.iter().map(Arc::as_ref);
        self.shared.totals.print(&providers, self.now_ms())
    }

    /// Asks one provider, or joins the call of the same key, or repeats what it ended with. Dropping
    /// the future drops the call, unless others wait for it.
    pub async fn infer(
        &self,
        request: &InferenceRequest,
        context: &CallContext,
    ) -> Result<InferenceResponse, KeyRefused> {
        let deadline_ms = context.deadline_ms;
        let joins = context.joins;
        let Some(key) = &context.idempotency_key else {
            if joins {
                return Err(KeyRefused::NothingToJoin);
            }
            let (deadline, sent) = (&Deadline::new(deadline_ms), &Sent::default());
            return Ok(self.ask(request, Terms { context, deadline, sent }).await);
        };
        let make = |deadline, sent: Sent, handover: Handover| {
            let (router, request, context) = (self.clone(), request.clone(), context.clone());
            async move {
                if let Some(url) = handover.result_url().and_then(|url| Url::parse(url).ok()) {
                    sent.set_result_url(url);
                }
                let terms = Terms { context: &context, deadline: &deadline, sent: &sent };
                tokio::select! {
                    biased;
                    response = router.ask(&request, terms) => response,
                    never = hand_over(&sent, &handover) => match never {},
                }
            }
        };
        let told = self.shared.calls.ask(Wanted { key, request, deadline_ms, joins }, make).await?;
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
            Told::Conflict => return Err(KeyRefused::Conflict),
            Told::NothingToJoin => return Err(KeyRefused::NothingToJoin),
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

    pub(crate) fn clock(&self) -> Clock {
        self.shared.clock
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
        let Terms { context, deadline, sent } = terms;
        let fleet = self.fleet();
        let asking = Asking {
            request,
            context,
            deadline,
            sent,
            fleet: &fleet,
            totals: &self.shared.totals,
            breakers: self.breakers(),
            clock: self.shared.clock,
        };
        inference::ask(asking).await
    }
}

/// Leaves to other routers where the result of a call is to be had, whenever that changes.
async fn hand_over(sent: &Sent, handover: &Handover) -> Infallible {
    let mut urls = sent.result_urls();
    loop {
        let url = urls.borrow_and_update().clone();
        if let Some(url) = url
            && let Err(error) = Box::pin(handover.keep_result_url(url.as_str())).await
        {
            let error = beacon_aws::chain(&error);
            tracing::warn!(error, "other routers do not know where a result is to be had");
        }
        if urls.changed().await.is_err() {
            return pending().await;
        }
    }
}
