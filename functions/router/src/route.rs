//! One model at one provider: what is known of it, and the way in for a call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use beacon_core::wire::{LastError, RouteState, RouteView, Standing, Usage, Warmth};
use tokio::sync::{Mutex as Turns, watch};
use tokio::time::{Instant, sleep, timeout_at};

use crate::breaker::{Breaker, Permit, Refusal, Turned, Verdict};
use crate::clock::Clock;
use crate::config::Model;
use crate::failure::{Failure, FailureCode};
use crate::metrics::Counts;
use crate::pace::{Counted, Pace, Rates, UNTOLD_HOLD_MS};
use crate::provider::{Answer, Sent};
use crate::record::Record;
use crate::showing::Showing;
use crate::slots::{NoSlot, Slot, Slots};
use crate::warmth::{Arrival, Sleep, Waking};

/// A route, shared by the calls that take it.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) model: Model,
    known: Mutex<Known>,
    /// Calls that wait for the rate go one after the other, in the order they came.
    turns: Turns<()>,
    /// Told when a call that wakes the model ends.
    woken: watch::Sender<()>,
}

/// What is known of a route.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) breaker: Breaker,
    pub(crate) pace: Pace,
    pub(crate) waking: Waking,
    pub(crate) record: Record,
    pub(crate) counts: Counts,
}

/// How a call gets in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entrance<'a> {
    pub(crate) slots: &'a Slots,
    /// Tokens that the call may use.
    pub(crate) tokens: u64,
    /// When it is too late to begin.
    pub(crate) until: Instant,
    pub(crate) clock: Clock,
}

/// Why a call did not get in.
#[derive(Debug)]
pub(crate) enum Kept {
    /// The breaker does not let it.
    Refused,
    /// It would have to wait longer than it can.
    Out(Failure),
}

/// A call that got in. Dropped before it is settled, it showed nothing of the provider.
#[derive(Debug)]
pub(crate) struct Entered {
    route: Arc<Route>,
    permit: Option<Permit>,
    wakes: bool,
    counted: Option<Counted>,
    clock: Clock,
    /// Free again when dropped.
    slot: Option<Slot>,
    /// Of a request that went out.
    sent: Option<Sent>,
}

impl Route {
    pub(crate) fn new(model: Model, rates: Rates, sleep: Option<Sleep>) -> Self {
        let known = Known {
            breaker: Breaker::default(),
            pace: Pace::new(rates),
            waking: Waking::new(sleep),
            record: Record::default(),
            counts: Counts::default(),
        };
        let woken = watch::Sender::new(());
        Self { model, known: Mutex::new(known), turns: Turns::new(()), woken }
    }

    /// What is known, locked.
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the model is loaded, the rate allows the call, a slot is free and the breaker
    /// lets it through; with the first of several, that it wakes the model.
    pub(crate) async fn enter(self: &Arc<Self>, way: Entrance<'_>) -> Result<Entered, Kept> {
        let mut entered = self.wake_or_wait(way.until, way.clock).await?;
        loop {
            let turn = self.turn(way).await?;
            let slot = if let Some(slot) = way.slots.free() {
                slot
            } else {
                // Who waits for a slot lets the others into the queue.
                drop(turn);
                let left = way.until.saturating_duration_since(Instant::now());
                let slot = way.slots.queue(left).await;
                slot.map_err(|no_slot| Kept::Out(busy(no_slot)))?
            };
            if self.admit(&mut entered, way)? {
                entered.slot = Some(slot);
                return Ok(entered);
            }
        }
    }

    /// Whether the rate still allows the call that has its slot.
    fn admit(&self, entered: &mut Entered, way: Entrance<'_>) -> Result<bool, Kept> {
        let now_ms = way.clock.now_ms();
        let mut known = self.known();
        if known.pace.wait(way.tokens, now_ms) > 0 {
            return Ok(false);
        }
        let permit = known.breaker.admit(now_ms).map_err(|_refusal| Kept::Refused)?;
        entered.permit = Some(permit);
        entered.counted = Some(known.pace.send(way.tokens, now_ms));
        Ok(true)
    }

    async fn wake_or_wait(self: &Arc<Self>, until: Instant, clock: Clock) -> Result<Entered, Kept> {
        let mut woken = self.woken.subscribe();
        loop {
            let arrival = self.known().waking.arrive(clock.now_ms());
            let wakes = match arrival {
                Arrival::Warm => false,
                Arrival::Wakes => true,
                Arrival::Waits => {
                    let told = timeout_at(until, woken.changed()).await;
                    if told.is_ok() {
                        continue;
                    }
                    let message = "not started: the model is still being loaded";
                    let failure = Failure::new(FailureCode::DeadlineExceeded, message);
                    return Err(Kept::Out(failure));
                }
            };
            let route = Arc::clone(self);
            let (permit, counted, slot, sent) = (None, None, None, None);
            return Ok(Entered { route, permit, wakes, counted, clock, slot, sent });
        }
    }

    /// The turn of a call whose rate allows it now.
    async fn turn(
        &self,
        Entrance { tokens, until, clock, .. }: Entrance<'_>,
    ) -> Result<tokio::sync::MutexGuard<'_, ()>, Kept> {
        let late = |wait: Option<Duration>| {
            let wait = wait.map_or_else(String::new, |wait| {
                format!(": it would have to wait another {} ms", wait.as_millis())
            });
            let message = format!("not sent: the provider's rate does not allow it in time{wait}");
            Kept::Out(Failure::new(FailureCode::RateLimited, message))
        };
        let turn = timeout_at(until, self.turns.lock()).await.map_err(|_elapsed| late(None))?;
        loop {
            let wait = Duration::from_millis(self.known().pace.wait(tokens, clock.now_ms()));
            if wait.is_zero() {
                return Ok(turn);
            }
            if Instant::now() + wait > until {
                return Err(late(Some(wait)));
            }
            sleep(wait).await;
        }
    }

    /// Closes its breaker, and forgets what it was told to wait.
    pub(crate) fn reset(&self) {
        let mut known = self.known();
        known.breaker.reset();
        known.pace.reset();
        known.record.forgive();
    }

    /// How it stands towards a call that comes now, and how long that would wait.
    pub(crate) fn standing(&self, slots: &Slots, tokens: u64, now_ms: u64) -> (Standing, u64) {
        let mut known = self.known();
        if let Err(refused) = known.breaker.peek(now_ms) {
            return match refused {
                Refusal::Open { until_ms } => {
                    (Standing::BreakerOpen, until_ms.saturating_sub(now_ms))
                }
                Refusal::Probing => (Standing::Probing, 0),
            };
        }
        let wait_ms = known.pace.wait(tokens, now_ms);
        // After its breaker's time, one call finds out whether it is back.
        let due = !known.breaker.lets_through();
        let standing = if known.record.is_set_back(now_ms) && !due {
            Standing::SetBack
        } else if wait_ms > 0 {
            Standing::Throttled
        } else if slots.is_busy() {
            Standing::Busy
        } else {
            match known.waking.shown(now_ms) {
                Some(Warmth::Cold | Warmth::Waking) => Standing::Cold,
                Some(Warmth::Warm) | None => Standing::Available,
            }
        };
        (standing, wait_ms)
    }

    /// The route as it is shown.
    pub(crate) fn view(&self, now_ms: u64) -> RouteView {
        let known = self.known();
        let open = known.breaker.peek(now_ms);
        let age = |at: u64| Duration::from_millis(now_ms.saturating_sub(at)).as_secs_f64();
        RouteView {
            model: self.model.id.to_string(),
            state: known.state(now_ms),
            breaker: known.breaker.shown(),
            open_ms: match open {
                Err(Refusal::Open { until_ms }) => Some(until_ms.saturating_sub(now_ms)),
                Ok(()) | Err(Refusal::Probing) => None,
            },
            warmth: known.waking.shown(now_ms),
            throttled_ms: Some(known.pace.held(now_ms)).filter(|held| *held > 0),
            last_success_age: known.record.last_success_ms.map(age),
            last_error: known
                .record
                .last_error
                .as_ref()
                .map(|(at, code)| LastError { code: code.clone(), age: age(*at) }),
        }
    }
}

impl Known {
    fn count(&mut self, outcome: &Result<Answer, Failure>, seconds: f64) {
        match outcome {
            Ok(answer) => self.counts.ended(answer.kind.as_str(), false, seconds),
            Err(failure) => {
                self.counts.ended(&failure.code.to_string(), failure.maybe_billed(), seconds);
            }
        }
    }

    /// What real calls say of it.
    pub(crate) fn state(&self, now_ms: u64) -> RouteState {
        self.record.state(self.breaker.lets_through(), now_ms)
    }
}

fn busy(no_slot: NoSlot) -> Failure {
    let message = match no_slot {
        NoSlot::QueueFull { queue } => {
            format!("not sent: {queue} calls already wait for a slot of the provider")
        }
        NoSlot::NoneFree { waited } => {
            format!("not sent: the provider had no free slot within {} ms", waited.as_millis())
        }
    };
    Failure::new(FailureCode::Busy, message)
}

impl Entered {
    /// What loading the model may add to the time of its answer.
    pub(crate) fn waking(&self) -> Duration {
        if self.wakes { self.route.known().waking.cold_start() } else { Duration::ZERO }
    }

    /// Whether a failure says no more than that the model which this call wakes is being loaded.
    pub(crate) fn meets_loading(&self, failure: &Failure) -> bool {
        let waits = || !self.route.known().waking.is_overdue(self.clock.now_ms());
        self.wakes && failure.is_loading() && waits()
    }

    /// Its request goes out now.
    pub(crate) fn goes_out(&mut self, sent: Sent) {
        self.sent = Some(sent);
    }

    /// Whether it finds out if the provider is back.
    pub(crate) fn is_probe(&self) -> bool {
        self.permit.is_some_and(Permit::is_probe)
    }

    /// The call ended.
    pub(crate) fn settle(mut self, outcome: &Result<Answer, Failure>, seconds: f64) -> Turned {
        let now_ms = self.clock.now_ms();
        let route = Arc::clone(&self.route);
        let mut known = route.known();
        let excused = self.wakes && !known.waking.is_overdue(now_ms);
        let showing = match outcome {
            Ok(_) => Showing::Answers,
            Err(failure) => Showing::of(failure, excused),
        };
        let turned = match self.permit.take() {
            Some(permit) => known.breaker.settle(permit, showing.verdict(), now_ms),
            None => Turned::Not,
        };
        self.sent = None;
        known.count(outcome, seconds);
        match outcome {
            Ok(answer) => {
                if self.wakes {
                    known.record.woke(now_ms);
                } else {
                    known.record.succeeded(seconds, now_ms);
                }
                known.pace.answered();
                if let (Some(counted), Some(used)) = (self.counted, answer.usage.and_then(sum)) {
                    known.pace.used(counted, used);
                }
                known.waking.answered(now_ms);
                self.wakes = false;
                if route.woken.receiver_count() > 0 {
                    route.woken.send_replace(());
                }
            }
            Err(failure) => match showing {
                Showing::Throttles { told_ms } => known.pace.throttled(told_ms, now_ms),
                Showing::Fails | Showing::Declines => {
                    known.record.failed(failure.code.to_string(), now_ms);
                }
                // It says that it is not ready: asking at once again, in the name of each who waits,
                // does not make it so.
                Showing::Nothing if self.wakes => known.pace.hold(UNTOLD_HOLD_MS, now_ms),
                Showing::Answers | Showing::Nothing => {}
            },
        }
        turned
    }
}

/// Tokens read and written.
fn sum(usage: Usage) -> Option<u64> {
    Some(usage.input_tokens?.saturating_add(usage.output_tokens?))
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut known = self.route.known();
        if let Some(permit) = self.permit.take() {
            // What shows nothing turns nothing.
            let _not = known.breaker.settle(permit, Verdict::Nothing, self.clock.now_ms());
        }
        if self.sent.take().is_some_and(|sent| sent.maybe()) {
            known.counts.cancelled();
        }
        if self.wakes {
            known.waking.gave_up();
            self.route.woken.send_replace(());
        }
    }
}

#[cfg(test)]
mod tests;
