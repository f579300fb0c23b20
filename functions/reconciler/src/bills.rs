//! Calls whose fate was not known when their rows were written: the router is asked.

use std::time::Duration;

use beacon_aws::Request;
use beacon_core::JobId;
use beacon_core::bill::{Bill, Fate, fate};
use beacon_core::lane::Lane;
use beacon_core::reconcile::Pass;
use tracing::info;

use crate::{ReconcileError, Reconciler};

/// Bills of a job that are looked at in one pass.
const BILLS: usize = 200;
/// How long the router may take to tell.
const LOOK_UP: Duration = Duration::from_secs(2);

impl Reconciler {
    /// Asks the router for the calls of a job whose fate is not known. The rows stay as they are.
    pub(crate) async fn resolve_bills(
        &self,
        job_id: &JobId,
        lanes: &[Lane],
        pass: &mut Pass,
    ) -> Result<(), ReconcileError> {
        if lanes.iter().all(|lane| lane.breakdown.maybe_billed == 0) {
            return Ok(());
        }
        let bills = self.table.bills(job_id, BILLS).await?;
        for bill in bills.into_iter().filter(|bill| bill.fate == Fate::Unknown) {
            let told = self.ask(&bill).await;
            if let Some(fate) = told.filter(|fate| *fate != Fate::Unknown) {
                info!(%job_id, key = %bill.key, ?fate, "what became of a call is known");
                self.table.put_bill(job_id, &Bill { fate, ..bill }).await?;
                pass.resolved += 1;
            }
        }
        Ok(())
    }

    async fn ask(&self, bill: &Bill) -> Option<Fate> {
        let look = Request::Look { key: bill.key.as_str() };
        let answer = self.link.send(look, LOOK_UP).await.ok()?;
        let view = serde_json::from_slice(&answer.body).ok()?;
        fate(&view, bill.at)
    }
}
