//! Receives that wait, and the timekeeper that wakes them when time makes a message visible.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::answer::write;
use super::endpoint::Shared;
use super::error::SqsError;
use super::queue::{Ask, Delivery};
use super::received::{ReceivedMessages, Wanted};
use super::request::{Receive, SystemAttributeName, in_range, parse, queue_name, visibility};
use super::settings::MAX_WAIT_SECONDS;

/// A checked receive.
#[derive(Debug)]
struct Poll {
    queue: String,
    ask: Ask,
    wait_seconds: Option<u32>,
    wanted: Wanted,
}

/// What a look into the queue brought.
#[derive(Debug)]
enum Look {
    Done(Vec<Delivery>),
    Wait { waker: Arc<Notify>, seconds: u32 },
}

impl Shared {
    /// Answers a receive, after a wait if it asks for one.
    pub(super) async fn receive(&self, body: &[u8]) -> Result<Vec<u8>, SqsError> {
        let poll = Poll::new(parse(body)?)?;
        let deliveries = match self.look(&poll)? {
            Look::Done(deliveries) => deliveries,
            Look::Wait { waker, seconds } => self.wait(&poll, &waker, seconds).await?,
        };
        write(&ReceivedMessages::new(&deliveries, &poll.wanted)?)
    }

    /// Takes what is there. No await comes between this and the answer, so that a client that
    /// leaves while it waits takes no message with it.
    fn look(&self, poll: &Poll) -> Result<Look, SqsError> {
        let mut hub = self.lock();
        let polled = hub.queues.receive(self.clock.now(), &poll.queue, poll.ask)?;
        self.settle(&mut hub, &poll.queue);
        if let Some(dead_letter_queue) = &polled.buried_in {
            self.settle(&mut hub, dead_letter_queue);
        }
        let default_wait = hub.queues.get(&poll.queue)?.settings.receive_wait_seconds;
        let seconds = poll.wait_seconds.unwrap_or(default_wait);
        if !polled.deliveries.is_empty() || seconds == 0 || hub.closing {
            return Ok(Look::Done(polled.deliveries));
        }
        Ok(Look::Wait { waker: hub.waker(&poll.queue), seconds })
    }

    async fn wait(
        &self,
        poll: &Poll,
        waker: &Notify,
        seconds: u32,
    ) -> Result<Vec<Delivery>, SqsError> {
        let deadline = Instant::now() + Duration::from_secs(seconds.into());
        loop {
            let mut woken = pin!(waker.notified());
            // From here on a message that comes between the look and the wait is not missed.
            woken.as_mut().enable();
            if let Look::Done(deliveries) = self.look(poll)? {
                return Ok(deliveries);
            }
            if tokio::time::timeout_at(deadline, woken).await.is_err() {
                return Ok(Vec::new());
            }
        }
    }

    /// Sleeps from event to event, forever. One for all receives: of many that wait for the same
    /// moment only one has to wake.
    pub(super) async fn keep_time(&self) -> Infallible {
        loop {
            let next = self.lock().tick(self.clock.now());
            let rearmed = self.rearm.notified();
            if next == u64::MAX {
                rearmed.await;
            } else {
                // Either way the loop looks at the queues again.
                let _ = tokio::time::timeout_at(self.clock.instant(next), rearmed).await;
            }
        }
    }
}

impl Poll {
    fn new(request: Receive<'_>) -> Result<Self, SqsError> {
        let mut system = request.message_system_attribute_names;
        system.extend(request.attribute_names);
        if system.contains(&SystemAttributeName::Unknown) {
            return Err(SqsError::InvalidAttributeName("MessageSystemAttributeNames".to_owned()));
        }
        let reason = "Must be between 1 and 10, if provided";
        let max = request.max_number_of_messages.unwrap_or(1);
        let max = in_range("MaxNumberOfMessages", max, 1..=10, reason)?;
        let reason = "Must be >= 0 and <= 20, if provided";
        let wait = |wait| in_range("WaitTimeSeconds", wait, 0..=MAX_WAIT_SECONDS, reason);
        Ok(Self {
            queue: queue_name(&request.queue_url)?.to_owned(),
            ask: Ask {
                max: max as usize,
                visibility_seconds: request.visibility_timeout.map(visibility).transpose()?,
            },
            wait_seconds: request.wait_time_seconds.map(wait).transpose()?,
            wanted: Wanted { system, message: request.message_attribute_names },
        })
    }
}
