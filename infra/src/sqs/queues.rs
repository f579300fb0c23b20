//! The queues by name, and what happens between two of them: redrive.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::error::SqsError;
use super::queue::{Ask, Delivery, Queue};
use super::settings::{Attribute, QueueSettings, arn};

/// Every queue of the endpoint.
#[derive(Debug)]
pub(super) struct Queues {
    by_name: BTreeMap<String, Queue>,
    next_life: u64,
}

/// What a receive brought, and which other queue it changed.
#[derive(Debug)]
pub(super) struct Polled {
    pub(super) deliveries: Vec<Delivery>,
    /// The dead-letter queue that got messages.
    pub(super) buried_in: Option<String>,
}

impl Queues {
    /// No queues. The seed makes message ids and receipt handles unlike those of any other start.
    pub(super) fn new(seed: u64) -> Self {
        Self { by_name: BTreeMap::new(), next_life: seed }
    }

    pub(super) fn get(&self, name: &str) -> Result<&Queue, SqsError> {
        self.by_name.get(name).ok_or(SqsError::QueueDoesNotExist)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Result<&mut Queue, SqsError> {
        self.by_name.get_mut(name).ok_or(SqsError::QueueDoesNotExist)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&String, &mut Queue)> {
        self.by_name.iter_mut()
    }

    /// Creates a queue from default settings and these attributes, unless it exists just so.
    pub(super) fn create(
        &mut self,
        now: u64,
        name: &str,
        attributes: Vec<Attribute>,
    ) -> Result<(), SqsError> {
        let existing = self.by_name.get(name).map(|queue| queue.settings.clone());
        let mut settings = existing.unwrap_or_default();
        for attribute in attributes {
            settings.apply(attribute);
        }
        self.create_with(now, name, settings)
    }

    /// Creates a queue with these settings, unless it exists just so.
    pub(super) fn create_with(
        &mut self,
        now: u64,
        name: &str,
        settings: QueueSettings,
    ) -> Result<(), SqsError> {
        self.check(name, &settings)?;
        match self.by_name.get(name) {
            Some(queue) if queue.settings == settings => Ok(()),
            Some(_) => Err(SqsError::QueueNameExists),
            None => {
                let life = self.next_life;
                self.next_life = life.wrapping_add(1);
                self.by_name.insert(name.to_owned(), Queue::new(settings, now, life));
                Ok(())
            }
        }
    }

    /// Changes attributes of a queue: all of them, or none if one is refused.
    pub(super) fn set_attributes(
        &mut self,
        now: u64,
        name: &str,
        attributes: Vec<Attribute>,
    ) -> Result<(), SqsError> {
        let mut settings = self.get(name)?.settings.clone();
        for attribute in attributes {
            settings.apply(attribute);
        }
        self.check(name, &settings)?;
        let queue = self.get_mut(name)?;
        queue.settings = settings;
        queue.modified = now;
        Ok(())
    }

    pub(super) fn delete(&mut self, name: &str) -> Result<(), SqsError> {
        self.by_name.remove(name).map(drop).ok_or(SqsError::QueueDoesNotExist)
    }

    /// Names in order that start with the prefix, after the given one.
    pub(super) fn names(&self, prefix: &str, after: Option<&str>) -> impl Iterator<Item = &str> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_name
            .range::<str, _>((start, Bound::Unbounded))
            .map(|(name, _)| name.as_str())
            .filter(move |name| name.starts_with(prefix))
    }

    /// Receives from a queue and moves what was received too often to its dead-letter queue.
    pub(super) fn receive(&mut self, now: u64, name: &str, ask: Ask) -> Result<Polled, SqsError> {
        let redrive = self.get(name)?.settings.redrive.as_ref();
        // Without a dead-letter queue nothing is given up: losing a message is worse.
        let reachable = redrive.filter(|to| self.by_name.contains_key(&to.dead_letter_queue));
        let max_receives = reachable.map(|redrive| redrive.max_receive_count);
        let mut received = self.get_mut(name)?.receive(now, ask, max_receives);
        let mut buried_in = None;
        if !received.dead.is_empty() {
            let redrive = self.get(name)?.settings.redrive.clone();
            if let Some(to) = redrive.map(|redrive| redrive.dead_letter_queue) {
                let source = arn(name).into();
                let queue = self.get_mut(&to)?;
                for mut message in received.dead.drain(..) {
                    message.dead_letter_source = Some(Arc::clone(&source));
                    queue.bury(now, message);
                }
                buried_in = Some(to);
            }
        }
        Ok(Polled { deliveries: received.deliveries, buried_in })
    }

    fn check(&self, name: &str, settings: &QueueSettings) -> Result<(), SqsError> {
        settings.check(name)?;
        let Some(redrive) = &settings.redrive else { return Ok(()) };
        let invalid = |reason| SqsError::InvalidParameter { parameter: "RedrivePolicy", reason };
        match self.by_name.get(&redrive.dead_letter_queue) {
            None => Err(invalid("Dead letter target does not exist")),
            Some(_) if redrive.dead_letter_queue == name => {
                Err(invalid("Dead-letter queue must be another queue"))
            }
            Some(target) if target.settings.fifo != settings.fifo => {
                Err(invalid("Dead-letter queue must be same type of queue as the source"))
            }
            Some(_) => Ok(()),
        }
    }
}
