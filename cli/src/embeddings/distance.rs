//! Mean cosine distances of many vectors, from their sums.

use std::collections::BTreeMap;

use beacon_analysis::estimate::{Estimate, Reason};
use beacon_core::Region;

/// Unit vectors of one model's answers to one question, summed by region.
///
/// The mean cosine of all pairs of distinct unit vectors of a group of n with the sum S is
/// (|S|² − n) ÷ (n² − n), since |S|² adds up the cosines of all ordered pairs, each vector with itself
/// among them. Of pairs across groups it is (|ΣS|² − Σ|Sᵣ|²) ÷ (N² − Σnᵣ²).
#[derive(Debug, Default)]
pub(super) struct Sums<'a>(BTreeMap<&'a Region, Sum>);

#[derive(Debug, Default)]
struct Sum {
    vector: Vec<f64>,
    count: f64,
}

impl Sum {
    fn add(&mut self, vector: impl ExactSizeIterator<Item = f64>, count: f64) {
        self.vector.resize(vector.len(), 0.0);
        for (sum, number) in self.vector.iter_mut().zip(vector) {
            *sum += number;
        }
        self.count += count;
    }

    /// |S|².
    fn square(&self) -> f64 {
        self.vector.iter().map(|number| number * number).sum()
    }
}

impl<'a> Sums<'a> {
    /// Adds a vector; none where it has no direction, so that there is no angle to it.
    pub(super) fn add(&mut self, region: &'a Region, vector: &[f64]) -> Option<()> {
        let norm = vector.iter().map(|number| number * number).sum::<f64>().sqrt();
        if !norm.is_finite() || norm <= 0.0 {
            return None;
        }
        let unit = vector.iter().map(|number| number / norm);
        self.0.entry(region).or_default().add(unit, 1.0);
        Some(())
    }

    /// Mean of 1 − cosine over pairs of different regions.
    pub(super) fn between(&self, regions: usize) -> Estimate<f64> {
        if regions < 2 {
            return Estimate::Absent(Reason::OneRegion);
        }
        let mut all = Sum::default();
        for sum in self.0.values() {
            all.add(sum.vector.iter().copied(), sum.count);
        }
        let squares: f64 = self.0.values().map(Sum::square).sum();
        let counts: f64 = self.0.values().map(|sum| sum.count * sum.count).sum();
        distance(all.square() - squares, all.count * all.count - counts)
    }

    /// Mean of 1 − cosine over pairs of samples of one region.
    pub(super) fn within(&self, samples: u16) -> Estimate<f64> {
        let is_one_a_region = !self.0.is_empty() && self.0.values().all(|sum| sum.count < 2.0);
        if samples < 2 || is_one_a_region {
            return Estimate::Absent(Reason::OneSample);
        }
        let cosines = self.0.values().map(|sum| sum.square() - sum.count).sum();
        distance(cosines, self.0.values().map(|sum| sum.count * (sum.count - 1.0)).sum())
    }
}

fn distance(cosines: f64, pairs: f64) -> Estimate<f64> {
    if pairs < 1.0 {
        return Estimate::Absent(Reason::NoPairs);
    }
    // Rounding can put equal vectors a little before nought.
    Estimate::Known((1.0 - cosines / pairs).clamp(0.0, 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> Region {
        Region::new(name).unwrap()
    }

    /// Pair by pair.
    fn slowly(vectors: &[(usize, [f64; 3])], same: bool) -> f64 {
        let norm = |v: &[f64; 3]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let mut distances = Vec::new();
        for (at, (region, a)) in vectors.iter().enumerate() {
            for (other, b) in &vectors[at + 1..] {
                if (region == other) == same {
                    let dot: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
                    distances.push(1.0 - dot / (norm(a) * norm(b)));
                }
            }
        }
        distances.iter().sum::<f64>() / f64::from(u32::try_from(distances.len()).unwrap())
    }

    #[test]
    fn sums_give_the_mean_over_pairs() {
        let vectors = [
            (0, [1.0, 2.0, 3.0]),
            (0, [-1.0, 0.5, 2.0]),
            (0, [0.0, 0.0, 9.0]),
            (1, [4.0, -2.0, 0.1]),
            (2, [1.0, 1.0, 1.0]),
            (2, [-3.0, 2.0, 1.0]),
        ];
        let regions = ["eu-west", "us-east", "asia-pacific"].map(region);
        let mut sums = Sums::default();
        for (at, vector) in &vectors {
            sums.add(&regions[*at], vector).unwrap();
        }
        let between = *sums.between(3).known().unwrap();
        let within = *sums.within(3).known().unwrap();
        assert!((between - slowly(&vectors, false)).abs() < 1e-12, "{between}");
        assert!((within - slowly(&vectors, true)).abs() < 1e-12, "{within}");
    }

    #[test]
    fn what_has_no_pairs_has_a_reason() {
        let (eu, us) = (region("eu-west"), region("us-east"));
        let mut sums = Sums::default();
        assert_eq!(sums.between(2), Estimate::Absent(Reason::NoPairs));
        assert_eq!(sums.within(2), Estimate::Absent(Reason::NoPairs));
        sums.add(&eu, &[1.0, 0.0]).unwrap();
        assert_eq!(sums.between(1), Estimate::Absent(Reason::OneRegion));
        assert_eq!(sums.between(2), Estimate::Absent(Reason::NoPairs));
        assert_eq!(sums.within(1), Estimate::Absent(Reason::OneSample));
        // Of the two that were asked for, one came.
        assert_eq!(sums.within(2), Estimate::Absent(Reason::OneSample));
        sums.add(&us, &[2.0, 0.0]).unwrap();
        assert_eq!(sums.between(2), Estimate::Known(0.0));
        assert_eq!(sums.add(&us, &[0.0, 0.0]), None);
        assert_eq!(sums.add(&us, &[f64::MAX, f64::MAX]), None);
    }
}
