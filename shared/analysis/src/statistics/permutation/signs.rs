//! Which side is which, by question.

use rand::rngs::ChaCha8Rng;

use super::super::distribution::probability;
use super::{DRAWS, ENUMERATED, Permuted, Tally, generator};
use crate::estimate::real;

/// How much work a test may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Additions of the exact distribution of a sum; beyond them flips are drawn.
    pub additions: usize,
    /// Flips that are drawn then.
    pub draws: u64,
}

impl Effort {
    /// Of a test that stands alone: less than a tenth of a second.
    pub const ALONE: Self = Self { additions: 1 << 25, draws: DRAWS };

    /// Additions of all tests of a family, and words of random bits: seconds.
    const ALL: u64 = 2_000_000_000;

    /// Of each of so many tests that are adjusted for each other, each of at most so many units. Enough
    /// draws that a p can pass the first step of Holm's correction at 5 %, as far as the family's work allows.
    pub fn among(tests: u64, units: u64) -> Self {
        let tests = tests.max(1);
        let additions = usize::try_from(Self::ALL / tests).unwrap_or(usize::MAX);
        let words = (units.div_ceil(64) + 1) * tests;
        let draws = DRAWS.max(40 * tests).min(Self::ALL / words).max(999);
        Self { additions: additions.min(Self::ALONE.additions), draws }
    }

    /// The least p that flipped signs can give of so many units with a difference, the sum of whose absolute
    /// differences is at most `sum`, all of one sign.
    pub fn least(self, units: u64, sum: u64) -> f64 {
        let of_all = libm::exp2(1.0 - real(units)).min(1.0);
        let work = usize::try_from(units.saturating_mul(sum)).unwrap_or(usize::MAX);
        if work <= self.additions { of_all } else { of_all.max(1.0 / real(self.draws + 1)) }
    }
}

/// Whether the sides a and b can be exchanged, two-sided (Fisher 1935, §21): one number a cluster, such
/// as its sum of b − a; the signs of all are flipped in every way, and the statistic is the absolute sum.
/// None where all are nought.
///
/// Whole numbers are enumerated by their sums (Pagano and Tritchler 1983) as far as the effort allows, others up
/// to [`ENUMERATED`] arrangements; else flips are drawn.
pub fn sign_flip(differences: &[f64], effort: Effort, seed: u64) -> Option<Permuted> {
    let statistic: f64 = differences.iter().sum();
    let mut sizes: Vec<f64> =
        differences.iter().map(|d| d.abs()).filter(|size| *size > 0.0).collect();
    let all: f64 = sizes.iter().sum();
    if sizes.is_empty() || !all.is_finite() {
        return None;
    }
    if let Some(p) = exact(&sizes, statistic.abs(), effort.additions) {
        return Some(Permuted { statistic, p, draws: None });
    }
    sizes.sort_unstable_by(f64::total_cmp);
    let sizes = alike(&sizes);
    let count: u32 = sizes.iter().map(|(_, count)| *count).sum();
    let mut tally = Tally::new(statistic.abs(), all);
    if count < 64 && 1_u64 << count <= ENUMERATED {
        for flips in 0..1_u64 << count {
            tally.look_at(flipped(&sizes, &mut Bits::of(flips)).abs());
        }
        return Some(tally.of_all(statistic));
    }
    let mut generator = generator(seed);
    for _ in 0..effort.draws {
        tally.look_at(flipped(&sizes, &mut Bits::drawn(&mut generator)).abs());
    }
    Some(tally.of_drawn(statistic))
}

/// Equal numbers together, with how many they are: of those only how many are flipped matters.
fn alike(sorted: &[f64]) -> Vec<(f64, u32)> {
    let runs = sorted.chunk_by(|a, b| a.total_cmp(b).is_eq());
    runs.map(|run| (run[0], u32::try_from(run.len()).unwrap_or(u32::MAX))).collect()
}

/// The sum with those flipped whose bit is set.
fn flipped(sizes: &[(f64, u32)], bits: &mut Bits<'_>) -> f64 {
    let of = |&(size, count): &(f64, u32)| {
        let flips = bits.ones(count);
        size * (f64::from(count) - 2.0 * f64::from(flips))
    };
    sizes.iter().map(of).sum()
}

/// Bits, a word after the other.
struct Bits<'a> {
    word: u64,
    left: u32,
    more: Option<&'a mut ChaCha8Rng>,
}

impl<'a> Bits<'a> {
    const fn of(word: u64) -> Self {
        Self { word, left: u64::BITS, more: None }
    }

    const fn drawn(generator: &'a mut ChaCha8Rng) -> Self {
        Self { word: 0, left: 0, more: Some(generator) }
    }

    /// How many of the next bits are set.
    fn ones(&mut self, mut bits: u32) -> u32 {
        let mut ones = 0;
        while bits > 0 {
            if self.left == 0 {
                self.word = self.more.as_mut().map_or(0, rand::RngExt::random);
                self.left = u64::BITS;
            }
            let taken = bits.min(self.left);
            let mask = u64::MAX >> (u64::BITS - taken);
            ones += (self.word & mask).count_ones();
            self.word = self.word.checked_shr(taken).unwrap_or(0);
            self.left -= taken;
            bits -= taken;
        }
        ones
    }
}

/// The exact p of whole numbers whose sums are few enough: by the distribution of the sum of those with a
/// plus.
fn exact(sizes: &[f64], seen: f64, additions: usize) -> Option<f64> {
    let sizes: Vec<usize> = sizes.iter().map(|size| whole(*size)).collect::<Option<_>>()?;
    let seen = whole(seen)?;
    let all = sizes.iter().try_fold(0_usize, |all, size| all.checked_add(*size))?;
    all.checked_mul(sizes.len()).filter(|work| *work <= additions)?;
    let mut likely = vec![0.0_f64; all + 1];
    likely[0] = 1.0;
    let mut reached = 0;
    for size in sizes {
        reached += size;
        for sum in (0..=reached).rev() {
            let added = if sum >= size { likely[sum - size] } else { 0.0 };
            likely[sum] = f64::midpoint(likely[sum], added);
        }
    }
    // A sum of s with a plus leaves the rest with a minus.
    let extreme = likely.iter().enumerate().filter(|(sum, _)| (2 * sum).abs_diff(all) >= seen);
    Some(probability(extreme.map(|(_, likely)| likely).sum()))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "only a whole number in range is cast"
)]
fn whole(size: f64) -> Option<usize> {
    (size.trunc() == size && (0.0..1e9).contains(&size)).then_some(size as usize)
}
