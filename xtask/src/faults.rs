//! `cargo xtask faults`: schedules of the simulation in `tests/src/simulation`.

use std::path::Path;
use std::process::Command;

use clap::Args;
use thiserror::Error;

use crate::mutants::{self, MutantError};
use crate::test::{TestError, cargo, step};

/// From here on the optimised build is worth its time: it halves a schedule's, and takes as long as
/// some ten thousand of them.
const MANY: u64 = 20_000;

/// Which schedules.
#[derive(Debug, Args)]
pub(crate) struct Faults {
    /// How many.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Print the last schedule even when nothing was violated.
    #[arg(long)]
    trace: bool,
    /// Break production code in one place after the other instead, and see that this, or the model,
    /// sees it.
    #[arg(long, conflicts_with_all = ["from", "trace"])]
    mutants: bool,
}

/// Why it did not pass.
#[derive(Debug, Error)]
pub(crate) enum FaultsError {
    #[error(transparent)]
    Step(#[from] TestError),
    #[error(transparent)]
    Mutants(#[from] MutantError),
}

/// Runs them, several at a time, up to the first that violates an invariant.
pub(crate) fn run(faults: &Faults) -> Result<(), FaultsError> {
    if faults.mutants {
        return Ok(mutants::run(faults.seeds)?);
    }
    let profile = if faults.seeds < MANY { "dev" } else { "faults" };
    // Of the whole workspace, or the SDK is built anew with the features of this part alone.
    let mut build = cargo(&["build", "--workspace", "--bin", "faults", "--locked"]);
    step("the simulation", build.args(["--profile", profile]))?;
    let folder = if profile == "dev" { "debug" } else { profile };
    let mut run = Command::new(Path::new("target").join(folder).join("faults"));
    run.args(["--seeds", &faults.seeds.to_string(), "--from", &faults.from.to_string()]);
    if faults.trace {
        run.arg("--trace");
    }
    Ok(step("faults", &mut run)?)
}
