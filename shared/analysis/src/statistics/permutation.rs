//! Permutation tests: what was seen, among all the ways in which it could have fallen where nothing
//! differs. All of them where they are few; else drawn with a generator that gives the same on every
//! machine.

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use super::distribution::probability;
use crate::estimate::real;

mod answers;
mod labels;
mod signs;
mod tables;

pub use answers::{Answers, Draws, exchanged, least_of_sizes};
pub use labels::{Stratum, between_beyond_within};
pub use signs::{Effort, sign_flip};
pub use tables::within_clusters;

/// Permutations that are drawn where they are too many to look at.
pub const DRAWS: u64 = 9_999;

/// So many arrangements are all looked at.
pub const ENUMERATED: u64 = 1 << 14;

/// A permutation test's result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Permuted {
    /// What was seen.
    pub statistic: f64,
    /// How likely it, or more, is where nothing differs.
    pub p: f64,
    /// Permutations drawn; none where all were looked at.
    pub draws: Option<u64>,
}

/// Counts the permutations that are at least as extreme as what was seen.
#[derive(Debug)]
struct Tally {
    least: f64,
    hits: u64,
    looked_at: u64,
}

impl Tally {
    /// `scale` is the largest number that a statistic was computed from: rounding is in proportion to it.
    fn new(seen: f64, scale: f64) -> Self {
        /// What two orders of adding the same numbers differ by, and no two statistics.
        const ROUNDING: f64 = 1e-12;
        Self { least: seen - ROUNDING * scale.abs(), hits: 0, looked_at: 0 }
    }

    fn look_at(&mut self, statistic: f64) {
        self.looked_at += 1;
        self.hits += u64::from(statistic >= self.least);
    }

    /// Of all arrangements, what was seen among them.
    fn of_all(&self, statistic: f64) -> Permuted {
        let p = probability(real(self.hits) / real(self.looked_at));
        Permuted { statistic, p, draws: None }
    }

    /// Of some, with what was seen as one more, so that no p is nought (Phipson and Smyth 2010).
    fn of_drawn(&self, statistic: f64) -> Permuted {
        let p = real(self.hits + 1) / real(self.looked_at + 1);
        Permuted { statistic, p, draws: Some(self.looked_at) }
    }
}

fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}
