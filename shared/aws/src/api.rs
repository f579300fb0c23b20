//! The edge of the HTTP API: the door, and answers and errors in one form.

mod answer;
mod authorizer;
mod door;
mod error;
mod no_evidence;

pub use answer::{json, text};
pub use door::{Admitted, Door, request_id, source};
pub use error::ApiError;
pub use no_evidence::NoEvidence;
