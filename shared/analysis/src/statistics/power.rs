//! What a comparison could have shown.

use super::compare::Pairs;
use super::distribution::{Level, count};
use super::interval::FEWEST_CLUSTERS;
use super::permutation::Effort;
use crate::estimate::{Estimate, Reason, real};

/// The probability with which the smallest difference is found.
const POWER: f64 = 0.8;

/// The smallest true difference, on 0..1, that [`super::compare::two`] finds at two-sided `alpha` with a
/// probability of some 80 % or more, if it lies wholly in some of the questions: each has it in all its
/// pairs with the probability d, else not at all, beside the differences that were seen. A difference
/// that lies evenly in all questions is found more often.
///
/// With k questions of nᵢ pairs, m on average, the variance s² of the questions' weighted differences nᵢ(xᵢ − x)/m
/// (divisor k − 1), and w = Σnᵢ²/k m², it is the least d for which both hold:
///
/// - d √k ≥ t(1 − alpha/2) √(s² + w d) + t₀.₈ √(s² + w d(1 − d)), t of k − 1 degrees of freedom: after Bloom (1995), but
///   with the variances that a difference d brings with it, without and with its mean (as a permutation of
///   the sides has it, and as it has);
/// - of k questions at least c differ with a probability of 80 %, by the binomial distribution with
///   probability d: c is the fewest that the exact test can reject, all differing one way.
pub fn smallest_paired_difference(units: &[Pairs], alpha: f64, effort: Effort) -> Estimate<f64> {
    /// Halves the interval of all differences until it is far below a printed digit.
    const STEPS: usize = 40;
    let units: Vec<&Pairs> = units.iter().filter(|unit| unit.all() > 0).collect();
    let questions = count(units.len());
    if questions == 0 {
        return Estimate::Absent(Reason::NoPairs);
    }
    if questions < FEWEST_CLUSTERS {
        return Estimate::Absent(Reason::TooFewQuestions);
    }
    let sum = units.iter().map(|unit| unit.all()).sum();
    // One pair a question is tested without a draw.
    let effort = if sum == questions { Effort { additions: usize::MAX, ..effort } } else { effort };
    if effort.least(questions, sum) > alpha {
        let drawn =
            real(effort.draws + 1) * alpha < 1.0 && libm::exp2(1.0 - real(questions)) <= alpha;
        return Estimate::Absent(if drawn { Reason::TooMany } else { Reason::TooFewForTests });
    }
    let design = Design::of(&units, alpha);
    // Where not even all questions are enough.
    if !design.finds(1.0) {
        return Estimate::Absent(Reason::TooFewForTests);
    }
    let (mut missed, mut found) = (0.0, 1.0);
    for _ in 0..STEPS {
        let middle = f64::midpoint(missed, found);
        if design.finds(middle) { found = middle } else { missed = middle }
    }
    Estimate::Known(found)
}

/// What of a comparison its power depends on.
#[derive(Debug, Clone, Copy)]
struct Design {
    questions: u64,
    /// s² and w.
    variance: f64,
    weight: f64,
    /// t of the level and of the power.
    level: f64,
    power: f64,
    /// The fewest questions that the test can reject.
    fewest: u64,
}

impl Design {
    fn of(units: &[&Pairs], alpha: f64) -> Self {
        let questions = count(units.len());
        let k = real(questions);
        let all: f64 = units.iter().map(|unit| real(unit.all())).sum();
        let net = |unit: &Pairs| real(unit.only_b) - real(unit.only_a);
        let mean = units.iter().map(|unit| net(unit)).sum::<f64>() / all;
        let squares: f64 = units
            .iter()
            .map(|unit| net(unit) - mean * real(unit.all()))
            .map(|residual| residual * residual)
            .sum();
        let sizes: f64 = units.iter().map(|unit| real(unit.all()) * real(unit.all())).sum();
        let size = all / k;
        let mut fewest = 1;
        while libm::exp2(1.0 - real(fewest)) > alpha {
            fewest += 1;
        }
        Self {
            questions,
            variance: squares / (k - 1.0) / (size * size),
            weight: sizes / k / (size * size),
            level: Level::two_sided(alpha).t(questions - 1),
            power: Level::POWER.t(questions - 1),
            fewest,
        }
    }

    /// Whether a true difference is found with a probability of 80 %.
    fn finds(self, difference: f64) -> bool {
        let of_test = self.variance + self.weight * difference;
        let as_drawn = self.variance + self.weight * difference * (1.0 - difference);
        let needed = self.level * of_test.sqrt() + self.power * as_drawn.sqrt();
        needed <= difference * real(self.questions).sqrt()
            && fewer(self.fewest, self.questions, difference) <= 1.0 - POWER
    }
}

/// How likely fewer than `least` of `all` are, each with probability `p`.
fn fewer(least: u64, all: u64, p: f64) -> f64 {
    if p >= 1.0 {
        return 0.0;
    }
    let mut term = libm::exp(real(all) * libm::log1p(-p));
    let mut sum = 0.0;
    for one in 0..least.min(all + 1) {
        sum += term;
        term *= real(all - one) / real(one + 1) * p / (1.0 - p);
    }
    sum
}
