//! What a job may cost, as a worker keeps it.

use beacon_aws::TableError;
use beacon_core::job::cost_limit;
use beacon_core::message::QuestionMessage;
use tracing::info;

use crate::Inference;

impl Inference {
    /// A question that comes when the job has spent what it may ends the job instead of being asked:
    /// the gate then finds its lane closed or marked. The lane's question before is counted by then,
    /// so that each lane has at most one question out that the others do not know of.
    pub(crate) async fn end_at_cost_limit(
        &self,
        message: &QuestionMessage,
    ) -> Result<(), TableError> {
        let QuestionMessage { job_id, run, lane, limit, .. } = message;
        let Some(limit) = limit else { return Ok(()) };
        let Some((job, lanes)) = self.table.job_and_lanes(job_id).await? else { return Ok(()) };
        let Some(cause) = cost_limit(limit.max_cost, &lanes) else { return Ok(()) };
        if let Some(reason) = self.end_now(message, &cause).await? {
            if job.ending.is_none() {
                info!(%job_id, %run, %lane, %reason, "the job is stopped");
            }
            // Whoever decided it may have died before all lanes were closed.
            self.close(message, &reason).await?;
        }
        Ok(())
    }
}
