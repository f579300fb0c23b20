//! Which test is right for which pairs, and its difference and interval: the same for a job's findings
//! and for any table.

use super::correction::{benjamini_hochberg, holm};
use super::distribution::count;
use super::interval::{PairedCluster, paired_difference};
use super::paired::{cochran_q, is_by_chi_squared, mcnemar_exact};
use super::permutation::{DRAWS, Effort, Permuted, sign_flip, within_clusters};
use crate::estimate::{Estimate, Reason, real};
use crate::findings::{Interval, Method, Test};

/// One unit's pairs (a question's) that completed on both of two sides, a and b, by where they count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pairs {
    /// On both.
    pub both: u64,
    /// On side a only.
    pub only_a: u64,
    /// On side b only.
    pub only_b: u64,
    /// On none.
    pub neither: u64,
}

impl Pairs {
    /// Takes one pair in, by whether it counts on each side.
    pub const fn add(&mut self, a: bool, b: bool) {
        match (a, b) {
            (true, true) => self.both += 1,
            (true, false) => self.only_a += 1,
            (false, true) => self.only_b += 1,
            (false, false) => self.neither += 1,
        }
    }

    /// All of them.
    pub const fn all(&self) -> u64 {
        self.both + self.only_a + self.only_b + self.neither
    }
}

/// A test before it is adjusted for the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tested {
    /// How.
    pub method: Method,
    /// Its statistic; none of an exact test.
    pub statistic: Option<f64>,
    /// Two-sided, as it is.
    pub p: f64,
    /// Permutations drawn.
    pub draws: Option<u64>,
}

impl Tested {
    fn permuted(permuted: Permuted) -> Self {
        let Permuted { statistic, p, draws } = permuted;
        Self { method: Method::ClusterPermutation, statistic: Some(statistic), p, draws }
    }

    /// Of units in none of which the sides differ on balance, though pairs do: each exchange gives the same.
    const fn balanced() -> Self {
        let (method, statistic) = (Method::ClusterPermutation, Some(0.0));
        Self { method, statistic, p: 1.0, draws: None }
    }
}

/// Two sides compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Two {
    /// Pairs completed on both sides.
    pub pairs: u64,
    /// Units among them.
    pub units: u64,
    /// Those that count on side a.
    pub count_a: u64,
    /// Those that count on side b.
    pub count_b: u64,
    /// Share of b minus share of a, percentage points.
    pub difference: Estimate<f64>,
    /// Of it, percentage points.
    pub interval: Estimate<Interval>,
    /// Whether it can be chance.
    pub test: Estimate<Tested>,
}

/// Compares two sides. One pair a unit: McNemar's exact test; else a permutation of the sides within units.
pub fn two(units: &[Pairs], seed: u64) -> Two {
    two_of(units, Effort::ALONE, seed)
}

/// [`two`] with another effort.
pub fn two_of(units: &[Pairs], effort: Effort, seed: u64) -> Two {
    let units: Vec<&Pairs> = units.iter().filter(|unit| unit.all() > 0).collect();
    let sum = |of: fn(&Pairs) -> u64| units.iter().map(|unit| of(unit)).sum::<u64>();
    let (pairs, only_a, only_b) = (sum(Pairs::all), sum(|u| u.only_a), sum(|u| u.only_b));
    let both = sum(|unit| unit.both);
    let clusters: Vec<PairedCluster> = units
        .iter()
        .map(|u| PairedCluster { pairs: u.all(), only_a: u.only_a, only_b: u.only_b })
        .collect();
    let difference = match pairs {
        0 => Estimate::Absent(Reason::NoPairs),
        pairs => Estimate::Known(100.0 * (real(only_b) - real(only_a)) / real(pairs)),
    };
    let test = if pairs == 0 {
        Estimate::Absent(Reason::NoPairs)
    } else if only_a + only_b == 0 {
        Estimate::Absent(Reason::NoVariation)
    } else if units.iter().all(|unit| unit.all() == 1) {
        let p = mcnemar_exact(only_a, only_b);
        Estimate::Known(Tested { method: Method::McnemarExact, statistic: None, p, draws: None })
    } else {
        let net = |unit: &&Pairs| real(unit.only_b) - real(unit.only_a);
        let differences: Vec<f64> = units.iter().map(net).collect();
        let flipped = sign_flip(&differences, effort, seed).map(Tested::permuted);
        Estimate::Known(flipped.unwrap_or(Tested::balanced()))
    };
    Two {
        pairs,
        units: count(units.len()),
        count_a: both + only_a,
        count_b: both + only_b,
        difference,
        interval: in_points(paired_difference(&clusters)),
        test,
    }
}

/// One unit's rows (a question's) that completed at every level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Levels {
    /// How many.
    pub rows: u64,
    /// Those in which not all levels are alike.
    pub varying: u64,
    /// How many of them count, by level.
    pub counts: Vec<u64>,
}

/// Three and more levels compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Many {
    /// Units that completed at every level.
    pub units: u64,
    /// Whether what they differ by can be chance.
    pub test: Estimate<Tested>,
}

/// Compares three and more levels. One row a unit, and enough of them: Cochran's Q; else a permutation of
/// the levels within units.
pub fn many(units: &[Levels], seed: u64) -> Many {
    many_of(units, DRAWS, seed)
}

/// [`many`] with another number of draws.
pub fn many_of(units: &[Levels], draws: u64, seed: u64) -> Many {
    let units: Vec<&Levels> = units.iter().filter(|unit| unit.rows > 0).collect();
    let test = if units.is_empty() {
        Estimate::Absent(Reason::NoPairs)
    } else {
        let exchanged = || {
            let table: Vec<Vec<f64>> =
                units.iter().map(|unit| unit.counts.iter().copied().map(real).collect()).collect();
            within_clusters(&table, draws, seed).map(Tested::permuted)
        };
        let balanced = || units.iter().any(|unit| unit.varying > 0).then(Tested::balanced);
        tested(cochran(&units).or_else(exchanged).or_else(balanced))
    };
    Many { units: count(units.len()), test }
}

/// Cochran's Q, where it holds.
fn cochran(units: &[&Levels]) -> Option<Tested> {
    let varying = units.iter().filter(|u| u.counts.iter().any(|c| *c != u.counts[0])).count();
    let levels = count(units.first()?.counts.len());
    if !is_by_chi_squared(count(varying), levels) || units.iter().any(|unit| unit.rows != 1) {
        return None;
    }
    let rows: Vec<Vec<bool>> =
        units.iter().map(|unit| unit.counts.iter().map(|count| *count > 0).collect()).collect();
    let cochran = cochran_q(&rows)?;
    let (statistic, p) = (Some(cochran.q), cochran.p);
    Some(Tested { method: Method::CochranQ, statistic, p, draws: None })
}

/// The same tests, adjusted for all of them that were done. What was not done does not count.
pub fn adjusted(tests: &[Estimate<Tested>]) -> Vec<Estimate<Test>> {
    let p: Vec<f64> = tests.iter().filter_map(Estimate::known).map(|test| test.p).collect();
    let mut adjusted = holm(&p).into_iter().zip(benjamini_hochberg(&p));
    let of = |test: &Estimate<Tested>| {
        test.map(|Tested { method, statistic, p, draws }| {
            let (p_holm, p_bh) = adjusted.next().unwrap_or((1.0, 1.0));
            Test { method, statistic, p, p_holm, p_bh, draws }
        })
    };
    tests.iter().map(of).collect()
}

fn tested(test: Option<Tested>) -> Estimate<Tested> {
    test.map_or(Estimate::Absent(Reason::NoVariation), Estimate::Known)
}

fn in_points(interval: Estimate<Interval>) -> Estimate<Interval> {
    interval.map(|Interval { low, high }| Interval { low: 100.0 * low, high: 100.0 * high })
}
