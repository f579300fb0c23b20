//! Calls whose fate was not known when their rows were written: items beside the rows.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use beacon_core::bill::{Bill, Fate};
use beacon_core::{JobId, Run};

use super::item::{Item, number, text, time, variant_name};
use super::key::{self, PK, SK};
use super::{Table, TableError, request};

impl Table {
    /// Stores a call's fate as far as it is known; the one told last stands.
    pub async fn put_bill(&self, job: &JobId, bill: &Bill) -> Result<(), TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item(PK, text(key::job(job)))
            .item(SK, text(key::bill(bill.key.as_str())))
            .item("key", text(bill.key.as_str()))
            .item("run", number(bill.run))
            .item("at", time(bill.at))
            .item("fate", text(variant_name(&bill.fate)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let done = put.send().await.map_err(|error| request("store a bill", error))?;
        self.wrote(job, done.consumed_capacity());
        Ok(())
    }

    /// The calls of a job whose fate was not known, as far as it is by now, at most `limit`.
    pub async fn bills(&self, job: &JobId, limit: usize) -> Result<Vec<Bill>, TableError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :bills)")
            .expression_attribute_values(":pk", text(key::job(job)))
            .expression_attribute_values(":bills", text(key::BILLS))
            .consistent_read(true);
        let mut items = query.into_paginator().items().send();
        let mut bills = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| request("read the bills", error))?;
            let item = Item(&item);
            bills.push(Bill {
                key: item.required("key")?,
                run: Run(item.number("run")?),
                at: item.time("at")?,
                fate: item.variant::<Fate>("fate")?,
            });
            if bills.len() == limit {
                break;
            }
        }
        Ok(bills)
    }
}
