//! Whole-system tests; see `tests/`. What is here is a simulation that tests and `cargo xtask faults`
//! share, what it sees the functions ask of AWS, what `cargo xtask deployed` asks of a deployment, and
//! jobs that are written without being run.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, and clippy knows tests by their attribute"
)]

pub mod asked;
pub mod deployed;
pub mod signed;
pub mod simulation;
pub mod written;
