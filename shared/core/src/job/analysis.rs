//! Whether a job's answers are to be analysed, and who is at it.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long an analysis is left to the message that the final status, or a label, was followed by.
const PATIENCE: Duration = Duration::from_secs(60);
/// Doublings of [`PATIENCE`] at most: two years.
const DOUBLINGS: u32 = 20;

/// The analysis of a job, as its item tells it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Analysis {
    /// How often it was asked for anew, over all runs. It only grows: an analysis that was begun at a
    /// lower count has not seen what was asked for since.
    pub asked: u32,
    /// What is to be done; none where nothing is.
    pub due: Option<Due>,
}

/// An analysis that is to be made. The final status asks for the first of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Due {
    /// When it was asked for.
    pub since: Timestamp,
    /// Analyses that were begun since and did not come to their end.
    pub tries: u32,
    /// Somebody is at it, and dead after this time. It spares work twice done; nothing rests on it.
    pub held_until: Option<Timestamp>,
}

impl Due {
    /// Asked for just now.
    pub fn new(since: Timestamp) -> Self {
        Self { since, tries: 0, held_until: None }
    }

    /// Whether nobody is at it.
    pub fn is_free(&self, now: Timestamp) -> bool {
        self.held_until.is_none_or(|until| until < now)
    }

    /// Whether its message seems lost. One that fails is asked for ever more rarely: a minute after it
    /// was asked for, two, four, eight.
    pub fn is_late(&self, now: Timestamp) -> bool {
        self.is_free(now) && now > self.late_after()
    }

    /// Tries that failed: all but the one that somebody is at.
    pub fn failures(&self, now: Timestamp) -> u32 {
        self.tries.saturating_sub(u32::from(!self.is_free(now)))
    }

    /// Seconds until the next try is asked for, at least those in which it is begun.
    pub fn seconds_to_next(&self, now: Timestamp) -> u64 {
        let wait = Duration::try_from(self.late_after().duration_since(now)).unwrap_or_default();
        wait.max(PATIENCE).as_secs()
    }

    fn late_after(&self) -> Timestamp {
        self.since + PATIENCE * (1 << self.tries.min(DOUBLINGS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_fails_is_asked_for_ever_more_rarely() {
        let first_late = |tries| {
            let due = Due { tries, ..Due::new(at(0)) };
            (0..100_000).find(|second| due.is_late(at(*second)))
        };
        assert_eq!([0, 1, 2, 3].map(first_late), [Some(61), Some(121), Some(241), Some(481)]);
        let due = Due { tries: u32::MAX, ..Due::new(at(0)) };
        assert!(!due.is_late(at(60 << 20)) && due.is_late(at((60 << 20) + 1)));
    }

    #[test]
    fn a_try_that_somebody_is_at_has_not_failed_yet() {
        let due = Due { tries: 3, held_until: Some(at(900)), ..Due::new(at(0)) };
        assert_eq!((due.failures(at(900)), due.failures(at(901))), (2, 3));
        assert_eq!(Due { tries: 0, ..due }.failures(at(900)), 0);
        assert_eq!((due.seconds_to_next(at(100)), due.seconds_to_next(at(1000))), (380, 60));
    }

    #[test]
    fn while_somebody_is_at_it_nobody_else_is_asked() {
        let due = Due { held_until: Some(at(900)), ..Due::new(at(0)) };
        assert!(!due.is_free(at(900)) && !due.is_late(at(900)));
        assert!(due.is_free(at(901)) && due.is_late(at(901)));
    }
}
