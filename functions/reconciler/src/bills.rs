//! Calls whose fate was not known when their rows were written: the router is asked.

use std::time::Duration;

use beacon_aws::{Request, TableError};
use beacon_core::JobId;
use beacon_core::bill::{Bill, Fate, fate};
use beacon_core::reconcile::Pass;
use futures_util::stream::{self, StreamExt};
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
    /// Asks the router for calls whose fate is not known, the oldest first and until the pass is
    /// over. The rows stay as they are.
    pub(crate) async fn resolve_bills(
        &self,
        until: Instant,
        pass: &mut Pass,
    ) -> Result<(), ReconcileError> {
        let bills = self.table.open_bills(BILLS).await?;
        let asked = bills.into_iter().map(|(job_id, bill)| self.resolve(job_id, bill));
        let mut asked = stream::iter(asked).buffer_unordered(AT_A_TIME);
        while let Ok(Some(resolved)) = timeout_at(until, asked.next()).await {
            match resolved? {
                Resolved::Known => pass.resolved += 1,
                Resolved::StillUnknown => {}
                // Nor will it answer for the others.
                Resolved::Unanswered => break,
            }
        }
        Ok(())
    }

    async fn resolve(&self, job_id: JobId, bill: Bill) -> Result<Resolved, TableError> {
        let look = Request::Look { key: bill.key.as_str() };
        let answer = self.link.send(look, LOOK_UP).await;
        let told = answer.as_ref().ok().and_then(|answer| {
            let view = serde_json::from_slice(&answer.body).ok()?;
            fate(&view, bill.at).filter(|fate| *fate != Fate::Unknown)
        });
        let too_old = self.clock.now() > bill.at + REMEMBERED;
        let Some(fate) = told.or(too_old.then_some(Fate::Forgotten)) else {
            return Ok(if answer.is_ok() { Resolved::StillUnknown } else { Resolved::Unanswered });
        };
        info!(%job_id, key = %bill.key, ?fate, "what became of a call is known");
        self.table.put_bill(&job_id, &Bill { fate, ..bill }).await?;
        Ok(Resolved::Known)
    }
}

/// What asking for one came to.
enum Resolved {
    Known,
    StillUnknown,
    Unanswered,
}
