//! The built `beacon` command, from outside: its files, its output, its exit codes, its death.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy knows tests by their attribute, not their crate"
)]

mod answers;
mod calls;
mod cancelled;
mod csv_export;
mod data_directory;
mod doctor;
mod drained;
mod embedded;
mod estimate;
mod evidence;
mod exported;
mod fake;
mod followed;
mod fresh;
mod golden;
mod judged;
mod killed;
mod logged;
mod place;
mod recomputed;
mod report_files;
mod reported;
mod retried;
mod router;
mod routers;
mod schema;
mod signed;
mod specification;
mod stack;
mod stats;
mod unsent;
mod up;
mod upstream;
