//! `cargo xtask`: what developers and CI run.

mod test;

use std::process::ExitCode;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Formatting, lints, licences and all tests; installs what it needs.
    Test,
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::Test => test::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            failed(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command line says why it failed")]
fn failed(error: &dyn std::error::Error) {
    eprintln!("error: {error}");
    if let Some(source) = error.source() {
        eprintln!("  because: {source}");
    }
}
