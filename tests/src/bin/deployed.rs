//! What a deployment on an emulator of AWS must do, through its API; `cargo xtask deployed` deploys and
//! runs it.

use std::process::ExitCode;

use beacon_tests::deployed::{Deployment, check};
use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "deployed")]
struct Options {
    #[command(flatten)]
    deployment: Deployment,
}

#[tokio::main]
async fn main() -> ExitCode {
    // A check that does not hold panics with what it saw.
    check(Options::parse().deployment).await;
    ExitCode::SUCCESS
}
