//! Decisions of Beacon as functions of (state, event, now): no clock, no I/O, no async runtime.
//!
//! Shells (the functions, the local stack, the command line) read the world, call in here, and
//! perform what comes back.

pub mod region;
pub mod wire;

mod id;

pub use id::{
    BootId, DispatchNumber, ExecutionId, IdError, JobId, LaneId, ModelId, Nonce, Position,
    ProviderId, QuestionId, QuestionIndex, Run, Sample, VariantName,
};
pub use region::Region;
