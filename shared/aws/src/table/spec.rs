//! Specifications: compressed, split into items, keyed by their hash.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use beacon_core::JobId;
use beacon_core::job::Job;
use beacon_core::lane::Lane;
use beacon_core::spec::{Spec, SpecHash};
use beacon_core::view::Source;

use super::item::{Item, bytes, text};
use super::key::{self, PK, SK};
use super::packed::{PART, compress, unpack};
use super::{Table, TableError, request, units};

/// A specification in the form in which it is stored.
#[derive(Debug, Clone)]
pub(super) struct StoredSpec {
    pub(super) hash: SpecHash,
    pub(super) chunks: Vec<Vec<u8>>,
}

impl StoredSpec {
    pub(super) fn of(job: &JobId, spec: &Spec) -> Result<Self, TableError> {
        let failed = |source| TableError::Spec { job: job.clone(), act: "written", source };
        let json = serde_json::to_vec(spec).map_err(|error| failed(error.into()))?;
        let chunks = compress(&json).map_err(failed)?.chunks(PART).map(<[u8]>::to_vec).collect();
        Ok(Self { hash: SpecHash::of(&json), chunks })
    }
}

/// A job with all that its executions are shown from but their rows.
#[derive(Debug, Clone, PartialEq)]
pub struct SpecifiedJob {
    /// The job.
    pub job: Job,
    /// Its lanes.
    pub lanes: Vec<Lane>,
    /// What it asks.
    pub spec: Spec,
}

impl SpecifiedJob {
    /// What views of its pairs are made from.
    pub fn source(&self) -> Source<'_> {
        Source { job: &self.job, lanes: &self.lanes, spec: &self.spec }
    }
}

impl Table {
    /// Reads a job, its lanes and its specification, strongly.
    pub async fn specified_job(&self, job: &JobId) -> Result<Option<SpecifiedJob>, TableError> {
        let Some((job, lanes)) = self.job_and_lanes(job).await? else { return Ok(None) };
        let spec = self.spec(&job).await?;
        Ok(Some(SpecifiedJob { job, lanes, spec }))
    }

    /// Writes the chunks. They are keyed by their hash, so the loser of a race overwrites nothing
    /// that differs.
    ///
    /// Returns the write units used.
    pub(super) async fn put_spec(&self, job: &JobId, spec: &StoredSpec) -> Result<f64, TableError> {
        let mut used = 0.0;
        for (chunk, content) in (0_u16..).zip(&spec.chunks) {
            let put = self
                .client
                .put_item()
                .table_name(&self.name)
                .item(PK, text(key::job(job)))
                .item(SK, text(key::spec(&spec.hash, chunk)))
                .item("chunk", bytes(content.clone()))
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let put = put.send().await.map_err(|error| request("store a specification", error))?;
            used += units(put.consumed_capacity());
        }
        Ok(used)
    }

    /// Reads a job's specification.
    pub async fn spec(&self, job: &Job) -> Result<Spec, TableError> {
        let mut compressed = Vec::new();
        for chunk in 0..job.spec_chunks {
            let get = self
                .client
                .get_item()
                .table_name(&self.name)
                .key(PK, text(key::job(&job.id)))
                .key(SK, text(key::spec(&job.spec_hash, chunk)))
                .consistent_read(true)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let get = get.send().await.map_err(|error| request("read a specification", error))?;
            self.read(&job.id, get.consumed_capacity());
            let item = get.item.unwrap_or_default();
            let chunk = item.get("chunk").and_then(|chunk| chunk.as_b().ok());
            let chunk = chunk.ok_or_else(|| Item(&item).corrupt("chunk"))?;
            compressed.extend_from_slice(chunk.as_ref());
        }
        let failed = |source| TableError::Spec { job: job.id.clone(), act: "read", source };
        unpack(&compressed).map_err(failed)
    }
}
