//! Which level is which, within each question.

use rand::seq::SliceRandom as _;

use super::super::distribution::count;
use super::{ENUMERATED, Permuted, Tally, generator};
use crate::estimate::real;

/// Whether levels can be exchanged within each cluster (Pitman 1938): a row a cluster, a column a level,
/// sums of what counts; each row's numbers are exchanged in every way. The statistic is Σ(level total −
/// their mean)². None where no row varies, or rows differ in length.
///
/// Up to [`ENUMERATED`] arrangements all are looked at; else so many are drawn.
pub fn within_clusters(table: &[Vec<f64>], draws: u64, seed: u64) -> Option<Permuted> {
    let levels = table.first()?.len();
    let is_table = table.iter().all(|row| row.len() == levels && row.iter().all(|x| x.is_finite()));
    let varies = |row: &&Vec<f64>| row.iter().any(|value| (value - row[0]).abs() > 0.0);
    // The others are the same in every arrangement.
    let mut rows: Vec<Vec<f64>> = table.iter().filter(varies).cloned().collect();
    if !is_table || rows.is_empty() {
        return None;
    }
    let totals = totals(&rows, levels);
    let mean = totals.iter().sum::<f64>() / real(count(levels));
    let statistic = totals.iter().map(|total| (total - mean) * (total - mean)).sum();
    // Their sum does not change, so that the sum of squares says the same.
    let mut tally = Tally::new(squares(&totals), squares(&totals));
    if let Some(orders) = orders(levels, rows.len()) {
        look_at_all(&rows, &orders, &mut vec![0.0; levels], &mut tally);
        return Some(tally.of_all(statistic));
    }
    let mut generator = generator(seed);
    for _ in 0..draws {
        for row in &mut rows {
            row.shuffle(&mut generator);
        }
        tally.look_at(squares(&self::totals(&rows, levels)));
    }
    Some(tally.of_drawn(statistic))
}

fn totals(rows: &[Vec<f64>], levels: usize) -> Vec<f64> {
    let mut totals = vec![0.0; levels];
    for row in rows {
        totals.iter_mut().zip(row).for_each(|(total, value)| *total += value);
    }
    totals
}

fn squares(totals: &[f64]) -> f64 {
    totals.iter().map(|total| total * total).sum()
}

/// All orders of the levels, where all arrangements of the rows are few.
fn orders(levels: usize, rows: usize) -> Option<Vec<Vec<usize>>> {
    let of_row = (1..=count(levels)).try_fold(1_u64, u64::checked_mul)?;
    of_row.checked_pow(u32::try_from(rows).ok()?).filter(|all| *all <= ENUMERATED)?;
    let mut orders = vec![Vec::new()];
    for level in 0..levels {
        orders = orders
            .iter()
            .flat_map(|order: &Vec<usize>| {
                (0..=order.len()).map(move |at| {
                    let mut longer = order.clone();
                    longer.insert(at, level);
                    longer
                })
            })
            .collect();
    }
    Some(orders)
}

fn look_at_all(rows: &[Vec<f64>], orders: &[Vec<usize>], totals: &mut [f64], tally: &mut Tally) {
    let Some((row, rest)) = rows.split_first() else {
        tally.look_at(squares(totals));
        return;
    };
    for order in orders {
        let mut with: Vec<f64> = totals.to_vec();
        with.iter_mut().zip(order).for_each(|(total, at)| *total += row[*at]);
        look_at_all(rest, orders, &mut with, tally);
    }
}
