//! The times, rates and counts of a provider, and which of them must lie within which.

use std::time::Duration;

use beacon_core::time_budget;
use serde::Deserialize;

use super::{ProviderProblem, Timeouts};
use crate::pace::Rates;
use crate::slots::Concurrency;
use crate::warmth::Sleep;

/// Calls that may wait for a slot where nothing else is said.
const QUEUE: usize = 1_000;
/// How long they may.
const PATIENCE: Duration = Duration::from_secs(60);
/// Not asked for this long, a model that sleeps is asleep.
const SLEEPS_AFTER: Duration = Duration::from_secs(300);
const MOST_CALLS: usize = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsEntry {
    connect_timeout_seconds: Option<f64>,
    first_byte_timeout_seconds: Option<f64>,
    timeout_seconds: Option<f64>,
    cold_start_seconds: Option<f64>,
    sleeps_after_seconds: Option<f64>,
    requests_per_minute: Option<u32>,
    tokens_per_minute: Option<u64>,
    concurrency: Option<usize>,
    queue: Option<usize>,
    queue_timeout_seconds: Option<f64>,
    probe_seconds: Option<f64>,
}

impl LimitsEntry {
    /// The keys above.
    pub(super) const KEYS: [&str; 11] = [
        "connect_timeout_seconds",
        "first_byte_timeout_seconds",
        "timeout_seconds",
        "cold_start_seconds",
        "sleeps_after_seconds",
        "requests_per_minute",
        "tokens_per_minute",
        "concurrency",
        "queue",
        "queue_timeout_seconds",
        "probe_seconds",
    ];

    /// `hop` is the longest that the kind of provider takes to the head of any answer.
    pub(super) fn timeouts(&self, hop: Option<Duration>) -> Result<Timeouts, ProviderProblem> {
        let attempt = self.timeout_seconds.map_or(Ok(time_budget::ATTEMPT), |seconds| {
            time("timeout_seconds", ATTEMPT_ALLOWED, seconds, time_budget::ROUTER)
        })?;
        let first_byte = optional("first_byte_timeout_seconds", self.first_byte_timeout_seconds)?;
        let cold = optional("cold_start_seconds", self.cold_start_seconds)?;
        let first_byte = first_byte.or(hop.filter(|hop| *hop + cold.unwrap_or_default() < attempt));
        if let Some(first_byte) = first_byte {
            let inner = ("first_byte_timeout_seconds", first_byte);
            nested(inner, ("timeout_seconds", attempt))?;
        }
        if let Some(cold) = cold {
            let waking = cold + first_byte.unwrap_or_default();
            let inner = match first_byte {
                Some(_) => "cold_start_seconds` + `first_byte_timeout_seconds",
                None => "cold_start_seconds",
            };
            nested((inner, waking), ("timeout_seconds", attempt))?;
        }
        let (outer, longest) = match first_byte {
            Some(first_byte) => ("first_byte_timeout_seconds", first_byte),
            None => ("timeout_seconds", attempt),
        };
        let connect = optional("connect_timeout_seconds", self.connect_timeout_seconds)?;
        if let Some(connect) = connect {
            nested(("connect_timeout_seconds", connect), (outer, longest))?;
        }
        let connect = connect.unwrap_or(time_budget::CONNECT.min(longest / 2));
        Ok(Timeouts { connect, first_byte, attempt })
    }

    pub(super) fn sleep(&self) -> Result<Option<Sleep>, ProviderProblem> {
        let after = optional("sleeps_after_seconds", self.sleeps_after_seconds)?;
        let Some(cold_start) = optional("cold_start_seconds", self.cold_start_seconds)? else {
            let allowed = "given with `cold_start_seconds`, or not at all";
            return alone("sleeps_after_seconds", after.is_some(), allowed).map(|()| None);
        };
        Ok(Some(Sleep { cold_start, after: after.unwrap_or(SLEEPS_AFTER) }))
    }

    pub(super) fn rates(&self) -> Result<Rates, ProviderProblem> {
        let Self { requests_per_minute, tokens_per_minute, .. } = *self;
        positive("requests_per_minute", requests_per_minute.map(u64::from))?;
        positive("tokens_per_minute", tokens_per_minute)?;
        Ok(Rates { requests_per_minute, tokens_per_minute })
    }

    pub(super) fn concurrency(&self) -> Result<Option<Concurrency>, ProviderProblem> {
        let time_out = optional("queue_timeout_seconds", self.queue_timeout_seconds)?;
        let Some(calls) = self.concurrency else {
            let allowed = "given with `concurrency`, or not at all";
            alone("queue", self.queue.is_some(), allowed)?;
            return alone("queue_timeout_seconds", time_out.is_some(), allowed).map(|()| None);
        };
        let allowed = "from 1 to 100000";
        if !(1..=MOST_CALLS).contains(&calls) {
            return Err(ProviderProblem::Value { key: "concurrency", allowed });
        }
        let queue = self.queue.unwrap_or(QUEUE);
        if queue > MOST_CALLS {
            return Err(ProviderProblem::Value { key: "queue", allowed: "at most 100000" });
        }
        Ok(Some(Concurrency { calls, queue, patience: time_out.unwrap_or(PATIENCE) }))
    }

    pub(super) fn probe(&self) -> Result<Option<Duration>, ProviderProblem> {
        let probe = optional("probe_seconds", self.probe_seconds)?;
        match probe {
            Some(every) if every < Duration::from_secs(1) => {
                Err(ProviderProblem::Value { key: "probe_seconds", allowed: "at least 1" })
            }
            Some(_) | None => Ok(probe),
        }
    }
}

fn optional(key: &'static str, seconds: Option<f64>) -> Result<Option<Duration>, ProviderProblem> {
    let day = Duration::from_secs(24 * 60 * 60);
    seconds.map(|seconds| time(key, "above 0 and at most a day", seconds, day)).transpose()
}

const ATTEMPT_ALLOWED: &str =
    "above 0 and at most the 600 seconds that the router has for all attempts";

fn time(
    key: &'static str,
    allowed: &'static str,
    seconds: f64,
    most: Duration,
) -> Result<Duration, ProviderProblem> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() && time <= most => Ok(time),
        Ok(_) | Err(_) => Err(ProviderProblem::Value { key, allowed }),
    }
}

fn nested(
    (inner, shorter): (&'static str, Duration),
    (outer, longer): (&'static str, Duration),
) -> Result<(), ProviderProblem> {
    if shorter < longer {
        return Ok(());
    }
    Err(ProviderProblem::Nesting { inner, shorter, outer, longer })
}

fn positive(key: &'static str, value: Option<u64>) -> Result<(), ProviderProblem> {
    if value == Some(0) {
        Err(ProviderProblem::Value { key, allowed: "at least 1" })
    } else {
        Ok(())
    }
}

/// A key that says nothing by itself.
fn alone(key: &'static str, given: bool, allowed: &'static str) -> Result<(), ProviderProblem> {
    if given { Err(ProviderProblem::Value { key, allowed }) } else { Ok(()) }
}
