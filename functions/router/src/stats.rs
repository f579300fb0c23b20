//! What a provider's real calls have shown. Nothing else is counted: no probes, no guesses.

use std::sync::{Mutex, PoisonError};

/// Weight of the past in the moving averages.
const PAST: f64 = 0.9;
/// Below this success rate a provider counts as failing: three failures in a row get there.
const FAILING_BELOW: f64 = 0.75;
/// A failing provider is given another chance this long after its last failure, or it would stay
/// behind for ever.
const SET_BACK_MS: u64 = 30_000;

/// How one call ended, as far as it tells something of the provider.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Observation {
    Success { seconds: f64 },
    Failure,
}

/// Moving averages of one provider.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Record {
    /// Seconds; 0 before the first success. Failures are left out: a provider that fails fast is
    /// not a fast provider.
    pub(crate) avg_latency: f64,
    /// 0 to 1; 1 before the first call.
    pub(crate) success_rate: f64,
    /// Unix milliseconds; 0 before the first.
    pub(crate) last_success_ms: u64,
    pub(crate) last_failure_ms: u64,
}

impl Default for Record {
    fn default() -> Self {
        Self { avg_latency: 0.0, success_rate: 1.0, last_success_ms: 0, last_failure_ms: 0 }
    }
}

impl Record {
    /// The record after one more call.
    pub(crate) fn after(self, observation: Observation, now_ms: u64) -> Self {
        match observation {
            Observation::Success { seconds } => Self {
                avg_latency: if self.last_success_ms == 0 {
                    seconds
                } else {
                    mix(self.avg_latency, seconds)
                },
                success_rate: mix(self.success_rate, 1.0),
                last_success_ms: now_ms,
                ..self
            },
            Observation::Failure => {
                Self { success_rate: mix(self.success_rate, 0.0), last_failure_ms: now_ms, ..self }
            }
        }
    }

    /// Whether its last calls failed, and recently.
    pub(crate) fn is_failing(&self, now_ms: u64) -> bool {
        self.success_rate < FAILING_BELOW
            && now_ms.saturating_sub(self.last_failure_ms) < SET_BACK_MS
    }
}

fn mix(old: f64, new: f64) -> f64 {
    PAST.mul_add(old, (1.0 - PAST) * new)
}

/// A [`Record`] shared by the calls in flight.
#[derive(Debug, Default)]
pub(crate) struct Stats(Mutex<Record>);

impl Stats {
    pub(crate) fn record(&self) -> Record {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn observe(&self, observation: Observation, now_ms: u64) {
        let mut record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *record = record.after(observation, now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn averages_move_by_a_tenth() {
        let first = Record::default().after(Observation::Success { seconds: 2.0 }, 10);
        assert!(close(first.avg_latency, 2.0) && close(first.success_rate, 1.0));
        let second = first.after(Observation::Success { seconds: 1.0 }, 20);
        assert!(close(second.avg_latency, 1.9), "{second:?}");
        assert_eq!(second.last_success_ms, 20);
    }

    #[test]
    fn a_failure_lowers_the_success_rate_and_leaves_the_latency() {
        let before = Record::default().after(Observation::Success { seconds: 2.0 }, 10);
        let after = before.after(Observation::Failure, 20);
        assert!(close(after.success_rate, 0.9), "{after:?}");
        assert!(close(after.avg_latency, 2.0));
        assert_eq!(after.last_success_ms, 10);
    }

    #[test]
    fn one_success_after_three_failures_makes_a_provider_whole() {
        let failing = (0..3).fold(Record::default(), |r, _| r.after(Observation::Failure, 5));
        assert!(failing.is_failing(5));
        assert!(!failing.after(Observation::Success { seconds: 1.0 }, 6).is_failing(6));
    }
}
