//! Which deduplication ids a FIFO queue has accepted in the last five minutes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::message::{MessageId, Seq};

const WINDOW_MS: u64 = 5 * 60 * 1000;

/// The first send of a deduplication id: what every repetition is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Original {
    pub(super) id: MessageId,
    pub(super) seq: Seq,
}

/// The window. It outlives the messages: deleting one does not make its id new.
#[derive(Debug, Default)]
pub(super) struct Deduplication {
    originals: HashMap<Arc<str>, Original>,
    by_age: VecDeque<(u64, Arc<str>)>,
}

impl Deduplication {
    /// The earlier send of this id, if it is still in the window.
    pub(super) fn original(&mut self, now: u64, id: &str) -> Option<Original> {
        while let Some((sent, old)) = self.by_age.front()
            && sent + WINDOW_MS <= now
        {
            self.originals.remove(old);
            self.by_age.pop_front();
        }
        self.originals.get(id).copied()
    }

    /// Notes a send that [`Self::original`] did not know.
    pub(super) fn remember(&mut self, now: u64, id: Arc<str>, original: Original) {
        self.originals.insert(Arc::clone(&id), original);
        self.by_age.push_back((now, id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_again_after_five_minutes() {
        let mut window = Deduplication::default();
        let original = Original { id: MessageId(1), seq: Seq(1) };
        window.remember(1000, Arc::from("a"), original);
        assert_eq!(window.original(1000 + WINDOW_MS - 1, "a"), Some(original));
        assert_eq!(window.original(1000 + WINDOW_MS - 1, "b"), None);
        assert_eq!(window.original(1000 + WINDOW_MS, "a"), None);
    }
}
