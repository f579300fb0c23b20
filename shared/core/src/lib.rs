//! Decisions of Beacon as functions of (state, event, now): no clock, no I/O, no async runtime.
//!
//! Shells (the functions, the local stack, the command line) read the world, call in here, and
//! perform what comes back.

pub mod access;
pub mod bill;
pub mod builtin;
pub mod cloudwatch;
pub mod estimate;
pub mod execution;
pub mod exposition;
pub mod failure;
pub mod idempotency;
pub mod job;
pub mod json;
pub mod lane;
pub mod message;
pub mod metrics;
pub mod money;
pub mod openapi;
pub mod price;
pub mod prompt;
pub mod reconcile;
pub mod region;
pub mod reply;
pub mod route;
pub mod seal;
pub mod shared_call;
pub mod spec;
pub mod time_budget;
pub mod usage;
mod varint;
pub mod verdict;
pub mod view;
pub mod wire;

mod id;

pub use id::{
    BootId, DispatchNumber, ExecutionId, IdError, JobId, LaneId, ModelId, Nonce, Position,
    ProviderId, QuestionId, QuestionIndex, Run, Sample, VariantName, escape, unescape,
};
pub use region::Region;
