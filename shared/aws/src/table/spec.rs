//! Specifications: compressed, split into items, keyed by their hash.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use beacon_core::JobId;
use beacon_core::job::Job;
use beacon_core::spec::{Spec, SpecHash};

use super::item::{Item, bytes, text};
use super::key::{self, PK, SK};
use super::{Table, TableError, request, units};

/// Bytes of a chunk; an item holds 400 KB at most.
const CHUNK: usize = 350 * 1024;
/// A favourable balance of time and size.
const LEVEL: i32 = 3;

/// A specification in the form in which it is stored.
#[derive(Debug, Clone)]
pub(super) struct StoredSpec {
    pub(super) hash: SpecHash,
    pub(super) chunks: Vec<Vec<u8>>,
}

impl StoredSpec {
    pub(super) fn of(job: &JobId, spec: &Spec) -> Result<Self, TableError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| TableError::Spec {
            job: job.clone(),
            act: "written",
            source,
        };
        let json = serde_json::to_vec(spec).map_err(|error| failed(Box::new(error)))?;
        let compressed =
            zstd::encode_all(json.as_slice(), LEVEL).map_err(|error| failed(Box::new(error)))?;
        let chunks = compressed.chunks(CHUNK).map(<[u8]>::to_vec).collect();
        Ok(Self { hash: SpecHash::of(&json), chunks })
    }
}

impl Table {
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
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| TableError::Spec {
            job: job.id.clone(),
            act: "read",
            source,
        };
        let json =
            zstd::decode_all(compressed.as_slice()).map_err(|error| failed(Box::new(error)))?;
        serde_json::from_slice(&json).map_err(|error| failed(Box::new(error)))
    }
}
