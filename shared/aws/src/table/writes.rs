//! How many writes the table answered, and how many it did not, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use beacon_core::cloudwatch::Figure;
use jiff::Timestamp;

use super::Table;

/// Conditional writes of jobs, lanes and executions since they were told last. One that its condition
/// refuses is answered; one that the SDK repeated counts once, by its end.
#[derive(Debug, Default)]
pub(super) struct Writes {
    ok: AtomicU64,
    failed: AtomicU64,
}

impl Writes {
    /// One that was answered.
    pub(super) fn answered(&self) {
        self.ok.fetch_add(1, Ordering::Relaxed);
    }

    /// One that was not.
    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}

impl Table {
    /// Tells the writes since the last time: at the end of an invocation.
    pub fn tell_writes(&self, now: Timestamp) {
        let ok = self.writes.ok.swap(0, Ordering::Relaxed);
        let failed = self.writes.failed.swap(0, Ordering::Relaxed);
        if ok + failed > 0 {
            let figures = [Figure::TableWritesOk(ok), Figure::TableWritesFailed(failed)];
            self.metrics.tell(&figures, now);
        }
    }
}
