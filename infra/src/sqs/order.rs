//! Which visible message is next, and which groups are locked.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::message::Seq;

/// The visible messages of a queue in the order in which they are handed out.
#[derive(Debug)]
pub(super) enum ReadyOrder {
    /// Oldest first.
    Standard(BTreeSet<Seq>),
    /// Oldest first within a group, the groups in turn.
    Fifo(Groups),
}

/// The message groups that have messages.
#[derive(Debug, Default)]
pub(super) struct Groups {
    by_id: HashMap<Arc<str>, Group>,
    /// Groups to look at next. An entry may be out of date: `Group::queued` says which counts.
    turns: VecDeque<Arc<str>>,
}

#[derive(Debug, Default)]
struct Group {
    visible: BTreeSet<Seq>,
    /// The lock: only the receive that holds the group's messages may take more of them.
    in_flight: usize,
    queued: bool,
}

impl ReadyOrder {
    pub(super) fn new(fifo: bool) -> Self {
        if fifo { Self::Fifo(Groups::default()) } else { Self::Standard(BTreeSet::new()) }
    }

    /// A message became visible.
    pub(super) fn push(&mut self, seq: Seq, group: Option<&Arc<str>>) {
        match self {
            Self::Standard(visible) => {
                visible.insert(seq);
            }
            Self::Fifo(groups) => groups.push(seq, group),
        }
    }

    /// Takes the next message for the receive that last took from the group `current`.
    pub(super) fn next(&mut self, current: &mut Option<Arc<str>>) -> Option<Seq> {
        match self {
            Self::Standard(visible) => visible.pop_first(),
            Self::Fifo(groups) => groups.next(current),
        }
    }

    /// A message taken by [`Self::next`] is no longer in flight: deleted, moved or pushed again.
    pub(super) fn release(&mut self, group: Option<&Arc<str>>) {
        match self {
            Self::Standard(_) => {}
            Self::Fifo(groups) => groups.release(group),
        }
    }

    /// A visible message is gone.
    pub(super) fn withdraw(&mut self, seq: Seq, group: Option<&Arc<str>>) {
        match self {
            Self::Standard(visible) => {
                visible.remove(&seq);
            }
            Self::Fifo(groups) => groups.withdraw(seq, group),
        }
    }

    /// Whether a receive is worth trying. May be wrong as long as nobody tries.
    pub(super) fn has_ready(&self) -> bool {
        match self {
            Self::Standard(visible) => !visible.is_empty(),
            Self::Fifo(groups) => !groups.turns.is_empty(),
        }
    }
}

impl Groups {
    fn push(&mut self, seq: Seq, group: Option<&Arc<str>>) {
        let Some(id) = group else { return };
        self.by_id.entry(Arc::clone(id)).or_default().visible.insert(seq);
        self.settle(id);
    }

    fn next(&mut self, current: &mut Option<Arc<str>>) -> Option<Seq> {
        if let Some(seq) = current.as_ref().and_then(|id| self.take(id)) {
            return Some(seq);
        }
        while let Some(id) = self.turns.pop_front() {
            let Some(group) = self.by_id.get_mut(&id) else { continue };
            let counts = std::mem::take(&mut group.queued);
            if counts && group.in_flight == 0 {
                let seq = self.take(&id);
                if seq.is_some() {
                    *current = Some(id);
                    return seq;
                }
            }
        }
        None
    }

    fn take(&mut self, id: &str) -> Option<Seq> {
        let group = self.by_id.get_mut(id)?;
        let seq = group.visible.pop_first()?;
        group.in_flight += 1;
        Some(seq)
    }

    fn release(&mut self, group: Option<&Arc<str>>) {
        let Some(id) = group else { return };
        if let Some(group) = self.by_id.get_mut(id) {
            group.in_flight = group.in_flight.saturating_sub(1);
            self.settle(id);
        }
    }

    fn withdraw(&mut self, seq: Seq, group: Option<&Arc<str>>) {
        let Some(id) = group else { return };
        if let Some(group) = self.by_id.get_mut(id) {
            group.visible.remove(&seq);
            self.settle(id);
        }
    }

    /// Gives an unlocked group its turn, or forgets it when it is empty.
    fn settle(&mut self, id: &Arc<str>) {
        let Some(group) = self.by_id.get_mut(id) else { return };
        if group.in_flight > 0 {
            return;
        }
        if group.visible.is_empty() {
            self.by_id.remove(id);
        } else if !group.queued {
            group.queued = true;
            self.turns.push_back(Arc::clone(id));
        }
    }
}
