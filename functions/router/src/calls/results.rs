//! Where the results of calls are to be had that were given up after the provider had taken them.

use std::collections::{HashMap, VecDeque};

use beacon_core::wire::CallKey;
use reqwest::Url;

use super::BOUNDS;
use super::memory::Digest;

/// Addresses kept; those that came first go first.
const MOST: usize = 10_000;

/// The addresses by key. A call that is made anew fetches its result there.
#[derive(Debug, Default)]
pub(super) struct Results {
    kept: HashMap<CallKey, Kept>,
    order: VecDeque<CallKey>,
}

#[derive(Debug)]
struct Kept {
    url: Url,
    /// Of the request whose result it is.
    digest: Digest,
    at_ms: u64,
}

impl Results {
    pub(super) fn keep(&mut self, key: CallKey, digest: Digest, url: Url, at_ms: u64) {
        if self.kept.insert(key.clone(), Kept { url, digest, at_ms }).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > MOST {
            if let Some(oldest) = self.order.pop_front() {
                self.kept.remove(&oldest);
            }
        }
    }

    /// The address of the same request's result, as long as keys are remembered.
    pub(super) fn take(&mut self, key: &CallKey, digest: Digest, now_ms: u64) -> Option<Url> {
        let Kept { url, digest: of, at_ms } = self.kept.remove(key)?;
        self.order.retain(|kept| kept != key);
        (of == digest && now_ms.abs_diff(at_ms) < BOUNDS.age_ms).then_some(url)
    }
}
