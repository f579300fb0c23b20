//! Calls whose fate was not known when their rows were written: the router is asked.

use std::time::Duration;

use beacon_aws::{OpenBill, Request, TableError, call_view};
use beacon_core::bill::{Bill, Fate, fate};
use beacon_core::reconcile::Pass;
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};
use tracing::info;

use crate::{ReconcileError, Reconciler};

/// Bills of a shard of their index that are looked at in one pass.
const BILLS: usize = 100;
/// Asked at a time.
const AT_A_TIME: usize = 16;
/// How long the router may take to tell.
const LOOK_UP: Duration = Duration::from_secs(2);
/// A router remembers a call for a day; after this one none of them will tell.
const REMEMBERED: Duration = Duration::from_secs(25 * 60 * 60);

impl Reconciler {
    /// Asks the router for calls whose fate is not known, until the pass is over. The rows stay as
    /// they are. Every second minute begins with the newest, so that those of which no router tells
    /// do not keep the others waiting.
    pub(crate) async fn resolve_bills(
        &self,
        time: Timestamp,
        until: Instant,
        pass: &mut Pass,
    ) -> Result<(), ReconcileError> {
        let oldest_first = (time.as_second() / 60) % 2 == 0;
        let bills = self.table.open_bills(oldest_first, BILLS).await?;
        let asked = bills.into_iter().map(|open| self.resolve(open));
        let mut asked = stream::iter(asked).buffer_unordered(AT_A_TIME);
        let mut result = Ok(());
        while let Ok(Some(resolved)) = timeout_at(until, asked.next()).await {
            match resolved {
                Ok(Resolved::Known) => pass.resolved += 1,
                Ok(Resolved::Nothing) => {}
                // Nor will it answer for the others.
                Ok(Resolved::Unanswered) => break,
                Err(error) => result = result.and(Err(error.into())),
            }
        }
        result
    }

    async fn resolve(&self, open: OpenBill) -> Result<Resolved, TableError> {
        let Some(bill) = self.table.open_bill(&open).await? else { return Ok(Resolved::Nothing) };
        let job_id = &open.job;
        let look = Request::Look { key: bill.key.as_str() };
        let view = call_view(&*self.link, look, LOOK_UP).await;
        let told = view.as_ref().ok().and_then(|view| fate(view.as_ref()?, bill.at));
        let told = told.filter(|fate| *fate != Fate::Unknown);
        let too_old = self.clock.now() > bill.at + REMEMBERED;
        let Some(fate) = told.or(too_old.then_some(Fate::Forgotten)) else {
            return Ok(if view.is_ok() { Resolved::Nothing } else { Resolved::Unanswered });
        };
        info!(%job_id, key = %bill.key, ?fate, "what became of a call is known");
        self.table.put_bill(job_id, &Bill { fate, ..bill }).await?;
        Ok(Resolved::Known)
    }
}

/// What asking for one came to.
enum Resolved {
    Known,
    /// Nothing new.
    Nothing,
    /// The router did not answer.
    Unanswered,
}
