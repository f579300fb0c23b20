//! A gateway that runs: Beacon's router as a user starts it, or another.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::CHAT;
use super::load::{Kind, Outcome};
use super::upstream::Upstream;
use crate::bench::error::{BenchError, io, json};
use crate::bench::process::{Family, family};

/// Until it answers.
const START: Duration = Duration::from_secs(120);
/// For its own end, before it is ended.
const END: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// A gateway, until this is dropped.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) name: String,
    child: Child,
    address: SocketAddr,
}

/// A load, and what it cost the gateway.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) outcome: Outcome,
    /// Seconds of the gateway's own CPU time.
    pub(super) cpu_seconds: f64,
}

impl Gateway {
    /// Starts it, and returns when it answers.
    pub(super) fn start(
        name: String,
        mut command: Command,
        address: SocketAddr,
        log: &Path,
    ) -> Result<Self, BenchError> {
        let file = File::create(log).map_err(io("a gateway's log"))?;
        let errors = file.try_clone().map_err(io("a gateway's log"))?;
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        let child = command.spawn().map_err(io("a gateway"))?;
        let mut gateway = Self { name, child, address };
        gateway.until_ready(log)?;
        Ok(gateway)
    }

    fn until_ready(&mut self, log: &Path) -> Result<(), BenchError> {
        let end = Instant::now() + START;
        loop {
            let tried = steady(self.address, CHAT, 1, 0)?;
            let ended = self.child.try_wait().map_err(io("a gateway"))?;
            if tried.errors == 0 && ended.is_none() {
                return Ok(());
            }
            if ended.is_some() || Instant::now() > end {
                let said = fs::read_to_string(log).unwrap_or_default();
                let tail: String = said.chars().rev().take(2000).collect();
                return Err(BenchError::Wrong {
                    what: "a gateway that starts",
                    expected: format!("{} answers", self.name),
                    found: format!(
                        "{}; the last it said:\n{}",
                        tried.error.unwrap_or_default(),
                        tail.chars().rev().collect::<String>()
                    ),
                });
            }
            thread::sleep(LOOK);
        }
    }

    /// So many connections that ask without a pause.
    pub(super) fn steady(&self, connections: usize, seconds: u64) -> Result<Loaded, BenchError> {
        let before = self.now().cpu;
        let outcome = steady(self.address, CHAT, connections, seconds)?;
        let cpu = self.now().cpu.saturating_sub(before);
        Ok(Loaded { outcome, cpu_seconds: cpu.as_secs_f64() })
    }

    /// Its memory with so many calls in flight, and how many there were.
    pub(super) fn held(&self, calls: usize, upstream: &mut Upstream) -> Result<Held, BenchError> {
        let mut load = spawned(self.address, CHAT, &Kind::Held { calls })?;
        let wanted = u64::try_from(calls).unwrap_or(u64::MAX);
        let (mut running, mut changed) = (0, Instant::now());
        while running < wanted && changed.elapsed() < END {
            thread::sleep(LOOK);
            let now = upstream.counts()?.running;
            if now != running {
                (running, changed) = (now, Instant::now());
            }
        }
        let memory_bytes = self.now().memory_bytes;
        // A gateway that does not take all at a time sends the rest when there is room.
        while load.try_wait().map_err(io("the load"))?.is_none() {
            upstream.release()?;
            thread::sleep(LOOK);
        }
        Ok(Held { running, memory_bytes, outcome: finished(load)? })
    }

    /// Cancels calls, in waves, and tells how many the upstream still runs when that has settled.
    pub(super) fn cancelled(
        &self,
        calls: usize,
        wave: usize,
        upstream: &mut Upstream,
    ) -> Result<Cancelled, BenchError> {
        let before = upstream.counts()?;
        let kind = Kind::Cancelled { calls, wave, upstream: upstream.address };
        finished(spawned(self.address, CHAT, &kind)?)?;
        let begun = Instant::now();
        let (mut left, mut took) = (upstream.counts()?.running, Duration::ZERO);
        while left > 0 && took < END {
            thread::sleep(LOOK);
            (left, took) = (upstream.counts()?.running, begun.elapsed());
        }
        let sent = upstream.counts()?.begun - before.begun;
        upstream.release()?;
        Ok(Cancelled { left, sent })
    }

    /// What it takes now.
    pub(super) fn now(&self) -> Family {
        Family::of(self.child.id())
    }
}

/// Calls in flight at a time.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) running: u64,
    pub(super) memory_bytes: u64,
    pub(super) outcome: Outcome,
}

/// Calls whose callers have gone.
#[derive(Debug)]
pub(super) struct Cancelled {
    /// That the upstream still runs.
    pub(super) left: u64,
    /// That the upstream has had.
    pub(super) sent: u64,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let own = self.child.id();
        let all = family(own);
        // One that has ended cannot be told.
        let tell = |id: u32, signal| {
            let pid = i32::try_from(id).ok().and_then(Pid::from_raw)?;
            kill_process(pid, signal).ok()
        };
        let _told = tell(own, Signal::TERM);
        let end = Instant::now() + END;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            thread::sleep(LOOK);
        }
        for id in all.into_iter().filter(|id| *id != own) {
            let _ended = tell(id, Signal::KILL);
        }
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A port that was free just now, for programs that do not say which they took.
pub(super) fn free_address() -> Result<SocketAddr, BenchError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io("a port"))?;
    listener.local_addr().map_err(io("a port"))
}

/// Calls the upstream itself, or a gateway.
pub(super) fn steady(
    address: SocketAddr,
    path: &str,
    connections: usize,
    seconds: u64,
) -> Result<Outcome, BenchError> {
    finished(spawned(address, path, &Kind::Steady { connections, seconds })?)
}

fn spawned(address: SocketAddr, path: &str, kind: &Kind) -> Result<Child, BenchError> {
    let mut command = Command::new(std::env::current_exe().map_err(io("this program"))?);
    command.args(["bench", "router-load", "--address", &address.to_string(), "--path", path]);
    match kind {
        Kind::Steady { connections, seconds } => {
            command.arg("steady");
            command.args(["--connections", &connections.to_string()]);
            command.args(["--seconds", &seconds.to_string()]);
        }
        Kind::Held { calls } => {
            command.args(["held", "--calls", &calls.to_string()]);
        }
        Kind::Cancelled { calls, wave, upstream } => {
            command.args(["cancelled", "--calls", &calls.to_string()]);
            command.args(["--wave", &wave.to_string(), "--upstream", &upstream.to_string()]);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(io("the load"))
}

fn finished(load: Child) -> Result<Outcome, BenchError> {
    let ended = load.wait_with_output().map_err(io("the load"))?;
    if !ended.status.success() {
        let (program, output) = ("the load", "see above".to_owned());
        return Err(BenchError::Failed { program, status: ended.status, output });
    }
    serde_json::from_slice(&ended.stdout).map_err(json("what the load says"))
}
