//! Tests of shares on the same questions, one row a question.

use super::distribution::{chi_squared_above, coin_at_most, count, probability};
use crate::estimate::real;

/// Cochran's Q and what it means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CochranQ {
    /// The statistic.
    pub q: f64,
    /// Levels minus 1.
    pub df: u64,
    /// How likely a Q this large is where levels do not differ.
    pub p: f64,
}

/// McNemar's test (McNemar 1947), exact and two-sided (Mosteller 1952), of pairs that count on one side only:
/// twice the binomial probability of at most the smaller number at a half, at most 1.
pub fn mcnemar_exact(only_a: u64, only_b: u64) -> f64 {
    probability(2.0 * coin_at_most(only_a.min(only_b), only_a + only_b))
}

/// Cochran's Q (Cochran 1950): a row a question, in it whether each level counts. None where no row
/// varies, or rows differ in length.
///
/// With k levels of totals Cⱼ and rows of totals Rᵢ: `Q = (k − 1)(k ΣCⱼ² − (ΣCⱼ)²) ÷ (k ΣRᵢ − ΣRᵢ²)`, by
/// χ² of k − 1 degrees of freedom. [`is_by_chi_squared`] says where that holds.
pub fn cochran_q(rows: &[Vec<bool>]) -> Option<CochranQ> {
    let levels = rows.first()?.len();
    if rows.iter().any(|row| row.len() != levels) {
        return None;
    }
    let mut columns = vec![0_u64; levels];
    let (mut all, mut squares) = (0_u64, 0_u64);
    for row in rows {
        let mut of_row = 0;
        for (column, counts) in columns.iter_mut().zip(row) {
            *column += u64::from(*counts);
            of_row += u64::from(*counts);
        }
        all += of_row;
        squares += of_row * of_row;
    }
    let k = real(count(levels));
    let varying = k * real(all) - real(squares);
    if varying <= 0.0 {
        return None;
    }
    let of_columns = columns.iter().map(|column| real(*column) * real(*column)).sum::<f64>();
    let q = (k - 1.0) * (k * of_columns - real(all) * real(all)) / varying;
    let df = count(levels) - 1;
    Some(CochranQ { q, df, p: chi_squared_above(q, df) })
}

/// Whether the χ² distribution is near enough to that of Cochran's Q: at least 4 rows that vary, and at
/// least 24 values in them (Tate and Brown 1970).
pub fn is_by_chi_squared(varying_rows: u64, levels: u64) -> bool {
    varying_rows >= 4 && varying_rows * levels >= 24
}
