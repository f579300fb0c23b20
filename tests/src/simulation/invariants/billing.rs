//! Calls that may have been charged for without an answer: that each is counted, and shown.

use std::collections::BTreeMap;
use std::time::Duration;

use beacon_core::Run;
use beacon_core::lane::Lane;
use jiff::Timestamp;

use super::{Call, CallEnd, Change, Checked, Invariant, holds};
use crate::simulation::history::keys_of;
use crate::simulation::world::ORIGIN_MS;

/// A row of a run: its keys, and the run.
pub type RowOfRun = (String, String, Run);

/// What a row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Billed {
    /// Calls perhaps billed.
    pub count: u32,
    /// When it was made at the latest, in virtual time, which may be long before it was stored.
    pub made: Duration,
}

/// What each row of each run counted.
pub type BilledRows = BTreeMap<RowOfRun, Billed>;

/// How far a function's clock may be behind.
const BEHIND: Duration = Duration::from_secs(3);

/// What a row that was written counts as perhaps billed.
pub fn billed_of(change: &Change) -> Option<(RowOfRun, Billed)> {
    let row = change.after.as_ref()?;
    let small = |name| row.number(name).and_then(|number| u32::try_from(number).ok());
    let run = Run(small("run")?);
    let made = row.text("completed_at").and_then(|text| text.parse::<Timestamp>().ok());
    let made = made.and_then(|made| u64::try_from(made.as_millisecond() - ORIGIN_MS).ok());
    let made = made.map_or(Duration::MAX, |ms| Duration::from_millis(ms) + BEHIND);
    let billed = Billed { count: small("maybe_billed").unwrap_or(0), made };
    Some(((change.pk.clone(), change.sk.clone(), run), billed))
}

/// When a row is written, it counts the calls of its run that were dropped when the provider had
/// them.
pub fn row_counts_dropped_calls(calls: &[Call], change: &Change) -> Checked {
    let Some((row, billed)) = billed_of(change) else { return Ok(()) };
    let of_row = calls.iter().filter(|call| row_of(call) == row).cloned();
    dropped_calls_are_counted(&of_row.collect::<Vec<_>>(), &BilledRows::from([(row, billed)]))
}

/// Every call that was dropped when the provider had it is counted by the row of its run. A row may
/// count more: where the router does not tell, each worker that may have called is one. One that was
/// stored late, when another worker asked already, knows nothing of that worker's calls, and the
/// other's own row is refused.
pub fn dropped_calls_are_counted(calls: &[Call], rows: &BilledRows) -> Checked {
    let mut dropped: BTreeMap<RowOfRun, u32> = BTreeMap::new();
    let ended = |call: &&Call| call.ended.is_some_and(|(_, end)| end == CallEnd::Dropped);
    let known = |call: &&Call| rows.get(&row_of(call)).is_none_or(|row| call.began <= row.made);
    let counted = calls.iter().filter(ended).filter(known);
    counted.for_each(|call| *dropped.entry(row_of(call)).or_default() += 1);
    let counts = |row: &RowOfRun| rows.get(row).map(|billed| billed.count);
    let uncounted = dropped.iter().find(|(row, dropped)| counts(row) < Some(**dropped));
    holds(uncounted.is_none(), Invariant::NoSilentFailure, || {
        let counted = uncounted.map(|(row, _)| counts(row));
        format!("dropped calls of a row: {uncounted:?}, it counts {counted:?}")
    })
}

/// A job's number of calls that were perhaps billed is what its rows counted, those of earlier runs
/// included.
pub fn lanes_count_what_rows_do(lanes: &[Lane], rows: &BilledRows) -> Checked {
    let shown: u64 = lanes.iter().map(|lane| lane.breakdown.maybe_billed).sum();
    let counted: u64 = rows.values().map(|billed| u64::from(billed.count)).sum();
    holds(shown == counted, Invariant::NoSilentFailure, || {
        let told = rows.iter().filter(|(_, billed)| billed.count > 0).collect::<Vec<_>>();
        format!("perhaps billed: shown {shown}, by rows {counted}: {told:?}")
    })
}

fn row_of(call: &Call) -> RowOfRun {
    let (pk, sk) = keys_of(&call.id);
    (pk, sk, call.run)
}
