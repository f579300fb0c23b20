//! What a job costs in table and queue requests, as the services count.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counted from the answers of the table and from the requests to the queues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// `DynamoDB` write request units.
    pub write_units: f64,
    /// `DynamoDB` read request units.
    pub read_units: f64,
    /// SQS requests, receives and deletes included.
    pub queue_requests: u64,
}

impl Usage {
    /// These and those.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            write_units: self.write_units + other.write_units,
            read_units: self.read_units + other.read_units,
            queue_requests: self.queue_requests + other.queue_requests,
        }
    }
}
