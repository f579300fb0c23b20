//! One copy of each value that occurs: a state holds references, which are cheap to copy, compare
//! and hash.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{PoisonError, RwLock};

/// The only copy of a value, kept until the process ends.
pub(crate) struct Ref<T: 'static>(&'static T);

impl<T> Ref<T> {
    /// Where it is kept: as good as the value itself.
    pub(crate) fn address(self) -> usize {
        std::ptr::from_ref(self.0).addr()
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ref<T> {}

impl<T> Deref for Ref<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}

impl<T> PartialEq for Ref<T> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl<T> Eq for Ref<T> {}

impl<T> Hash for Ref<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The values of one type.
pub(crate) struct Pool<T: 'static> {
    /// Most values differ in their key.
    by_key: RwLock<HashMap<u64, Vec<&'static T>>>,
    key: fn(&T) -> u64,
}

impl<T: PartialEq> Pool<T> {
    pub(crate) fn new(key: fn(&T) -> u64) -> Self {
        Self { by_key: RwLock::default(), key }
    }

    /// The only copy of this value.
    pub(crate) fn keep(&self, value: T) -> Ref<T> {
        let key = (self.key)(&value);
        let kept = |bucket: &Vec<&'static T>| bucket.iter().find(|kept| ***kept == value).copied();
        let by_key = self.by_key.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = by_key.get(&key).and_then(kept) {
            return Ref(found);
        }
        drop(by_key);
        let mut by_key = self.by_key.write().unwrap_or_else(PoisonError::into_inner);
        let bucket = by_key.entry(key).or_default();
        if let Some(found) = kept(bucket) {
            return Ref(found);
        }
        let new: &'static T = Box::leak(Box::new(value));
        bucket.push(new);
        Ref(new)
    }
}

/// Answers that were worked out before.
pub(crate) struct Memo<K, V> {
    answers: RwLock<HashMap<K, V>>,
}

impl<K: Eq + Hash, V: Copy> Memo<K, V> {
    pub(crate) fn new() -> Self {
        Self { answers: RwLock::default() }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.answers.read().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    pub(crate) fn put(&self, key: K, answer: V) {
        self.answers.write().unwrap_or_else(PoisonError::into_inner).insert(key, answer);
    }

    /// The answer from before, or else the one worked out now.
    pub(crate) fn or(&self, key: K, work_out: impl FnOnce() -> V) -> V {
        if let Some(known) = self.get(&key) {
            return known;
        }
        let answer = work_out();
        self.put(key, answer);
        answer
    }
}
