//! Chance by a seed.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A source of chance. One thread draws from it, so the same seed draws the same.
#[derive(Debug)]
pub(super) struct Chance(Mutex<StdRng>);

impl Chance {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// Whether something happens that does so at this rate, 0 to 1.
    pub(super) fn happens(&self, rate: f64) -> bool {
        rate > 0.0 && self.draw(|rng| rng.random_bool(rate.min(1.0)))
    }

    pub(super) fn number(&self, range: Range<u64>) -> u64 {
        self.draw(|rng| rng.random_range(range))
    }

    /// Whole milliseconds, so that a schedule is told by them.
    pub(super) fn time(&self, milliseconds: Range<u64>) -> Duration {
        Duration::from_millis(self.number(milliseconds))
    }

    pub(super) fn one_of<T: Copy>(&self, all: &[T]) -> T {
        let count = u64::try_from(all.len()).unwrap();
        all[usize::try_from(self.number(0..count)).unwrap()]
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
