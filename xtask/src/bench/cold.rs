//! `cargo xtask bench cold`: from a function's start to its first request for an event.
//!
//! That is what a function itself adds to a cold start; Lambda's own part, the sandbox and the
//! program's way into it, is not here. Beside each stands the least that a function can be, in the
//! same rounds, because the machine's load is the same only then.

mod function;
mod lambda;

use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::error::BenchError;
use super::limits::{at_most, middle, told};
use super::table::{self, Line};
use function::{BARE, FUNCTIONS, Function};
use lambda::{Runtime, SecretsManager};

/// Starts of each function.
const ROUNDS: usize = 20;
/// A program's size, stripped, bytes.
const MOST_BYTES: f64 = 6_000_000.0;
/// What a function may take: so many times what the bare one does …
const TIMES: f64 = 1.6;
/// … and so many milliseconds.
const PLUS_MS: f64 = 5.0;

/// How much to measure.
#[derive(Debug, Args)]
pub(crate) struct Cold {
    /// Three starts of each: to see whether all still works.
    #[arg(long)]
    quick: bool,
}

/// Builds the functions as they are deployed, measures, prints the table, and fails where a limit
/// is missed.
pub(crate) fn cold(options: &Cold) -> Result<(), BenchError> {
    let directory = function::build()?;
    let runtime = Runtime::listen()?;
    let secrets = SecretsManager::start()?;
    let functions: Vec<&Function> = std::iter::once(&BARE).chain(&FUNCTIONS).collect();
    let start = |function: &Function| {
        let mut command = function.command(&directory, &runtime.address, &secrets.address);
        runtime.until_asked(function.name, &mut command)
    };
    for function in &functions {
        // The first start reads the program from the disk.
        start(function)?;
    }
    let rounds = if options.quick { 3 } else { ROUNDS };
    let mut took: Vec<Vec<f64>> = functions.iter().map(|_| Vec::with_capacity(rounds)).collect();
    for round in 0..rounds {
        table::progress(&format!("round {} of {rounds}", round + 1));
        for (function, took) in functions.iter().zip(&mut took) {
            took.push(milliseconds(start(function)?));
        }
    }
    let medians: Vec<f64> = took.into_iter().map(|took| middle(took).unwrap_or_default()).collect();
    let lines = lines(&functions, &medians, &directory)?;
    table::print(&lines);
    let missed = lines.iter().filter(|line| line.verdict == table::Verdict::Missed).count();
    if missed == 0 { Ok(()) } else { Err(BenchError::Missed { missed }) }
}

fn lines(
    functions: &[&Function],
    medians: &[f64],
    directory: &Path,
) -> Result<Vec<Line>, BenchError> {
    let bare = medians.first().copied().unwrap_or_default();
    let mut lines = Vec::new();
    for (function, median) in functions.iter().zip(medians) {
        let (size, start) =
            (format!("size of {}", function.name), format!("start of {}", function.name));
        let megabytes = |bytes: f64| format!("{:.2} MB", bytes / 1e6);
        let milliseconds = |ms: f64| format!("{ms:.1} ms ({:.1} ×)", ms / bare);
        let bytes = function.bytes(directory)?;
        if function.name == BARE.name {
            lines.push(told(&size, megabytes(bytes)));
            lines.push(told(&start, format!("{median:.1} ms")));
        } else {
            lines.push(at_most(&size, MOST_BYTES, Some(bytes), megabytes));
            lines.push(at_most(&start, TIMES * bare + PLUS_MS, Some(*median), milliseconds));
        }
    }
    Ok(lines)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
