//! Paired comparisons of any table of yes and no.

mod table;

use beacon_analysis::estimate::{Estimate, Reason};
use beacon_analysis::findings::{Interval, Test};
use beacon_analysis::statistics::compare::{Levels, Pairs, adjusted, many, two};
use beacon_analysis::statistics::interval::{Cluster, wilson_clustered};
use serde::Serialize;

use crate::arguments::Stats;
pub(crate) use table::StatsError;
use table::{Table, Unit};

/// Of permutations that are drawn; the same table gives the same numbers.
const SEED: u64 = 0;

/// Units that are named; all are counted.
const NAMED: usize = 100;

/// What is printed. A unit is what a question is in a job's findings.
#[derive(Debug, Serialize)]
pub(crate) struct Compared {
    rows: u64,
    units: u64,
    groups: u64,
    left_out: LeftOut,
    rates: Vec<Rate>,
    comparisons: Vec<Comparison>,
    /// Three and more groups only.
    #[serde(skip_serializing_if = "Option::is_none")]
    omnibus: Option<Omnibus>,
}

/// Units that miss a group. They count in no comparison of it.
#[derive(Debug, Serialize)]
struct LeftOut {
    units: u64,
    /// The first of them.
    named: Vec<Incomplete>,
}

#[derive(Debug, Serialize)]
struct Incomplete {
    unit: String,
    misses: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Rate {
    group: String,
    units: u64,
    rows: u64,
    count: u64,
    share: Estimate<f64>,
    interval: Estimate<Interval>,
}

/// Differences are of b − a, in percentage points.
#[derive(Debug, Serialize)]
struct Comparison {
    a: String,
    b: String,
    units: u64,
    pairs: u64,
    /// Rows of units that have not as many in both groups. Those units are left out.
    unpaired_rows: u64,
    units_left_out: u64,
    count_a: u64,
    count_b: u64,
    difference: Estimate<f64>,
    interval: Estimate<Interval>,
    test: Estimate<Test>,
}

#[derive(Debug, Serialize)]
struct Omnibus {
    groups: u64,
    units: u64,
    units_left_out: u64,
    test: Estimate<Test>,
}

/// Compares each two groups, and all of them.
pub(crate) fn stats(options: &Stats) -> Result<Compared, StatsError> {
    let table = Table::read(options)?;
    let groups = 0..table.groups.len();
    let two_of = |a| (a + 1..groups.end).map(move |b| (a, b));
    let compared: Vec<_> =
        groups.clone().flat_map(two_of).map(|(a, b)| compared(&table, a, b)).collect();
    let tests: Vec<_> = compared.iter().map(|(_, test)| *test).collect();
    let comparisons = compared
        .into_iter()
        .zip(adjusted(&tests))
        .map(|((comparison, _), test)| Comparison { test, ..comparison })
        .collect();
    Ok(Compared {
        rows: table.units.iter().flat_map(|unit| &unit.counts).map(|counts| counts.of).sum(),
        units: number(&table.units),
        groups: number(&table.groups),
        left_out: left_out(&table),
        rates: groups.map(|group| rate(&table, group)).collect(),
        comparisons,
        omnibus: (table.groups.len() > 2).then(|| omnibus(&table)),
    })
}

fn left_out(table: &Table) -> LeftOut {
    let misses = |unit: &Unit| -> Vec<String> {
        let of = table.groups.iter().zip(&unit.counts);
        of.filter(|(_, counts)| counts.of == 0).map(|(group, _)| group.clone()).collect()
    };
    let incomplete = table.units.iter().map(|unit| (unit, misses(unit)));
    let all: Vec<_> = incomplete.filter(|(_, misses)| !misses.is_empty()).collect();
    let units = number(&all);
    let named = all.into_iter().take(NAMED);
    let named = named.map(|(unit, misses)| Incomplete { unit: unit.name.clone(), misses });
    LeftOut { units, named: named.collect() }
}

fn rate(table: &Table, group: usize) -> Rate {
    let clusters = table.units.iter().map(|unit| unit.counts[group]);
    let clusters: Vec<Cluster> = clusters.filter(|cluster| cluster.of > 0).collect();
    let rows = clusters.iter().map(|cluster| cluster.of).sum();
    let count = clusters.iter().map(|cluster| cluster.count).sum();
    Rate {
        group: table.groups[group].clone(),
        units: number(&clusters),
        rows,
        count,
        share: Estimate::share(count, rows),
        interval: wilson_clustered(&clusters),
    }
}

/// A comparison with its test before it is adjusted for the others.
fn compared(
    table: &Table,
    a: usize,
    b: usize,
) -> (Comparison, Estimate<beacon_analysis::statistics::compare::Tested>) {
    let (mut units, mut unpaired_rows) = (Vec::new(), 0);
    for Unit { counts, .. } in &table.units {
        let (on_a, on_b) = (counts[a], counts[b]);
        if on_a.of == 0 || on_b.of == 0 {
            continue;
        }
        if on_a.of == on_b.of {
            units.push(pairs(on_a.count, on_b.count, on_a.of));
        } else {
            unpaired_rows += on_a.of + on_b.of;
        }
    }
    let two = two(&units, SEED);
    let comparison = Comparison {
        a: table.groups[a].clone(),
        b: table.groups[b].clone(),
        units: two.units,
        pairs: two.pairs,
        unpaired_rows,
        units_left_out: number(&table.units) - two.units,
        count_a: two.count_a,
        count_b: two.count_b,
        difference: two.difference,
        interval: two.interval,
        test: Estimate::Absent(Reason::NoPairs),
    };
    (comparison, two.test)
}

/// A unit's rows, paired so that as many agree as can: which belongs to which a table does not say, and the
/// order of its lines is to change nothing. Test and difference do not depend on it, and the interval is
/// that of the units' differences.
fn pairs(count_a: u64, count_b: u64, rows: u64) -> Pairs {
    let both = count_a.min(count_b);
    let (only_a, only_b) = (count_a - both, count_b - both);
    Pairs { both, only_a, only_b, neither: rows - both - only_a - only_b }
}

fn omnibus(table: &Table) -> Omnibus {
    let levels = table.units.iter().map(|unit| {
        let rows = unit.counts[0].of;
        let is_even = unit.counts.iter().all(|counts| counts.of == rows);
        let counts: Vec<u64> = unit.counts.iter().map(|counts| counts.count).collect();
        // Set beside each other so that as many rows are alike as can be.
        let most = counts.iter().max().copied().unwrap_or(0);
        let fewest = counts.iter().min().copied().unwrap_or(0);
        Levels { rows: if is_even { rows } else { 0 }, varying: most - fewest, counts }
    });
    let many = many(&levels.collect::<Vec<_>>(), SEED);
    Omnibus {
        groups: number(&table.groups),
        units: many.units,
        units_left_out: number(&table.units) - many.units,
        test: adjusted(&[many.test]).pop().unwrap_or(Estimate::Absent(Reason::NoPairs)),
    }
}

fn number<T>(of: &[T]) -> u64 {
    of.len() as u64
}
