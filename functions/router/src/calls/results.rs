//! Where the results of calls are to be had that were given up after the provider had taken them.

use std::collections::{HashMap, VecDeque};

use beacon_core::wire::CallKey;
use reqwest::Url;

/// Addresses kept; those that came first go first.
const MOST: usize = 10_000;

/// The addresses by key. A call that is made anew fetches its result there.
#[derive(Debug, Default)]
pub(super) struct Results {
    urls: HashMap<CallKey, Url>,
    order: VecDeque<CallKey>,
}

impl Results {
    pub(super) fn keep(&mut self, key: CallKey, url: Url) {
        if self.urls.insert(key.clone(), url).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > MOST {
            if let Some(oldest) = self.order.pop_front() {
                self.urls.remove(&oldest);
            }
        }
    }

    pub(super) fn take(&mut self, key: &CallKey) -> Option<Url> {
        let url = self.urls.remove(key)?;
        self.order.retain(|kept| kept != key);
        Some(url)
    }
}
