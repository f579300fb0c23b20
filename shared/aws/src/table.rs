//! The table: every request to it, each one a condition of its own.

mod analysis;
mod bill;
mod execution;
mod findings;
mod item;
mod job;
mod key;
mod label;
mod lane;
mod list;
mod nonce;
mod packed;
mod pass;
mod put;
mod query;
mod root;
mod route;
mod router_call;
pub mod schema;
mod sealed;
mod session;
mod signer;
mod spec;
mod submit;
mod superseded;
mod verdict;
mod work;
mod writes;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::ConsumedCapacity;
use beacon_core::JobId;
use thiserror::Error;

pub use analysis::{AnalysisAsked, AnalysisHeld};
pub use bill::OpenBill;
pub use execution::{ResultWrite, StoredStatus};
pub use findings::StoredAnalysis;
pub use job::{JobUpdate, WholeJob};
pub use lane::LaneUpdate;
pub use list::ListedJob;
pub use nonce::{NonceUse, SpentNonce};
pub use root::{Leaf, Place, StoredRoot};
pub use route::{BreakerUpdate, OpenRoute};
pub use router_call::CallUpdate;
pub use session::{Session, SessionId};
pub use signer::{KnownKey, Signer};
pub use spec::SpecifiedJob;
pub use submit::{NewJob, Submit};
pub use verdict::{Judged, Said, Verdicts};

use crate::meter::Meter;
use crate::metric_lines::MetricLines;
use writes::Writes;

/// A request to the table that was not carried out as far as is known, or an item that is not what
/// Beacon writes.
#[derive(Debug, Error)]
pub enum TableError {
    /// The request failed; asking again may help.
    #[error("the table did not {act}")]
    Request {
        /// What was asked.
        act: &'static str,
        /// The SDK's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The table takes no such item; asking again does not help.
    #[error("the table takes no such item")]
    NotStorable {
        /// The SDK's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An item cannot be read; asking again does not help.
    #[error("item `{key}`: attribute `{attribute}` is missing or not what it should be")]
    Corrupt {
        /// Its keys.
        key: String,
        /// Which attribute.
        attribute: &'static str,
    },
    /// What is said of a job's answers cannot be read or written; asking again does not help.
    #[error("the {what} of job `{job}` cannot be read or written")]
    Analysis {
        /// The job.
        job: JobId,
        /// What of it.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A specification cannot be read or written.
    #[error("the specification of job `{job}` cannot be {act}")]
    Spec {
        /// The job.
        job: JobId,
        /// What was tried.
        act: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The table.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    meter: Arc<Meter>,
    metrics: MetricLines,
    writes: Arc<Writes>,
}

impl Table {
    /// The table of that name, of which no metrics are told.
    pub fn new(client: Client, name: String, meter: Arc<Meter>) -> Self {
        Self { client, name, meter, metrics: MetricLines::Off, writes: Arc::default() }
    }

    /// The same, whose metrics are told there.
    #[must_use]
    pub fn telling(self, metrics: MetricLines) -> Self {
        Self { metrics, ..self }
    }

    /// Where metrics are told.
    pub fn metrics(&self) -> &MetricLines {
        &self.metrics
    }

    /// What counts the usage of jobs.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Whether the table answers at all.
    pub async fn probe(&self) -> Result<(), TableError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(key::PK, item::text("PROBE"))
            .key(key::SK, item::text("PROBE"));
        get.send().await.map_err(|error| request("answer", error))?;
        Ok(())
    }

    fn wrote(&self, job: &JobId, capacity: Option<&ConsumedCapacity>) {
        self.meter.write(job, units(capacity));
    }

    fn read(&self, job: &JobId, capacity: Option<&ConsumedCapacity>) {
        self.meter.read(job, units(capacity));
    }
}

fn units(capacity: Option<&ConsumedCapacity>) -> f64 {
    capacity.and_then(ConsumedCapacity::capacity_units).unwrap_or_default()
}

fn request(
    act: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> TableError {
    TableError::Request { act, source: Box::new(source) }
}
