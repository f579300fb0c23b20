//! What ends a holder's work before it is done.

use std::sync::OnceLock;

use beacon_core::job::EndCause;
use tokio_util::sync::CancellationToken;

/// Set while a holder works, by what watches over it.
#[derive(Debug, Default)]
pub(crate) struct Interrupt {
    lost: CancellationToken,
    ended: CancellationToken,
    cause: OnceLock<EndCause>,
}

impl Interrupt {
    /// The lane is, or may be, another holder's.
    pub(crate) fn lose(&self) {
        self.lost.cancel();
    }

    /// The lane is marked: nothing more is asked.
    pub(crate) fn end(&self, cause: &EndCause) {
        self.cause.get_or_init(|| cause.clone());
        self.ended.cancel();
    }

    /// Resolves when the lane is lost.
    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Resolves when the lane is marked, with the reason.
    pub(crate) async fn ended(&self) -> &EndCause {
        self.ended.cancelled().await;
        match self.cause.get() {
            Some(cause) => cause,
            // The reason is set before the signal.
            None => std::future::pending().await,
        }
    }

    /// Why nothing more is asked, if it is so.
    pub(crate) fn cause(&self) -> Option<&EndCause> {
        self.cause.get()
    }
}
