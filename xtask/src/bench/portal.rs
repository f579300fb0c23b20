//! `cargo xtask bench portal`: how long the portal takes for each page of a job of 20,000 executions, and
//! what travels.
//!
//! The job's rows are written, not asked for, so that a run takes minutes. A second job of the same shape
//! stands half way. What is measured is a whole request over loopback, the embedded table with it.

mod browser;
mod pages;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::beacon::{BEACON, build};
use super::error::{BenchError, io};
use super::limits::{at_most, count, percentile, told};
use super::table::{self, Line, Verdict};
use super::up::Up;
use crate::test::{built, cargo, clean, step};
use browser::Browser;
use pages::{PAGES, Page};

/// Milliseconds of a page, p95.
const P95_MS: f64 = 50.0;
/// Bytes until a page that is opened first is there, with its style and its scripts.
const FIRST_BYTES: f64 = 100_000.0;
/// Requests of each page.
const REQUESTS: u32 = 200;

/// Both jobs: 200 questions to ten models in ten regions.
pub(super) const QUESTIONS: u32 = 200;
pub(super) const MODELS: u32 = 10;
pub(super) const REGIONS: [&str; 10] =
    ["us-east", "eu-west", "asia-pacific", "r-3", "r-4", "r-5", "r-6", "r-7", "r-8", "r-9"];
/// The job that has ended, and the one that is half way.
pub(super) const ENDED: &str = "ended";
pub(super) const HALF: &str = "half";

/// How much to measure.
#[derive(Debug, Args)]
pub(crate) struct Portal {
    /// Twenty requests of each page: to see whether all still works.
    #[arg(long)]
    quick: bool,
}

/// What a page took.
#[derive(Debug)]
struct Taken {
    /// Microseconds, ascending.
    micros: Vec<i64>,
    /// The most bytes of an answer on the wire.
    bytes: u64,
    /// The same with the style, the scripts and the pictures that it names.
    first_bytes: u64,
}

/// Measures, prints the table, and fails where a limit is missed.
pub(crate) fn portal(options: &Portal) -> Result<(), BenchError> {
    let binary = build(BEACON)?;
    let bench = super::directory(&binary)?;
    let scratch = tempfile::tempdir_in(&bench).map_err(io("a scratch directory"))?;
    let data = scratch.path().join("data");
    write_jobs(scratch.path(), &data)?;
    let up = Up::start(&binary, &data, &providers(scratch.path())?)?;
    let mut browser = Browser::sign_in(up.address())?;

    let requests = if options.quick { REQUESTS / 10 } else { REQUESTS };
    let mut lines = vec![told("executions of the job", (QUESTIONS * MODELS * 10).to_string())];
    let mut first = None;
    for page in PAGES {
        table::progress(page.name);
        let requests = if page.has_limit { requests } else { requests.div_ceil(10) };
        let taken = take(&mut browser, page, requests)?;
        lines.push(line(page, taken.as_ref()));
        let bytes = taken.filter(|_| page.is_whole).map(|taken| taken.first_bytes);
        first = first.max(bytes);
    }
    let kilobytes = |bytes: f64| format!("{:.1} kB", bytes / 1000.0);
    let what = "opened first, with style and scripts, the most";
    lines.push(at_most(what, FIRST_BYTES, first.map(count), kilobytes));
    table::print(&lines);
    let missed = lines.iter().filter(|line| line.verdict == Verdict::Missed).count();
    if missed == 0 { Ok(()) } else { Err(BenchError::Missed { missed }) }
}

/// So many requests of a page, each for something else of the job; none where the page is not there.
fn take(browser: &mut Browser, page: &Page, requests: u32) -> Result<Option<Taken>, BenchError> {
    let mut taken = Taken { micros: Vec::new(), bytes: 0, first_bytes: 0 };
    for number in 0..requests {
        let address = (page.address)(number);
        let shown = browser.get(&address)?;
        if shown.status == 404 {
            return Ok(None);
        }
        browser::same_status(&address, 200, &shown)?;
        taken.micros.push(i64::try_from(shown.took.as_micros()).unwrap_or(i64::MAX));
        taken.bytes = taken.bytes.max(shown.bytes);
        // The files are the same on every page.
        if number == 0 {
            taken.first_bytes = browser.files_of(&shown)?;
        }
    }
    taken.micros.sort_unstable();
    taken.first_bytes += taken.bytes;
    Ok(Some(taken))
}

fn line(page: &Page, taken: Option<&Taken>) -> Line {
    let milliseconds = |micros: i64| count(u64::try_from(micros).unwrap_or_default()) / 1000.0;
    let what = format!("{}, p95", page.name);
    let p95 = taken.map(|taken| milliseconds(percentile(&taken.micros, 95)));
    let line = at_most(&what, P95_MS, p95, |ms| format!("{ms:.1} ms"));
    let Some(taken) = taken else { return line };
    let (p50, kilobytes) =
        (milliseconds(percentile(&taken.micros, 50)), count(taken.bytes) / 1000.0);
    let value = format!("{} (p50 {p50:.1} ms, {kilobytes:.1} kB)", line.value);
    let verdict = if page.has_limit { line.verdict } else { Verdict::Told };
    let limit = if page.has_limit { line.limit } else { String::new() };
    Line { limit, value, verdict, ..line }
}

/// Both jobs in a data directory, as a run leaves them.
fn write_jobs(scratch: &Path, data: &Path) -> Result<(), BenchError> {
    let question =
        |index: u32| json!({ "id": format!("q{index}"), "text": format!("What is {index}?") });
    let spec = json!({
        "name": "Portal benchmark",
        "questions": (0..QUESTIONS).map(question).collect::<Vec<_>>(),
        "models": (0..MODELS).map(model).collect::<Vec<_>>(),
        "regions": REGIONS,
        "system_prompt": "none",
        "questions_in_flight": 9,
        "timeout": 86_400,
    });
    let file = scratch.join("spec.json");
    fs::write(&file, spec.to_string()).map_err(io("the specification"))?;
    // As the tests built it.
    let mut build = cargo(&["test", "--workspace", "--locked", "--no-run"]);
    let mut write = clean(&built(&mut build, "portal_jobs", false)?);
    write.arg("--data").arg(data).arg("--spec").arg(file);
    write.args(["--ended", ENDED, "--half", HALF]);
    Ok(step("writing both jobs", &mut write)?)
}

/// Whom the job half way goes on to ask: they are silent for as long as anybody looks.
fn providers(scratch: &Path) -> Result<PathBuf, BenchError> {
    let models: Vec<String> = (0..MODELS).map(model).collect();
    let provider = |region: &&str| {
        format!(
            "[[providers]]\nname = \"lab-{region}\"\nkind = \"simulated\"\nregion = \"{region}\"\n\
             models = {models:?}\nlatency_ms = [600000, 600000]\n\n"
        )
    };
    let path = scratch.join("providers.toml");
    fs::write(&path, REGIONS.iter().map(provider).collect::<String>())
        .map_err(io("the providers' file"))?;
    Ok(path)
}

pub(super) fn model(index: u32) -> String {
    format!("model-{index}")
}
