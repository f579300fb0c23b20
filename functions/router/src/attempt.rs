//! One attempt at a provider, within the time of those who wait for it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use beacon_core::wire::MAX_RESPONSE_BYTES;
use tokio::time::{Instant, timeout};

use crate::breaker::Turned;
use crate::failure::{Failure, FailureCode};
use crate::provider::{Answer, Call, Provider};
use crate::route::Entered;

/// Kept free before the caller's deadline: half a second for the answer's way back, and what a busy
/// router needs to tell of it.
const RESERVE: Duration = Duration::from_millis(700);
/// The same for one who waits less long than the call: it tells of itself first, where it can.
const OWN_RESERVE: Duration = Duration::from_millis(550);

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

    /// Unix milliseconds; none of those who wait for ever.
    pub(crate) fn ms(&self) -> Option<u64> {
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
    left(deadline_ms, now_ms).saturating_sub(OWN_RESERVE)
}

fn left(deadline_ms: u64, now_ms: u64) -> Duration {
    Duration::from_millis(deadline_ms.saturating_sub(now_ms))
}

/// How an attempt ended.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) outcome: Result<Answer, Failure>,
    pub(crate) seconds: f64,
    /// What it changed of the provider's breaker.
    pub(crate) turned: Turned,
    /// It met a model that is being loaded.
    pub(crate) loading: bool,
}

/// One call of one that got in, within the most that it may take and the deadline, which may gain
/// time meanwhile.
pub(crate) async fn attempt(
    provider: &Provider,
    mut entered: Entered,
    call: &Call<'_>,
    most: Duration,
    deadline: &Deadline,
) -> Attempt {
    call.sent.begins();
    entered.goes_out(call.sent.clone());
    let begun = Instant::now();
    let outcome = match answer(provider, call, most, deadline).await {
        Ok(answer) if answer.text.len() > MAX_RESPONSE_BYTES => {
            let message = format!("the answer's text is larger than {MAX_RESPONSE_BYTES} bytes");
            Err(Failure::new(FailureCode::ResponseTooLarge, message))
        }
        outcome => outcome,
    };
    let seconds = begun.elapsed().as_secs_f64();
    if outcome.as_ref().is_err_and(|failure| !failure.maybe_billed()) {
        call.sent.came_to_nothing();
    }
    log(provider, call, &outcome, seconds);
    let loading = outcome.as_ref().is_err_and(|failure| entered.meets_loading(failure));
    let turned = entered.settle(&outcome, seconds);
    Attempt { outcome, seconds, turned, loading }
}

async fn answer(
    provider: &Provider,
    call: &Call<'_>,
    most: Duration,
    deadline: &Deadline,
) -> Result<Answer, Failure> {
    let mut answer = pin!(provider.call(call));
    let mut waited = Duration::ZERO;
    // The way in was checked just now; what is left is never nothing.
    let limit = deadline.time_for(most, call.clock.now_ms());
    let mut limit = limit.unwrap_or(Duration::from_millis(1));
    loop {
        if let Ok(outcome) = timeout(limit, &mut answer).await {
            return outcome;
        }
        waited += limit;
        // One who waits longer may have joined.
        let rest = most.saturating_sub(waited);
        let Some(more) = deadline.time_for(rest, call.clock.now_ms()) else {
            let message = format!("no answer within {} ms", waited.as_millis());
            let failure = Failure::new(FailureCode::Timeout, message);
            // That a caller has little time says nothing of the provider.
            let fault = Some(waited >= provider.timeouts.attempt);
            let maybe_billed = Some(call.sent.maybe());
            return Err(Failure { maybe_billed, fault, ..failure });
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
            (Some(105_700), Some(5_000)),
            (Some(100_701), Some(1)),
            (Some(100_700), None),
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
