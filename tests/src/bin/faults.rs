//! `cargo xtask faults`: schedules of the simulation, several at a time, and the whole of the first
//! that violates an invariant.

use std::process::ExitCode;
use std::time::Instant;

use beacon_tests::simulation::{Plan, first_bad};
use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask faults")]
struct Options {
    /// How many.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// At a time; by default as many as there are processors.
    #[arg(long)]
    threads: Option<usize>,
    /// Print the schedule of the last seed even when nothing was violated.
    #[arg(long)]
    trace: bool,
}

#[expect(clippy::print_stdout, reason = "a command line says what it found")]
fn main() -> ExitCode {
    let Options { seeds, from, threads, trace } = Options::parse();
    let begun = Instant::now();
    let plans = (from..from.saturating_add(seeds)).map(Plan::drawn);
    let threads = threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from));
    if let Some(verdict) = first_bad(plans, threads.unwrap_or(1)) {
        println!("{verdict}");
        return ExitCode::FAILURE;
    }
    if trace && let Some(last) = from.checked_add(seeds.saturating_sub(1)) {
        println!("{}", beacon_tests::simulation::run(Plan::drawn(last)));
    }
    println!("{seeds} schedules from {from}, none violates an invariant, {:?}", begun.elapsed());
    ExitCode::SUCCESS
}
