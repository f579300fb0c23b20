//! A call that runs, as those who wait for it share it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use beacon_core::wire::InferenceResponse;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::{Notify, watch};

use crate::attempt::Deadline;
use crate::provider::Sent;

/// What one who asks is told.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// The answer, or the failure.
    Answered(Arc<InferenceResponse>),
    /// It was stopped.
    Stopped { maybe_billed: bool, earlier_maybe_billed: u32 },
    /// The time of the one who asks is up; others may wait on.
    Late { maybe_billed: bool, earlier_maybe_billed: u32 },
    /// The table that routers share their calls in cannot be reached, or the call was lost to another
    /// router.
    Unprotected { maybe_billed: bool, earlier_maybe_billed: u32 },
    /// Another router knows the key with another body.
    Conflict,
    /// The call was only to be joined, and no router makes it.
    NothingToJoin,
}

pub(super) type Landing = Shared<BoxFuture<'static, Told>>;

/// A call that runs. It is polled by those who wait for it, so it ends with the last of them.
#[derive(Clone)]
pub(super) struct Flight {
    /// None until it is in the air.
    pub(super) landing: Option<WeakShared<BoxFuture<'static, Told>>>,
    pub(super) deadline: Deadline,
    pub(super) sent: Sent,
    /// Another router makes it, and may have sent it.
    pub(super) elsewhere: Arc<AtomicBool>,
    pub(super) earlier_maybe_billed: u32,
    pub(super) stop: Arc<Notify>,
    /// Closed once the call is dropped.
    pub(super) gone: watch::Receiver<()>,
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Flight {
    /// What those who wait wait for; none where nobody does any more.
    pub(super) fn landing(&self) -> Option<Landing> {
        self.landing.as_ref()?.upgrade()
    }

    /// What one is told who does not wait for its end.
    pub(super) fn late(&self) -> Told {
        Told::Late {
            maybe_billed: self.sent.maybe() || self.elsewhere.load(Ordering::Relaxed),
            earlier_maybe_billed: self.earlier_maybe_billed,
        }
    }

    pub(super) async fn gone(self) {
        closed(self.gone).await;
    }
}

/// Resolves when the other end is dropped.
pub(super) async fn closed(mut end: watch::Receiver<()>) {
    while end.changed().await.is_ok() {}
}
