//! Putting an item on a condition, where what stands in its way is as good.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure};
use beacon_core::JobId;

use super::item::Attributes;
use super::{Table, TableError, request};

/// What became of it.
pub(super) enum Put {
    Stored,
    /// Its condition did not hold; the item that is there.
    Refused(Attributes),
}

impl Table {
    pub(super) async fn put_if(
        &self,
        job: &JobId,
        put: PutItemFluentBuilder,
        act: &'static str,
    ) -> Result<Put, TableError> {
        let put = put
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match put.send().await {
            Ok(done) => {
                self.wrote(job, done.consumed_capacity());
                Ok(Put::Stored)
            }
            Err(error) => {
                let error = error.into_service_error();
                let PutItemError::ConditionalCheckFailedException(refusal) = error else {
                    return Err(request(act, error));
                };
                Ok(Put::Refused(refusal.item.unwrap_or_default()))
            }
        }
    }
}
