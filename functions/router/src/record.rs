//! What real calls have shown of one provider and model. Nothing else is counted: no guesses.

use beacon_core::wire::RouteState;

/// Weight of the past in the moving averages.
const PAST: f64 = 0.9;
/// Failures in a row after which a provider is set back, and shown as down.
const DOWN_AFTER: u32 = 3;
/// A provider that was set back is given another chance this long after its last failure: it is to
/// be in use again within five seconds of being back.
const SET_BACK_MS: u64 = 3_000;
/// How long a success, or a failure, says something of now.
pub(crate) const RECENT_MS: u64 = 10 * 60 * 1_000;
/// Latencies of which the least is what a call takes at best.
const LATENCIES: usize = 16;

/// How calls went. Times are Unix milliseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    /// Seconds; 0 before the first success. Failures are left out: a provider that fails fast is
    /// not a fast provider.
    pub(crate) avg_latency: f64,
    /// 0 to 1, as far as calls told something of the provider.
    pub(crate) success_rate: SuccessRate,
    pub(crate) last_success_ms: Option<u64>,
    /// When the last failure was, and its code.
    pub(crate) last_error: Option<(u64, String)>,
    pub(crate) failures_in_a_row: u32,
    /// Seconds of the latest successes, and when each was.
    latencies: [Option<(u64, f64)>; LATENCIES],
    next: usize,
}

/// A moving average that begins with 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SuccessRate(pub(crate) f64);

impl Default for SuccessRate {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Record {
    /// A call was answered, after so many seconds.
    pub(crate) fn succeeded(&mut self, seconds: f64, now_ms: u64) {
        self.avg_latency = match self.latency() {
            None => seconds,
            Some(average) => mix(average, seconds),
        };
        self.success_rate = SuccessRate(mix(self.success_rate.0, 1.0));
        self.last_success_ms = Some(now_ms);
        self.failures_in_a_row = 0;
        self.latencies[self.next] = Some((now_ms, seconds));
        self.next = (self.next + 1) % LATENCIES;
    }

    /// A call was answered by a model that had to be loaded first: how long that took says nothing of
    /// the next.
    pub(crate) fn woke(&mut self, now_ms: u64) {
        self.success_rate = SuccessRate(mix(self.success_rate.0, 1.0));
        self.last_success_ms = Some(now_ms);
        self.failures_in_a_row = 0;
    }

    /// Somebody says that the provider is well again.
    pub(crate) fn forgive(&mut self) {
        self.failures_in_a_row = 0;
    }

    /// A call failed, and that is the provider's fault.
    pub(crate) fn failed(&mut self, code: String, now_ms: u64) {
        self.success_rate = SuccessRate(mix(self.success_rate.0, 0.0));
        self.last_error = Some((now_ms, code));
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
    }

    /// Seconds that a call takes by the latest ones; none before the first.
    pub(crate) fn latency(&self) -> Option<f64> {
        self.latencies.iter().any(Option::is_some).then_some(self.avg_latency)
    }

    /// Whether its last calls failed, and recently: it is chosen after the others.
    pub(crate) fn is_set_back(&self, now_ms: u64) -> bool {
        let recently = |(at, _): &(u64, String)| now_ms.abs_diff(*at) < SET_BACK_MS;
        self.failures_in_a_row >= DOWN_AFTER && self.last_error.as_ref().is_some_and(recently)
    }

    /// What is known of whether it answers; `closed` says whether its breaker lets calls through.
    pub(crate) fn state(&self, closed: bool, now_ms: u64) -> RouteState {
        // A clock that was set back makes nothing recent.
        let recent = |at: u64| now_ms.abs_diff(at) < RECENT_MS;
        let success = self.last_success_ms.filter(|at| recent(*at));
        let failure = self.last_error.as_ref().map(|(at, _)| *at).filter(|at| recent(*at));
        if !closed || self.failures_in_a_row >= DOWN_AFTER && failure.is_some() {
            RouteState::Down
        } else if success.is_some() {
            RouteState::Ready
        } else if failure.is_some() {
            RouteState::Down
        } else {
            RouteState::Unknown
        }
    }

    /// Seconds that a call takes at the least, by the latest ones; 0 where none is known.
    pub(crate) fn least_latency(&self, now_ms: u64) -> f64 {
        let recent = |(at, _): &(u64, f64)| now_ms.abs_diff(*at) < RECENT_MS;
        let recent = self.latencies.iter().flatten().copied().filter(recent);
        recent.map(|(_, seconds)| seconds).min_by(f64::total_cmp).unwrap_or(0.0)
    }
}

fn mix(old: f64, new: f64) -> f64 {
    PAST.mul_add(old, (1.0 - PAST) * new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_000_000_000;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    fn failed(times: u32) -> Record {
        let mut record = Record::default();
        for _time in 0..times {
            record.failed("PROVIDER_HTTP_500".to_owned(), NOW);
        }
        record
    }

    #[test]
    fn averages_move_by_a_tenth_and_a_failure_leaves_the_latency() {
        let mut record = Record::default();
        record.succeeded(2.0, NOW);
        assert!(close(record.avg_latency, 2.0) && close(record.success_rate.0, 1.0));
        record.succeeded(1.0, NOW);
        assert!(close(record.avg_latency, 1.9), "{record:?}");
        record.failed("X".to_owned(), NOW);
        assert!(close(record.avg_latency, 1.9) && close(record.success_rate.0, 0.9));
    }

    #[test]
    fn three_failures_in_a_row_set_a_provider_back_for_a_while_and_two_do_not() {
        assert!(!failed(2).is_set_back(NOW));
        assert!(failed(3).is_set_back(NOW));
        assert!(!failed(9).is_set_back(NOW + SET_BACK_MS));
        let mut record = failed(3);
        record.succeeded(1.0, NOW);
        assert!(!record.is_set_back(NOW));
    }

    #[test]
    fn ready_is_who_answered_recently_and_nothing_is_known_of_who_was_not_asked() {
        let mut record = Record::default();
        assert_eq!(record.state(true, NOW), RouteState::Unknown);
        record.failed("X".to_owned(), NOW);
        assert_eq!(record.state(true, NOW), RouteState::Down);
        record.succeeded(1.0, NOW);
        assert_eq!(record.state(true, NOW), RouteState::Ready);
        assert_eq!(record.state(false, NOW), RouteState::Down);
        assert_eq!(record.state(true, NOW + RECENT_MS), RouteState::Unknown);
    }

    #[test]
    fn one_failure_among_successes_does_not_take_a_provider_down_but_three_do() {
        let mut record = Record::default();
        record.succeeded(1.0, NOW);
        record.failed("X".to_owned(), NOW);
        assert_eq!(record.state(true, NOW), RouteState::Ready);
        record.failed("X".to_owned(), NOW);
        record.failed("X".to_owned(), NOW);
        assert_eq!(record.state(true, NOW), RouteState::Down);
    }

    #[test]
    fn the_least_latency_is_of_the_latest_successes_only() {
        let mut record = Record::default();
        assert!(close(record.least_latency(NOW), 0.0));
        record.succeeded(0.5, NOW);
        for _call in 0..LATENCIES {
            record.succeeded(3.0, NOW);
        }
        assert!(close(record.least_latency(NOW), 3.0));
        assert!(close(record.least_latency(NOW + RECENT_MS), 0.0));
    }
}
