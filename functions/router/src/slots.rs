//! The calls that a provider takes at a time, and the queue before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Declared bounds of one provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Concurrency {
    /// Calls at a time.
    pub(crate) calls: usize,
    /// Calls that may wait.
    pub(crate) queue: usize,
    /// Longest wait.
    pub(crate) patience: Duration,
}

/// A provider's slots; without bounds every call gets one.
#[derive(Debug)]
pub(crate) struct Slots {
    bounds: Option<(Concurrency, Arc<Semaphore>)>,
    in_flight: Arc<AtomicUsize>,
    queued: AtomicUsize,
}

/// One slot, free again when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    in_flight: Arc<AtomicUsize>,
    _permit: Option<OwnedSemaphorePermit>,
}

/// Why there is no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoSlot {
    /// As many wait as may.
    QueueFull { queue: usize },
    /// None was free in this time.
    NoneFree { waited: Duration },
}

impl Slots {
    pub(crate) fn new(concurrency: Option<Concurrency>) -> Self {
        let bounds = concurrency.map(|bounds| (bounds, Arc::new(Semaphore::new(bounds.calls))));
        Self { bounds, in_flight: Arc::default(), queued: AtomicUsize::new(0) }
    }

    /// The declared bounds.
    pub(crate) fn concurrency(&self) -> Option<Concurrency> {
        self.bounds.as_ref().map(|(bounds, _)| *bounds)
    }

    /// Calls in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Calls that wait.
    pub(crate) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Whether a call would have to wait.
    pub(crate) fn is_busy(&self) -> bool {
        self.bounds.as_ref().is_some_and(|(_, free)| free.available_permits() == 0)
    }

    /// A slot, where one is free and nobody waits for it.
    pub(crate) fn free(&self) -> Option<Slot> {
        match &self.bounds {
            None => Some(self.slot(None)),
            Some((_, free)) => {
                let permit = Arc::clone(free).try_acquire_owned().ok()?;
                Some(self.slot(Some(permit)))
            }
        }
    }

    /// A slot, in the order of asking, within this time and the provider's own.
    pub(crate) async fn queue(&self, within: Duration) -> Result<Slot, NoSlot> {
        let permit = match &self.bounds {
            None => None,
            Some((bounds, free)) => Some(self.wait(*bounds, free, within).await?),
        };
        Ok(self.slot(permit))
    }

    fn slot(&self, permit: Option<OwnedSemaphorePermit>) -> Slot {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Slot { in_flight: Arc::clone(&self.in_flight), _permit: permit }
    }

    async fn wait(
        &self,
        Concurrency { queue, patience, .. }: Concurrency,
        free: &Arc<Semaphore>,
        within: Duration,
    ) -> Result<OwnedSemaphorePermit, NoSlot> {
        let before = self.queued.fetch_add(1, Ordering::Relaxed);
        let _place = Place(&self.queued);
        if before >= queue {
            return Err(NoSlot::QueueFull { queue });
        }
        let waited = within.min(patience);
        match timeout(waited, Arc::clone(free).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            // A semaphore that nobody closes gives its permits.
            Ok(Err(_)) | Err(_) => Err(NoSlot::NoneFree { waited }),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A place in the queue, free again when dropped.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
