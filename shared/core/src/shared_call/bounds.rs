//! How long things of a shared call take.

use std::time::Duration;

/// How long things of a shared call take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedBounds {
    /// How long a call that runs is its owner's without a sign of life.
    pub lease: Duration,
    /// How often the owner gives one; a third of the lease, so that one may fail.
    pub renew: Duration,
    /// How often the owner looks whether somebody asked to stop the call.
    pub watch: Duration,
    /// How long one who waits for another's call first waits before he looks; doubled each time.
    pub first_look: Duration,
    /// The longest that he waits between two looks.
    pub last_look: Duration,
    /// How far the clocks of two routers may differ.
    pub clocks: Duration,
    /// How long a call is remembered after its end.
    pub age: Duration,
}

impl SharedBounds {
    /// Those that go with a lease.
    pub fn of_lease(lease: Duration) -> Self {
        Self {
            lease,
            renew: lease / 3,
            watch: (lease / 6).min(Duration::from_secs(2)),
            first_look: Duration::from_millis(100),
            last_look: Duration::from_secs(1),
            clocks: lease / 6,
            age: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl Default for SharedBounds {
    /// Those of a lease of a minute.
    fn default() -> Self {
        Self::of_lease(Duration::from_secs(60))
    }
}
