//! What routers that share a table know together of a breaker: until when it is open, and who tries.
//!
//! A router asks the table once a second at the most for each model that it is about to ask, and
//! tells it when a breaker of its own opens or closes. A table that does not answer leaves each
//! router with what it knows itself.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use beacon_aws::{BreakerUpdate, OpenRoute, Table, TableError, chain};
use beacon_core::{ModelId, ProviderId};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::Turned;
use crate::clock::{Clock, milliseconds};
use crate::provider::Provider;
use crate::route::{Entered, Route};

/// What the table said is believed for so long.
const BELIEVED_MS: u64 = 1_000;
/// A claim is kept so much longer than an attempt can last, because clocks differ.
const SPARE_MS: u64 = 10_000;
/// Longest that a call waits for what the table says of breakers: it can do without.
pub(crate) const PATIENCE: Duration = Duration::from_millis(250);
/// How often a breaker that is opened anew meanwhile is closed.
const CLOSES: u32 = 3;
/// How often a claim is given back that the table does not know, or that it does not answer of.
const RELEASES: u32 = 8;

/// The breakers of all routers that share the table.
#[derive(Debug)]
pub(crate) struct SharedBreakers {
    table: Table,
    clock: Clock,
    /// When each was looked up, Unix milliseconds, and until when it was open.
    looked: Mutex<HashMap<(ProviderId, ModelId), Looked>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Looked {
    at_ms: u64,
    open_until_ms: Option<u64>,
}

impl SharedBreakers {
    pub(crate) fn new(table: Table, clock: Clock) -> Self {
        Self { table, clock, looked: Mutex::default() }
    }

    /// Takes over what other routers know, where that was not done just now.
    pub(crate) async fn refresh(&self, provider: &Provider, route: &Route, within: Duration) {
        let (name, model, now_ms) = (&provider.name, &route.model.id, self.clock.now_ms());
        {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            let looked = looked.entry((name.clone(), model.clone())).or_default();
            if now_ms.abs_diff(looked.at_ms) < BELIEVED_MS {
                return;
            }
            looked.at_ms = now_ms;
        }
        let asked = Box::pin(self.table.route(name, model));
        let Some(open) = in_time(asked, within).await else { return };
        let before = self.saw(name, model, open.map(|open| open.open_until_ms));
        let now_ms = self.clock.now_ms();
        match open {
            Some(OpenRoute { open_until_ms, level, .. }) => {
                route.known().breaker.adopt(open_until_ms, level, now_ms);
            }
            // Another router closed it.
            None if before.is_some() => route.known().breaker.try_now(now_ms),
            None => {}
        }
    }

    /// Whether the one that got in may go on: of those that find out whether a provider is back,
    /// there is one at a time among all routers.
    pub(crate) async fn admits(
        &self,
        provider: &Provider,
        route: &Route,
        entered: &Entered,
        within: Duration,
    ) -> Admitted {
        if !entered.is_probe() {
            return Admitted::Yes(None);
        }
        let (name, model, now_ms) = (&provider.name, &route.model.id, self.clock.now_ms());
        let longest = milliseconds(provider.timeouts.attempt) + SPARE_MS;
        let until_ms = now_ms.saturating_add(longest);
        // There before it is written: a write that nobody waits for any more may be made all the same.
        let of = (name.clone(), model.clone());
        let claim = Claim { table: self.table.clone(), of, until_ms, is_over: false };
        let asked = Box::pin(self.table.claim_probe(name, model, now_ms, until_ms));
        match in_time(asked, within).await {
            Some(BreakerUpdate::Applied) | None => Admitted::Yes(Some(claim)),
            Some(BreakerUpdate::Refused(Some(open))) => {
                claim.end();
                let until_ms = open.open_until_ms.max(now_ms + BELIEVED_MS);
                route.known().breaker.yield_until(until_ms, now_ms);
                Admitted::No
            }
            // One that is closed elsewhere may be asked by anybody.
            Some(BreakerUpdate::Refused(None)) => {
                claim.end();
                Admitted::Yes(None)
            }
        }
    }

    /// Tells the others what a call changed, and gives back what it claimed.
    pub(crate) async fn tell(
        &self,
        provider: &Provider,
        route: &Route,
        turned: Turned,
        claim: Option<Claim>,
        within: Duration,
    ) {
        let (name, model) = (&provider.name, &route.model.id);
        match turned {
            Turned::Not => {}
            Turned::Opened { until_ms, level } => {
                self.saw(name, model, Some(until_ms));
                let open = OpenRoute { open_until_ms: until_ms, level, probe_until_ms: None };
                let asked = Box::pin(self.table.open_route(name, model, open));
                if in_time(asked, within).await.is_some() {
                    if let Some(claim) = claim {
                        claim.end();
                    }
                    return;
                }
            }
            Turned::Closed => self.close(name, model, within).await,
        }
        // What was not opened anew is given back when it is dropped.
        drop(claim);
    }

    /// Closes it for all.
    pub(crate) async fn close(&self, name: &ProviderId, model: &ModelId, within: Duration) {
        let mut open_until_ms = self.saw(name, model, None);
        if open_until_ms.is_none() {
            let seen = in_time(Box::pin(self.table.route(name, model)), within).await;
            open_until_ms = seen.flatten().map(|open| open.open_until_ms);
        }
        // Opened anew meanwhile, it is closed as it is now.
        for _try in 0..CLOSES {
            let Some(until_ms) = open_until_ms else { return };
            let asked = Box::pin(self.table.close_route(name, model, until_ms));
            open_until_ms = match in_time(asked, within).await {
                Some(BreakerUpdate::Refused(open)) => open.map(|open| open.open_until_ms),
                Some(BreakerUpdate::Applied) | None => None,
            };
        }
    }

    /// Until when it is open, as this router knows last; what it knew before.
    fn saw(&self, name: &ProviderId, model: &ModelId, open_until_ms: Option<u64>) -> Option<u64> {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let looked = looked.entry((name.clone(), model.clone())).or_default();
        std::mem::replace(&mut looked.open_until_ms, open_until_ms)
    }
}

/// Whether a call may be made.
#[derive(Debug)]
pub(crate) enum Admitted {
    Yes(Option<Claim>),
    /// Another router tries just now.
    No,
}

/// The right to try, which no other router has meanwhile. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    table: Table,
    of: (ProviderId, ModelId),
    until_ms: u64,
    is_over: bool,
}

impl Claim {
    /// The item that held it is another one now.
    fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Without a runtime nobody tries any more, and the claim ends by itself.
        if let (false, Ok(runtime)) = (self.is_over, Handle::try_current()) {
            let (table, (name, model)) = (self.table.clone(), self.of.clone());
            let until_ms = self.until_ms;
            runtime.spawn(async move {
                for _try in 0..RELEASES {
                    let asked = Box::pin(table.release_probe(&name, &model, until_ms));
                    if let Some(BreakerUpdate::Applied) = in_time(asked, PATIENCE).await {
                        return;
                    }
                    // The claim itself may still be on its way.
                    sleep(PATIENCE).await;
                }
            });
        }
    }
}

/// What the table says, unless it lets a call wait. Boxed, because a request of the SDK is large and
/// few calls make one.
async fn in_time<T>(
    asked: Pin<Box<impl Future<Output = Result<T, TableError>>>>,
    within: Duration,
) -> Option<T> {
    match timeout(within, asked).await {
        Ok(Ok(told)) => Some(told),
        Ok(Err(error)) => {
            tracing::debug!(error = chain(&error), "breakers are not shared");
            None
        }
        Err(_elapsed) => {
            tracing::debug!("breakers are not shared: the table does not answer in time");
            None
        }
    }
}
