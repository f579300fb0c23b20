//! What a call takes over from one that was given up, and leaves to the one that takes it over.

use std::sync::{Arc, OnceLock};

use beacon_aws::{SharedCalls, TableError};
use beacon_core::wire::CallKey;

/// Where the answer of a call can be fetched, across the routers that share their calls. Clones are
/// of the same call. Without a table it holds nothing.
#[derive(Debug, Clone, Default)]
pub struct Handover(Arc<OnceLock<Held>>);

#[derive(Debug)]
struct Held {
    calls: Arc<SharedCalls>,
    key: CallKey,
    result_url: Option<String>,
}

impl Handover {
    /// The call is this router's now.
    pub(super) fn take(&self, calls: &Arc<SharedCalls>, key: &CallKey, result_url: Option<String>) {
        self.0.get_or_init(|| Held { calls: Arc::clone(calls), key: key.clone(), result_url });
    }

    /// Where the answer of the attempt before can be fetched: it is asked for there, and no other
    /// request is made.
    pub fn result_url(&self) -> Option<&str> {
        self.0.get()?.result_url.as_deref()
    }

    /// Leaves the address to whoever takes the call over, should this router die. False where the
    /// call is not this router's any more.
    pub async fn keep_result_url(&self, url: &str) -> Result<bool, TableError> {
        match self.0.get() {
            Some(held) => held.calls.set_result_url(&held.key, url).await,
            None => Ok(true),
        }
    }
}
