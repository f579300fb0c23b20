//! Which answer came from which region, within one question and model.

use rand::seq::SliceRandom as _;

use super::super::distribution::count;
use super::{ENUMERATED, Permuted, Tally, generator};
use crate::estimate::real;

/// Answers that are compared with each other: those of one model to one question.
#[derive(Debug, Clone, PartialEq)]
pub struct Stratum {
    /// The group of each, such as its region.
    pub groups: Vec<usize>,
    /// How far each lies from each after it: first to second, first to third, …, second to third, …: n(n
    /// − 1)/2 of them. For categories 0 where they are the same and 1 where not.
    pub distances: Vec<f64>,
}

/// Whether answers lie farther apart between groups than within them, one-sided: their groups are exchanged in
/// every way (Mielke, Berry and Johnson 1976; the noise floor is within). The statistic is the mean distance
/// between − the mean distance within. None of answers without a distance between or within, or without
/// variation, or whose distances do not fit their groups.
///
/// Up to [`ENUMERATED`] arrangements all are looked at; else so many are drawn.
pub fn between_beyond_within(stratum: &Stratum, draws: u64, seed: u64) -> Option<Permuted> {
    if !fits(stratum) {
        return None;
    }
    let mut compared = Compared::new(stratum)?;
    let statistic = compared.excess();
    let mut tally = Tally::new(statistic, compared.farthest);
    if compared.ways().is_some_and(|ways| ways <= ENUMERATED) {
        compared.look_at_all(&mut compared.sizes(), &mut Vec::new(), &mut tally);
        return Some(tally.of_all(statistic));
    }
    let mut generator = generator(seed);
    for _ in 0..draws {
        compared.groups.shuffle(&mut generator);
        tally.look_at(compared.excess());
    }
    Some(tally.of_drawn(statistic))
}

fn fits(stratum: &Stratum) -> bool {
    let n = stratum.groups.len();
    stratum.distances.len() == n * n.saturating_sub(1) / 2
        && stratum.distances.iter().all(|distance| distance.is_finite())
}

/// Answers that say something.
#[derive(Debug)]
struct Compared<'a> {
    groups: Vec<usize>,
    distances: &'a [f64],
    all: f64,
    farthest: f64,
    between: f64,
    within: f64,
}

impl<'a> Compared<'a> {
    fn new(stratum: &'a Stratum) -> Option<Self> {
        let (groups, distances) = (stratum.groups.clone(), &*stratum.distances);
        let first = distances.first()?;
        let varies = distances.iter().any(|distance| (distance - first).abs() > 0.0);
        let pairs = distances.len();
        let pair =
            |at: usize| groups[at + 1..].iter().filter(|group| **group != groups[at]).count();
        let between: usize = (0..groups.len()).map(pair).sum();
        let says = varies && 0 < between && between < pairs;
        says.then(|| Self {
            all: distances.iter().sum(),
            farthest: distances.iter().fold(0.0, |farthest, distance| distance.abs().max(farthest)),
            between: real(count(between)),
            within: real(count(pairs - between)),
            groups,
            distances,
        })
    }

    fn excess(&self) -> f64 {
        self.excess_of(&self.groups)
    }

    /// Mean distance between − mean distance within.
    fn excess_of(&self, groups: &[usize]) -> f64 {
        let mut distances = self.distances.iter();
        let mut between = 0.0;
        for (at, group) in groups.iter().enumerate() {
            for (other, distance) in groups[at + 1..].iter().zip(&mut distances) {
                between += if group == other { 0.0 } else { *distance };
            }
        }
        between / self.between - (self.all - between) / self.within
    }

    /// In how many ways the answers fall into the groups.
    fn ways(&self) -> Option<u64> {
        let mut ways = 1_u64;
        let mut placed = 0;
        for size in self.sizes() {
            for of_group in 1..=count(size.1) {
                placed += 1;
                // Whole at each step: a product of binomial coefficients.
                ways = ways.checked_mul(placed)? / of_group;
            }
        }
        Some(ways)
    }

    /// The groups and how many answers each has.
    fn sizes(&self) -> Vec<(usize, usize)> {
        let mut sorted = self.groups.clone();
        sorted.sort_unstable();
        sorted.chunk_by(PartialEq::eq).map(|of| (of[0], of.len())).collect()
    }

    /// Looks at the statistic of every way to go on from `groups`, with so many answers of each group left.
    fn look_at_all(&self, left: &mut [(usize, usize)], groups: &mut Vec<usize>, tally: &mut Tally) {
        if groups.len() == self.groups.len() {
            tally.look_at(self.excess_of(groups));
            return;
        }
        for at in 0..left.len() {
            if left[at].1 > 0 {
                left[at].1 -= 1;
                groups.push(left[at].0);
                self.look_at_all(left, groups, tally);
                groups.pop();
                left[at].1 += 1;
            }
        }
    }
}
