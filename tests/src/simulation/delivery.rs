//! What Lambda's event source mapping does, with what goes wrong on the way from queue to function.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use beacon_aws::QueueName;
use beacon_core::time_budget;
use futures_util::FutureExt;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::functions::{Function, Role, Who};
use super::invariants::{Invariant, Violation};
use super::mortal::{Doom, Life, Mortal};
use super::world::World;

/// The longest long poll.
const WAIT_SECONDS: u32 = 20;
/// Instances for messages that are delivered twice have numbers from here on.
const SECOND: u32 = 100;

/// One instance and the queue that feeds it.
pub(super) struct EventSource {
    pub(super) world: Arc<World>,
    pub(super) who: Who,
    pub(super) queue: QueueName,
    pub(super) batch_size: u32,
}

/// What becomes of a batch on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Delivered,
    Lost,
    Delayed(Duration),
    /// Also to another instance, so much later.
    Twice(Duration),
    /// Visible again so long after it was received.
    Early(Duration),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    #[serde(rename = "MessageId")]
    id: String,
    receipt_handle: String,
    body: String,
    attributes: std::collections::HashMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Received {
    #[serde(default)]
    messages: Vec<Message>,
}

impl EventSource {
    /// Feeds the instance for ever.
    pub(super) async fn poll(self) {
        let Some((function, doom)) = self.world.function(self.who) else { return };
        loop {
            let messages = self.receive().await;
            if !messages.is_empty() {
                let deliver = self.deliver(&function, &doom, messages);
                Arc::clone(&self.world).while_busy(deliver).await;
            }
        }
    }

    async fn receive(&self) -> Vec<Message> {
        let request = json!({
            "QueueUrl": self.world.url(self.queue),
            "MaxNumberOfMessages": self.batch_size,
            "WaitTimeSeconds": WAIT_SECONDS,
            "MessageSystemAttributeNames": ["All"],
        });
        let received = self.world.operate("ReceiveMessage", request).await;
        serde_json::from_value::<Received>(received).unwrap().messages
    }

    async fn deliver(&self, function: &Function, doom: &Doom, messages: Vec<Message>) {
        let Self { world, who, .. } = self;
        let fate = Fate::draw(world);
        let count = messages.len();
        world.trace.tell(format_args!("{who}: receives {count}, {fate:?}"));
        match fate {
            Fate::Delivered => {}
            Fate::Lost => return self.delete(&messages).await,
            Fate::Delayed(delay) => sleep(delay).await,
            Fate::Twice(later) => self.deliver_again(later, messages.clone()),
            Fate::Early(after) => self.show_again(after, &messages),
        }
        self.invoke(function, doom, &messages).await;
    }

    fn deliver_again(&self, later: Duration, messages: Vec<Message>) {
        let who = Who { number: self.who.number + SECOND, ..self.who };
        let second = Self { world: Arc::clone(&self.world), who, ..*self };
        tokio::spawn(Arc::clone(&self.world).while_busy(async move {
            sleep(later).await;
            if let Some((function, doom)) = second.world.function(who) {
                second.invoke(&function, &doom, &messages).await;
            }
        }));
    }

    fn show_again(&self, after: Duration, messages: &[Message]) {
        let (world, url) = (Arc::clone(&self.world), self.world.url(self.queue).to_owned());
        let receipts: Vec<String> =
            messages.iter().map(|message| message.receipt_handle.clone()).collect();
        tokio::spawn(Arc::clone(&self.world).while_busy(async move {
            sleep(after).await;
            for receipt in receipts {
                let now = json!({
                    "QueueUrl": url, "ReceiptHandle": receipt, "VisibilityTimeout": 0,
                });
                world.operate("ChangeMessageVisibility", now).await;
            }
        }));
    }

    async fn invoke(&self, function: &Function, doom: &Doom, messages: &[Message]) {
        let Self { world, who, .. } = self;
        let first =
            who.role == Role::Inference && !world.question_seen.swap(true, Ordering::Relaxed);
        let dies_at = world.death().or(world.plan.first_question_dies_at.filter(|_| first));
        let mut event = SqsEvent::default();
        event.records = messages.iter().map(record).collect();
        let handled = std::panic::AssertUnwindSafe(function.handle(event)).catch_unwind();
        match timeout(time_budget::FUNCTION, Mortal::new(handled, dies_at, doom.clone())).await {
            Ok(Life::Ended(Ok(response), polls)) => {
                let failed = response.batch_item_failures.len();
                world.trace.tell(format_args!("{who}: returns, {failed} failed, {polls} polls"));
                if first {
                    world.polls_of_first_question.store(polls, Ordering::Relaxed);
                }
                if !world.faulty(world.plan.faults.message_twice) {
                    self.delete(&done(messages, &response)).await;
                }
            }
            Ok(Life::Ended(Err(_panic), _)) => world.witness.note(Err(Violation {
                invariant: Invariant::NoSilentFailure,
                what: format!("{who} panicked"),
            })),
            Ok(Life::Died) => world.trace.tell(format_args!("{who}: dies")),
            Err(_elapsed) => world.trace.tell(format_args!("{who}: is out of time")),
        }
    }

    async fn delete(&self, messages: &[Message]) {
        for message in messages {
            let receipt = &message.receipt_handle;
            let delete =
                json!({ "QueueUrl": self.world.url(self.queue), "ReceiptHandle": receipt });
            self.world.operate("DeleteMessage", delete).await;
        }
    }
}

impl Fate {
    fn draw(world: &World) -> Self {
        let (faults, chance) = (&world.plan.faults, &world.chance);
        if world.faulty(faults.message_lost) {
            Self::Lost
        } else if world.faulty(faults.message_delayed) {
            Self::Delayed(chance.time(1..chance.one_of(&[2_000, 20_000, 200_000])))
        } else if world.faulty(faults.message_twice) {
            Self::Twice(chance.time(0..chance.one_of(&[10, 5_000, 60_000])))
        } else if world.faulty(faults.message_early) {
            Self::Early(chance.time(0..chance.one_of(&[100, 5_000, 60_000])))
        } else {
            Self::Delivered
        }
    }
}

impl World {
    /// The poll at which a function dies, where it does.
    pub(super) fn death(&self) -> Option<u32> {
        let dies = self.faulty(self.plan.faults.kill);
        let polls = dies.then(|| self.chance.number(1..self.chance.one_of(&[4, 16, 64, 256])));
        polls.and_then(|polls| polls.try_into().ok())
    }
}

fn done(messages: &[Message], response: &SqsBatchResponse) -> Vec<Message> {
    let failed = |message: &&Message| {
        let failures = &response.batch_item_failures;
        failures.iter().any(|failure| failure.item_identifier == message.id)
    };
    messages.iter().filter(|message| !failed(message)).cloned().collect()
}

fn record(message: &Message) -> SqsMessage {
    let mut record = SqsMessage::default();
    record.message_id = Some(message.id.clone());
    record.receipt_handle = Some(message.receipt_handle.clone());
    record.body = Some(message.body.clone());
    record.attributes.clone_from(&message.attributes);
    record.event_source = Some("aws:sqs".to_owned());
    record
}
