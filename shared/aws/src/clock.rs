//! The clocks of the shells.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// What time a function takes it to be.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The machine's.
    System,
    /// One that follows the runtime's time, which a simulation stops and moves.
    Runtime {
        /// What it showed when it began.
        origin: Timestamp,
        /// When it began.
        began: Instant,
        /// How far it is ahead of the others.
        ahead: SignedDuration,
    },
}

impl Clock {
    /// Now.
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => now(),
            Self::Runtime { origin, began, ahead } => origin + began.elapsed() + ahead,
        }
    }
}

/// Now, by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
