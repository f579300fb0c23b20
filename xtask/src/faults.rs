//! `cargo xtask faults`: schedules of the simulation in `tests/src/simulation`, optimised, because
//! there may be a million.

use clap::Args;

use crate::test::{TestError, cargo, step};

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
    run.args(["--profile", "faults", "--", "--seeds", &faults.seeds.to_string()]);
    run.args(["--from", &faults.from.to_string()]);
    if faults.trace {
        run.arg("--trace");
    }
    step("faults", &mut run)
}
