//! `cargo xtask faults`: schedules of the simulation in `tests/src/simulation`.

use clap::Args;

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
}

/// Runs them, several at a time, up to the first that violates an invariant.
pub(crate) fn run(faults: &Faults) -> Result<(), TestError> {
    let mut run = cargo(&["run", "--package", "beacon-tests", "--bin", "faults", "--locked"]);
    let profile = if faults.seeds < MANY { "dev" } else { "faults" };
    run.args(["--profile", profile, "--", "--seeds", &faults.seeds.to_string()]);
    run.args(["--from", &faults.from.to_string()]);
    if faults.trace {
        run.arg("--trace");
    }
    step("faults", &mut run)
}
