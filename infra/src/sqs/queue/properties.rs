//! What holds for every sequence of operations.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::sqs::content::{Content, MessageAttributes};

const START: u64 = 1_700_000_000_000;
const LIFE: u64 = 1;
const VISIBILITY_MS: u64 = 30_000;
const MAX_RECEIVES: u32 = 3;

#[derive(Debug, Clone)]
enum Step {
    Send { group: u8 },
    Receive { max: usize },
    Delete { receive: usize },
    Return { receive: usize },
    Wait { ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..4_u8).prop_map(|group| Step::Send { group }),
        3 => (1..=10_usize).prop_map(|max| Step::Receive { max }),
        3 => any::<usize>().prop_map(|receive| Step::Delete { receive }),
        1 => any::<usize>().prop_map(|receive| Step::Return { receive }),
        1 => (0..2 * VISIBILITY_MS).prop_map(|ms| Step::Wait { ms }),
    ]
}

/// The queue, and what a witness of every operation knows.
struct Witness {
    queue: Queue,
    now: u64,
    sends: usize,
    receipts: Vec<Receipt>,
    /// Messages in flight by what the witness saw, each with its group and its end.
    held: HashMap<Seq, (Arc<str>, u64)>,
    deleted: HashSet<Seq>,
    dead: usize,
    /// By group, the messages that are neither deleted nor given up, in order.
    alive: HashMap<Arc<str>, Vec<Seq>>,
}

impl Witness {
    fn new(settings: QueueSettings) -> Self {
        Self {
            queue: Queue::new(settings, START, LIFE),
            now: START,
            sends: 0,
            receipts: Vec::new(),
            held: HashMap::new(),
            deleted: HashSet::new(),
            dead: 0,
            alive: HashMap::new(),
        }
    }

    fn perform(&mut self, step: &Step) {
        match *step {
            Step::Send { group } => self.send(group),
            Step::Receive { max } => self.receive(max),
            Step::Delete { receive } => self.on_receipt(receive, Self::delete),
            Step::Return { receive } => self.on_receipt(receive, Self::put_back),
            Step::Wait { ms } => {
                self.now += ms;
                let now = self.now;
                self.held.retain(|_, (_, due)| *due > now);
            }
        }
    }

    fn send(&mut self, group: u8) {
        self.sends += 1;
        let group: Arc<str> = group.to_string().into();
        let fifo = self.queue.settings.fifo;
        let outgoing = Outgoing {
            content: Content::new("body", MessageAttributes::new()).unwrap(),
            group: Some(Arc::clone(&group)),
            deduplication: fifo.then(|| self.sends.to_string().into()),
            delay_seconds: None,
        };
        let sent = self.queue.send(self.now, outgoing).unwrap();
        let (seq, last) = self.queue.messages.last_key_value().unwrap();
        assert_eq!(last.id, sent.id);
        let seq = *seq;
        self.alive.entry(group).or_default().push(seq);
    }

    fn receive(&mut self, max: usize) {
        let locked: HashSet<Arc<str>> =
            self.held.values().map(|(group, _)| Arc::clone(group)).collect();
        let ask = Ask { max, visibility_seconds: None };
        let received = self.queue.receive(self.now, ask, Some(MAX_RECEIVES));
        assert!(received.deliveries.len() <= max);
        self.dead += received.dead.len();
        for message in &received.dead {
            assert_eq!(message.receives, MAX_RECEIVES);
            let group = self.alive.get_mut(message.group.as_ref().unwrap()).unwrap();
            group.retain(|seq| message.id != MessageId(u128::from(LIFE) << 64 | u128::from(seq.0)));
        }
        let mut taken: HashMap<Arc<str>, Vec<Seq>> = HashMap::new();
        for delivery in received.deliveries {
            let seq = delivery.receipt.seq;
            let group = delivery.message.group.unwrap();
            assert!(!self.deleted.contains(&seq), "a deleted message came back");
            assert!(!self.held.contains_key(&seq), "a message is held by two receives");
            taken.entry(Arc::clone(&group)).or_default().push(seq);
            self.receipts.push(delivery.receipt);
            self.held.insert(seq, (group, self.now + VISIBILITY_MS));
        }
        if self.queue.settings.fifo {
            for (group, taken) in taken {
                assert!(!locked.contains(&group), "a locked group gave a message");
                assert!(self.alive[&group].starts_with(&taken), "a group left its order");
            }
        }
    }

    fn on_receipt(&mut self, receive: usize, act: fn(&mut Self, Receipt) -> bool) {
        if let Some(index) = receive.checked_rem(self.receipts.len()) {
            let receipt = self.receipts[index];
            if act(self, receipt) {
                self.held.remove(&receipt.seq);
            }
        }
    }

    fn delete(&mut self, receipt: Receipt) -> bool {
        let there = self.queue.messages.contains_key(&receipt.seq);
        let accepted = self.queue.delete(self.now, receipt).is_ok();
        let deleted = there && !self.queue.messages.contains_key(&receipt.seq);
        assert!(accepted || !deleted, "a refused delete deleted");
        if deleted {
            self.deleted.insert(receipt.seq);
            self.alive.values_mut().for_each(|group| group.retain(|seq| *seq != receipt.seq));
        }
        deleted
    }

    fn put_back(&mut self, receipt: Receipt) -> bool {
        self.queue.change_visibility(self.now, receipt, 0).is_ok()
    }

    fn check(&mut self) {
        let depth = self.queue.depth(self.now);
        let present = depth.visible + depth.in_flight + depth.delayed;
        assert_eq!(present + self.deleted.len() + self.dead, self.sends, "a message is lost");
        assert_eq!(depth.in_flight, self.held.len());
    }

    /// Whatever happened, what is left can be received and deleted.
    fn drain(&mut self) {
        let mut left = self.sends - self.deleted.len() - self.dead;
        while left > 0 {
            self.perform(&Step::Wait { ms: VISIBILITY_MS });
            let before = self.receipts.len();
            self.receive(10);
            for receipt in self.receipts.split_off(before) {
                assert!(self.delete(receipt));
                self.held.remove(&receipt.seq);
            }
            self.check();
            let now_left = self.sends - self.deleted.len() - self.dead;
            assert!(now_left < left, "a message cannot be received");
            left = now_left;
        }
        let ask = Ask { max: 1, visibility_seconds: None };
        assert!(self.queue.receive(self.now, ask, None).deliveries.is_empty());
        assert!(!self.queue.has_ready());
        assert_eq!(self.queue.next_due(), None);
    }
}

fn run(settings: QueueSettings, steps: &[Step]) {
    let mut witness = Witness::new(settings);
    for step in steps {
        witness.perform(step);
        witness.check();
    }
    witness.drain();
}

proptest! {
    #[test]
    fn fifo_groups_keep_order_and_lock(steps in prop::collection::vec(step(), 1..120)) {
        run(QueueSettings::fifo(), &steps);
    }

    #[test]
    fn standard_queues_lose_and_repeat_nothing(steps in prop::collection::vec(step(), 1..120)) {
        run(QueueSettings::default(), &steps);
    }
}
