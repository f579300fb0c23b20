//! What was looked at last, kept in memory: only what never changes may be.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// The last few of their kind, those looked at last first.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    kept: Mutex<VecDeque<Arc<T>>>,
    most: usize,
}

impl<T> Recent<T> {
    /// So many at most.
    pub(crate) fn new(most: usize) -> Self {
        Self { kept: Mutex::new(VecDeque::new()), most }
    }

    /// The one that is meant, if it is kept.
    pub(crate) fn find(&self, is_meant: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|one| is_meant(one))?;
        let found = kept.remove(at)?;
        kept.push_front(Arc::clone(&found));
        Some(found)
    }

    /// Keeps one in place of those that it takes the place of.
    pub(crate) fn keep(&self, one: T, replaces: impl Fn(&T) -> bool) -> Arc<T> {
        let one = Arc::new(one);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| !replaces(other));
        kept.push_front(Arc::clone(&one));
        kept.truncate(self.most);
        one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_looked_at_last_are_kept() {
        let recent = Recent::new(2);
        recent.keep(('a', 1), |_| false);
        recent.keep(('b', 1), |_| false);
        assert!(recent.find(|one| one.0 == 'a').is_some());
        recent.keep(('c', 1), |_| false);
        assert!(recent.find(|one| one.0 == 'b').is_none(), "it was looked at longest ago");
        recent.keep(('a', 2), |one| one.0 == 'a');
        assert_eq!(recent.find(|one| one.0 == 'a').map(|one| one.1), Some(2));
    }
}
