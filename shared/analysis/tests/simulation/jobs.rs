//! Made-up jobs: questions, whose pairs resemble each other.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

/// Draws for one table.
pub(crate) struct Jobs(ChaCha8Rng);

impl Jobs {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// True with this probability.
    pub(crate) fn is(&mut self, p: f64) -> bool {
        self.0.random::<f64>() < p
    }

    /// One of so many.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.random_range(0..end)
    }

    /// A normal number, by twelve even ones.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.0.random::<f64>()).sum::<f64>() - 6.0
    }

    /// `of` pairs of one question, any two of which are correlated by `rho`: each takes the
    /// question's own value with probability √ρ, else one of its own (Lunn and Davies 1998).
    pub(crate) fn question<T: Copy>(
        &mut self,
        of: u64,
        rho: f64,
        mut draw: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let own = draw(self);
        (0..of).map(|_| if self.is(rho.sqrt()) { own } else { draw(self) }).collect()
    }
}
