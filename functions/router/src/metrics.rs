//! What is counted of calls, and how it is told to Prometheus.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use beacon_core::exposition::{Exposition, Kind, label, name};
use beacon_core::wire::{BreakerState, RouteState};

use crate::provider::Provider;

/// Requests to one provider and model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// By the outcome of an answer or the code of a failure.
    outcomes: BTreeMap<String, u64>,
    maybe_billed: u64,
    cancelled: u64,
    provider_seconds: f64,
}

impl Counts {
    /// A request ended, after so many seconds.
    pub(crate) fn ended(&mut self, outcome: &str, maybe_billed: bool, seconds: f64) {
        // Codes may be a provider's own words, of which there is no end.
        let full = self.outcomes.len() >= MOST_OUTCOMES && !self.outcomes.contains_key(outcome);
        let outcome = if full { "other" } else { outcome };
        match self.outcomes.get_mut(outcome) {
            Some(count) => *count += 1,
            None => {
                self.outcomes.insert(outcome.to_owned(), 1);
            }
        }
        self.maybe_billed += u64::from(maybe_billed);
        self.provider_seconds += seconds;
    }

    /// A request was dropped before its end.
    pub(crate) fn cancelled(&mut self) {
        self.cancelled += 1;
        self.maybe_billed += 1;
    }
}

/// Outcomes and codes that are told apart for one model at one provider.
const MOST_OUTCOMES: usize = 64;
/// Upper bounds of the router's own time, microseconds.
const BOUNDS_US: [u64; 10] = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 250_000];

/// What is counted of all calls.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// Calls that ended without a request, by code.
    unsent: Mutex<BTreeMap<String, u64>>,
    overhead: [AtomicU64; BOUNDS_US.len() + 1],
    overhead_us: AtomicU64,
}

impl Totals {
    /// A call ended without a request.
    pub(crate) fn unsent(&self, code: &str) {
        let mut unsent = self.unsent.lock().unwrap_or_else(PoisonError::into_inner);
        *unsent.entry(code.to_owned()).or_default() += 1;
    }

    /// A call took this much of the router's own time.
    pub(crate) fn overhead(&self, overhead: Duration) {
        let us = u64::try_from(overhead.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.iter().position(|bound| us <= *bound).unwrap_or(BOUNDS_US.len());
        self.overhead[bucket].fetch_add(1, Ordering::Relaxed);
        self.overhead_us.fetch_add(us, Ordering::Relaxed);
    }

    /// The text that Prometheus reads.
    pub(crate) fn print<'a>(
        &self,
        providers: &(impl Iterator<Item = &'a Provider> + Clone),
        now_ms: u64,
    ) -> String {
        let mut text = Exposition::default();
        print_requests(&mut text, providers.clone());
        let unsent = self.unsent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        text.metric(
            Kind::Counter,
            "beacon_router_unsent_total",
            "Calls that ended without a request to a provider, by failure code",
            unsent.iter().map(|(code, count)| (label("code", code), *count)),
        );
        self.print_overhead(&mut text);
        print_providers(&mut text, providers, now_ms);
        text.into_text()
    }

    fn print_overhead(&self, text: &mut Exposition) {
        let metric = "beacon_router_overhead_seconds";
        let help = "The router's own time of a call, without waits and providers";
        text.head(Kind::Histogram, metric, help);
        let mut sum = 0;
        let bounds = BOUNDS_US.map(|us| Duration::from_micros(us).as_secs_f64().to_string());
        let bounds = bounds.iter().map(String::as_str).chain(["+Inf"]);
        for (bucket, bound) in self.overhead.iter().zip(bounds) {
            sum += bucket.load(Ordering::Relaxed);
            text.value(&format!("{metric}_bucket"), &label("le", bound), sum);
        }
        let seconds = Duration::from_micros(self.overhead_us.load(Ordering::Relaxed)).as_secs_f64();
        text.value(&format!("{metric}_sum"), "", seconds);
        text.value(&format!("{metric}_count"), "", sum);
    }
}

fn labels(provider: &Provider, model: &str) -> String {
    let Provider { name, region, .. } = provider;
    [label("provider", name.as_str()), label("region", region.as_str()), label("model", model)]
        .join(",")
}

fn print_requests<'a>(
    text: &mut Exposition,
    providers: impl Iterator<Item = &'a Provider> + Clone,
) {
    let routes = providers.flat_map(|provider| {
        provider.routes.iter().map(move |route| {
            (labels(provider, route.model.id.as_str()), route.known().counts.clone())
        })
    });
    let routes: Vec<(String, Counts)> = routes.collect();
    let outcomes = routes.iter().flat_map(|(labels, counts)| {
        counts.outcomes.iter().map(move |(outcome, count)| {
            (format!("{labels},{}", label("outcome", outcome)), *count)
        })
    });
    text.metric(
        Kind::Counter,
        "beacon_router_requests_total",
        "Requests to providers, by the outcome of the answer or the code of the failure",
        outcomes,
    );
    let each = |value: fn(&Counts) -> u64| {
        routes.iter().map(move |(labels, counts)| (labels.clone(), value(counts)))
    };
    text.metric(
        Kind::Counter,
        "beacon_router_cancelled_total",
        "Requests to providers that were dropped before their end",
        each(|counts| counts.cancelled),
    );
    text.metric(
        Kind::Counter,
        "beacon_router_maybe_billed_total",
        "Requests that may be charged for without an answer having arrived",
        each(|counts| counts.maybe_billed),
    );
    text.metric(
        Kind::Counter,
        "beacon_router_provider_seconds_total",
        "Time that requests took at providers",
        routes.iter().map(|(labels, counts)| (labels.clone(), counts.provider_seconds)),
    );
}

fn print_providers<'a>(
    text: &mut Exposition,
    providers: &(impl Iterator<Item = &'a Provider> + Clone),
    now_ms: u64,
) {
    let routes = providers.clone().flat_map(|provider| {
        provider.routes.iter().map(move |route| {
            let (labels, known) = (labels(provider, route.model.id.as_str()), route.known());
            (labels, known.breaker.shown(), known.state(now_ms))
        })
    });
    let routes: Vec<(String, BreakerState, RouteState)> = routes.collect();
    let one_of = |labels: &str, state: String, is: bool| {
        (format!("{labels},{}", label("state", &state)), u64::from(is))
    };
    let breakers = routes.iter().flat_map(|(labels, breaker, _)| {
        [BreakerState::Closed, BreakerState::HalfOpen, BreakerState::Open]
            .map(|state| one_of(labels, name(&state), *breaker == state))
    });
    text.metric(
        Kind::Gauge,
        "beacon_router_breaker_state",
        "1 for the state that the circuit breaker is in",
        breakers,
    );
    let states = routes.iter().flat_map(|(labels, _, shown)| {
        [RouteState::Ready, RouteState::Unknown, RouteState::Down]
            .map(|state| one_of(labels, name(&state), *shown == state))
    });
    text.metric(
        Kind::Gauge,
        "beacon_router_route_state",
        "1 for what the latest calls say of a provider's model",
        states,
    );
    let each = |value: fn(&Provider) -> usize| {
        providers
            .clone()
            .map(move |provider| (label("provider", provider.name.as_str()), value(provider)))
    };
    text.metric(
        Kind::Gauge,
        "beacon_router_in_flight",
        "Requests at a provider now",
        each(|provider| provider.slots.in_flight()),
    );
    text.metric(
        Kind::Gauge,
        "beacon_router_queue_depth",
        "Calls that wait for a slot of a provider",
        each(|provider| provider.slots.queued()),
    );
}
