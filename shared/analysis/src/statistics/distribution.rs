//! Tails and quantiles of the distributions that tests and intervals are read from. Degrees of freedom
//! are whole numbers, for which they are finite sums.

use std::f64::consts::{FRAC_2_PI, LN_2, PI, SQRT_2};

use libm::{atan, erfc, exp, lgamma, log, sqrt};

use crate::estimate::real;

/// A probability and the standard normal distribution's quantile of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    p: f64,
    z: f64,
}

impl Level {
    /// What an interval of 95 %, and a two-sided test at 5 %, leave above.
    pub(super) const TWO_SIDED: Self = Self { p: 0.975, z: 1.959_963_984_540_054 };
    /// A power of 80 %.
    pub(super) const POWER: Self = Self { p: 0.8, z: 0.841_621_233_572_914_3 };

    /// What a two-sided test at `alpha`, above 0 and below 1, leaves above: by Newton's method on the tail from
    /// the middle, where the distribution function is concave and no step overshoots.
    pub(super) fn two_sided(alpha: f64) -> Self {
        /// Enough for the smallest number.
        const STEPS: usize = 1_000;
        let mut z = 0.0;
        for _ in 0..STEPS {
            let density = exp(-z * z / 2.0) / sqrt(2.0 * PI);
            let step = (erfc(z / SQRT_2) - alpha) / (2.0 * density);
            z += step;
            if step.abs() <= 1e-14 * z {
                break;
            }
        }
        Self { p: 1.0 - alpha / 2.0, z }
    }

    /// Of the standard normal distribution.
    pub(super) const fn z(self) -> f64 {
        self.z
    }

    /// Of Student's t distribution: by Newton's method from the normal quantile, which lies below it where
    /// the distribution function is concave, so that no step overshoots. From 1,000 degrees of freedom
    /// the expansion of Abramowitz and Stegun (1964), 26.7.5, off by less than 1e-10. Without a degree
    /// of freedom it is infinite.
    pub(super) fn t(self, df: u64) -> f64 {
        /// Enough for one degree of freedom, the slowest.
        const STEPS: usize = 64;
        if df == 0 {
            return f64::INFINITY;
        }
        if df >= 1_000 {
            return self.t_of_many(real(df));
        }
        let mut t = self.z;
        for _ in 0..STEPS {
            let step = (self.p - t_below(t, df)) / t_density(t, real(df));
            t += step;
            if step.abs() <= 1e-14 * t {
                break;
            }
        }
        t
    }

    fn t_of_many(self, df: f64) -> f64 {
        let z = self.z;
        let z2 = z * z;
        z + z * (z2 + 1.0) / (4.0 * df)
            + z * ((5.0 * z2 + 16.0) * z2 + 3.0) / (96.0 * df * df)
            + z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / (384.0 * df * df * df)
    }
}

/// A length as a count.
pub(super) const fn count(length: usize) -> u64 {
    length as u64
}

/// A probability is above 0 also where it is too small for a number.
pub(super) const fn probability(p: f64) -> f64 {
    p.clamp(f64::MIN_POSITIVE, 1.0)
}

/// Student's t distribution below `t` ≥ 0: Abramowitz and Stegun (1964), 26.7.3 and 26.7.4.
fn t_below(t: f64, df: u64) -> f64 {
    let nu = real(df);
    let sine = t / sqrt(nu + t * t);
    let cosine2 = nu / (nu + t * t);
    let is_odd = df % 2 == 1;
    let (mut term, mut of) = if is_odd { (sqrt(cosine2), 3) } else { (1.0, 2) };
    let mut sum = 0.0;
    // Powers of the cosine up to df − 2.
    while of <= df {
        sum += term;
        term *= cosine2 * real(of - 1) / real(of);
        of += 2;
    }
    let between = if is_odd { FRAC_2_PI * (atan(t / sqrt(nu)) + sine * sum) } else { sine * sum };
    0.5 + between / 2.0
}

/// The density of Student's t distribution.
fn t_density(t: f64, nu: f64) -> f64 {
    let scale = exp(lgamma(f64::midpoint(nu, 1.0)) - lgamma(nu / 2.0)) / sqrt(nu * PI);
    scale * exp(-f64::midpoint(nu, 1.0) * log(1.0 + t * t / nu))
}

/// The χ² distribution above `x` ≥ 0: Abramowitz and Stegun (1964), 26.4.4 and 26.4.5.
pub(super) fn chi_squared_above(x: f64, df: u64) -> f64 {
    let half = x / 2.0;
    if half <= 0.0 {
        return 1.0;
    }
    let term = |power: f64| exp(power * log(half) - half - lgamma(power + 1.0));
    let above = if df % 2 == 1 {
        let powers = (0..df / 2).map(|j| real(j) + 0.5);
        erfc(sqrt(half)) + powers.map(term).sum::<f64>()
    } else {
        (0..df / 2).map(real).map(term).sum()
    };
    probability(above)
}

/// How likely at most `few` heads are among `of` throws of a fair coin.
pub(super) fn coin_at_most(few: u64, of: u64) -> f64 {
    /// What does not change the sum any more.
    const NEGLIGIBLE: f64 = 1e-17;
    if few >= of {
        return 1.0;
    }
    let (n, m) = (real(of), real(few));
    let largest = lgamma(n + 1.0) - lgamma(m + 1.0) - lgamma(n - m + 1.0) - n * LN_2;
    // Each term by its ratio to the one above it.
    let (mut term, mut sum) = (1.0, 1.0);
    for heads in (1..=few).rev() {
        term *= real(heads) / (n - real(heads) + 1.0);
        sum += term;
        if term < NEGLIGIBLE * sum {
            break;
        }
    }
    probability(exp(largest) * sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(value: f64, expected: f64) {
        assert!((value - expected).abs() <= 1e-10 * expected, "{value}, not {expected}");
    }

    /// By Python 3, `statistics.NormalDist().inv_cdf`.
    const Z: [(f64, f64); 3] = [
        (0.5, 0.674_489_750_196_081_7),
        (0.05 / 3.0, 2.393_979_799_818_509),
        (0.000_001, 4.891_638_475_698_59),
    ];

    /// By scipy 1.17.1, `stats.t.ppf`, on both sides of where the expansion starts.
    #[test]
    fn quantiles_of_t() {
        for (df, two_sided, power) in [
            (1, 12.706_204_736_174_694, 1.376_381_920_471_173_8),
            (2, 4.302_652_729_749_462, 1.060_660_171_779_821_4),
            (3, 3.182_446_305_283_707_8, 0.978_472_312_363_304_2),
            (9, 2.262_157_162_798_205, 0.883_403_859_685_534_6),
            (30, 2.042_272_456_301_237_8, 0.853_767_261_471_297_9),
            (499, 1.964_729_390_987_688_6, 0.842_342_149_168_805_7),
            (999, 1.962_341_461_133_449_3, 0.841_981_182_258_946_7),
            (1_000, 1.962_339_080_826_408_3, 0.841_980_822_162_428_8),
            (1_000_000, 1.959_966_356_814_107, 0.841_621_593_013_984_4),
        ] {
            is(Level::TWO_SIDED.t(df), two_sided);
            is(Level::POWER.t(df), power);
        }
        assert!(Level::TWO_SIDED.t(0).is_infinite());
        is(Level::two_sided(0.05).t(30), 2.042_272_456_301_237_8);
        for (alpha, z) in Z {
            is(Level::two_sided(alpha).z(), z);
        }
    }

    /// By scipy 1.17.1, `stats.chi2.sf`.
    #[test]
    fn tails_of_chi_squared() {
        is(chi_squared_above(3.841, 1), 0.050_013_683_763_956_804);
        is(chi_squared_above(8.05, 2), 0.017_863_424_153_314_038);
        is(chi_squared_above(0.5, 3), 0.918_891_411_654_675_8);
        is(chi_squared_above(11.07, 5), 0.050_009_618_622_405_425);
        is(chi_squared_above(70.0, 20), 1.821_370_039_572_102_5e-7);
        is(chi_squared_above(150.0, 31), 1.524_478_381_339_298_6e-17);
        is(chi_squared_above(0.0, 4), 1.0);
        assert!(chi_squared_above(2_000.0, 4) > 0.0);
    }
}
