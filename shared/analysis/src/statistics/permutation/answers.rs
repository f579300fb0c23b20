//! Which answer came from which region, by their categories: within one question and model.

use rand::seq::SliceRandom as _;

use super::super::distribution::count;
use super::{Permuted, Tally, generator};
use crate::aggregate::Category;
use crate::estimate::real;

/// The completed answers of one model to one entry.
#[derive(Debug, Clone)]
pub struct Answers {
    /// Those of each region, one region after the other.
    categories: Vec<Category>,
    /// How many each region has.
    sizes: Vec<usize>,
    /// Pairs of answers of two regions, and of one.
    between: u64,
    within: u64,
    /// Pairs whose categories differ.
    differ: u64,
    /// What it counts among others.
    weight: f64,
}

impl Answers {
    /// The same, to count so much among others.
    #[must_use]
    pub fn weighing(self, weight: f64) -> Self {
        Self { weight, ..self }
    }

    /// The smallest p that an exchange of them can give, as [`least_of_sizes`]; 1 where it gives none.
    pub fn least(&self) -> f64 {
        let sizes: Vec<u64> = self.sizes.iter().map(|size| count(*size)).collect();
        if self.has_between() && self.has_within() { least_of_sizes(&sizes) } else { 1.0 }
    }

    /// Whether an exchange of them says anything.
    pub fn says(&self) -> bool {
        self.has_between() && self.has_within() && self.differ > 0
    }

    /// From the samples of each region.
    pub fn new<'a>(regions: impl Iterator<Item = &'a [Category]>) -> Self {
        let (mut categories, mut sizes) = (Vec::new(), Vec::new());
        for samples in regions {
            let before = categories.len();
            categories.extend(samples.iter().copied().filter(|category| category.completed()));
            sizes.push(categories.len() - before);
        }
        let within = sizes.iter().map(|size| twos(count(*size))).sum();
        let between = twos(count(categories.len())) - within;
        let differ = differing(&categories);
        Self { categories, sizes, between, within, differ, weight: 1.0 }
    }

    /// Those that an exchange moves; none where all are alike.
    pub fn answers(&self) -> u64 {
        if self.differ > 0 { count(self.categories.len()) } else { 0 }
    }

    /// Whether two regions have any.
    pub fn has_between(&self) -> bool {
        self.between > 0
    }

    /// Whether a region has two.
    pub fn has_within(&self) -> bool {
        self.within > 0
    }

    fn differ_within(&self) -> u64 {
        let mut rest = self.categories.as_slice();
        let mut differ = 0;
        for size in &self.sizes {
            let (region, after) = rest.split_at_checked(*size).unwrap_or_default();
            differ += differing(region);
            rest = after;
        }
        differ
    }

    /// Share of the pairs within a region that differ; nothing of none.
    pub fn share_within(&self) -> f64 {
        real(self.differ_within()) / real(self.within.max(1))
    }

    /// Share of the pairs between regions that differ; nothing of none.
    pub fn share_between(&self) -> f64 {
        real(self.differ - self.differ_within()) / real(self.between.max(1))
    }

    fn excess(&self) -> f64 {
        let within = self.differ_within();
        real(self.differ - within) / real(self.between) - real(within) / real(self.within)
    }
}

fn twos(of: u64) -> u64 {
    of * of.saturating_sub(1) / 2
}

/// Pairs that differ.
fn differing(categories: &[Category]) -> u64 {
    let mut counts = [0; Category::ALL.len()];
    for category in categories {
        if let Some(count) = counts.get_mut(*category as usize) {
            *count += 1;
        }
    }
    twos(count(categories.len())) - counts.into_iter().map(twos).sum::<u64>()
}

/// How many exchanges are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Draws {
    most: u64,
    /// As many exchanges as extreme as what was seen end it: p is then their share of those drawn (Besag and
    /// Clifford 1991).
    until: Option<u64>,
}

impl Draws {
    /// Answers that are moved for all tests of a kind: seconds.
    const MOVES: u64 = 300_000_000;

    /// So many, whatever was seen.
    pub const fn of(most: u64) -> Self {
        Self { most, until: None }
    }

    /// For a test that stands alone, with so many answers.
    pub fn alone(answers: u64) -> Self {
        Self::of((Self::MOVES / answers.max(1)).clamp(999, 9_999))
    }

    /// For each of many tests that are adjusted for each other: most end early.
    pub const fn first() -> Self {
        Self { most: 999, until: Some(20) }
    }

    /// For those of so many tests that the first draws did not end, with so many answers in all: the smallest
    /// p among them must be able to be small.
    pub fn further(tests: u64, answers: u64) -> Self {
        let most = (40 * tests).min(Self::MOVES / answers.max(1)).max(999);
        Self { most, until: Some(20) }
    }

    /// The smallest p that they can give.
    pub fn least(self) -> f64 {
        1.0 / real(self.most + 1)
    }

    /// Whether a test ended before all were drawn.
    pub fn ended(self, test: &Permuted) -> bool {
        test.draws.is_some_and(|draws| draws < self.most)
    }
}

/// Whether answers of two regions differ in their categories more often than those of one: answers are exchanged
/// within each stratum (Mielke, Berry and Johnson 1976), one-sided. The statistic is the weighted sum of the
/// shares of pairs that differ, between regions minus within. Strata without pairs between or within
/// regions, or whose answers are all alike, say nothing; none where all are such.
pub fn exchanged(strata: &[Answers], draws: Draws, seed: u64) -> Option<Permuted> {
    let mut strata: Vec<Answers> = strata.iter().filter(|one| one.says()).cloned().collect();
    if strata.is_empty() {
        return None;
    }
    let statistic: f64 = strata.iter().map(|stratum| stratum.weight * stratum.excess()).sum();
    let scale = strata.iter().map(|stratum| stratum.weight).sum();
    let mut tally = Tally::new(statistic, scale);
    let mut generator = generator(seed);
    for _ in 0..draws.most {
        let mut excess = 0.0;
        for stratum in &mut strata {
            stratum.categories.shuffle(&mut generator);
            excess += stratum.weight * stratum.excess();
        }
        tally.look_at(excess);
        if Some(tally.hits) == draws.until {
            let p = real(tally.hits) / real(tally.looked_at);
            return Some(Permuted { statistic, p, draws: Some(tally.looked_at) });
        }
    }
    Some(tally.of_drawn(statistic))
}

/// The smallest p that exchanging answers between regions can give, whatever they are, of so many answers a
/// region: those of regions with as many change places without a difference, so that it is
/// Πsize! × Π(regions of a size)! ÷ n!.
pub fn least_of_sizes(sizes: &[u64]) -> f64 {
    let log_factorial = |of: u64| libm::lgamma(real(of) + 1.0);
    let mut sizes: Vec<u64> = sizes.iter().copied().filter(|size| *size > 0).collect();
    sizes.sort_unstable();
    let alike = sizes.chunk_by(PartialEq::eq).map(|alike| log_factorial(count(alike.len())));
    let orders = sizes.iter().copied().map(log_factorial).sum::<f64>();
    libm::exp(orders + alike.sum::<f64>() - log_factorial(sizes.iter().sum())).min(1.0)
}
