//! The edge of the HTTP API: the door, and answers and errors in one form.

mod authorizer;
mod door;
mod error;

pub use door::{Admitted, Door};
pub use error::{ApiError, json, text};
