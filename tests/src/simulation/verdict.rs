//! What a schedule came to.

use std::fmt;
use std::sync::Mutex;

use super::invariants::Violation;
use super::plan::Plan;
use super::schedule::run;
use crate::asked::AskedBy;

/// The end of a schedule.
#[derive(Debug)]
pub struct Verdict {
    /// Its seed.
    pub seed: u64,
    /// What was violated; nothing in a good schedule.
    pub violations: Vec<Violation>,
    /// What happened, a line each, in virtual time.
    pub trace: Vec<String>,
    /// How often the first receive of a question was polled until it ended.
    pub polls_of_first_question: Option<u32>,
    /// Calls that began at the provider.
    pub calls: usize,
    /// What the functions asked of AWS.
    pub asked: AskedBy,
}

impl Verdict {
    /// Whether every invariant held.
    pub fn is_good(&self) -> bool {
        self.violations.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        for violation in &self.violations {
            writeln!(f, "VIOLATED {violation}")?;
        }
        write!(f, "replay: cargo xtask faults --seeds 1 --from {}", self.seed)
    }
}

/// Runs schedules on so many threads, and gives the first that violates an invariant: the one of
/// the lowest number of those that were run when one was found.
pub fn first_bad(plans: impl Iterator<Item = Plan> + Send, threads: usize) -> Option<Verdict> {
    let plans = Mutex::new(plans);
    let found: Mutex<Option<Verdict>> = Mutex::new(None);
    let work = || {
        while found.lock().unwrap().is_none() {
            let Some(plan) = plans.lock().unwrap().next() else { return };
            let verdict = run(plan);
            if !verdict.is_good() {
                let mut found = found.lock().unwrap();
                if found.as_ref().is_none_or(|other| verdict.seed < other.seed) {
                    *found = Some(verdict);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _thread in 0..threads.max(1) {
            scope.spawn(work);
        }
    });
    found.into_inner().unwrap()
}
