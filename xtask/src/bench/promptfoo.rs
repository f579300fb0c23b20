//! promptfoo, the most used program for such comparisons, installed beside what cargo builds.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json as object};

use super::error::{BenchError, io, json, same};
use super::mock::Mock;
use super::process::{Measured, measure};
use super::table;
use super::workload::Workload;

/// The latest of 0.121 when the comparison was written.
const VERSION: &str = "0.121.20";
/// Calls at a time; its own default is 4.
const CONCURRENCY: &str = "32";
/// Everything it does beside the evaluation is off: calls home, the look for a newer version, logs.
const QUIET: [&str; 6] = [
    "PROMPTFOO_DISABLE_TELEMETRY",
    "PROMPTFOO_DISABLE_UPDATE",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION",
    "PROMPTFOO_DISABLE_SHARING",
    "PROMPTFOO_DISABLE_DEBUG_LOG",
    "PROMPTFOO_DISABLE_ERROR_LOG",
];

/// An installed promptfoo.
#[derive(Debug)]
pub(crate) struct Promptfoo {
    program: PathBuf,
    /// For its own state, so that nothing is read from or written to the user's.
    config: PathBuf,
}

impl Promptfoo {
    /// Installs the pinned version unless it is there; none where npm is missing.
    pub(crate) fn install(directory: &Path) -> Result<Option<Self>, BenchError> {
        let modules = directory.join("node_modules");
        let installed =
            Self { program: modules.join(".bin/promptfoo"), config: directory.join("config") };
        fs::create_dir_all(&installed.config).map_err(io("promptfoo's directory"))?;
        let version = fs::read(modules.join("promptfoo/package.json")).ok();
        let version = version.and_then(|json| serde_json::from_slice::<Value>(&json).ok());
        if version.is_some_and(|package| package["version"] == VERSION) {
            return Ok(Some(installed));
        }
        table::progress(&format!("installing promptfoo {VERSION} with npm"));
        let package = object!({ "private": true, "dependencies": { "promptfoo": VERSION } });
        fs::write(directory.join("package.json"), package.to_string())
            .map_err(io("promptfoo's directory"))?;
        let npm = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(directory)
            .stdin(Stdio::null())
            .output();
        match npm {
            Ok(npm) if npm.status.success() => Ok(Some(installed)),
            Ok(npm) => Err(BenchError::Failed {
                program: "npm install",
                status: npm.status,
                output: String::from_utf8_lossy(&npm.stderr).into_owned(),
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                table::progress("npm is not installed: promptfoo is left out");
                Ok(None)
            }
            Err(error) => Err(io("npm")(error)),
        }
    }

    /// A run of a few calls, so that what it sets up once is not measured.
    pub(crate) fn warm_up(&self, scratch: &Path, mock: &Mock) -> Result<(), BenchError> {
        self.run(&Workload::SMALL, scratch, mock).map(drop)
    }

    /// Asks the questions and checks that each was answered.
    pub(crate) fn run(
        &self,
        workload: &Workload,
        scratch: &Path,
        mock: &Mock,
    ) -> Result<Measured, BenchError> {
        let directory = tempfile::tempdir_in(scratch).map_err(io("a scratch directory"))?;
        let (config, results) =
            (directory.path().join("config.json"), directory.path().join("results.json"));
        fs::write(&config, workload.promptfoo(mock).to_string())
            .map_err(io("promptfoo's configuration"))?;
        mock.take_calls();
        let mut command = Command::new(&self.program);
        command
            .args(["eval", "-j", CONCURRENCY, "--no-cache", "--no-write", "--no-table"])
            .args(["--no-share", "--no-progress-bar", "--config"])
            .arg(&config)
            .arg("--output")
            .arg(&results)
            .envs(QUIET.map(|name| (name, "1")))
            .env("PROMPTFOO_CONFIG_DIR", &self.config)
            .current_dir(directory.path())
            .stdin(Stdio::null());
        let measured = measure("promptfoo eval", &mut command, directory.path())?;
        let results = fs::read(&results).map_err(io("promptfoo's results"))?;
        let results: Value =
            serde_json::from_slice(&results).map_err(json("promptfoo's results"))?;
        let successes = results["results"]["stats"]["successes"].as_u64();
        same("promptfoo's successes", &Some(workload.executions()), &successes)?;
        same("calls of the provider", &workload.calls(), &mock.take_calls())?;
        Ok(measured)
    }
}
