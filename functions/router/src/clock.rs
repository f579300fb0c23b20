//! What time the router takes it to be.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// A clock of Unix milliseconds.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The machine's.
    System,
    /// One that follows the runtime's time, which a simulation stops and moves.
    Runtime {
        /// What it showed when it began, Unix milliseconds.
        origin_ms: u64,
        /// When it began.
        began: Instant,
    },
}

impl Clock {
    /// Now, Unix milliseconds.
    pub fn now_ms(self) -> u64 {
        let (origin_ms, since) = match self {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place where the router reads the clock"
            )]
            Self::System => (0, SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
            Self::Runtime { origin_ms, began } => (origin_ms, began.elapsed()),
        };
        origin_ms.saturating_add(milliseconds(since))
    }
}

/// Whole milliseconds, as many as there can be.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
