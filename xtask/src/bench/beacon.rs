//! Beacon as it is released: built, run to the end of a job, and its own account checked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use beacon_core::job::JobStatus;
use beacon_core::usage::Usage;
use beacon_core::view::JobView;
use serde_json::Value;

use super::error::{BenchError, io, json, same};
use super::mock::Mock;
use super::process::{Measured, measure};
use super::workload::{Workload, write_providers};

/// What the benchmark's own requests carry.
pub(super) const TOKEN: &str = "token-of-the-benchmark";

/// A built Beacon, and what it works with.
#[derive(Debug)]
pub(crate) struct Beacon<'a> {
    /// The program.
    pub(crate) binary: PathBuf,
    /// For its data and its files.
    pub(crate) scratch: &'a Path,
    /// Whom it asks.
    pub(crate) mock: &'a Mock,
}

/// A job that was run from an empty data directory to its end.
#[derive(Debug)]
pub(crate) struct Run {
    /// Its executions.
    pub(crate) executions: u64,
    /// What the whole command took, start and end included.
    pub(crate) measured: Measured,
    /// What Beacon counted from the SDK's answers.
    pub(crate) usage: Usage,
}

impl Beacon<'_> {
    /// Runs a job and checks that it did all that it should, and no more.
    pub(crate) fn run(&self, workload: &Workload) -> Result<Run, BenchError> {
        let directory = tempfile::tempdir_in(self.scratch).map_err(io("a scratch directory"))?;
        let providers = write_providers(directory.path(), self.mock)?;
        let spec = directory.path().join("spec.yaml");
        fs::write(&spec, workload.spec().to_string()).map_err(io("the specification"))?;
        self.mock.take_calls();
        let mut command = command(&self.binary, &directory.path().join("data"));
        command.arg("run").arg(&spec).arg("--providers").arg(&providers);
        let measured = measure("beacon run", &mut command, directory.path())?;
        let view: JobView =
            serde_json::from_slice(&measured.output).map_err(json("the job's view"))?;
        let usage = check(&view, workload)?;
        same("calls of the provider", &workload.calls(), &self.mock.take_calls())?;
        Ok(Run { executions: workload.executions(), measured, usage })
    }
}

/// The program on a data directory, with nothing of this environment that could change what it does.
pub(crate) fn command(binary: &Path, data: &Path) -> Command {
    let mut command = Command::new(binary);
    for variable in [
        "BEACON_LOG",
        "HYBRID_ROUTER_URL",
        "HYBRID_BASE",
        "HYBRID_ROUTER_TIMEOUT",
        "HYBRID_TIMEOUT",
    ] {
        command.env_remove(variable);
    }
    command.env("BEACON_ADMIN_TOKENS", TOKEN).env("BEACON_REQUESTS_PER_MINUTE", "1000000");
    command.arg("--data").arg(data).arg("--json").stdin(Stdio::null());
    command
}

fn check(view: &JobView, workload: &Workload) -> Result<Usage, BenchError> {
    let executions = workload.executions();
    same("the job's status", &JobStatus::Completed, &view.status)?;
    same("executions of the job", &executions, &view.expected)?;
    same("completed executions", &executions, &view.counts.completed)?;
    same("executions with a text", &executions, &view.outcomes.text)?;
    view.usage.ok_or_else(|| BenchError::Wrong {
        what: "the job's usage",
        expected: "a count".to_owned(),
        found: "none".to_owned(),
    })
}

/// A program of a package, as released.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    pub(crate) package: &'static str,
    pub(crate) name: &'static str,
}

/// The command line.
pub(crate) const BEACON: Program = Program { package: "beacon-cli", name: "beacon" };
/// The router as a service of its own.
pub(crate) const ROUTER: Program = Program { package: "beacon-router", name: "beacon-router" };

/// Builds a release and says where it is.
pub(crate) fn build(Program { package, name }: Program) -> Result<PathBuf, BenchError> {
    let mut cargo = Command::new("cargo");
    // What cargo tells the program it runs would make it build other packages anew.
    for (name, _value) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    let built = cargo
        .args(["build", "--release", "--package", package, "--bin", name])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stderr(Stdio::inherit())
        .output()
        .map_err(io("cargo"))?;
    if !built.status.success() {
        let output = "see above".to_owned();
        return Err(BenchError::Failed { program: "cargo build", status: built.status, output });
    }
    let lines = String::from_utf8_lossy(&built.stdout);
    let mut messages = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let executable = messages.find_map(|message| {
        let is_it = message.pointer("/target/name")?.as_str()? == name;
        let executable = message.get("executable")?.as_str()?;
        is_it.then(|| PathBuf::from(executable))
    });
    executable.ok_or_else(|| BenchError::Wrong {
        what: "what cargo built",
        expected: "the program `beacon`".to_owned(),
        found: "none".to_owned(),
    })
}
