//! An SQS-compatible endpoint in memory: standard and FIFO queues behind the AWS JSON protocol.
//!
//! The queues are a state machine that takes the time as an argument ([`queues`], [`queue`]); the
//! shell around it ([`endpoint`], [`server`]) holds the clock, the lock and the connections. The
//! AWS SDK reaches it with an `endpoint_url`, so the code that runs here runs unchanged on SQS.
//!
//! Not imitated: the 60-second pauses after a purge or a deletion, the cap on messages in flight,
//! signatures, tags, policies and encryption.

mod action;
mod administration;
mod admission;
mod answer;
mod batch;
mod content;
mod deduplication;
mod endpoint;
mod error;
mod message;
mod order;
mod polling;
mod queue;
mod queues;
mod received;
mod request;
mod server;
mod settings;

pub use action::Action;
pub use endpoint::SqsEndpoint;
pub use error::SqsError;
pub use settings::{QueueSettings, Redrive};
