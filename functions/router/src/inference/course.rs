//! How one call went so far.

use std::time::Duration;

use beacon_core::ProviderId;
use beacon_core::wire::{Attempted, Decision, InferenceResponse, Order, Timings};
use tokio::time::Instant;

use super::{BUDGET, MOST_ATTEMPTS};
use crate::choose::Candidate;
use crate::failure::Failure;
use crate::metrics::Totals;
use crate::provider::{Answer, Provider, Sent};

/// The course of a call.
#[derive(Debug)]
pub(super) struct Course {
    begun: Instant,
    waited: Duration,
    at_providers: f64,
    pub(super) decision: Decision,
    ruled_out: Vec<ProviderId>,
    /// Requests that met a model that was being loaded.
    loading: u32,
    /// Attempts with which nothing was sent.
    unsent: u32,
}

/// A request that was made and failed.
#[derive(Debug)]
pub(super) struct Ended<'a> {
    pub(super) provider: &'a Provider,
    pub(super) failure: Failure,
    pub(super) seconds: f64,
}

impl Course {
    pub(super) fn begin() -> Self {
        Self {
            begun: Instant::now(),
            waited: Duration::ZERO,
            at_providers: 0.0,
            decision: Decision::default(),
            ruled_out: Vec::new(),
            loading: 0,
            unsent: 0,
        }
    }

    /// What is left of the time that a router takes for all attempts and waits.
    pub(super) fn left(&self) -> Duration {
        BUDGET.saturating_sub(self.begun.elapsed())
    }

    /// Notes who could be asked when the call came.
    pub(super) fn consider<P>(&mut self, order: Order, candidates: &[Candidate<P>]) {
        if self.decision.order.is_none() {
            let shown = candidates.iter().map(|candidate| candidate.shown.clone());
            (self.decision.order, self.decision.candidates) = (Some(order), shown.collect());
        }
    }

    /// Waits, and counts it.
    pub(super) async fn wait<T>(&mut self, waiting: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let ended = waiting.await;
        self.waited += begun.elapsed();
        ended
    }

    /// Requests made.
    pub(super) fn attempts(&self) -> u32 {
        u32::try_from(self.decision.attempts.len()).unwrap_or(u32::MAX)
    }

    /// The last request met a model that is being loaded, for which there is time still.
    pub(super) fn met_loading(&mut self, cold_start: Duration) {
        if self.begun.elapsed() < cold_start {
            self.loading += 1;
        }
    }

    /// Whether a provider that was asked so often for this call may be asked.
    pub(super) fn may_ask(&self, tried: u32) -> bool {
        let forgiven = if tried == 0 { self.unsent } else { 0 };
        let counted = self.attempts().saturating_sub(self.loading).saturating_sub(forgiven);
        counted < MOST_ATTEMPTS
    }

    /// Requests made to one provider.
    pub(super) fn tried(&self, provider: &Provider) -> u32 {
        let name = provider.name.as_str();
        let to_it = self.decision.attempts.iter().filter(|attempted| attempted.provider == name);
        u32::try_from(to_it.count()).unwrap_or(u32::MAX)
    }

    /// It is not asked again for this call.
    pub(super) fn rule_out(&mut self, provider: &Provider) {
        self.ruled_out.push(provider.name.clone());
    }

    pub(super) fn is_ruled_out(&self, provider: &Provider) -> bool {
        self.ruled_out.contains(&provider.name)
    }

    /// A request was made.
    pub(super) fn attempted(
        &mut self,
        provider: &Provider,
        outcome: &Result<Answer, Failure>,
        seconds: f64,
    ) {
        self.at_providers += seconds;
        let usage = outcome.as_ref().ok().and_then(|answer| answer.usage);
        let failure = outcome.as_ref().err();
        let was_sent = failure.is_none_or(Failure::was_sent);
        self.unsent += u32::from(!was_sent);
        self.decision.attempts.push(Attempted {
            provider: provider.name.to_string(),
            seconds,
            cost: if was_sent { provider.price.known_cost(seconds, usage) } else { None },
            code: failure.map(|failure| failure.code.to_string()),
            http_status: failure.and_then(|failure| failure.http_status),
            maybe_billed: failure.is_some_and(Failure::maybe_billed),
        });
    }

    /// The answer, with how it came about.
    pub(super) fn finish(
        self,
        mut response: InferenceResponse,
        sent: &Sent,
        totals: &Totals,
    ) -> InferenceResponse {
        let total = self.begun.elapsed();
        let at_providers = Duration::try_from_secs_f64(self.at_providers).unwrap_or_default();
        let overhead = total.saturating_sub(self.waited).saturating_sub(at_providers);
        totals.overhead(overhead);
        if let (true, Some(code)) = (self.decision.attempts.is_empty(), &response.error_code) {
            totals.unsent(code);
        }
        response.timings = Some(Timings {
            total_ms: milliseconds(total),
            waited_ms: milliseconds(self.waited),
            provider_ms: milliseconds(at_providers),
            first_byte_ms: sent.first_byte().map(milliseconds),
            overhead_ms: milliseconds(overhead),
        });
        response.decision = Some(Box::new(self.decision));
        response
    }
}

/// Exact to the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    let us = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    f64::from(us) / 1_000.0
}
