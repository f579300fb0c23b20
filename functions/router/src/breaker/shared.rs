//! What routers that share a table know together of a breaker: until when it is open, and who tries.
//!
//! A router asks the table once a second at the most for each model that it is about to ask, and
//! tells it when a breaker of its own opens or closes. A table that does not answer leaves each
//! router with what it knows itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use beacon_aws::{BreakerUpdate, OpenRoute, Table, TableError, chain};
use beacon_core::{ModelId, ProviderId};

use super::Turned;
use crate::clock::Clock;
use crate::provider::Provider;
use crate::route::{Entered, Route};

/// What the table said is believed for so long.
const BELIEVED_MS: u64 = 1_000;
/// One router tries for so long, unless it says before that it does not any more.
const CLAIM_MS: u64 = 30_000;

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
        match self.table.route(name, model).await {
            Ok(open) => {
                self.saw(name, model, open.map(|open| open.open_until_ms));
                if let Some(OpenRoute { open_until_ms, level, .. }) = open {
                    route.known().breaker.adopt(open_until_ms, level, self.clock.now_ms());
                }
            }
            Err(error) => out_of_reach(&error),
        }
    }

    /// Whether the one that got in may go on: of those that find out whether a provider is back,
    /// there is one at a time among all routers.
    pub(crate) async fn admits(
        &self,
        provider: &Provider,
        route: &Route,
        entered: &Entered,
    ) -> bool {
        if !entered.is_probe() {
            return true;
        }
        let (name, model, now_ms) = (&provider.name, &route.model.id, self.clock.now_ms());
        match self.table.claim_probe(name, model, now_ms, now_ms + CLAIM_MS).await {
            // One that is closed elsewhere may be asked by anybody.
            Ok(BreakerUpdate::Applied | BreakerUpdate::Refused(None)) => true,
            Ok(BreakerUpdate::Refused(Some(open))) => {
                let until_ms = open.open_until_ms.max(now_ms + BELIEVED_MS);
                route.known().breaker.yield_until(until_ms, now_ms);
                false
            }
            Err(error) => {
                out_of_reach(&error);
                true
            }
        }
    }

    /// Tells the others what a call changed.
    pub(crate) async fn tell(&self, provider: &Provider, route: &Route, turned: Turned) {
        let (name, model) = (&provider.name, &route.model.id);
        let told = match turned {
            Turned::Not => return,
            Turned::Opened { until_ms, level } => {
                self.saw(name, model, Some(until_ms));
                let open = OpenRoute { open_until_ms: until_ms, level, probe_until_ms: None };
                self.table.open_route(name, model, open).await
            }
            Turned::Closed => match self.saw(name, model, None) {
                Some(open_until_ms) => self.table.close_route(name, model, open_until_ms).await,
                None => return,
            },
        };
        if let Err(error) = told {
            out_of_reach(&error);
        }
    }

    /// Until when it is open, as this router knows last; what it knew before.
    fn saw(&self, name: &ProviderId, model: &ModelId, open_until_ms: Option<u64>) -> Option<u64> {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let looked = looked.entry((name.clone(), model.clone())).or_default();
        std::mem::replace(&mut looked.open_until_ms, open_until_ms)
    }
}

fn out_of_reach(error: &TableError) {
    tracing::debug!(error = chain(error), "breakers are not shared");
}
