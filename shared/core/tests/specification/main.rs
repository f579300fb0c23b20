//! The JSON Schema and the server agree: on which specifications are good, and on the field at
//! which a bad one is wrong.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows tests by their attribute, not their crate"
)]

mod agreement;
mod bad;
mod changed;
mod good;
mod limits;
mod published;
mod unsayable;
