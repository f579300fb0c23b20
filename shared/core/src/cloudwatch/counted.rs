//! What a write of a lane, once it happened, has counted.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Figure, Percent};
use crate::execution::{ExecutionStatus, Outcome};
use crate::job::share;
use crate::lane::{Lane, PairRow, Tallies};
use crate::money::Dollars;
use crate::region::Region;

/// The executions that a finish or a close has ended, from the lane before and after it and from the
/// rows that it counted. Whoever's write happened tells it, and nobody else: a question is finished
/// once, however often its message came. What an earlier run's row took and cost was told there.
pub fn counted(before: &Lane, after: &Lane, pairs: &[PairRow]) -> Vec<Figure> {
    let mut figures = ended(&before.tallies, &after.tallies);
    let of_this_run = || pairs.iter().filter(|pair| pair.counted.run == after.run);
    let completed =
        || of_this_run().filter(|pair| pair.counted.status == ExecutionStatus::Completed);
    figures.extend(completed().map(|pair| {
        let taken = Duration::from_millis(pair.counted.duration_ms);
        Figure::ExecutionDuration(after.id.region.clone(), taken)
    }));
    let costs: Vec<Dollars> = of_this_run().filter_map(|pair| pair.cost).collect();
    if !costs.is_empty() {
        figures.push(Figure::Cost(costs.iter().copied().sum()));
    }
    let more = |of: fn(&Lane) -> u64| of(after).saturating_sub(of(before));
    let without_cost = completed().filter(|pair| pair.cost.is_none()).count() as u64;
    figures.extend(some(without_cost, Figure::ExecutionsWithoutCost));
    figures.extend(some(more(|lane| lane.breakdown.spared), Figure::DuplicatesPrevented));
    figures.extend(some(more(|lane| lane.breakdown.maybe_billed), Figure::MaybeBilled));
    figures
}

/// What happened not at all is not told.
fn some(count: u64, figure: impl FnOnce(u64) -> Figure) -> Option<Figure> {
    (count > 0).then(|| figure(count))
}

/// A count among tallies.
type Of = fn(&Tallies) -> u64;

fn ended(before: &Tallies, after: &Tallies) -> Vec<Figure> {
    let by_status: [(ExecutionStatus, Of); 4] = [
        (ExecutionStatus::Completed, |tallies| tallies.completed),
        (ExecutionStatus::Failed, |tallies| tallies.failed),
        (ExecutionStatus::TimedOut, |tallies| tallies.timed_out),
        (ExecutionStatus::Cancelled, |tallies| tallies.cancelled),
    ];
    let by_outcome: [(Outcome, Of); 4] = [
        (Outcome::Text, |tallies| tallies.outcomes.text),
        (Outcome::Empty, |tallies| tallies.outcomes.empty),
        (Outcome::Blocked, |tallies| tallies.outcomes.blocked),
        (Outcome::Truncated, |tallies| tallies.outcomes.truncated),
    ];
    let more = |of: Of| of(after).saturating_sub(of(before));
    let statuses = by_status
        .into_iter()
        .filter_map(|(status, of)| some(more(of), |count| Figure::Executions(status, count)));
    let outcomes = by_outcome.into_iter().filter_map(|(outcome, of)| {
        some(more(of), |count| Figure::CompletedExecutions(outcome, count))
    });
    statuses.chain(outcomes).collect()
}

/// The lowest share of completed executions among a job's regions in hundredths of the highest.
/// None where there is nothing to compare: a single region, or no completed execution.
pub fn region_balance(lanes: &[Lane]) -> Option<Percent> {
    let mut regions: BTreeMap<&Region, (u64, u64)> = BTreeMap::new();
    for lane in lanes {
        let (completed, expected) = regions.entry(&lane.id.region).or_default();
        *completed += lane.tallies.completed;
        *expected += lane.expected();
    }
    if regions.len() < 2 {
        return None;
    }
    let shares = regions.into_values().filter(|(_, expected)| *expected > 0);
    let shares: Vec<f64> = shares.map(|(completed, expected)| share(completed, expected)).collect();
    let highest = shares.iter().copied().fold(0.0, f64::max);
    let lowest = shares.iter().copied().fold(f64::INFINITY, f64::min);
    (highest > 0.0).then(|| Percent(100.0 * lowest / highest))
}
