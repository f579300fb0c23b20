//! The questions that a lane has to ask in a retry.

use crate::id::{Position, QuestionIndex};
use crate::varint::{put, take};

/// A question of a work list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorkItem {
    /// Which.
    pub question: QuestionIndex,
    /// Its executions that the run is for.
    pub due: u32,
}

/// The questions of a lane that have something to ask, in order; a position is an index into it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct WorkList(Vec<WorkItem>);

impl WorkList {
    /// A list of these questions, in order.
    pub fn new(items: Vec<WorkItem>) -> Self {
        Self(items)
    }

    /// Its positions.
    pub fn length(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The question at a position.
    pub fn at(&self, position: Position) -> Option<WorkItem> {
        self.0.get(usize::try_from(position.0).ok()?).copied()
    }

    /// As bytes: of each question the distance from the one before, and what is due.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 * self.0.len());
        let mut before = 0;
        for item in &self.0 {
            put(&mut bytes, u64::from(item.question.0.saturating_sub(before)));
            put(&mut bytes, u64::from(item.due));
            before = item.question.0;
        }
        bytes
    }

    /// The inverse of [`WorkList::encode`].
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bytes = bytes.iter();
        let mut items = Vec::new();
        let mut before = 0_u32;
        while !bytes.as_slice().is_empty() {
            before = before.checked_add(u32::try_from(take(&mut bytes)?).ok()?)?;
            let due = u32::try_from(take(&mut bytes)?).ok()?;
            items.push(WorkItem { question: QuestionIndex(before), due });
        }
        Some(Self(items))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_encoded_reads_back(steps in prop::collection::vec((1_u32..5000, 1_u32..200), 0..300)) {
            let mut question = 0;
            let mut items = Vec::new();
            for (step, due) in steps {
                question += step;
                items.push(WorkItem { question: QuestionIndex(question), due });
            }
            let list = WorkList::new(items);
            prop_assert_eq!(WorkList::decode(&list.encode()), Some(list));
        }

        #[test]
        fn reading_any_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _read = WorkList::decode(&bytes);
        }
    }
}
