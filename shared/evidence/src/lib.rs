//! Evidence that others can check: receipts, the tree over them, bundles, signed specifications.
//!
//! Everything is a function of what it is given: no clock, no I/O. What Beacon signs is always canonical
//! JSON (RFC 8785), and what is verified must be it byte by byte; only a specification is signed by others,
//! who write JSON in their own ways (see [`signed`]).

pub mod answer;
pub mod bundle;
pub mod canonical;
pub mod fresh;
pub mod hash;
pub mod key;
pub mod merkle;
pub mod published;
pub mod receipt;
pub mod root;
pub mod signed;
pub mod trust;
pub mod verify;
pub mod violation;

/// What receipts and roots call this program.
pub const SOFTWARE: &str = concat!("beacon ", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod testing;
