//! Asking models that nobody asked for a while, where their providers are declared with
//! `probe_seconds`: what a probe costs is the operator's to decide.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use beacon_core::wire::InferenceRequest;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep};

use crate::attempt::{Deadline, attempt};
use crate::breaker::{Admitted, PATIENCE, SharedBreakers};
use crate::clock::Clock;
use crate::inference::tokens;
use crate::provider::{Call, Provider, Sent};
use crate::route::{Entrance, Route};
use crate::router::HybridRouter;

/// How often it is looked who is due.
const LOOK: Duration = Duration::from_secs(1);
const PROMPT: &str = "Say yes.";

/// A provider and the way to one of its models.
type Due = (Arc<Provider>, Arc<Route>);

impl HybridRouter {
    /// Asks whoever is due, each apart from the others. Never ends.
    pub(crate) async fn probe(&self) {
        let clock = self.clock();
        let (mut out, mut asked) = (FuturesUnordered::new(), HashSet::new());
        loop {
            tokio::select! {
                () = sleep(LOOK) => {
                    for (provider, route) in self.due() {
                        let name = (provider.name.clone(), route.model.id.clone());
                        if asked.insert(name.clone()) {
                            out.push(async move {
                                ask(&provider, &route, self.breakers(), clock).await;
                                name
                            });
                        }
                    }
                }
                Some(name) = out.next() => {
                    asked.remove(&name);
                }
            }
        }
    }

    fn due(&self) -> Vec<Due> {
        let (fleet, now_ms) = (self.fleet(), self.now_ms());
        let due = fleet.providers.iter().filter_map(|provider| Some((provider, provider.probe?)));
        let due = due.flat_map(|(provider, every)| {
            let quiet = move |route: &&Arc<Route>| {
                let silence = route.known().pace.silence(now_ms);
                u128::from(silence) >= every.as_millis()
            };
            let routes = provider.routes.iter().filter(quiet);
            routes.map(|route| (Arc::clone(provider), Arc::clone(route)))
        });
        due.collect()
    }
}

/// One call that asks for one token. It counts like any other.
async fn ask(
    provider: &Provider,
    route: &Arc<Route>,
    breakers: Option<&SharedBreakers>,
    clock: Clock,
) {
    let request = InferenceRequest {
        model: route.model.id.to_string(),
        prompt: PROMPT.to_owned(),
        messages: None,
        temperature: 0.0,
        max_tokens: 1,
        seed: None,
        top_p: None,
        region_preference: None,
        cost_priority: true,
        trace_id: None,
    };
    let limit = provider.timeouts.attempt;
    let entrance = Entrance {
        slots: &provider.slots,
        tokens: tokens(&request),
        until: Instant::now() + limit,
        clock,
    };
    // Who is not let in has no need to be asked: what keeps it out is known.
    let Ok(entered) = route.enter(entrance).await else { return };
    let claimed = match breakers {
        None => None,
        Some(breakers) => match breakers.admits(provider, route, &entered, PATIENCE).await {
            Admitted::No => return,
            Admitted::Yes(claim) => Some((breakers, claim)),
        },
    };
    let call = Call {
        request: &request,
        upstream_model: &route.model.upstream,
        region: &provider.region,
        trace_id: "probe",
        idempotency_key: None,
        sent: &Sent::default(),
        waking: entered.waking(),
        clock,
    };
    // What it shows is kept with the route.
    let shown = attempt(provider, entered, &call, limit, &Deadline::new(None)).await;
    if let Some((breakers, claim)) = claimed {
        breakers.tell(provider, route, shown.turned, claim, PATIENCE).await;
    }
}
