//! One queue as a state machine: every operation takes the time, in milliseconds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::admission::admit;
use super::deduplication::{Deduplication, Original};
use super::error::SqsError;
use super::message::{Message, MessageId, Outgoing, Receipt, Seq, State};
use super::order::ReadyOrder;
use super::settings::QueueSettings;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

/// A queue with its messages.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) settings: QueueSettings,
    pub(super) created: u64,
    pub(super) modified: u64,
    /// See [`Receipt::queue`].
    life: u64,
    next: Seq,
    messages: BTreeMap<Seq, Message>,
    ready: ReadyOrder,
    /// When a delay or a visibility timeout ends, and whose.
    due: BTreeSet<(u64, Seq)>,
    in_flight: usize,
    delayed: usize,
    /// When the last delay ends. On a FIFO queue no message may become visible before an older one.
    last_delay: u64,
    deduplication: Deduplication,
}

/// The answer to a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) id: MessageId,
    /// FIFO queues only.
    pub(super) sequence: Option<Seq>,
}

/// What a receive asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask {
    pub(super) max: usize,
    /// Absent: the queue's own.
    pub(super) visibility_seconds: Option<u32>,
}

/// A message handed to a receiver.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) receipt: Receipt,
    /// FIFO queues only.
    pub(super) sequence: Option<Seq>,
    pub(super) message: Message,
}

/// What a receive brought.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) deliveries: Vec<Delivery>,
    /// Messages received too often: they left this queue for its dead-letter queue.
    pub(super) dead: Vec<Message>,
}

/// How many messages a queue has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Depth {
    pub(super) visible: usize,
    pub(super) in_flight: usize,
    pub(super) delayed: usize,
}

impl Queue {
    pub(super) fn new(settings: QueueSettings, now: u64, life: u64) -> Self {
        Self {
            created: now,
            modified: now,
            life,
            // From the clock, so that sequence numbers grow across restarts too.
            next: Seq(now << 20),
            messages: BTreeMap::new(),
            ready: ReadyOrder::new(settings.fifo),
            due: BTreeSet::new(),
            in_flight: 0,
            delayed: 0,
            last_delay: 0,
            deduplication: Deduplication::default(),
            settings,
        }
    }

    /// Accepts a message. A repeated deduplication id is answered with the first send's answer.
    pub(super) fn send(&mut self, now: u64, outgoing: Outgoing) -> Result<Sent, SqsError> {
        self.advance(now);
        let deduplication = admit(&self.settings, &outgoing)?;
        if let Some(id) = &deduplication
            && let Some(original) = self.deduplication.original(now, id)
        {
            return Ok(Sent { id: original.id, sequence: Some(original.seq) });
        }
        let seq = self.take_seq();
        let id = MessageId(u128::from(self.life) << 64 | u128::from(seq.0));
        if let Some(key) = &deduplication {
            self.deduplication.remember(now, Arc::clone(key), Original { id, seq });
        }
        let own_delay = outgoing.delay_seconds.filter(|_| !self.settings.fifo);
        let delay = own_delay.unwrap_or(self.settings.delay_seconds);
        let message = Message {
            id,
            content: outgoing.content,
            group: outgoing.group,
            deduplication,
            sent: now,
            first_received: None,
            receives: 0,
            receives_elsewhere: 0,
            dead_letter_source: None,
            state: self.initial_state(now, delay),
        };
        self.insert(seq, message);
        Ok(Sent { id, sequence: self.settings.fifo.then_some(seq) })
    }

    /// Takes in a message that another queue gave up.
    pub(super) fn bury(&mut self, now: u64, mut message: Message) {
        self.advance(now);
        let seq = self.take_seq();
        if self.settings.fifo {
            message.sent = now;
        }
        message.receives_elsewhere = message.receives;
        message.state = State::Visible;
        self.insert(seq, message);
    }

    /// Hands out what is visible. With `max_receives`, what was received that often is given up.
    pub(super) fn receive(&mut self, now: u64, ask: Ask, max_receives: Option<u32>) -> Received {
        self.advance(now);
        let seconds = ask.visibility_seconds.unwrap_or(self.settings.visibility_timeout_seconds);
        let due = now + u64::from(seconds) * 1000;
        let mut received = Received::default();
        let mut group = None;
        while received.deliveries.len() < ask.max {
            let Some(seq) = self.ready.next(&mut group) else { break };
            let oldest = self.oldest_kept(now);
            let Some(message) = self.messages.get_mut(&seq) else { continue };
            let dead = max_receives
                .is_some_and(|max| message.receives - message.receives_elsewhere >= max);
            if dead || message.sent < oldest {
                if let Some(message) = self.messages.remove(&seq) {
                    self.ready.release(message.group.as_ref());
                    received.dead.extend(dead.then_some(message));
                }
                continue;
            }
            message.receives += 1;
            message.first_received.get_or_insert(now);
            message.state = State::InFlight { due };
            let receipt = Receipt { queue: self.life, seq, receive: message.receives };
            let sequence = self.settings.fifo.then_some(seq);
            received.deliveries.push(Delivery { receipt, sequence, message: message.clone() });
            self.due.insert((due, seq));
            self.in_flight += 1;
        }
        received
    }

    /// Deletes the message of a receive. A message that is gone already is no error.
    pub(super) fn delete(&mut self, now: u64, receipt: Receipt) -> Result<(), SqsError> {
        self.advance(now);
        if receipt.queue != self.life {
            return Err(SqsError::ReceiptHandleIsInvalid);
        }
        let Some(message) = self.messages.get(&receipt.seq) else { return Ok(()) };
        let latest = message.receives == receipt.receive;
        if self.settings.fifo && !(latest && matches!(message.state, State::InFlight { .. })) {
            return Err(SqsError::ReceiptHandleExpired);
        }
        if latest {
            self.remove(receipt.seq);
        }
        Ok(())
    }

    /// Hides the message of a receive for so many seconds from now.
    pub(super) fn change_visibility(
        &mut self,
        now: u64,
        receipt: Receipt,
        seconds: u32,
    ) -> Result<(), SqsError> {
        self.advance(now);
        if receipt.queue != self.life {
            return Err(SqsError::ReceiptHandleIsInvalid);
        }
        let fifo = self.settings.fifo;
        let message = self.messages.get_mut(&receipt.seq).ok_or(SqsError::MessageUnavailable)?;
        let due = match message.state {
            State::InFlight { due } if message.receives == receipt.receive => due,
            State::InFlight { .. } | State::Visible | State::Delayed { .. } if fifo => {
                return Err(SqsError::ReceiptHandleExpired);
            }
            State::InFlight { .. } => return Err(SqsError::MessageUnavailable),
            State::Visible | State::Delayed { .. } => return Err(SqsError::MessageNotInflight),
        };
        let changed = now + u64::from(seconds) * 1000;
        message.state = State::InFlight { due: changed };
        self.due.remove(&(due, receipt.seq));
        self.due.insert((changed, receipt.seq));
        self.advance(now);
        Ok(())
    }

    /// Drops every message. What was deduplicated stays deduplicated.
    pub(super) fn purge(&mut self) {
        self.messages.clear();
        self.due.clear();
        self.ready = ReadyOrder::new(self.settings.fifo);
        self.in_flight = 0;
        self.delayed = 0;
    }

    /// How many messages there are now.
    pub(super) fn depth(&mut self, now: u64) -> Depth {
        self.advance(now);
        Depth {
            visible: self.messages.len() - self.in_flight - self.delayed,
            in_flight: self.in_flight,
            delayed: self.delayed,
        }
    }

    /// Whether a receive is worth trying.
    pub(super) fn has_ready(&self) -> bool {
        self.ready.has_ready()
    }

    /// When time alone next makes a message visible.
    pub(super) fn next_due(&self) -> Option<u64> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Does what the passing of time has done to the messages.
    pub(super) fn advance(&mut self, now: u64) {
        while let Some((due, seq)) = self.due.first().copied()
            && due <= now
        {
            self.due.pop_first();
            self.show(seq);
        }
        let oldest = self.oldest_kept(now);
        while let Some((seq, message)) = self.messages.first_key_value()
            && message.sent < oldest
        {
            let seq = *seq;
            self.remove(seq);
        }
    }

    /// Messages sent before this moment are past their retention.
    fn oldest_kept(&self, now: u64) -> u64 {
        (now + 1).saturating_sub(u64::from(self.settings.retention_seconds) * 1000)
    }

    fn take_seq(&mut self) -> Seq {
        let seq = self.next;
        self.next = Seq(seq.0 + 1);
        seq
    }

    fn initial_state(&mut self, now: u64, delay_seconds: u32) -> State {
        let mut due = now + u64::from(delay_seconds) * 1000;
        if self.settings.fifo {
            due = due.max(self.last_delay);
            self.last_delay = due;
        }
        if due > now { State::Delayed { due } } else { State::Visible }
    }

    fn insert(&mut self, seq: Seq, message: Message) {
        if let State::Delayed { due } = message.state {
            self.due.insert((due, seq));
            self.delayed += 1;
        } else {
            self.ready.push(seq, message.group.as_ref());
        }
        self.messages.insert(seq, message);
    }

    /// Ends a message's delay or visibility timeout.
    fn show(&mut self, seq: Seq) {
        let Some(message) = self.messages.get_mut(&seq) else { return };
        let state = std::mem::replace(&mut message.state, State::Visible);
        self.ready.push(seq, message.group.as_ref());
        match state {
            State::Visible => {}
            State::Delayed { .. } => self.delayed -= 1,
            State::InFlight { .. } => {
                self.in_flight -= 1;
                self.ready.release(message.group.as_ref());
            }
        }
    }

    fn remove(&mut self, seq: Seq) {
        let Some(message) = self.messages.remove(&seq) else { return };
        let group = message.group.as_ref();
        match message.state {
            State::Visible => self.ready.withdraw(seq, group),
            State::Delayed { due } => {
                self.due.remove(&(due, seq));
                self.delayed -= 1;
            }
            State::InFlight { due } => {
                self.due.remove(&(due, seq));
                self.in_flight -= 1;
                self.ready.release(group);
            }
        }
    }
}
