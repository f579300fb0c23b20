//! Submit: a job, its lanes and what belongs to them in one transaction, or the job that was there.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem,
};
use beacon_core::JobId;
use beacon_core::estimate::Estimate;
use beacon_core::idempotency::IdempotencyKey;
use beacon_core::job::Job;
use beacon_core::price::Prices;
use beacon_core::spec::{Spec, SpecHash};
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::sleep;

use super::item::{Attributes, Item, text};
use super::job::{job_item, json};
use super::key::{self, PK, SK};
use super::lane::lane_item;
use super::spec::StoredSpec;
use super::{Table, TableError, request};

/// Between tries while another submit of the same is under way.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(150), Duration::from_millis(450)];

/// A job to be stored.
#[derive(Debug, Clone)]
pub struct NewJob<'a> {
    /// Its id.
    pub id: JobId,
    /// What it runs.
    pub spec: &'a Spec,
    /// The predecessor's document that it came as.
    pub jobspec: Option<&'a Value>,
    /// The key that the client sent with it.
    pub key: Option<&'a IdempotencyKey>,
    /// What it is thought to use.
    pub estimate: Option<Estimate>,
    /// What its models cost; kept for a job with a `max_cost`.
    pub prices: Option<&'a Prices>,
}

impl<'a> NewJob<'a> {
    /// A job of a specification alone.
    pub fn plain(id: JobId, spec: &'a Spec) -> Self {
        Self { id, spec, jobspec: None, key: None, estimate: None, prices: None }
    }
}

/// What became of a submit.
#[derive(Debug, Clone, PartialEq)]
pub enum Submit {
    /// It is a new job.
    Created(Job),
    /// The id was taken.
    Exists {
        /// The job that has it.
        job: Job,
        /// By the same specification.
        same: bool,
    },
    /// The idempotency key was sent before.
    Repeated {
        /// The job that it was sent with.
        job: Job,
        /// With the same specification.
        same: bool,
    },
}

impl Table {
    /// Stores a job with its lanes in one transaction, unless its id or its key is taken.
    pub async fn submit(&self, new: NewJob<'_>, now: Timestamp) -> Result<Submit, TableError> {
        let NewJob { id, spec, jobspec, key, estimate, prices } = new;
        let stored = StoredSpec::of(&id, spec)?;
        let mut units = self.put_spec(&id, &stored).await?;
        let hash = stored.hash.clone();
        let chunks = u16::try_from(stored.chunks.len()).unwrap_or(u16::MAX);
        let mut job = Job::new(id, spec, stored.hash, chunks, now);
        job.has_jobspec = jobspec.is_some();
        job.estimate = estimate;
        let mut items = vec![self.put_if_absent(job_item(&job)?)?];
        for lane in Job::lanes(spec, now) {
            items.push(self.put(lane_item(&job.id, &lane))?);
        }
        if let Some(jobspec) = jobspec {
            items.push(self.put(jobspec_item(&job.id, jobspec)?)?);
        }
        if let Some(prices) = prices.filter(|_| job.max_cost.is_some()) {
            items.push(self.put(prices_item(&job.id, prices)?)?);
        }
        if let Some(key) = key {
            items.push(self.put_if_absent(key_item(key, &job.id))?);
        }
        let mut pauses = PAUSES.into_iter();
        loop {
            let submit = self
                .client
                .transact_write_items()
                .set_transact_items(Some(items.clone()))
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let error = match submit.send().await {
                Ok(done) => {
                    let capacity = done.consumed_capacity().iter();
                    units += capacity.map(|of| super::units(Some(of))).sum::<f64>();
                    self.meter.begin(&job.id, units);
                    return Ok(Submit::Created(job));
                }
                Err(error) => error.into_service_error(),
            };
            if !matches!(error, TransactWriteItemsError::TransactionCanceledException(_)) {
                return Err(request("store a job", error));
            }
            if let Some(existing) = self.existing(&job.id, key, &hash).await? {
                return Ok(existing);
            }
            // Another submit of the same is under way, and whether it succeeds is not known yet.
            let Some(pause) = pauses.next() else { return Err(request("store a job", error)) };
            sleep(pause).await;
        }
    }

    /// The job that has the key or the id; none while another submit may be storing it.
    async fn existing(
        &self,
        id: &JobId,
        key: Option<&IdempotencyKey>,
        hash: &SpecHash,
    ) -> Result<Option<Submit>, TableError> {
        if let Some(key) = key
            && let Some(other) = self.job_of_key(key).await?
            && let Some(job) = self.job(&other).await?
        {
            let same = job.spec_hash == *hash;
            return Ok(Some(Submit::Repeated { job, same }));
        }
        let Some(job) = self.job(id).await? else { return Ok(None) };
        let same = job.spec_hash == *hash;
        if let Some(key) = key.filter(|_| same) {
            self.put_key(key, id).await?;
        }
        Ok(Some(Submit::Exists { job, same }))
    }

    /// Lets a key that came with a job that was there before mean that job from here on.
    async fn put_key(&self, key: &IdempotencyKey, job: &JobId) -> Result<(), TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(key_item(key, job)))
            .condition_expression("attribute_not_exists(pk)");
        match put.send().await.map_err(SdkError::into_service_error) {
            Ok(_) | Err(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
            Err(error) => Err(request("store an idempotency key", error)),
        }
    }

    async fn job_of_key(&self, key: &IdempotencyKey) -> Result<Option<JobId>, TableError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(PK, text(key::idempotency(key)))
            .key(SK, text(key::KEY))
            .consistent_read(true);
        let get = get.send().await.map_err(|error| request("read an idempotency key", error))?;
        get.item.as_ref().map(|item| Item(item).required("job")).transpose()
    }

    /// The predecessor's document that a job came as.
    pub async fn jobspec(&self, job: &JobId) -> Result<Option<Value>, TableError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(PK, text(key::job(job)))
            .key(SK, text(key::JOBSPEC))
            .consistent_read(true);
        let get = get.send().await.map_err(|error| request("read a job's document", error))?;
        let Some(attributes) = get.item else { return Ok(None) };
        let item = Item(&attributes);
        let document = serde_json::from_str(&item.text("document")?);
        document.map(Some).map_err(|_not_json| item.corrupt("document"))
    }

    /// What a job's models cost; none where the job may cost anything, which takes no read.
    pub async fn prices(&self, job: &Job) -> Result<Option<Prices>, TableError> {
        if job.max_cost.is_none() {
            return Ok(None);
        }
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(PK, text(key::job(&job.id)))
            .key(SK, text(key::PRICES))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let get = get.send().await.map_err(|error| request("read a job's prices", error))?;
        self.read(&job.id, get.consumed_capacity());
        let item = get.item.unwrap_or_default();
        let prices = Item(&item).optional_json("prices")?;
        prices.map(Some).ok_or_else(|| Item(&item).corrupt("prices"))
    }

    fn put(&self, item: Attributes) -> Result<TransactWriteItem, TableError> {
        let put = Put::builder().table_name(&self.name).set_item(Some(item)).build();
        let put = put.map_err(|error| request("store a job", error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn put_if_absent(&self, item: Attributes) -> Result<TransactWriteItem, TableError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::None);
        let put = put.build().map_err(|error| request("store a job", error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

fn jobspec_item(job: &JobId, document: &Value) -> Result<Attributes, TableError> {
    let entry = |name: &str, value: AttributeValue| (name.to_owned(), value);
    Ok(Attributes::from([
        entry(PK, text(key::job(job))),
        entry(SK, text(key::JOBSPEC)),
        entry("document", text(json(job, document)?)),
    ]))
}

fn prices_item(job: &JobId, prices: &Prices) -> Result<Attributes, TableError> {
    let entry = |name: &str, value: AttributeValue| (name.to_owned(), value);
    Ok(Attributes::from([
        entry(PK, text(key::job(job))),
        entry(SK, text(key::PRICES)),
        entry("prices", text(json(job, prices)?)),
    ]))
}

fn key_item(key: &IdempotencyKey, job: &JobId) -> Attributes {
    let entry = |name: &str, value: AttributeValue| (name.to_owned(), value);
    Attributes::from([
        entry(PK, text(key::idempotency(key))),
        entry(SK, text(key::KEY)),
        entry("job", text(job.as_str())),
    ])
}
