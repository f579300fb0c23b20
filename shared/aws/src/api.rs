//! The edge of the HTTP API: the door, and answers and errors in one form.

mod answer;
mod authorizer;
mod door;
mod error;

pub use answer::{json, text};
pub use door::{Admitted, Door};
pub use error::ApiError;
