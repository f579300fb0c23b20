//! What tests and intervals do over many made-up jobs: how often they find what is not there, and how
//! often they hold what is. Every number is drawn from a fixed seed. The tables are printed with `cargo
//! test -p beacon-analysis --test simulation -- --nocapture --test-threads=1`.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "counts are small, the tables are for reading, and all of it is a test"
)]

#[path = "simulation/coverage.rs"]
mod coverage;
#[path = "simulation/jobs.rs"]
mod jobs;
#[path = "simulation/size.rs"]
mod size;
