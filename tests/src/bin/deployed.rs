//! What a deployment on an emulator of AWS must do, through its API; `cargo xtask deployed` deploys and
//! runs it.

use std::process::ExitCode;
use std::time::Duration;

use beacon_tests::deployed::{Deployment, check};
use clap::Parser;
use tokio::time::timeout;

/// All checks take some three minutes; an emulator that hangs must not take for ever.
const PATIENCE: Duration = Duration::from_secs(900);

#[derive(Debug, Parser)]
#[command(name = "deployed")]
struct Options {
    #[command(flatten)]
    deployment: Deployment,
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "a command line says why it failed")]
async fn main() -> ExitCode {
    // A check that does not hold panics with what it saw.
    match timeout(PATIENCE, check(Options::parse().deployment)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(_elapsed) => {
            eprintln!("the deployment did not do all that it must in {} s", PATIENCE.as_secs());
            ExitCode::FAILURE
        }
    }
}
