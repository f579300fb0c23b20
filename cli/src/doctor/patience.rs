//! How long everything may take, and each check within that.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// All checks together.
const ALL: Duration = Duration::from_secs(5);

/// The time that is left for all checks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    end: Instant,
}

impl Patience {
    pub(crate) fn begins() -> Self {
        Self { end: Instant::now() + ALL }
    }

    /// What a check of this length may take of what is left.
    pub(crate) fn at_most(self, limit: Duration) -> Duration {
        limit.min(self.end.saturating_duration_since(Instant::now()))
    }
}

/// What a blocking act gives, unless it takes longer. It has a thread of its own, which ends with
/// the process: one that hangs keeps nothing waiting.
pub(crate) async fn detached<T: Send + 'static>(
    limit: Duration,
    act: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let _nobody_waits_any_more = sender.send(act());
    });
    timeout(limit, receiver).await.ok()?.ok()
}

/// A duration for people.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
