//! Calls that may have been charged for without an answer: that each is counted, and shown.

use std::collections::BTreeMap;

use beacon_core::Run;
use beacon_core::lane::Lane;

use super::{Call, CallEnd, Change, Checked, Invariant, holds};
use crate::simulation::history::keys_of;

/// A row of a run: its keys, and the run.
pub type RowOfRun = (String, String, Run);

/// How many calls each row of each run counted as perhaps billed.
pub type BilledRows = BTreeMap<RowOfRun, u32>;

/// What a row that was written counts as perhaps billed.
pub fn billed_of(change: &Change) -> Option<(RowOfRun, u32)> {
    let row = change.after.as_ref()?;
    let small = |name| row.number(name).and_then(|number| u32::try_from(number).ok());
    let run = Run(small("run")?);
    Some(((change.pk.clone(), change.sk.clone(), run), small("maybe_billed").unwrap_or(0)))
}

/// When a row is written, it counts the calls of its run that were dropped when the provider had
/// them.
pub fn row_counts_dropped_calls(calls: &[Call], change: &Change) -> Checked {
    let Some((row, billed)) = billed_of(change) else { return Ok(()) };
    let of_row = calls.iter().filter(|call| row_of(call) == row).cloned();
    dropped_calls_are_counted(&of_row.collect::<Vec<_>>(), &BilledRows::from([(row, billed)]))
}

/// Every call that was dropped when the provider had it is counted by the row of its run. A row may
/// count more: where the router does not tell, each worker that may have called is one.
pub fn dropped_calls_are_counted(calls: &[Call], rows: &BilledRows) -> Checked {
    let mut dropped: BTreeMap<RowOfRun, u32> = BTreeMap::new();
    let ended = |call: &&Call| call.ended.is_some_and(|(_, end)| end == CallEnd::Dropped);
    calls.iter().filter(ended).for_each(|call| *dropped.entry(row_of(call)).or_default() += 1);
    let uncounted = dropped.iter().find(|(row, dropped)| rows.get(row) < Some(dropped));
    holds(uncounted.is_none(), Invariant::NoSilentFailure, || {
        let counted = uncounted.map(|(row, _)| rows.get(row));
        format!("dropped calls of a row: {uncounted:?}, it counts {counted:?}")
    })
}

/// A job's number of calls that were perhaps billed is what its rows counted, those of earlier runs
/// included.
pub fn lanes_count_what_rows_do(lanes: &[Lane], rows: &BilledRows) -> Checked {
    let shown: u64 = lanes.iter().map(|lane| lane.breakdown.maybe_billed).sum();
    let counted: u64 = rows.values().map(|billed| u64::from(*billed)).sum();
    holds(shown == counted, Invariant::NoSilentFailure, || {
        let told = rows.iter().filter(|(_, billed)| **billed > 0).collect::<Vec<_>>();
        format!("perhaps billed: shown {shown}, by rows {counted}: {told:?}")
    })
}

fn row_of(call: &Call) -> RowOfRun {
    let (pk, sk) = keys_of(&call.id);
    (pk, sk, call.run)
}
