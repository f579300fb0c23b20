//! How fast one provider and model may be asked: decisions without clock, lock or network.
//!
//! Declared rates are kept over every sixty seconds. What the provider says itself (HTTP 429, 503
//! with `Retry-After`) is waited out, and makes the calls after it come further apart until they
//! are answered again.

use std::collections::VecDeque;

/// The time over which declared rates are kept.
const WINDOW_MS: u64 = 60_000;
/// Between two calls after the first answer that asks to slow down; twice as much after each other.
const FIRST_GAP_MS: u64 = 100;
const LONGEST_GAP_MS: u64 = 10_000;
/// Below this, calls are not held apart any more.
const SMALLEST_GAP_MS: u64 = 20;
/// What is waited after an answer that asks to slow down and does not say for how long.
pub(crate) const UNTOLD_HOLD_MS: u64 = 1_000;
/// No answer holds calls back longer than this.
const LONGEST_HOLD_MS: u64 = 24 * 60 * 60 * 1_000;

/// Declared rates; none where there is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rates {
    pub(crate) requests_per_minute: Option<u32>,
    /// Tokens read and written.
    pub(crate) tokens_per_minute: Option<u64>,
}

/// The calls of the last minute and what the provider said. Times are Unix milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    rates: Rates,
    /// The calls of the last minute, where a rate is declared: when, and how many tokens.
    sent: VecDeque<Sent>,
    tokens: u64,
    next_number: u64,
    gap_ms: u64,
    /// When it last grew.
    grown_ms: u64,
    last_ms: u64,
    /// From when until when nothing goes out.
    held_ms: (u64, u64),
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    number: u64,
    at_ms: u64,
    tokens: u64,
}

/// One call that was counted, for correcting what it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted(u64);

impl Pace {
    pub(crate) fn new(rates: Rates) -> Self {
        Self {
            rates,
            sent: VecDeque::new(),
            tokens: 0,
            next_number: 0,
            gap_ms: 0,
            grown_ms: 0,
            last_ms: 0,
            held_ms: (0, 0),
        }
    }

    /// Other rates are declared; what was seen stays.
    pub(crate) fn set_rates(&mut self, rates: Rates) {
        self.rates = rates;
    }

    /// How long a call of so many tokens has to wait, milliseconds.
    pub(crate) fn wait(&mut self, tokens: u64, now_ms: u64) -> u64 {
        self.mend_clock(now_ms);
        self.forget(now_ms);
        let held = self.held(now_ms);
        let apart = (self.last_ms + self.gap_ms).saturating_sub(now_ms);
        held.max(apart).max(self.declared(tokens, now_ms))
    }

    /// What the provider asks to wait still, milliseconds.
    pub(crate) fn held(&self, now_ms: u64) -> u64 {
        let (since_ms, until_ms) = self.held_ms;
        // Before it began, the clock was set back.
        if now_ms < since_ms { 0 } else { until_ms.saturating_sub(now_ms) }
    }

    /// How long no call went out, milliseconds.
    pub(crate) fn silence(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.last_ms)
    }

    /// A call goes out.
    pub(crate) fn send(&mut self, tokens: u64, now_ms: u64) -> Counted {
        let tokens = bounded(tokens);
        self.last_ms = now_ms;
        let number = self.next_number;
        self.next_number += 1;
        if self.rates != Rates::default() {
            self.tokens += tokens;
            self.sent.push_back(Sent { number, at_ms: now_ms, tokens });
        }
        Counted(number)
    }

    /// A call turned out to have used so many tokens.
    pub(crate) fn used(&mut self, Counted(number): Counted, tokens: u64) {
        let tokens = bounded(tokens);
        let Some(oldest) = self.sent.front().map(|sent| sent.number) else { return };
        let place = number.checked_sub(oldest).and_then(|place| usize::try_from(place).ok());
        if let Some(sent) = place.and_then(|place| self.sent.get_mut(place)) {
            self.tokens = self.tokens - sent.tokens + tokens;
            sent.tokens = tokens;
        }
    }

    /// A call was answered: the next may come a little sooner.
    pub(crate) fn answered(&mut self) {
        self.gap_ms = self.gap_ms * 4 / 5;
        if self.gap_ms < SMALLEST_GAP_MS {
            self.gap_ms = 0;
        }
    }

    /// The provider asks to wait, for so long where it says so.
    pub(crate) fn throttled(&mut self, told_ms: Option<u64>, now_ms: u64) {
        self.mend_clock(now_ms);
        // Calls that were on their way together are told together: that is one reason to slow down.
        if self.held(now_ms) == 0 && now_ms >= self.grown_ms + self.gap_ms {
            self.gap_ms = (self.gap_ms * 2).clamp(FIRST_GAP_MS, LONGEST_GAP_MS);
            self.grown_ms = now_ms;
        }
        self.hold(told_ms.unwrap_or(UNTOLD_HOLD_MS.max(self.gap_ms)), now_ms);
    }

    /// Nothing goes out for so long.
    pub(crate) fn hold(&mut self, hold_ms: u64, now_ms: u64) {
        let hold_ms = hold_ms.min(LONGEST_HOLD_MS);
        // A shorter wait that is told later does not shorten a longer one.
        if hold_ms > self.held(now_ms) {
            self.held_ms = (now_ms, now_ms.saturating_add(hold_ms));
        }
    }

    /// Forgets what the provider said.
    pub(crate) fn reset(&mut self) {
        self.gap_ms = 0;
        self.held_ms = (0, 0);
    }

    fn declared(&self, tokens: u64, now_ms: u64) -> u64 {
        let Rates { requests_per_minute, tokens_per_minute } = self.rates;
        let count = u32::try_from(self.sent.len()).unwrap_or(u32::MAX);
        // So many of the oldest calls must be a minute old.
        let over = requests_per_minute.map_or(0, |most| (count + 1).saturating_sub(most));
        let mut wait_ms = match over.checked_sub(1) {
            None => 0,
            Some(place) => self.free_in(place as usize, now_ms),
        };
        if let Some(most) = tokens_per_minute {
            // A call larger than the whole rate goes when nothing else went for a minute.
            let room = most.saturating_sub(tokens.min(most));
            let (mut left, mut place) = (self.tokens, 0);
            while left > room && place < self.sent.len() {
                left -= self.sent[place].tokens;
                wait_ms = wait_ms.max(self.free_in(place, now_ms));
                place += 1;
            }
        }
        wait_ms
    }

    fn free_in(&self, place: usize, now_ms: u64) -> u64 {
        self.sent.get(place).map_or(0, |sent| (sent.at_ms + WINDOW_MS).saturating_sub(now_ms))
    }

    fn forget(&mut self, now_ms: u64) {
        while let Some(oldest) = self.sent.front() {
            if now_ms.saturating_sub(oldest.at_ms) < WINDOW_MS {
                return;
            }
            self.tokens -= oldest.tokens;
            self.sent.pop_front();
        }
    }

    /// After a clock was set back, nothing may lie in its future.
    fn mend_clock(&mut self, now_ms: u64) {
        if self.last_ms > now_ms {
            self.last_ms = 0;
        }
        self.grown_ms = self.grown_ms.min(now_ms);
        if self.sent.back().is_some_and(|newest| newest.at_ms > now_ms) {
            for sent in &mut self.sent {
                sent.at_ms = sent.at_ms.min(now_ms);
            }
        }
    }
}

/// No call uses four thousand million tokens, whatever a provider says.
fn bounded(tokens: u64) -> u64 {
    tokens.min(u32::MAX.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_795_000_000_000;

    fn pace(requests: Option<u32>, tokens: Option<u64>) -> Pace {
        Pace::new(Rates { requests_per_minute: requests, tokens_per_minute: tokens })
    }

    #[test]
    fn without_a_rate_nothing_waits() {
        let mut pace = pace(None, None);
        for _call in 0..10_000 {
            assert_eq!(pace.wait(u64::MAX, NOW), 0);
            pace.send(u64::MAX, NOW);
        }
        assert!(pace.sent.is_empty());
    }

    #[test]
    fn the_call_after_the_last_allowed_waits_for_the_first() {
        let mut pace = pace(Some(2), None);
        pace.send(1, NOW);
        pace.send(1, NOW + 10_000);
        assert_eq!(pace.wait(1, NOW + 11_000), 49_000);
        assert_eq!(pace.wait(1, NOW + 60_000), 0);
        pace.send(1, NOW + 60_000);
        assert_eq!(pace.wait(1, NOW + 60_000), 10_000);
    }

    #[test]
    fn tokens_are_counted_as_estimated_until_they_are_known() {
        let mut pace = pace(None, Some(1_000));
        let first = pace.send(900, NOW);
        assert_eq!(pace.wait(200, NOW), 60_000);
        pace.used(first, 100);
        assert_eq!(pace.wait(200, NOW), 0);
        assert_eq!(pace.wait(5_000, NOW + 30_000), 30_000);
        assert_eq!(pace.wait(5_000, NOW + 60_000), 0);
    }

    #[test]
    fn an_answer_that_asks_to_wait_is_obeyed_and_the_longest_wait_holds() {
        let mut pace = pace(None, None);
        pace.throttled(Some(7_000), NOW);
        pace.throttled(Some(2_000), NOW);
        assert_eq!(pace.wait(1, NOW), 7_000);
        assert_eq!(pace.held(NOW + 6_000), 1_000);
        pace.throttled(None, NOW + 10_000);
        assert_eq!(pace.wait(1, NOW + 10_000), UNTOLD_HOLD_MS);
    }

    #[test]
    fn calls_come_further_apart_when_throttled_and_closer_when_answered() {
        let mut pace = pace(None, None);
        for time in [0, 0, 0, 100, 150, 300, 300] {
            pace.throttled(Some(0), NOW + time);
        }
        pace.send(1, NOW + 300);
        assert_eq!(pace.wait(1, NOW + 300), 4 * FIRST_GAP_MS);
        for _answer in 0..20 {
            pace.answered();
        }
        assert_eq!(pace.wait(1, NOW + 300), 0);
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nobody_longer_than_before() {
        let mut pace = pace(Some(1), None);
        pace.send(1, NOW);
        let before = NOW - 1_000_000;
        assert_eq!(pace.wait(1, before), WINDOW_MS);
        assert_eq!(pace.wait(1, before + WINDOW_MS), 0);
    }

    proptest! {
        /// However calls come, no sixty seconds hold more than the declared rates.
        #[test]
        fn declared_rates_are_kept(
            calls in prop::collection::vec((0_u64..3_000, 1_u64..400), 1..200),
            requests in 1_u32..30,
            most in 400_u64..2_000,
        ) {
            let mut pace = pace(Some(requests), Some(most));
            let (mut now, mut sent) = (NOW, Vec::new());
            for (gap, tokens) in calls {
                now += gap;
                now += pace.wait(tokens, now);
                prop_assert_eq!(pace.wait(tokens, now), 0);
                pace.send(tokens, now);
                sent.push((now, tokens));
                let window = || sent.iter().filter(|(at, _)| now - at < WINDOW_MS);
                prop_assert!(window().count() <= requests as usize);
                prop_assert!(window().map(|(_, tokens)| tokens).sum::<u64>() <= most);
            }
        }
    }
}
