//! Work lists of lanes in the runs after the first, and the rows that they are planned from.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use beacon_core::lane::{StoredRows, WorkList};
use beacon_core::{JobId, LaneId, Region, Run};

use super::item::{Item, bytes, text};
use super::key::{self, PK, SK};
use super::{Table, TableError, request};

impl Table {
    /// Stores a lane's work list of a run, the first that is planned: it was made of the rows as they
    /// were while the lane was closed, which one that is planned late may not be.
    pub async fn put_work(
        &self,
        job: &JobId,
        lane: &LaneId,
        run: Run,
        work: &WorkList,
    ) -> Result<(), TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item(PK, text(key::job(job)))
            .item(SK, text(key::work(lane, run)))
            .item("work", bytes(work.encode()))
            .condition_expression("attribute_not_exists(pk)")
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match put.send().await {
            Ok(done) => {
                self.wrote(job, done.consumed_capacity());
                Ok(())
            }
            Err(error) => {
                let error = error.into_service_error();
                let PutItemError::ConditionalCheckFailedException(_) = error else {
                    return Err(request("store a work list", error));
                };
                self.meter.write(job, 1.0);
                Ok(())
            }
        }
    }

    /// Reads a lane's work list; none in a job's first run, which asks all questions.
    pub async fn work(
        &self,
        job: &JobId,
        lane: &LaneId,
        run: Run,
    ) -> Result<Option<WorkList>, TableError> {
        if run == Run::FIRST {
            return Ok(None);
        }
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(PK, text(key::job(job)))
            .key(SK, text(key::work(lane, run)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let get = get.send().await.map_err(|error| request("read a work list", error))?;
        self.read(job, get.consumed_capacity());
        let item = get.item.unwrap_or_default();
        let work = item.get("work").and_then(|work| WorkList::decode(work.as_b().ok()?.as_ref()));
        work.map(Some).ok_or_else(|| Item(&item).corrupt("work"))
    }

    /// What counts of a region's rows, strongly.
    pub async fn rows_of_region(
        &self,
        job: &JobId,
        region: &Region,
    ) -> Result<StoredRows, TableError> {
        let mut rows = StoredRows::new();
        self.for_each_status(job, region, |row| {
            rows.insert((row.question, row.model, row.sample), row.counted);
        })
        .await?;
        Ok(rows)
    }
}
