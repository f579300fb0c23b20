//! A program's time, CPU time by thread, and peak memory, as the kernel counts them.

use std::collections::{BTreeMap, BTreeSet};
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

/// A process that runs, with all that it started, as the kernel counts them now.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) struct Family {
    /// User and system time since each began.
    pub(crate) cpu: Duration,
    /// What is in memory. What several share is counted once.
    pub(crate) memory_bytes: u64,
    /// How many they are.
    pub(crate) processes: usize,
}

impl Family {
    /// Of the process with this number.
    pub(crate) fn of(pid: u32) -> Self {
        let all = processes();
        let members = members(pid, &all);
        let memory = |pid: &u32| {
            let file = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
            bytes(&file, if members.len() > 1 { "Pss:" } else { "Rss:" }).unwrap_or_default()
        };
        Self {
            cpu: members.iter().filter_map(|pid| all.get(pid)).map(|stat| stat.own).sum(),
            memory_bytes: members.iter().map(memory).sum(),
            processes: members.len(),
        }
    }
}

/// The process and what it started, and what these did.
pub(crate) fn family(pid: u32) -> BTreeSet<u32> {
    members(pid, &processes())
}

fn members(pid: u32, all: &BTreeMap<u32, Stat>) -> BTreeSet<u32> {
    let mut members = BTreeSet::from([pid]);
    loop {
        let known = members.len();
        members.extend(
            all.iter()
                .filter(|(_, stat)| members.contains(&stat.parent))
                .map(|(pid, _)| *pid)
                .collect::<Vec<_>>(),
        );
        if members.len() == known {
            return members;
        }
    }
}

fn processes() -> BTreeMap<u32, Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let process = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        // One that cannot be read has just ended.
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        Some((pid, Stat::parse(&stat)?))
    };
    entries.filter_map(process).collect()
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
        watched.peak_bytes = bytes(&status, "VmHWM:").unwrap_or(watched.peak_bytes);
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

/// What a file of `/proc` says in kibibytes on the line of this name, in bytes.
pub(crate) fn bytes(file: &str, name: &str) -> Option<u64> {
    let line = file.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The parts needed of a `stat` file of `/proc`.
#[derive(Debug, PartialEq)]
pub(crate) struct Stat {
    name: String,
    /// The process that started it.
    pub(crate) parent: u32,
    /// Its user and system time.
    pub(crate) own: Duration,
    children: Duration,
}

impl Stat {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // The name is in parentheses and may hold any character.
        let (head, rest) = text.rsplit_once(") ")?;
        let (_pid, name) = head.split_once(" (")?;
        // The first field here is the third of the file: the state.
        let fields: Vec<&str> = rest.split(' ').collect();
        let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
        Some(Self {
            name: name.to_owned(),
            parent: fields.get(1)?.parse().ok()?,
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
            parent: 1,
            own: Duration::from_millis(150),
            children: Duration::from_millis(450),
        };
        assert_eq!(Stat::parse(text), Some(expected));
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn a_family_is_a_process_with_all_that_descend_from_it() {
        let stat = |parent| Stat {
            name: String::new(),
            parent,
            own: Duration::ZERO,
            children: Duration::ZERO,
        };
        // A child may have the lower number: numbers are used again.
        let all =
            BTreeMap::from([(1, 0), (2, 5), (3, 1), (5, 4), (4, 1)].map(|(p, q)| (p, stat(q))));
        assert_eq!(members(4, &all), BTreeSet::from([2, 4, 5]));
        assert_eq!(members(9, &all), BTreeSet::from([9]));
        let own = Family::of(std::process::id());
        assert!(own.memory_bytes > 0 && own.processes >= 1, "{own:?}");
    }

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(bytes("Name:\tx\nVmHWM:\t    2048 kB\n", "VmHWM:"), Some(2 * 1024 * 1024));
        assert_eq!(bytes("Name:\tx\n", "VmHWM:"), None);
    }
}
