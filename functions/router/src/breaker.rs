//! The circuit breaker of one provider and model: decisions without clock, lock or network.
//!
//! It opens when a provider fails, lets one call at a time find out whether it is back, and closes
//! with the first that is answered. What was asked wrongly, what was cancelled and what the provider
//! asked to wait with says nothing either way. However calls end and clocks jump, a provider that
//! answers again is used again [`LONGEST_OPEN_MS`] and one call later.

mod shared;

use std::fmt;

use beacon_core::wire::BreakerState;

pub(crate) use shared::{Admitted, PATIENCE, SharedBreakers};

/// Failures in a row that open it.
pub(crate) const FAILURES_IN_A_ROW: u32 = 5;
/// Calls within [`WINDOW_MS`] of which half, or more, failed open it too.
pub(crate) const CALLS_IN_WINDOW: u32 = 20;
/// How far back calls are counted.
pub(crate) const WINDOW_MS: u64 = 30_000;
/// How long it is open the first time; twice as long each time after that.
pub(crate) const SHORTEST_OPEN_MS: u64 = 1_000;
/// How long it is open at most.
pub(crate) const LONGEST_OPEN_MS: u64 = 60_000;
/// Closed for this long, it begins with the shortest time again.
const STEADY_MS: u64 = 30_000;
const SLICES: usize = 6;
const SLICE_MS: u64 = WINDOW_MS / SLICES as u64;

/// A breaker. Times are Unix milliseconds of a clock that may jump.
#[derive(Debug, Clone)]
pub(crate) struct Breaker {
    state: State,
    in_a_row: u32,
    window: Window,
    /// How often it opened without a steady time between.
    level: u32,
    closed_at_ms: u64,
    /// Of the permits that count.
    generation: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    /// A time before `since_ms` is of a clock that was set back.
    Open {
        since_ms: u64,
        until_ms: u64,
    },
    HalfOpen {
        probing: bool,
    },
}

/// Leave to make one call; to be [settled](Breaker::settle) with what the call showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) struct Permit {
    generation: u64,
    is_probe: bool,
}

/// Why a call is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not before this time.
    Open {
        /// Unix milliseconds.
        until_ms: u64,
    },
    /// Another call finds out whether the provider is back.
    Probing,
}

/// What a call showed of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It answers.
    Good,
    /// It fails.
    Bad,
    /// Nothing: cancelled, asked wrongly, told to wait, or still waking.
    Nothing,
}

/// What a settled call changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    /// Nothing.
    Not,
    /// It is open until then, and so often was before without a steady time between.
    Opened { until_ms: u64, level: u32 },
    /// It is closed again.
    Closed,
}

impl Permit {
    /// Whether the call is the one that finds out.
    pub(crate) fn is_probe(self) -> bool {
        self.is_probe
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: State::Closed,
            in_a_row: 0,
            window: Window::default(),
            level: 0,
            closed_at_ms: 0,
            generation: 0,
        }
    }
}

impl Breaker {
    /// Whether a call would be admitted now.
    pub(crate) fn peek(&self, now_ms: u64) -> Result<(), Refusal> {
        match self.state {
            State::Closed | State::HalfOpen { probing: false } => Ok(()),
            State::Open { since_ms, until_ms } if (since_ms..until_ms).contains(&now_ms) => {
                Err(Refusal::Open { until_ms })
            }
            State::Open { .. } => Ok(()),
            State::HalfOpen { probing: true } => Err(Refusal::Probing),
        }
    }

    /// Admits a call, or says why not.
    pub(crate) fn admit(&mut self, now_ms: u64) -> Result<Permit, Refusal> {
        self.peek(now_ms)?;
        let is_probe = match self.state {
            State::Closed => false,
            State::Open { .. } | State::HalfOpen { .. } => {
                self.state = State::HalfOpen { probing: true };
                true
            }
        };
        Ok(Permit { generation: self.generation, is_probe })
    }

    /// Takes back a permit with what its call showed. Each permit is settled once, a cancelled
    /// call's with [`Verdict::Nothing`].
    pub(crate) fn settle(&mut self, permit: Permit, verdict: Verdict, now_ms: u64) -> Turned {
        let before = self.generation;
        self.count(permit, verdict, now_ms);
        match self.state {
            State::Open { until_ms, .. } if self.generation != before => {
                Turned::Opened { until_ms, level: self.level }
            }
            State::Closed if self.generation != before => Turned::Closed,
            State::Open { .. } | State::Closed | State::HalfOpen { .. } => Turned::Not,
        }
    }

    fn count(&mut self, permit: Permit, verdict: Verdict, now_ms: u64) {
        if permit.generation != self.generation {
            // It was admitted before the breaker opened or closed: old news.
            return;
        }
        match (verdict, permit.is_probe) {
            (Verdict::Nothing, true) => self.state = State::HalfOpen { probing: false },
            (Verdict::Nothing, false) => {}
            (Verdict::Good, true) => self.close(now_ms),
            (Verdict::Bad, true) => self.open(now_ms),
            (Verdict::Good, false) => {
                self.in_a_row = 0;
                self.window.count(false, now_ms);
            }
            (Verdict::Bad, false) => {
                self.in_a_row += 1;
                self.window.count(true, now_ms);
                if self.in_a_row >= FAILURES_IN_A_ROW || self.window.is_bad() {
                    self.open(now_ms);
                }
            }
        }
    }

    /// Closes it and forgets what it saw.
    pub(crate) fn reset(&mut self) {
        *self = Self { generation: self.generation + 1, ..Self::default() };
    }

    /// Opens it because another router's is, until then.
    pub(crate) fn adopt(&mut self, until_ms: u64, level: u32, now_ms: u64) {
        let until_ms = until_ms.min(now_ms.saturating_add(LONGEST_OPEN_MS));
        let later = match self.state {
            State::Closed => until_ms > now_ms,
            State::Open { until_ms: own, .. } => until_ms > own,
            State::HalfOpen { .. } => false,
        };
        if later {
            self.generation += 1;
            self.level = self.level.max(level);
            self.state = State::Open { since_ms: now_ms, until_ms };
        }
    }

    /// Whoever comes next finds out whether the provider is back.
    pub(crate) fn try_now(&mut self, now_ms: u64) {
        if let State::Open { .. } = self.state {
            self.state = State::Open { since_ms: now_ms, until_ms: now_ms };
        }
    }

    /// Another router finds out whether the provider is back: nobody here does until then.
    pub(crate) fn yield_until(&mut self, until_ms: u64, now_ms: u64) {
        let until_ms = until_ms.min(now_ms.saturating_add(LONGEST_OPEN_MS));
        self.generation += 1;
        self.state = State::Open { since_ms: now_ms, until_ms };
    }

    /// Whether calls pass without being the one that finds out.
    pub(crate) fn lets_through(&self) -> bool {
        self.state == State::Closed
    }

    /// The state as it is shown.
    pub(crate) fn shown(&self) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    fn open(&mut self, now_ms: u64) {
        if self.state == State::Closed && now_ms.saturating_sub(self.closed_at_ms) >= STEADY_MS {
            self.level = 0;
        }
        let factor = 1_u64.checked_shl(self.level.min(16)).unwrap_or(u64::MAX);
        let open_ms = SHORTEST_OPEN_MS.saturating_mul(factor).min(LONGEST_OPEN_MS);
        self.level = self.level.saturating_add(1);
        let until_ms = now_ms.saturating_add(open_ms);
        self.state = State::Open { since_ms: now_ms, until_ms };
        self.begin_anew();
    }

    fn close(&mut self, now_ms: u64) {
        self.state = State::Closed;
        self.closed_at_ms = now_ms;
        self.begin_anew();
    }

    fn begin_anew(&mut self) {
        self.generation += 1;
        self.in_a_row = 0;
        self.window = Window::default();
    }
}

/// Calls and failures of the last [`WINDOW_MS`], in slices.
#[derive(Clone, Copy, Default)]
struct Window {
    slices: [Slice; SLICES],
    /// Number of the newest slice since 1970.
    newest: u64,
}

#[derive(Clone, Copy, Default)]
struct Slice {
    calls: u32,
    failures: u32,
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (calls, failures) = self.sums();
        write!(f, "{failures} of {calls}")
    }
}

impl Window {
    fn count(&mut self, failed: bool, now_ms: u64) {
        let newest = now_ms / SLICE_MS;
        // All that is older than the window, or of a time that has not come yet, goes.
        let gone = newest.saturating_sub(self.newest);
        if newest < self.newest || gone >= SLICES as u64 {
            self.slices = [Slice::default(); SLICES];
        } else {
            for number in self.newest + 1..=newest {
                self.slices[place(number)] = Slice::default();
            }
        }
        self.newest = newest;
        let slice = &mut self.slices[place(newest)];
        slice.calls = slice.calls.saturating_add(1);
        slice.failures = slice.failures.saturating_add(failed.into());
    }

    fn is_bad(&self) -> bool {
        let (calls, failures) = self.sums();
        calls >= CALLS_IN_WINDOW && failures.saturating_mul(2) >= calls
    }

    fn sums(&self) -> (u32, u32) {
        self.slices.iter().fold((0, 0), |(calls, failures), slice| {
            (calls.saturating_add(slice.calls), failures.saturating_add(slice.failures))
        })
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number % SLICES as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests;
