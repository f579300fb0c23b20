//! `cargo xtask bench router`: what the router takes and adds, beside LiteLLM proxy.
//!
//! The upstream, the load and each gateway are processes of their own on the same cores. Both
//! gateways are asked the same by the same program and ask the same upstream, turn by turn in one
//! run, because the machine's speed and load are the same only then. A figure of calls that were
//! not all answered rightly does not count.

mod gateway;
mod litellm;
pub(crate) mod load;
mod report;
pub(crate) mod upstream;
mod wire;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};

use super::beacon::{ROUTER, build};
use super::error::{BenchError, io, same};
use super::table;
use gateway::{Cancelled, Gateway, Held, Loaded, free_address, steady};
use litellm::{Litellm, WAYS};
use load::Outcome;
use upstream::Upstream;

/// The path of the `OpenAI` protocol.
const CHAT: &str = "/v1/chat/completions";
/// The model that is answered at once, and the one whose calls are held.
const INSTANT: &str = "instant";
const HOLD: &str = "hold";
/// The only region.
const REGION: &str = "us-east";

/// Connections that ask without a pause; the best of these is the throughput.
const CONNECTIONS: [usize; 3] = [4, 16, 64];
const ROUNDS: usize = 5;
/// Of one load.
const SECONDS: u64 = 4;
/// Calls in flight for the memory.
const IN_FLIGHT: usize = 2000;
/// Calls that are cancelled, and how many at a time.
const CANCELS: (usize, usize) = (10_000, 1000);
/// The same for LiteLLM, which is slower.
const PEER_CANCELS: (usize, usize) = (500, 100);

/// How much to measure.
#[derive(Debug, Args)]
pub(crate) struct Router {
    /// One round of short loads: to see whether all still works.
    #[arg(long)]
    quick: bool,
}

/// What was measured of a gateway.
#[derive(Debug)]
struct Results {
    name: String,
    idle_bytes: u64,
    /// By [`CONNECTIONS`], then by round; none where a call was not answered rightly.
    steady: [Vec<Option<Loaded>>; CONNECTIONS.len()],
    /// One connection, by round.
    alone: Vec<Outcome>,
    /// When the load of all rounds is over.
    idle_after_bytes: u64,
    held: Option<Held>,
    cancelled: Option<Cancelled>,
    cancels: usize,
}

/// Measures, prints the table, and fails where a limit is missed.
pub(crate) fn router(options: &Router) -> Result<(), BenchError> {
    allow_connections();
    let binary = build(ROUTER)?;
    let bench = super::directory(&binary)?;
    let peer = Litellm::install()?;
    let scratch = tempfile::tempdir_in(&bench).map_err(io("a scratch directory"))?;
    let mut upstream = Upstream::start()?;
    let (rounds, seconds) = if options.quick { (1, 1) } else { (ROUNDS, SECONDS) };

    let beacon = start_beacon(&binary, &upstream, scratch.path())?;
    let mut gateways = vec![(Results::new(&beacon, CANCELS.0), beacon)];
    if let Some(peer) = &peer {
        let peer = better(peer, &upstream, scratch.path(), seconds)?;
        gateways.push((Results::new(&peer, PEER_CANCELS.0), peer));
    }
    let mut direct = Vec::new();
    for round in 0..rounds {
        table::progress(&format!("round {} of {rounds}", round + 1));
        direct.push(right(steady(upstream.address, &instant_path(), 1, seconds)?)?);
        for (results, gateway) in &mut gateways {
            results.measure(gateway, seconds)?;
        }
        // The next round begins with the other.
        gateways.reverse();
    }
    if rounds % 2 == 1 {
        gateways.reverse();
    }
    for ((results, gateway), cancels) in gateways.iter_mut().zip([CANCELS, PEER_CANCELS]) {
        results.idle_after_bytes = gateway.now().memory_bytes;
        table::progress(&format!("{}: calls that are held, and cancelled", results.name));
        results.held = Some(gateway.held(IN_FLIGHT, &mut upstream)?);
        results.cancelled = Some(gateway.cancelled(cancels.0, cancels.1, &mut upstream)?);
    }
    let results: Vec<Results> = gateways.into_iter().map(|(results, _ended)| results).collect();
    let lines = report::lines(&direct, &results);
    table::print(&lines);
    let missed = lines.iter().filter(|line| line.verdict == table::Verdict::Missed).count();
    if missed == 0 { Ok(()) } else { Err(BenchError::Missed { missed }) }
}

impl Results {
    fn new(gateway: &Gateway, cancels: usize) -> Self {
        Self {
            name: gateway.name.clone(),
            idle_bytes: gateway.now().memory_bytes,
            steady: Default::default(),
            alone: Vec::new(),
            idle_after_bytes: 0,
            held: None,
            cancelled: None,
            cancels,
        }
    }

    fn measure(&mut self, gateway: &Gateway, seconds: u64) -> Result<(), BenchError> {
        self.alone.push(right(gateway.steady(1, seconds)?.outcome)?);
        for (connections, runs) in CONNECTIONS.into_iter().zip(&mut self.steady) {
            let loaded = gateway.steady(connections, seconds)?;
            let Outcome { answered, errors, per_second, .. } = loaded.outcome;
            let (name, cpu) = (&self.name, loaded.cpu_seconds);
            table::progress(&format!(
                "  {name}, {connections} connections: {per_second:.0}/s, {answered} calls in \
                 {cpu:.2} s of CPU time, {errors} errors, the load {:.2} s",
                loaded.outcome.cpu_seconds
            ));
            runs.push((errors == 0).then_some(loaded));
        }
        Ok(())
    }
}

fn instant_path() -> String {
    format!("/{INSTANT}{CHAT}")
}

fn right(outcome: Outcome) -> Result<Outcome, BenchError> {
    same("calls without the right answer", &(0, &None), &(outcome.errors, &outcome.error))?;
    Ok(outcome)
}

/// The router as a service of its own.
fn start_beacon(binary: &Path, upstream: &Upstream, scratch: &Path) -> Result<Gateway, BenchError> {
    let provider = |model: &str| {
        format!(
            "[[providers]]\nname = \"{model}\"\nkind = \"openai\"\nregion = \"{REGION}\"\n\
             url = \"{}\"\nmodels = [\"{model}\"]\n\n",
            upstream.url(model)
        )
    };
    let config: PathBuf = scratch.join("providers.toml");
    fs::write(&config, [INSTANT, HOLD].map(provider).concat())
        .map_err(io("the providers' file"))?;
    let address = free_address()?;
    let mut command = Command::new(binary);
    for (name, _value) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BEACON_") {
            command.env_remove(name);
        }
    }
    command.env("BEACON_ROUTER_CONFIG", config);
    command.env("BEACON_ROUTER_LISTEN", address.to_string());
    Gateway::start("Beacon".to_owned(), command, address, &scratch.join("beacon.log"))
}

/// LiteLLM as it does best on these cores.
fn better(
    litellm: &Litellm,
    upstream: &Upstream,
    scratch: &Path,
    seconds: u64,
) -> Result<Gateway, BenchError> {
    let mut best: Option<(f64, Gateway)> = None;
    for way in &WAYS {
        table::progress(&format!("{}, to warm up and compare", way.name));
        let gateway = litellm.start(way, upstream, scratch)?;
        gateway.steady(CONNECTIONS[1], seconds)?;
        let rate = right(gateway.steady(CONNECTIONS[1], seconds)?.outcome)?.per_second;
        table::progress(&format!("  {rate:.0}/s"));
        if best.as_ref().is_none_or(|(other, _)| rate > *other) {
            best = Some((rate, gateway));
        }
    }
    best.map(|(_, gateway)| gateway).ok_or_else(|| BenchError::Wrong {
        what: "LiteLLM",
        expected: "a gateway".to_owned(),
        found: "none".to_owned(),
    })
}

/// Of this program and those that it starts: a call in flight is two of a gateway's.
fn allow_connections() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // What is refused here shows itself as calls without an answer.
    let _refused = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// All in one thread, so that the load leaves the cores to those who are measured.
fn runtime() -> Result<Runtime, BenchError> {
    Builder::new_current_thread().enable_all().build().map_err(io("the runtime"))
}
