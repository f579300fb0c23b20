//! Calls whose fate was not known when their rows were written: items beside the rows.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use beacon_core::bill::{Bill, Fate};
use beacon_core::{JobId, Run};

use super::item::{Attributes, Item, number, text, time, variant_name};
use super::key::{self, PK, SK};
use super::schema::{CREATED_AT, OPEN_SHARD};
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
        let put = match bill.fate {
            Fate::Unknown => put
                .item(OPEN_SHARD, text(key::open_bill_shard(bill.key.as_str())))
                .item(CREATED_AT, time(bill.at)),
            Fate::Forgotten | Fate::GivenUp | Fate::Answered | Fate::NotSent => put,
        };
        let done = put.send().await.map_err(|error| request("store a bill", error))?;
        self.wrote(job, done.consumed_capacity());
        Ok(())
    }

    /// The calls of a job whose fate was not known, as far as it is by now, at most `limit`.
    pub async fn bills(&self, job: &JobId, limit: usize) -> Result<Vec<Bill>, TableError> {
        let query = self.beginning(key::job(job), key::BILLS);
        let mut items = query.into_paginator().items().send();
        let mut bills = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| request("read the bills", error))?;
            bills.push(bill_of(&item)?);
            if bills.len() == limit {
                break;
            }
        }
        Ok(bills)
    }

    /// Calls of all jobs whose fate is not known, as far as the index has caught up: of each shard
    /// the oldest or the newest, at most `limit`. Each is then read from the table itself.
    pub async fn open_bills(
        &self,
        oldest_first: bool,
        limit: usize,
    ) -> Result<Vec<OpenBill>, TableError> {
        let mut bills = Vec::new();
        for shard in 0..key::OPEN_SHARDS {
            let open = self.open_in(key::open_bills(shard), oldest_first, limit).await?;
            bills.extend(open.into_iter().map(|(job, sk)| OpenBill { job, sk }));
        }
        Ok(bills)
    }

    /// Reads an open bill strongly; none where its fate is known by now.
    pub async fn open_bill(&self, open: &OpenBill) -> Result<Option<Bill>, TableError> {
        let get = self.client.get_item().table_name(&self.name);
        let get = get.key(PK, text(key::job(&open.job))).key(SK, text(open.sk.as_str()));
        let get = get.consistent_read(true).send().await;
        let get = get.map_err(|error| request("read a bill", error))?;
        let bill = get.item.as_ref().map(bill_of).transpose()?;
        Ok(bill.filter(|bill| bill.fate == Fate::Unknown))
    }
}

/// Where a call stands whose fate was not known to the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenBill {
    /// Whose call it is.
    pub job: JobId,
    sk: String,
}

fn bill_of(item: &Attributes) -> Result<Bill, TableError> {
    let item = Item(item);
    Ok(Bill {
        key: item.required("key")?,
        run: Run(item.number("run")?),
        at: item.time("at")?,
        fate: item.variant::<Fate>("fate")?,
    })
}
