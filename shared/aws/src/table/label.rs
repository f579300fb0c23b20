//! A person's verdict on one execution, stored together with the wish for findings that count it.

use std::time::Duration;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use beacon_core::ExecutionId;
use beacon_core::job::Job;
use beacon_core::verdict::Label;
use tokio::time::sleep;

use super::analysis::AnalysisAsked;
use super::item::text;
use super::job::json;
use super::key::{self, PK, SK};
use super::{Table, TableError, request};

const ACT: &str = "store a label";
/// Between tries while others label the same job, or its analysis begins or ends.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(80),
    Duration::from_millis(300),
    Duration::from_millis(900),
];

impl Table {
    /// Stores a person's verdict on one execution beside the classifier's, or takes it back, and asks for
    /// an analysis, both in one write: findings without the label are always due to be made anew. The
    /// label given last stands. Of a job that is not final nothing is written. Whether there is such an
    /// execution, and a text in it, is the caller's to know.
    pub async fn label(
        &self,
        id: &ExecutionId,
        label: Option<&Label>,
    ) -> Result<AnalysisAsked, TableError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let Some(seen) = self.job(&id.job).await? else { return Ok(AnalysisAsked::NoSuchJob) };
            if !seen.status.is_final() {
                return Ok(AnalysisAsked::NotFinal(seen.status));
            }
            let write = self
                .client
                .transact_write_items()
                .transact_items(self.labelled(id, label)?)
                .transact_items(self.asked_with(&seen)?);
            let error = match write.send().await {
                Ok(_) => {
                    self.writes.answered();
                    return Ok(AnalysisAsked::Asked(seen.run));
                }
                Err(error) => error.into_service_error(),
            };
            if !is_contended(&error) {
                self.writes.failed();
                return Err(request(ACT, error));
            }
            // The job is another by now, or another transaction is at it.
            self.writes.answered();
            let Some(pause) = pauses.next() else { return Err(request(ACT, error)) };
            sleep(pause).await;
        }
    }

    fn labelled(
        &self,
        id: &ExecutionId,
        label: Option<&Label>,
    ) -> Result<TransactWriteItem, TableError> {
        let (pk, sk) = key::label(id);
        let put = Put::builder().table_name(&self.name).item(PK, text(pk)).item(SK, text(sk));
        // Taken back, the item stays, without it.
        let put = match label {
            Some(label) => put.item("label", text(json(&id.job, label)?)),
            None => put,
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(unbuilt)?).build())
    }

    fn asked_with(&self, seen: &Job) -> Result<TransactWriteItem, TableError> {
        let asking = self.asking(seen);
        let asking = asking.as_input();
        let update = Update::builder()
            .table_name(&self.name)
            .set_key(asking.get_key().clone())
            .set_update_expression(asking.get_update_expression().clone())
            .set_condition_expression(asking.get_condition_expression().clone())
            .set_expression_attribute_names(asking.get_expression_attribute_names().clone())
            .set_expression_attribute_values(asking.get_expression_attribute_values().clone());
        Ok(TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build())
    }
}

/// Whether a transaction was only too late: another one was at one of its items, or a condition did not hold.
fn is_contended(error: &TransactWriteItemsError) -> bool {
    let TransactWriteItemsError::TransactionCanceledException(canceled) = error else {
        return false;
    };
    let codes = canceled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    let mut codes = codes.filter(|code| *code != "None");
    codes.all(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict"))
}

fn unbuilt(error: BuildError) -> TableError {
    request(ACT, error)
}
