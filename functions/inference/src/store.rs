//! An answer becomes its row.

use std::time::Duration;

use beacon_aws::{ResultWrite, TableError, chain};
use beacon_core::cloudwatch::Figure;
use beacon_core::execution::{Ending, ExecutionRow, Served, StoredRow};
use beacon_core::failure::{Failure, FailureCode, Stage};
use beacon_core::{ExecutionId, QuestionId, time_budget};
use tokio::time::{Instant, sleep};
use tracing::{error, warn};

use crate::Inference;
use crate::question::WorkError;

/// Between two tries to store an answer.
const STORE_PAUSE: Duration = Duration::from_millis(500);

impl Inference {
    /// Stores an answer that is there, whoever holds the lane now: it would be asked, and paid,
    /// for again. Says how many writes failed on the way.
    pub(crate) async fn store(
        &self,
        question_id: &QuestionId,
        id: &ExecutionId,
        row: &ExecutionRow,
    ) -> Result<(StoredRow, u32), WorkError> {
        let ExecutionId { job: job_id, region, model: model_id, .. } = id;
        let until = Instant::now() + time_budget::STORE;
        let mut failed = 0;
        loop {
            match self.table.put_result(id, row).await {
                Ok(write) => {
                    if let ResultWrite::Stored(_) = write {
                        self.record_if_open(question_id, id, row).await;
                    }
                    self.record_if_dropped(question_id, id, row, &write).await;
                    return Ok((write.stored(), failed));
                }
                Err(error @ TableError::NotStorable { .. }) => {
                    error!(
                        %job_id, run = %row.run, %region, %model_id, %question_id,
                        holder = %row.holder, execution_id = %id, error = chain(&error),
                        "a row was refused"
                    );
                    let write = self.table.put_result(id, &not_storable(row)).await?;
                    return Ok((write.stored(), failed + 1));
                }
                Err(error @ TableError::Request { .. }) if Instant::now() < until => {
                    warn!(
                        %job_id, run = %row.run, %region, %model_id, %question_id,
                        holder = %row.holder, execution_id = %id, error = chain(&error),
                        "a result is stored again"
                    );
                    failed += 1;
                    sleep(STORE_PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A call whose fate is not known is kept in mind.
    async fn record_if_open(&self, question_id: &QuestionId, id: &ExecutionId, row: &ExecutionRow) {
        let ExecutionId { job: job_id, region, model: model_id, .. } = id;
        if let Err(error) = self.table.bill(id, row).await {
            warn!(
                %job_id, run = %row.run, %region, %model_id, %question_id, holder = %row.holder,
                execution_id = %id, error = chain(&error),
                "a call that may be billed was not kept in mind"
            );
        }
    }

    /// An answer that came after another holder's row is logged and counted.
    async fn record_if_dropped(
        &self,
        question_id: &QuestionId,
        id: &ExecutionId,
        row: &ExecutionRow,
        write: &ResultWrite,
    ) {
        let (ResultWrite::Dropped { stored, holder }, Ending::Completed(_)) = (write, &row.ending)
        else {
            return;
        };
        self.table.metrics().tell(&[Figure::LateResultsDropped(1)], self.clock.now());
        let stored = &stored.counted;
        let ExecutionId { job: job_id, region, model: model_id, .. } = id;
        warn!(
            %job_id, run = %row.run, %region, %model_id, %question_id, holder = %row.holder,
            execution_id = %id, stored_run = %stored.run, stored_status = %stored.status,
            stored_holder = %holder,
            "late result dropped"
        );
        if let Err(error) = self.table.put_late_result(id, row, stored, holder).await {
            warn!(
                %job_id, run = %row.run, %region, %model_id, %question_id, holder = %row.holder,
                execution_id = %id, error = chain(&error),
                "a late result was not counted"
            );
        }
    }
}

/// In place of a row that the table does not take: that there was an answer, and that it is lost.
fn not_storable(row: &ExecutionRow) -> ExecutionRow {
    let failure = Failure {
        stage: Stage::Worker,
        code: FailureCode::ResultNotStorable,
        message: "the table does not take the row that the answer would be".to_owned(),
        retryable: false,
        maybe_billed: true,
        provider_id: row.served.provider_id.clone(),
        http_status: None,
        attempts: row.attempts,
    };
    let simulated = row.served.simulated;
    let provider_id = row.served.provider_id.clone();
    ExecutionRow {
        ending: Ending::Failed(failure),
        // Of what is not known the job must know that it is not nothing.
        maybe_billed: row.maybe_billed + u32::from(row.cost.is_none()),
        served: Served { provider_id, simulated, ..Served::default() },
        provider_receipt: None,
        ..row.clone()
    }
}
