//! What happened, in virtual time.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// A schedule's account of itself.
#[derive(Debug)]
pub(super) struct Trace {
    began: Instant,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    lines: Vec<String>,
    holders: HashMap<String, usize>,
}

impl Trace {
    pub(super) fn begin() -> Self {
        Self { began: Instant::now(), told: Mutex::default() }
    }

    pub(super) fn tell(&self, what: fmt::Arguments<'_>) {
        let ms = self.began.elapsed().as_millis();
        let line = format!("{:>5}.{:03} {what}", ms / 1000, ms % 1000);
        self.lock().lines.push(line);
    }

    /// A nonce by the order in which nonces appeared: the nonces themselves differ from run to run.
    pub(super) fn holder(&self, nonce: &str) -> String {
        let mut told = self.lock();
        let next = told.holders.len() + 1;
        let number = *told.holders.entry(nonce.to_owned()).or_insert(next);
        format!("h{number}")
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lock().lines.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
