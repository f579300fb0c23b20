//! Who held which lane, and which rows stood when: what a single write does not tell.

use std::collections::BTreeMap;
use std::time::Duration;

use beacon_core::{ExecutionId, Run, escape};

use super::functions::Who;
use super::invariants::{BilledRows, Change, Checked, Invariant, Item, Violation, billed_of};

/// How long after a row was stored a worker may ask for its pair, because it read before.
const STALE: Duration = Duration::from_secs(2);

/// What was seen of lanes and rows.
#[derive(Debug, Default)]
pub(super) struct History {
    /// By nonce.
    holders: BTreeMap<String, Who>,
    /// What each row of each run counted as perhaps billed.
    billed: BilledRows,
    /// By keys: the run of the row, whether it is completed, and since when it stands.
    rows: BTreeMap<(String, String), (Run, bool, Duration)>,
}

impl History {
    /// A lane changed. Only its holder moves it on.
    pub(super) fn lane_changed(&mut self, who: Who, change: &Change) -> Checked {
        let Change { pk, sk, before, after } = change;
        let (held, holds) = (nonce(before.as_ref()), nonce(after.as_ref()));
        if held != holds {
            self.holders.extend(holds.map(|nonce| (nonce, who)));
        }
        let cursor = |item: &Option<Item>| item.as_ref().and_then(|item| item.number("cursor"));
        let holder = held.and_then(|nonce| self.holders.get(&nonce));
        let others = holder.filter(|holder| **holder != who && cursor(before) < cursor(after));
        others.map_or(Ok(()), |holder| {
            let what = format!("{pk} {sk}: {who} moved it on, but {holder} held it");
            Err(Violation { invariant: Invariant::OneExecution, what })
        })
    }

    /// A row changed.
    pub(super) fn row_changed(&mut self, change: &Change, now: Duration) {
        let Some(row) = &change.after else { return };
        let run = row.number("run").and_then(|run| run.try_into().ok()).map_or(Run::FIRST, Run);
        let completed = row.text("status") == Some("completed");
        let (pk, sk) = (change.pk.clone(), change.sk.clone());
        self.rows.insert((pk, sk), (run, completed, now));
        self.billed.extend(billed_of(change));
    }

    /// What each row of each run counted as perhaps billed.
    pub(super) fn billed(&self) -> &BilledRows {
        &self.billed
    }

    /// A worker of this run asks. Only for a pair that is missing.
    pub(super) fn asked(&self, id: &ExecutionId, run: Run, now: Duration) -> Checked {
        let Some((stored, completed, since)) = self.rows.get(&keys_of(id)) else { return Ok(()) };
        let counts = *completed || *stored == run;
        if counts && now > *since + STALE {
            let what = format!("{id} is asked at {now:?}, its row stands since {since:?}");
            return Err(Violation { invariant: Invariant::OneExecution, what });
        }
        Ok(())
    }
}

/// The keys of an execution's row.
pub(super) fn keys_of(id: &ExecutionId) -> (String, String) {
    let ExecutionId { job, question, model, region, sample } = id;
    let pk = format!("JOB#{job}#{region}");
    (pk, format!("Q#{:06}#{}#{:03}", question.0, escape(model), sample.0))
}

fn nonce(item: Option<&Item>) -> Option<String> {
    item?.text_in("holder", "nonce").map(str::to_owned)
}
