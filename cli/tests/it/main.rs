//! The built `beacon` command, from outside: its files, its output, its exit codes, its death.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy knows tests by their attribute, not their crate"
)]

mod calls;
mod data_directory;
mod drained;
mod exported;
mod golden;
mod killed;
mod logged;
mod place;
mod router;
mod specification;
mod unsent;
mod up;
