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
use tokio::time::timeout;

use super::Turned;
use crate::clock::Clock;
use crate::provider::Provider;
use crate::route::{Entered, Route};

/// What the table said is believed for so long.
const BELIEVED_MS: u64 = 1_000;
/// A claim is kept so much longer than an attempt can last, because clocks differ.
const SPARE_MS: u64 = 10_000;
/// Longest that a call waits for what the table says of breakers: it can do without.
const PATIENCE: Duration = Duration::from_millis(250);

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
    pub(crate) async fn refresh(&self, provider: &Provider, route: &Route) {
        let (name, model, now_ms) = (&provider.name, &route.model.id, self.clock.now_ms());
        {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            let looked = looked.entry((name.clone(), model.clone())).or_default();
            if now_ms.abs_diff(looked.at_ms) < BELIEVED_MS {
                return;
            }
            looked.at_ms = now_ms;
        }
        if let Some(open) = in_time(Box::pin(self.table.route(name, model))).await {
            self.saw(name, model, open.map(|open| open.open_until_ms));
            if let Some(OpenRoute { open_until_ms, level, .. }) = open {
                route.known().breaker.adopt(open_until_ms, level, self.clock.now_ms());
            }
        }
    }

    /// Whether the one that got in may go on: of those that find out whether a provider is back,
    /// there is one at a time among all routers.
    pub(crate) async fn admits(
        &self,
        provider: &Provider,
        route: &Route,
        entered: &Entered,
    ) -> Admitted {
        if !entered.is_probe() {
            return Admitted::Yes(None);
        }
        let (name, model, now_ms) = (&provider.name, &route.model.id, self.clock.now_ms());
        let longest = u64::try_from(provider.timeouts.attempt.as_millis()).unwrap_or(u64::MAX);
        let until_ms = now_ms.saturating_add(longest).saturating_add(SPARE_MS);
        match in_time(Box::pin(self.table.claim_probe(name, model, now_ms, until_ms))).await {
            Some(BreakerUpdate::Applied) => Admitted::Yes(Some(Claim {
                table: self.table.clone(),
                of: (name.clone(), model.clone()),
                until_ms,
                is_over: false,
            })),
            Some(BreakerUpdate::Refused(Some(open))) => {
                let until_ms = open.open_until_ms.max(now_ms + BELIEVED_MS);
                route.known().breaker.yield_until(until_ms, now_ms);
                Admitted::No
            }
            // One that is closed elsewhere may be asked by anybody.
            Some(BreakerUpdate::Refused(None)) | None => Admitted::Yes(None),
        }
    }

    /// Tells the others what a call changed, and gives back what it claimed.
    pub(crate) async fn tell(
        &self,
        provider: &Provider,
        route: &Route,
        turned: Turned,
        claim: Option<Claim>,
    ) {
        let (name, model) = (&provider.name, &route.model.id);
        match turned {
            Turned::Not => {}
            Turned::Opened { until_ms, level } => {
                self.saw(name, model, Some(until_ms));
                let open = OpenRoute { open_until_ms: until_ms, level, probe_until_ms: None };
                if in_time(Box::pin(self.table.open_route(name, model, open))).await.is_some() {
                    if let Some(claim) = claim {
                        claim.end();
                    }
                    return;
                }
            }
            Turned::Closed => self.close(name, model).await,
        }
        // What was not opened anew is given back when it is dropped.
        drop(claim);
    }

    /// Closes it for all.
    pub(crate) async fn close(&self, name: &ProviderId, model: &ModelId) {
        let seen = self.saw(name, model, None);
        let open_until_ms = match seen {
            Some(open_until_ms) => Some(open_until_ms),
            None => in_time(Box::pin(self.table.route(name, model)))
                .await
                .flatten()
                .map(|o| o.open_until_ms),
        };
        if let Some(open_until_ms) = open_until_ms {
            let _applied =
                in_time(Box::pin(self.table.close_route(name, model, open_until_ms))).await;
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
                let _applied =
                    in_time(Box::pin(table.release_probe(&name, &model, until_ms))).await;
            });
        }
    }
}

/// What the table says, unless it lets a call wait. Boxed, because a request of the SDK is large and
/// few calls make one.
async fn in_time<T>(asked: Pin<Box<impl Future<Output = Result<T, TableError>>>>) -> Option<T> {
    match timeout(PATIENCE, asked).await {
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
