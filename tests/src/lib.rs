//! Whole-system tests; see `tests/`. What is here is a simulation that tests and `cargo xtask faults`
//! share, what it sees the functions ask of AWS, and what `cargo xtask deployed` asks of a deployment.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, and clippy knows tests by their attribute"
)]

pub mod asked;
pub mod deployed;
pub mod simulation;
