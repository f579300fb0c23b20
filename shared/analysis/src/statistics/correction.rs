//! Raw p adjusted for how many tests there are. Results stand in the order of their tests.

use super::distribution::count;
use crate::estimate::real;

/// Holm's step-down adjustment (Holm 1979): the chance of any false finding stays below the level. The
/// i-th smallest of m is the largest so far of (m − i + 1) p, at most 1.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let order = ascending(p);
    let mut adjusted = vec![1.0; p.len()];
    let mut largest = 0.0_f64;
    for (smaller, index) in order.iter().enumerate() {
        largest = largest.max((real(count(p.len() - smaller)) * p[*index]).min(1.0));
        adjusted[*index] = largest;
    }
    adjusted
}

/// Benjamini and Hochberg's step-up adjustment (Benjamini and Hochberg 1995): the expected share of false
/// findings among the findings stays below the level. The i-th smallest of m is the smallest so far, from
/// above, of m p ÷ i, at most 1.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let order = ascending(p);
    let mut adjusted = vec![1.0; p.len()];
    let mut smallest = 1.0_f64;
    for (smaller, index) in order.iter().enumerate().rev() {
        // The quotient first: it is no less than 1, and so the product no less than p.
        let tests_per_rank = real(count(p.len())) / real(count(smaller + 1));
        smallest = smallest.min(tests_per_rank * p[*index]);
        adjusted[*index] = smallest;
    }
    adjusted
}

/// Where the p stand, the smallest first.
fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    order
}
