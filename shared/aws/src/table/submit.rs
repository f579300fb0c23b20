//! Submit: a job, its lanes and what belongs to them in one transaction, or the job that was there.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem,
};
use beacon_core::JobId;
use beacon_core::idempotency::IdempotencyKey;
use beacon_core::job::Job;
use beacon_core::spec::{Spec, SpecHash};
use jiff::Timestamp;
use serde_json::Value;

use super::item::{Attributes, Item, text};
use super::job::{job_item, json};
use super::key::{self, PK, SK};
use super::lane::lane_item;
use super::spec::StoredSpec;
use super::{Table, TableError, request};

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
}

impl<'a> NewJob<'a> {
    /// A job of a specification alone.
    pub fn plain(id: JobId, spec: &'a Spec) -> Self {
        Self { id, spec, jobspec: None, key: None }
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
        let NewJob { id, spec, jobspec, key } = new;
        let stored = StoredSpec::of(&id, spec)?;
        let mut units = self.put_spec(&id, &stored).await?;
        let hash = stored.hash.clone();
        let chunks = u16::try_from(stored.chunks.len()).unwrap_or(u16::MAX);
        let mut job = Job::new(id, spec, stored.hash, chunks, now);
        job.has_jobspec = jobspec.is_some();
        let mut items = vec![self.put_if_absent(job_item(&job)?)?];
        for lane in Job::lanes(spec, now) {
            items.push(self.put(lane_item(&job.id, &lane))?);
        }
        if let Some(jobspec) = jobspec {
            items.push(self.put(jobspec_item(&job.id, jobspec)?)?);
        }
        if let Some(key) = key {
            items.push(self.put_if_absent(key_item(key, &job.id))?);
        }
        let submit = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match submit.send().await {
            Ok(done) => {
                units +=
                    done.consumed_capacity().iter().map(|of| super::units(Some(of))).sum::<f64>();
                self.meter.begin(&job.id, units);
                Ok(Submit::Created(job))
            }
            Err(error) => self.existing(&job.id, key, &hash, error.into_service_error()).await,
        }
    }

    /// The job that has the key or the id, or why the transaction was cancelled.
    async fn existing(
        &self,
        id: &JobId,
        key: Option<&IdempotencyKey>,
        hash: &SpecHash,
        error: TransactWriteItemsError,
    ) -> Result<Submit, TableError> {
        if !matches!(error, TransactWriteItemsError::TransactionCanceledException(_)) {
            return Err(request("store a job", error));
        }
        // Read anew: two submits at once conflict without saying which of them won.
        if let Some(key) = key
            && let Some(other) = self.job_of_key(key).await?
            && let Some(job) = self.job(&other).await?
        {
            let same = job.spec_hash == *hash;
            return Ok(Submit::Repeated { job, same });
        }
        let job = self.job(id).await?.ok_or_else(|| request("store a job", error))?;
        let same = job.spec_hash == *hash;
        Ok(Submit::Exists { job, same })
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

fn key_item(key: &IdempotencyKey, job: &JobId) -> Attributes {
    let entry = |name: &str, value: AttributeValue| (name.to_owned(), value);
    Attributes::from([
        entry(PK, text(key::idempotency(key))),
        entry(SK, text(key::KEY)),
        entry("job", text(job.as_str())),
    ])
}
