//! What a pass of the reconciler did, for its metrics.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cloudwatch::Figure;

/// One pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Jobs without a final status that it looked at.
    pub jobs: u64,
    /// Lanes dispatched or planned anew.
    pub dispatched: u64,
    /// Jobs whose lanes it closed or marked.
    pub closed: u64,
    /// Marked lanes that it closed in place of their holder.
    pub taken_over: u64,
    /// Questions that it gave up.
    pub given_up: u64,
    /// Questions whose message the queue gave up.
    pub dead_letters: u64,
    /// Calls of which it learned what became of them.
    pub resolved: u64,
    /// Jobs that it gave their final status.
    pub finalised: u64,
    /// Final jobs whose analysis it asked for again.
    #[serde(default)]
    pub analyses: u64,
    /// Jobs that it could not look after.
    pub troubles: u64,
}

impl Pass {
    /// One that has done nothing yet.
    pub fn begin(at: Timestamp) -> Self {
        Self { at, ..Self::default() }
    }

    /// This one and what was done for one job.
    pub fn add(&mut self, done: &Self) {
        self.dispatched += done.dispatched;
        self.closed += done.closed;
        self.taken_over += done.taken_over;
        self.given_up += done.given_up;
        self.dead_letters += done.dead_letters;
        self.resolved += done.resolved;
        self.finalised += done.finalised;
        self.analyses += done.analyses;
    }

    /// For `CloudWatch`.
    pub fn figures(&self) -> [Figure; 3] {
        [
            Figure::PassDuration(Duration::from_millis(self.duration_ms)),
            Figure::PassTroubles(self.troubles),
            Figure::DeadLetters(self.dead_letters),
        ]
    }

    /// What it did, each with its name.
    pub fn steps(&self) -> [(&'static str, u64); 8] {
        [
            ("dispatched", self.dispatched),
            ("closed", self.closed),
            ("taken_over", self.taken_over),
            ("given_up", self.given_up),
            ("dead_letters", self.dead_letters),
            ("resolved", self.resolved),
            ("finalised", self.finalised),
            ("analyses", self.analyses),
        ]
    }
}
