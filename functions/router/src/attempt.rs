//! One attempt at a provider, within the time of those who wait for it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use beacon_core::wire::MAX_RESPONSE_BYTES;
use tokio::time::{Instant, timeout};

use crate::clock::Clock;
use crate::failure::{Failure, FailureCode};
use crate::provider::{Answer, Call, Provider};
use crate::stats::Observation;

/// Kept free before the caller's deadline, for the answer's way back.
const RESERVE: Duration = Duration::from_millis(500);

/// When the last of those who wait goes. Clones are the same deadline.
#[derive(Debug, Clone)]
pub(crate) struct Deadline(Arc<AtomicU64>);

/// Of who waits for ever.
const NEVER: u64 = u64::MAX;

impl Deadline {
    /// Of one who waits until then, Unix milliseconds.
    pub(crate) fn new(ms: Option<u64>) -> Self {
        Self(Arc::new(AtomicU64::new(ms.unwrap_or(NEVER))))
    }

    /// One more waits, until then.
    pub(crate) fn extend(&self, ms: Option<u64>) {
        self.0.fetch_max(ms.unwrap_or(NEVER), Ordering::Relaxed);
    }

    fn ms(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|ms| *ms != NEVER)
    }

    /// The time that a call may take; none where too little is left to start it.
    pub(crate) fn time_for(&self, most: Duration, now_ms: u64) -> Option<Duration> {
        let most = Some(most).filter(|most| !most.is_zero())?;
        let Some(deadline_ms) = self.ms() else { return Some(most) };
        let left = left(deadline_ms, now_ms);
        let usable = left.checked_sub(RESERVE).filter(|usable| !usable.is_zero())?;
        Some(most.min(usable))
    }
}

/// How long one who waits until this deadline can wait, if the answer is to arrive. A call that ends
/// with the same deadline tells of it itself before that.
pub(crate) fn patience(deadline_ms: u64, now_ms: u64) -> Duration {
    left(deadline_ms, now_ms).saturating_sub(RESERVE / 2)
}

fn left(deadline_ms: u64, now_ms: u64) -> Duration {
    Duration::from_millis(deadline_ms.saturating_sub(now_ms))
}

/// One call within this time and any that the deadline gains meanwhile, and how many seconds it
/// took.
pub(crate) async fn attempt(
    provider: &Provider,
    call: &Call<'_>,
    limit: Duration,
    deadline: &Deadline,
    clock: Clock,
) -> (Result<Answer, Failure>, f64) {
    let begun = Instant::now();
    let outcome = match answer(provider, call, limit, deadline, clock).await {
        Ok(answer) if answer.text.len() > MAX_RESPONSE_BYTES => {
            let message = format!("the answer's text is larger than {MAX_RESPONSE_BYTES} bytes");
            Err(Failure::new(FailureCode::ResponseTooLarge, message))
        }
        outcome => outcome,
    };
    let seconds = begun.elapsed().as_secs_f64();
    match &outcome {
        Ok(_) => provider.stats.observe(Observation::Success { seconds }, clock.now_ms()),
        Err(failure) if failure.code.is_providers_fault() => {
            provider.stats.observe(Observation::Failure, clock.now_ms());
        }
        Err(_not_its_fault) => {}
    }
    log(provider, call, &outcome, seconds);
    (outcome, seconds)
}

async fn answer(
    provider: &Provider,
    call: &Call<'_>,
    mut limit: Duration,
    deadline: &Deadline,
    clock: Clock,
) -> Result<Answer, Failure> {
    let mut answer = pin!(provider.call(call));
    let mut waited = Duration::ZERO;
    loop {
        if let Ok(outcome) = timeout(limit, &mut answer).await {
            return outcome;
        }
        waited += limit;
        // One who waits longer may have joined.
        let rest = provider.timeout.saturating_sub(waited);
        let Some(more) = deadline.time_for(rest, clock.now_ms()) else {
            let message = format!("no answer within {} ms", waited.as_millis());
            return Err(Failure::new(FailureCode::Timeout, message));
        };
        limit = more;
    }
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
            let limit = Deadline::new(deadline).time_for(Duration::from_secs(10), 100_000);
            assert_eq!(limit, expected.map(Duration::from_millis), "{deadline:?}");
        }
        assert_eq!(Deadline::new(None).time_for(Duration::ZERO, 100_000), None);
    }

    #[test]
    fn a_deadline_is_that_of_the_last_to_go() {
        let deadline = Deadline::new(Some(5));
        for (more, expected) in [(Some(3), Some(5)), (Some(7), Some(7)), (None, None)] {
            deadline.extend(more);
            assert_eq!(deadline.ms(), expected, "{more:?}");
        }
    }

    #[test]
    fn a_call_tells_of_a_deadline_before_the_one_who_waits_gives_up() {
        let call = Deadline::new(Some(102_000)).time_for(Duration::from_secs(10), 100_000);
        let own = patience(102_000, 100_000);
        assert!(call.unwrap() < own && own < Duration::from_secs(2), "{call:?} {own:?}");
        assert_eq!(patience(100_000, 100_001), Duration::ZERO);
    }
}
