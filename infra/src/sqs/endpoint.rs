//! The endpoint's state behind its lock, and who is woken when it changes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::action::{Action, Counts};
use super::error::SqsError;
use super::queues::Queues;
use super::settings::{ACCOUNT, QueueSettings};

/// An SQS-compatible endpoint. Clones are the same endpoint.
#[derive(Debug, Clone)]
pub struct SqsEndpoint {
    pub(super) shared: Arc<Shared>,
}

impl SqsEndpoint {
    /// An endpoint without queues, to be served at this address.
    pub fn new(address: SocketAddr) -> Self {
        Self::with(address, Clock::start())
    }

    /// The same, with a clock that shows this time since the epoch now, and follows the runtime's
    /// from here on.
    pub fn beginning_at(address: SocketAddr, since_epoch: Duration) -> Self {
        Self::with(address, Clock::showing(since_epoch))
    }

    fn with(address: SocketAddr, clock: Clock) -> Self {
        let hub = Hub {
            queues: Queues::new(rand::random()),
            wakers: HashMap::new(),
            armed: u64::MAX,
            closing: false,
        };
        let shared = Shared {
            base_url: format!("http://{address}"),
            clock,
            hub: Mutex::new(hub),
            rearm: Notify::new(),
            counts: Counts::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// What to give an AWS SDK as `endpoint_url`.
    pub fn url(&self) -> &str {
        &self.shared.base_url
    }

    /// Creates a queue and returns its URL. That it exists with the same settings is no error.
    pub fn create_queue(&self, name: &str, settings: QueueSettings) -> Result<String, SqsError> {
        self.shared.change(name, |queues, now| queues.create_with(now, name, settings))?;
        Ok(self.shared.queue_url(name))
    }

    /// How many requests of this action came in since the start, refused ones included.
    pub fn requests(&self, action: Action) -> u64 {
        self.shared.counts.of(action)
    }

    /// How many requests of any action came in since the start.
    pub fn total_requests(&self) -> u64 {
        Action::ALL.into_iter().map(|action| self.requests(action)).sum()
    }
}

/// What the connections share.
#[derive(Debug)]
pub(super) struct Shared {
    base_url: String,
    pub(super) clock: Clock,
    hub: Mutex<Hub>,
    /// The timekeeper must look again: something is due before it meant to wake.
    pub(super) rearm: Notify,
    pub(super) counts: Counts,
}

/// The queues and those who wait for them.
#[derive(Debug)]
pub(super) struct Hub {
    pub(super) queues: Queues,
    /// By queue name. They outlive their queues, so that a waiting receive never misses a wake.
    wakers: HashMap<String, Arc<Notify>>,
    /// When the timekeeper wakes next.
    armed: u64,
    pub(super) closing: bool,
}

impl Shared {
    /// The URL of a queue of this name.
    pub(super) fn queue_url(&self, name: &str) -> String {
        format!("{}/{ACCOUNT}/{name}", self.base_url)
    }

    /// The state. A panic elsewhere cannot leave it half changed in a way that matters here: at
    /// worst a message is hidden until its visibility timeout.
    pub(super) fn lock(&self) -> MutexGuard<'_, Hub> {
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state now, and wakes whom the change of this queue concerns.
    pub(super) fn change<R>(
        &self,
        queue: &str,
        change: impl FnOnce(&mut Queues, u64) -> Result<R, SqsError>,
    ) -> Result<R, SqsError> {
        let mut hub = self.lock();
        let result = change(&mut hub.queues, self.clock.now());
        self.settle(&mut hub, queue);
        result
    }

    /// Wakes one receive if the queue has something for it, and the timekeeper if it sleeps past
    /// the queue's next event.
    pub(super) fn settle(&self, hub: &mut Hub, queue: &str) {
        let Ok(state) = hub.queues.get(queue) else { return };
        let due = state.next_due();
        if state.has_ready()
            && let Some(waker) = hub.wakers.get(queue)
        {
            waker.notify_one();
        }
        if let Some(due) = due
            && due < hub.armed
        {
            hub.armed = due;
            self.rearm.notify_one();
        }
    }

    /// Ends every long poll, now and from now on.
    pub(super) fn close(&self) {
        let mut hub = self.lock();
        hub.closing = true;
        hub.wakers.values().for_each(|waker| waker.notify_waiters());
    }

    /// Ends the long polls of a queue that is gone.
    pub(super) fn dismiss(&self, queue: &str) {
        if let Some(waker) = self.lock().wakers.get(queue) {
            waker.notify_waiters();
        }
    }
}

impl Hub {
    /// What a receive of this queue waits for.
    pub(super) fn waker(&mut self, queue: &str) -> Arc<Notify> {
        if let Some(waker) = self.wakers.get(queue) {
            return Arc::clone(waker);
        }
        Arc::clone(self.wakers.entry(queue.to_owned()).or_default())
    }

    /// Brings every queue up to date, wakes receives for what became visible, and says when time
    /// next makes a message visible.
    pub(super) fn tick(&mut self, now: u64) -> u64 {
        let mut next = u64::MAX;
        for (name, queue) in self.queues.iter_mut() {
            queue.advance(now);
            next = queue.next_due().map_or(next, |due| due.min(next));
            if queue.has_ready()
                && let Some(waker) = self.wakers.get(name)
            {
                waker.notify_one();
            }
        }
        self.armed = next;
        next
    }
}

/// Milliseconds since the epoch that never go back, whatever happens to the system's clock.
#[derive(Debug)]
pub(super) struct Clock {
    origin: Instant,
    origin_ms: u64,
}

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the queues' own clock starts here, as SQS's does"
    )]
    fn start() -> Self {
        Self::showing(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    fn showing(since_epoch: Duration) -> Self {
        Self { origin: Instant::now(), origin_ms: milliseconds(since_epoch) }
    }

    /// The time.
    pub(super) fn now(&self) -> u64 {
        self.origin_ms + milliseconds(self.origin.elapsed())
    }

    /// The moment of a time that is not past.
    pub(super) fn instant(&self, ms: u64) -> Instant {
        self.origin + Duration::from_millis(ms.saturating_sub(self.origin_ms))
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
