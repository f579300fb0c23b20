//! A program's time, CPU time by thread, and peak memory, as the kernel counts them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::error::{BenchError, io};

/// Between two looks at a running program.
const LOOK: Duration = Duration::from_millis(20);
/// The kernel's unit in `/proc`, the same on every architecture that Rust's standard library runs
/// on.
const TICK: Duration = Duration::from_millis(10);
/// Bytes of a failed program's output that are shown.
const TAIL: usize = 2000;

/// What a run of a program took.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// User and system time, of programs that it started too.
    pub(crate) cpu: Duration,
    /// The most memory that it had at a time.
    pub(crate) peak_bytes: u64,
    /// CPU time by thread name, as far as it was seen before the threads ended.
    pub(crate) threads: BTreeMap<String, Duration>,
    /// What it printed.
    pub(crate) output: Vec<u8>,
}

/// Runs a program to its end, which must be a success; its output goes to files in the directory.
pub(crate) fn measure(
    program: &'static str,
    command: &mut Command,
    directory: &Path,
) -> Result<Measured, BenchError> {
    let (out, err) = (directory.join("stdout"), directory.join("stderr"));
    let file = |path: &Path| File::create(path).map_err(io("a file for a program's output"));
    command.stdout(file(&out)?).stderr(file(&err)?);

    let cpu_before = children_cpu()?;
    let begun = Instant::now();
    let mut child = command.spawn().map_err(io(program))?;
    let pid = child.id();
    let ended = AtomicBool::new(false);
    let (status, wall, watched) = thread::scope(|scope| {
        let watch = scope.spawn(|| watch(pid, &ended));
        let status = child.wait();
        let wall = begun.elapsed();
        ended.store(true, Ordering::Relaxed);
        (status, wall, watch.join().unwrap_or_default())
    });
    let status = status.map_err(io(program))?;
    if !status.success() {
        let output = fs::read(&err).unwrap_or_default();
        let tail = output.get(output.len().saturating_sub(TAIL)..).unwrap_or_default();
        let output = String::from_utf8_lossy(tail).into_owned();
        return Err(BenchError::Failed { program, status, output });
    }
    let cpu = children_cpu()?.saturating_sub(cpu_before);
    let output = fs::read(&out).map_err(io("a program's output"))?;
    Ok(Measured { wall, cpu, peak_bytes: watched.peak_bytes, threads: watched.threads(), output })
}

/// CPU time of the programs that this one started and that have ended.
fn children_cpu() -> Result<Duration, BenchError> {
    let stat = fs::read_to_string("/proc/self/stat").map_err(io("/proc/self/stat"))?;
    Ok(Stat::parse(&stat).map_or(Duration::ZERO, |stat| stat.children))
}

/// What was seen of a running program.
#[derive(Debug, Default)]
struct Watched {
    peak_bytes: u64,
    by_id: BTreeMap<String, (String, Duration)>,
}

impl Watched {
    fn threads(&self) -> BTreeMap<String, Duration> {
        let mut threads = BTreeMap::new();
        for (name, cpu) in self.by_id.values() {
            *threads.entry(name.clone()).or_default() += *cpu;
        }
        threads
    }
}

fn watch(pid: u32, ended: &AtomicBool) -> Watched {
    let mut watched = Watched::default();
    while !ended.load(Ordering::Relaxed) {
        // What cannot be read is of a thread or a program that has just ended.
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        watched.peak_bytes = peak_bytes(&status).unwrap_or(watched.peak_bytes);
        for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            if let Some(stat) = Stat::parse(&stat) {
                let id = thread.file_name().to_string_lossy().into_owned();
                watched.by_id.insert(id, (stat.name, stat.own));
            }
        }
        thread::sleep(LOOK);
    }
    watched
}

fn peak_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The parts needed of a `stat` file of `/proc`.
#[derive(Debug, PartialEq)]
struct Stat {
    name: String,
    own: Duration,
    children: Duration,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The name is in parentheses and may hold any character.
        let (head, rest) = text.rsplit_once(") ")?;
        let (_pid, name) = head.split_once(" (")?;
        // The first field here is the third of the file: the state.
        let fields: Vec<&str> = rest.split(' ').collect();
        let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
        Some(Self {
            name: name.to_owned(),
            own: TICK * (ticks(11)? + ticks(12)?),
            children: TICK * (ticks(13)? + ticks(14)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_file_is_read_whatever_the_threads_name() {
        let text = "7 (a) b) R 1 1 1 0 -1 4194304 98 0 0 0 12 3 40 5 20 0 1 0 378539 3133440 359\n";
        let expected = Stat {
            name: "a) b".to_owned(),
            own: Duration::from_millis(150),
            children: Duration::from_millis(450),
        };
        assert_eq!(Stat::parse(text), Some(expected));
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn peak_memory_is_read_in_bytes() {
        assert_eq!(peak_bytes("Name:\tx\nVmHWM:\t    2048 kB\n"), Some(2 * 1024 * 1024));
        assert_eq!(peak_bytes("Name:\tx\n"), None);
    }
}
