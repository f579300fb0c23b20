//! Beacon on `DynamoDB` and SQS: the adapters, configuration from the environment, event plumbing.

mod api;
mod client;
pub mod clock;
mod environment;
mod error;
mod event;
mod finalise;
mod log;
mod meter;
mod outbound;
mod queue;
mod table;

pub use api::{ApiError, json};
pub use client::{Aws, install_tls};
pub use environment::{
    ConfigError, QueueUrls, RouterSettings, configured_router, queue_urls, required,
    router_settings, router_timeout, table_name,
};
pub use error::chain;
pub use event::{Received, each_message, partial_response};
pub use log::log_as_json;
pub use meter::Meter;
pub use outbound::{BodyError, Unsent, http_client, read_body};
pub use queue::{QueueError, Queues};
pub use table::{
    AfterJob, JobUpdate, LaneUpdate, ResultWrite, StoredStatus, Submit, Table, TableError, schema,
};
