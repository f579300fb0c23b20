//! Intervals of 95 % for shares, their differences and means, also where pairs come in clusters.

use super::distribution::{Level, count};
use crate::estimate::{Estimate, Reason, real};
use crate::findings::Interval;

/// Below so many clusters nothing is said of how they vary.
pub const FEWEST_CLUSTERS: u64 = 10;

/// One question's completed pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cluster {
    /// Those that count; at most `of`.
    pub count: u64,
    /// All of them.
    pub of: u64,
}

/// One question's pairs that completed on both of two sides, a and b.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PairedCluster {
    /// All of them.
    pub pairs: u64,
    /// Those that count on side a only.
    pub only_a: u64,
    /// Those that count on side b only; with `only_a` at most `pairs`.
    pub only_b: u64,
}

/// Wilson's score interval (Wilson 1927) of the share `count` ÷ `of`, on 0..1; none of nothing.
///
/// With p = x ÷ n and z = 1.96: (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) ÷ (1 + z²/n).
pub fn wilson(count: u64, of: u64) -> Option<Interval> {
    (0 < of && count <= of).then(|| score(real(count) / real(of), real(of)))
}

/// Wilson's interval of a share of pairs that come in clusters, on 0..1: on the effective number of
/// independent pairs (Korn and Graubard 1998; with Wilson's interval Dean and Pagano 2015).
///
/// With `n` pairs of which the share `p` counts, in `k` clusters of `xᵢ` of `nᵢ`, and `t` of so many
/// degrees of freedom: the effective number is `n ÷ d × (t(n − 1)/t(k − 1))²`. The design effect `d`
/// (Kish 1965) is the variance of the ratio (Cochran 1977) over that of `n` independent pairs, at least
/// 1: `k/(k − 1) Σ(xᵢ − p nᵢ)² ÷ (n² p(1 − p)/(n − 1))`. Few clusters may by chance hold hardly a pair that
/// counts, and `d` is then estimated far too small. Therefore one more cluster of the size `m = Σnᵢ²/n` is
/// added to it, whose pairs all agree: with `q = 2/(k + 4)`, the share of Agresti and Coull (1998) where
/// nothing counts, `m² q(1 − q)` above and `m q(1 − q)` below. It matters less the more clusters there are
/// and the nearer the share is to a half; where all pairs agree, `d` is `m`, and clusters of one size count
/// as a pair each. With one pair a cluster it is [`wilson`].
pub fn wilson_clustered(clusters: &[Cluster]) -> Estimate<Interval> {
    let sizes = Sizes::of(clusters.iter().map(|cluster| cluster.of));
    if let Some(reason) = sizes.too_few(Reason::NothingCompleted) {
        return Estimate::Absent(reason);
    }
    let share = real(clusters.iter().map(|cluster| cluster.count).sum()) / sizes.pairs;
    let residual = |cluster: &Cluster| real(cluster.count) - share * real(cluster.of);
    let squares = clusters.iter().map(residual).map(|r| r * r).sum();
    let variance = |share: f64| share * (1.0 - share);
    let of_one_more = variance(2.0 / (sizes.clusters + 4.0));
    let pairs = sizes.effective(squares, variance(share), of_one_more);
    Estimate::Known(score(share, pairs))
}

/// The interval of a difference b − a of two shares of the same pairs, on −1..1, pairs in clusters:
/// Tango's score interval (Tango 1998) on the effective number of independent pairs.
///
/// With the shares `f` and `g` of the pairs that count on side a or b only, and `n` pairs, it holds each
/// difference `δ` with `|g − f − δ| ≤ z √((2q + δ(1 − δ))/n)`, where `q = (√(B² + 8fδ(1 − δ)) − B)/4` and
/// `B = (2 − g + f)δ − f − g`. Its width is never nought. The effective number is that of
/// [`wilson_clustered`]; there `xᵢ` is `gᵢ − fᵢ`, `p(1 − p)` the variance `f + g − (g − f)²`, and `q(1 − q)`
/// that of Bonett and Price (2012) where no pair differs, `2/(k + 2)`.
pub fn paired_difference(clusters: &[PairedCluster]) -> Estimate<Interval> {
    let sizes = Sizes::of(clusters.iter().map(|cluster| cluster.pairs));
    if let Some(reason) = sizes.too_few(Reason::NoPairs) {
        return Estimate::Absent(reason);
    }
    let share = |of: fn(&PairedCluster) -> u64| real(clusters.iter().map(of).sum()) / sizes.pairs;
    let one_sided = OneSided { a: share(|c| c.only_a), b: share(|c| c.only_b) };
    let residual = |cluster: &PairedCluster| {
        let difference = real(cluster.only_b) - real(cluster.only_a);
        difference - one_sided.difference() * real(cluster.pairs)
    };
    let squares = clusters.iter().map(residual).map(|r| r * r).sum();
    let of_one_more = 2.0 / (sizes.clusters + 2.0);
    let pairs = sizes.effective(squares, one_sided.variance(), of_one_more);
    Estimate::Known(one_sided.interval(pairs))
}

/// Student's interval (Student 1908) of the mean of one number a cluster, in the numbers' own unit: with
/// their mean m and standard deviation s (divisor k − 1), m ± t₍ₖ₋₁₎ s/√k.
pub fn mean_of_clusters(values: &[f64]) -> Estimate<Interval> {
    let k = count(values.len());
    if k == 0 {
        return Estimate::Absent(Reason::NothingCompleted);
    }
    if k < FEWEST_CLUSTERS {
        return Estimate::Absent(Reason::TooFewQuestions);
    }
    let mean = values.iter().sum::<f64>() / real(k);
    let squares = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    // Equal numbers differ from their mean by rounding.
    if squares <= 1e-24 * values.iter().map(|value| value * value).sum::<f64>() {
        return Estimate::Absent(Reason::NoVariation);
    }
    let half = Level::TWO_SIDED.t(k - 1) * (squares / real(k - 1) / real(k)).sqrt();
    Estimate::Known(Interval { low: mean - half, high: mean + half })
}

/// The score interval of a share of `n` pairs, which need not be whole.
fn score(p: f64, n: f64) -> Interval {
    let z2 = Level::TWO_SIDED.z() * Level::TWO_SIDED.z();
    let middle = p + z2 / (2.0 * n);
    let half = (z2 * (p * (1.0 - p) / n + z2 / (4.0 * n * n))).sqrt();
    let scale = 1.0 + z2 / n;
    // What rounding takes it past its share, or past 0 or 1, is taken back.
    let low = ((middle - half) / scale).clamp(0.0, p);
    let high = ((middle + half) / scale).clamp(p, 1.0);
    Interval { low, high }
}

/// How many pairs there are in how many clusters.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    all: u64,
    of: u64,
    pairs: f64,
    clusters: f64,
    /// Of a pair's cluster, on the mean of all pairs.
    size: f64,
}

impl Sizes {
    /// Clusters of nothing are none.
    fn of(sizes: impl Iterator<Item = u64>) -> Self {
        let (mut all, mut of, mut squares) = (0, 0, 0.0);
        for size in sizes {
            all += size;
            of += u64::from(size > 0);
            squares += real(size) * real(size);
        }
        Self { all, of, pairs: real(all), clusters: real(of), size: squares / real(all.max(1)) }
    }

    fn too_few(&self, nothing: Reason) -> Option<Reason> {
        if self.all == 0 {
            Some(nothing)
        } else {
            (self.of < FEWEST_CLUSTERS).then_some(Reason::TooFewQuestions)
        }
    }

    /// The effective number of independent pairs, from clusters' squared residuals, the variance of one
    /// pair, and that of one in the cluster that is added.
    fn effective(&self, squares: f64, variance: f64, of_one_more: f64) -> f64 {
        let of_clusters = self.clusters / (self.clusters - 1.0) * squares;
        let of_pairs = self.pairs / (self.pairs - 1.0) * self.pairs * variance;
        let effect = (of_clusters + self.size * self.size * of_one_more)
            / (of_pairs + self.size * of_one_more);
        let t = Level::TWO_SIDED.t(self.all - 1) / Level::TWO_SIDED.t(self.of - 1);
        self.pairs / effect.max(1.0) * t * t
    }
}

/// The shares of pairs that count on one side only.
#[derive(Debug, Clone, Copy)]
struct OneSided {
    a: f64,
    b: f64,
}

impl OneSided {
    fn difference(self) -> f64 {
        self.b - self.a
    }

    /// Of one pair's difference.
    fn variance(self) -> f64 {
        self.a + self.b - self.difference() * self.difference()
    }

    /// Tango's score interval of `pairs` pairs, which need not be whole.
    fn interval(self, pairs: f64) -> Interval {
        let high = self.end(pairs);
        let low = -Self { a: self.b, b: self.a }.end(pairs);
        Interval { low, high }
    }

    /// The largest difference that is no farther away than z, by bisection.
    fn end(self, pairs: f64) -> f64 {
        /// Halves the interval of all differences until nothing is left of it.
        const STEPS: usize = 54;
        let (mut near, mut far) = (self.difference(), 1.0);
        for _ in 0..STEPS {
            let middle = f64::midpoint(near, far);
            if self.is_near(middle, pairs) { near = middle } else { far = middle }
        }
        far
    }

    fn is_near(self, difference: f64, pairs: f64) -> bool {
        let linear = (2.0 - self.difference()) * difference - self.a - self.b;
        let product = difference * (1.0 - difference);
        let root = (linear * linear + 8.0 * self.a * product).max(0.0).sqrt();
        let variance = (root - linear) / 2.0 + product;
        let away = difference - self.difference();
        let z = Level::TWO_SIDED.z();
        away * away * pairs <= z * z * variance
    }
}
