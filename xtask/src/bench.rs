//! `cargo xtask bench pipeline`: what a job costs beside the same calls made by `promptfoo eval`.
//!
//! One process answers every call at once, so that what is measured is the pipeline and not a
//! model. Both programs ask it the same questions in the same run, because the machine's speed and
//! load are the same only then. A run that did not do what it should is an error, not a result.

mod beacon;
mod classifier;
mod cold;
mod error;
mod http;
mod limits;
mod mock;
mod portal;
mod process;
mod promptfoo;
mod router;
mod stop;
mod table;
mod up;
mod visibility;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use beacon::Beacon;
use error::io;
use mock::Mock;
use process::Measured;
use promptfoo::Promptfoo;
use workload::Workload;

pub(crate) use classifier::{ClassifierBench, classifier};
pub(crate) use cold::{Cold, cold};
pub(crate) use error::BenchError;
pub(crate) use portal::{Portal, portal};
pub(crate) use router::load::{Load, run as router_load};
pub(crate) use router::upstream::serve as router_upstream;
pub(crate) use router::{Router, router};
pub(crate) use stop::{Stop, stop};

/// Runs of the job of 1,008 executions; of promptfoo as many as [`PEER_ROUNDS`] has entries.
const ROUNDS: usize = 5;
/// Rounds in which promptfoo runs too, so that both meet the machine in the same state.
const PEER_ROUNDS: [usize; 2] = [1, 3];
/// Jobs of which the time to the visible final status is taken.
const SMALL_JOBS: usize = 100;

/// How much to measure.
#[derive(Debug, Args)]
pub(crate) struct Pipeline {
    /// One run of each, and none of 20,000 executions: to see whether all still works.
    #[arg(long)]
    quick: bool,
}

/// Everything that was measured.
#[derive(Debug)]
struct Results {
    standard: Vec<beacon::Run>,
    large: Option<beacon::Run>,
    peer: Vec<Measured>,
    /// Milliseconds from the last row to the final status, a job each, ascending.
    lags: Vec<i64>,
}

/// Measures, prints the table, and fails where a limit is missed.
pub(crate) fn pipeline(options: &Pipeline) -> Result<(), BenchError> {
    let binary = beacon::build(beacon::BEACON)?;
    let bench = directory(&binary)?;
    let peer = Promptfoo::install(&bench.join("promptfoo"))?;
    let scratch = tempfile::tempdir_in(&bench).map_err(io("a scratch directory"))?;
    let mock = Mock::start().map_err(io("the provider"))?;
    let beacon = Beacon { binary, scratch: scratch.path(), mock: &mock };

    let rounds = if options.quick { 1 } else { ROUNDS };
    let mut results = Results { standard: Vec::new(), large: None, peer: Vec::new(), lags: vec![] };
    if let Some(peer) = &peer {
        table::progress("promptfoo, to warm up");
        peer.warm_up(scratch.path(), &mock)?;
    }
    for round in 0..rounds {
        table::progress(&format!("1,008 executions, run {} of {rounds}", round + 1));
        results.standard.push(beacon.run(&Workload::STANDARD)?);
        let Some(peer) = &peer else { continue };
        if options.quick || PEER_ROUNDS.contains(&round) {
            table::progress("promptfoo, the same questions");
            results.peer.push(peer.run(&Workload::STANDARD, scratch.path(), &mock)?);
        }
    }
    let jobs = if options.quick { SMALL_JOBS / 10 } else { SMALL_JOBS };
    table::progress(&format!("{jobs} jobs of {} executions", Workload::SMALL.executions()));
    results.lags = visibility::lags(&beacon, jobs)?;
    if !options.quick {
        table::progress(&format!("{} executions", Workload::LARGE.executions()));
        results.large = Some(beacon.run(&Workload::LARGE)?);
    }

    let lines = limits::lines(&results);
    table::print(&lines);
    let missed = lines.iter().filter(|line| line.verdict == table::Verdict::Missed).count();
    if missed == 0 { Ok(()) } else { Err(BenchError::Missed { missed }) }
}

/// Where what is needed and what is written lies: on the disk, beside what cargo builds.
fn directory(binary: &Path) -> Result<PathBuf, BenchError> {
    let target = binary.ancestors().nth(2).unwrap_or_else(|| Path::new("target"));
    let bench = target.join("bench");
    fs::create_dir_all(&bench).map_err(io("the directory target/bench"))?;
    Ok(bench)
}
