//! `cargo xtask bench stop`: how soon a cancel holds, and what a retry costs beside the first run.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use beacon_core::job::JobStatus;
use beacon_core::view::{CancelAccepted, JobView, Submitted};
use clap::Args;
use serde_json::{Value, json};

use super::beacon::{BEACON, build};
use super::error::{BenchError, io, same};
use super::http::Client;
use super::limits::{at_most, middle, told};
use super::table::{self, Line, Verdict};
use super::up::{Up, call};
use super::workload::{MODELS, REGIONS};

/// Questions: with three models in three regions 10,008 executions.
const QUESTIONS: usize = 1112;
/// Cancels that are measured.
const CANCELS: usize = 5;
/// Most milliseconds until a cancel is acknowledged.
const ACKNOWLEDGED_MS: f64 = 200.0;
/// Most milliseconds from there to the final status, with calls in flight that take a minute.
const FINAL_MS: f64 = 5000.0;
/// Most write units of a retry, as a share of the first run's.
const RETRY_SHARE: f64 = 0.03;
/// Between two looks at a job.
const LOOK: Duration = Duration::from_millis(5);
/// From the last call's beginning to the cancel.
const SETTLE: Duration = Duration::from_secs(2);
/// Nothing here takes as long.
const PATIENCE: Duration = Duration::from_secs(300);

/// How much to measure.
#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// One cancel, and a retry: to see whether all still works.
    #[arg(long)]
    quick: bool,
}

/// Measures, prints the table, and fails where a limit is missed.
pub(crate) fn stop(options: &Stop) -> Result<(), BenchError> {
    let binary = build(BEACON)?;
    let bench = super::directory(&binary)?;
    let scratch = tempfile::tempdir_in(&bench).map_err(io("a scratch directory"))?;
    let mut lines = cancels(&binary, scratch.path(), if options.quick { 1 } else { CANCELS })?;
    lines.extend(retry(&binary, scratch.path())?);
    table::print(&lines);
    let missed = lines.iter().filter(|line| line.verdict == Verdict::Missed).count();
    if missed == 0 { Ok(()) } else { Err(BenchError::Missed { missed }) }
}

/// Cancels of jobs whose every lane has calls in flight.
fn cancels(binary: &Path, scratch: &Path, count: usize) -> Result<Vec<Line>, BenchError> {
    let providers = providers(&scratch.join("slow.toml"), "latency_ms = [60000, 60000]")?;
    let up = Up::start(binary, &scratch.join("slow"), &providers)?;
    let mut client = up.client()?;
    let (mut acknowledged, mut ended, mut in_flight) = (Vec::new(), Vec::new(), 0);
    for cancel in 0..count {
        table::progress(&format!("cancel {} of {count}", cancel + 1));
        let job = submit(&mut client, 30)?;
        let view = until(&mut client, &job, |view| {
            view.counts.running == view.expected / (QUESTIONS as u64) * 30
        })?;
        in_flight = view.counts.running;
        // The messages of what is pending are sent as well.
        thread::sleep(SETTLE);
        let begun = Instant::now();
        let path = format!("/api/v1/jobs/{job}/cancel");
        let accepted: CancelAccepted = call(&mut client, "POST", &path, b"{}")?;
        acknowledged.push(milliseconds(begun));
        same("the status", &JobStatus::Cancelling, &accepted.new_status)?;
        let begun = Instant::now();
        let view = until(&mut client, &job, |view| view.status.is_final())?;
        ended.push(milliseconds(begun));
        same("the final status", &JobStatus::Cancelled, &view.status)?;
        same("cancelled executions", &view.expected, &view.counts.cancelled)?;
    }
    let worst = |values: &[f64]| values.iter().copied().reduce(f64::max);
    let show = |ms: f64| format!("{ms:.0} ms");
    let median = |values| middle(values).map_or_else(String::new, show);
    Ok(vec![
        told("executions of the job", (QUESTIONS * MODELS.len() * REGIONS.len()).to_string()),
        told("calls in flight when it is cancelled, a minute each", in_flight.to_string()),
        at_most("cancel → acknowledged, the worst", ACKNOWLEDGED_MS, worst(&acknowledged), show),
        told("… the median", median(acknowledged)),
        at_most("acknowledged → final status, the worst", FINAL_MS, worst(&ended), show),
        told("… the median", median(ended)),
    ])
}

/// A run of which about one execution in a hundred fails, and a retry of those.
fn retry(binary: &Path, scratch: &Path) -> Result<Vec<Line>, BenchError> {
    table::progress("a run with failures, and its retry");
    let failing = "latency_ms = [0, 0]\nerror_rate = 0.01";
    let providers = providers(&scratch.join("failing.toml"), failing)?;
    let up = Up::start(binary, &scratch.join("failing"), &providers)?;
    let mut client = up.client()?;
    let job = submit(&mut client, 1)?;
    let first = until(&mut client, &job, |view| view.status.is_final())?;
    let failed = first.counts.failed;
    let path = format!("/api/v1/jobs/{job}/retry");
    let _accepted: Value = call(&mut client, "POST", &path, b"{}")?;
    let second = until(&mut client, &job, |view| view.run.0 == 2 && view.status.is_final())?;
    same("executions", &first.expected, &(second.counts.completed + second.counts.failed))?;
    let units = |view: &JobView| view.usage.map(|usage| usage.write_units);
    let share = units(&second).zip(units(&first)).map(|(second, first)| second / first);
    let told_units = |view: &JobView| units(view).map_or_else(String::new, |u| format!("{u:.0}"));
    Ok(vec![
        told("failed executions of the first run", failed.to_string()),
        told("write units of the first run", told_units(&first)),
        told("write units of the retry", told_units(&second)),
        at_most("… as a share", RETRY_SHARE, share, |share| format!("{:.2} %", 100.0 * share)),
    ])
}

fn submit(client: &mut Client, in_flight: u32) -> Result<String, BenchError> {
    let question =
        |index| json!({ "id": format!("q{index}"), "text": format!("Question {index}?") });
    let spec = json!({
        "name": "Stop benchmark",
        "questions": (0..QUESTIONS).map(question).collect::<Vec<_>>(),
        "models": MODELS,
        "regions": REGIONS,
        "questions_in_flight": in_flight,
        "stop": "never",
    });
    let submitted: Submitted = call(client, "POST", "/api/v1/jobs", spec.to_string().as_bytes())?;
    Ok(submitted.job_id.to_string())
}

fn until(
    client: &mut Client,
    job: &str,
    seen: impl Fn(&JobView) -> bool,
) -> Result<JobView, BenchError> {
    let end = Instant::now() + PATIENCE;
    loop {
        let view: JobView = call(client, "GET", &format!("/api/v1/jobs/{job}"), &[])?;
        if seen(&view) {
            return Ok(view);
        }
        if Instant::now() > end {
            let (expected, found) = ("a change".to_owned(), format!("{:?}", view.counts));
            return Err(BenchError::Wrong { what: "the job", expected, found });
        }
        thread::sleep(LOOK);
    }
}

fn providers(path: &Path, behaviour: &str) -> Result<PathBuf, BenchError> {
    let provider = |region: &&str| {
        format!(
            "[[providers]]\nname = \"lab-{region}\"\nkind = \"simulated\"\nregion = \"{region}\"\n\
             models = {MODELS:?}\nrefusal_rate = 0.0\nempty_rate = 0.0\n{behaviour}\n\n"
        )
    };
    fs::write(path, REGIONS.iter().map(provider).collect::<String>())
        .map_err(io("the providers' file"))?;
    Ok(path.to_owned())
}

fn milliseconds(since: Instant) -> f64 {
    1000.0 * since.elapsed().as_secs_f64()
}
