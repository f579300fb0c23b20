//! Whether a model is loaded, where a provider lets it sleep: decisions without clock, lock or
//! network.
//!
//! A model that was not asked for a while has to be loaded first, which takes minutes. One call
//! wakes it; the others wait for that one, and none of them speaks against the provider.

use std::time::Duration;

use beacon_core::wire::Warmth;

/// How a provider lets a model sleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sleep {
    /// Longest time that waking takes.
    pub(crate) cold_start: Duration,
    /// Not asked for this long, the model sleeps.
    pub(crate) after: Duration,
}

/// What is known of one model. Times are Unix milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Waking {
    /// None where the model never sleeps.
    sleep: Option<Sleep>,
    last_answer_ms: Option<u64>,
    /// A call wakes it.
    under_way: bool,
    /// Since when it is woken and has not answered.
    since_ms: Option<u64>,
}

/// What a call finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The model is loaded.
    Warm,
    /// This call wakes it.
    Wakes,
    /// Another call wakes it.
    Waits,
}

impl Waking {
    pub(crate) fn new(sleep: Option<Sleep>) -> Self {
        Self { sleep, last_answer_ms: None, under_way: false, since_ms: None }
    }

    /// Another configuration of the same model.
    pub(crate) fn set_sleep(&mut self, sleep: Option<Sleep>) {
        self.sleep = sleep;
    }

    /// Whether the model sleeps, wakes or is loaded; none where it never sleeps.
    pub(crate) fn shown(&self, now_ms: u64) -> Option<Warmth> {
        let sleep = self.sleep?;
        Some(match self.last_answer_ms {
            _ if self.under_way => Warmth::Waking,
            // A clock that was set back makes an answer of the future one of now.
            Some(at) if u128::from(now_ms.saturating_sub(at)) < sleep.after.as_millis() => {
                Warmth::Warm
            }
            Some(_) | None => Warmth::Cold,
        })
    }

    /// The longest that waking takes.
    pub(crate) fn cold_start(&self) -> Duration {
        self.sleep.map_or(Duration::ZERO, |sleep| sleep.cold_start)
    }

    /// The time that waking may add to a call now.
    pub(crate) fn extra(&self, now_ms: u64) -> Duration {
        match (self.sleep, self.shown(now_ms)) {
            (Some(sleep), Some(Warmth::Cold | Warmth::Waking)) => sleep.cold_start,
            (Some(_) | None, Some(Warmth::Warm | Warmth::Cold | Warmth::Waking) | None) => {
                Duration::ZERO
            }
        }
    }

    /// A call comes. One that wakes ends with [`answered`](Self::answered) or
    /// [`gave_up`](Self::gave_up).
    pub(crate) fn arrive(&mut self, now_ms: u64) -> Arrival {
        match self.shown(now_ms) {
            None | Some(Warmth::Warm) => Arrival::Warm,
            Some(Warmth::Waking) => Arrival::Waits,
            Some(Warmth::Cold) => {
                self.under_way = true;
                self.since_ms.get_or_insert(now_ms);
                Arrival::Wakes
            }
        }
    }

    /// Whether it is woken for longer than that takes: then what it says is no excuse.
    pub(crate) fn is_overdue(&self, now_ms: u64) -> bool {
        let waking = self.since_ms.map_or(0, |since_ms| now_ms.saturating_sub(since_ms));
        u128::from(waking) > self.cold_start().as_millis()
    }

    /// A call was answered by the model.
    pub(crate) fn answered(&mut self, now_ms: u64) {
        self.since_ms = None;
        self.under_way = false;
        self.last_answer_ms = Some(now_ms);
    }

    /// The call that was to wake it ended otherwise.
    pub(crate) fn gave_up(&mut self) {
        self.under_way = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_000_000_000;
    const SLEEP: Sleep =
        Sleep { cold_start: Duration::from_secs(300), after: Duration::from_secs(60) };

    #[test]
    fn one_call_wakes_and_the_others_wait() {
        let mut waking = Waking::new(Some(SLEEP));
        assert_eq!(waking.shown(NOW), Some(Warmth::Cold));
        assert_eq!(waking.arrive(NOW), Arrival::Wakes);
        for _call in 0..1_000 {
            assert_eq!(waking.arrive(NOW), Arrival::Waits);
        }
        assert_eq!(waking.extra(NOW), SLEEP.cold_start);
        waking.answered(NOW + 250_000);
        assert_eq!(waking.arrive(NOW + 250_000), Arrival::Warm);
        assert_eq!(waking.extra(NOW + 250_000), Duration::ZERO);
    }

    #[test]
    fn when_the_one_that_wakes_goes_the_next_one_does() {
        let mut waking = Waking::new(Some(SLEEP));
        assert_eq!(waking.arrive(NOW), Arrival::Wakes);
        waking.gave_up();
        assert_eq!(waking.arrive(NOW), Arrival::Wakes);
    }

    #[test]
    fn a_model_that_was_woken_too_long_ago_is_overdue_until_it_answers() {
        let mut waking = Waking::new(Some(SLEEP));
        for at in [NOW, NOW + 299_000] {
            assert_eq!(waking.arrive(at), Arrival::Wakes);
            assert!(!waking.is_overdue(at + 1_000));
            waking.gave_up();
        }
        assert!(waking.is_overdue(NOW + 300_001));
        assert!(!waking.is_overdue(NOW - 1));
        waking.answered(NOW + 400_000);
        assert!(!waking.is_overdue(NOW + 400_000));
    }

    #[test]
    fn a_model_that_is_not_asked_falls_asleep_and_one_without_a_budget_never() {
        let mut waking = Waking::new(Some(SLEEP));
        waking.answered(NOW);
        assert_eq!(waking.shown(NOW + 59_999), Some(Warmth::Warm));
        assert_eq!(waking.shown(NOW + 60_000), Some(Warmth::Cold));
        assert_eq!(waking.shown(NOW - 1_000_000), Some(Warmth::Warm));
        let mut always = Waking::new(None);
        assert_eq!((always.arrive(NOW), always.shown(NOW)), (Arrival::Warm, None));
    }
}
