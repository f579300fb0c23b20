//! A Beacon on this machine, for the steps that ask one.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::test::{TestError, built, cargo, clean, file, shown};

/// Simulated, because what a model answers is not looked at.
fn providers() -> String {
    let provider = |region| {
        format!(
            "[[providers]]\nname = \"lab-{region}\"\nkind = \"simulated\"\nregion = \"{region}\"\n\
             models = [\"llama3.2-1b\", \"mistral-7b\", \"qwen2.5-1.5b\"]\nseed = 2026\n\
             latency_ms = [0, 0]\n"
        )
    };
    ["us-east", "eu-west", "asia-pacific"].map(provider).concat()
}

/// A Beacon that runs until this is dropped.
pub(crate) struct Beacon {
    program: PathBuf,
    /// Its data directory.
    pub(crate) data: PathBuf,
    /// Where its API listens.
    pub(crate) api: String,
    /// The portal's address, which signs in whoever opens it first.
    pub(crate) portal: String,
    process: Child,
}

impl Beacon {
    /// Starts one with simulated providers, its files in this directory.
    pub(crate) fn start(scratch: &Path) -> Result<Self, TestError> {
        Self::start_with(scratch, &providers(), &[])
    }

    /// Starts one with these providers and variables, its files in this directory.
    pub(crate) fn start_with(
        scratch: &Path,
        providers: &str,
        variables: &[(&str, &str)],
    ) -> Result<Self, TestError> {
        // As the tests built it.
        let mut build = cargo(&["test", "--workspace", "--locked", "--no-run"]);
        let program = built(&mut build, "beacon", false)?;
        let data = scratch.join("data");
        let file_of_providers = scratch.join("providers.toml");
        fs::write(&file_of_providers, providers).map_err(file("the providers' file"))?;
        let mut up = command(&program, &data);
        up.args(["up", "--listen", "127.0.0.1:0", "--providers"]).arg(&file_of_providers);
        up.env("BEACON_REQUESTS_PER_MINUTE", "1000000").stdout(Stdio::piped());
        up.envs(variables.iter().copied());
        let shown = shown(&up);
        let process = up.spawn().map_err(|source| {
            let command = shown.clone();
            TestError::Start { command, source }
        })?;
        let (api, portal) = (String::new(), String::new());
        let mut beacon = Self { program, data, api, portal, process };
        let mut line = String::new();
        if let Some(output) = beacon.process.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(file("Beacon's output"))?;
        }
        let started: Option<Value> = serde_json::from_str(&line).ok();
        let said = |name| started.as_ref().and_then(|started| started.get(name)?.as_str());
        let (Some(api), Some(portal)) = (said("api"), said("portal")) else {
            return Err(TestError::Failed { command: shown });
        };
        api.clone_into(&mut beacon.api);
        portal.clone_into(&mut beacon.portal);
        Ok(beacon)
    }

    /// The program on the same data directory.
    pub(crate) fn command(&self, subcommand: &str) -> Command {
        let mut command = command(&self.program, &self.data);
        command.arg(subcommand);
        command
    }
}

impl Drop for Beacon {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}

/// The program on a data directory.
fn command(program: &Path, data: &Path) -> Command {
    let mut command = clean(program);
    command.arg("--data").arg(data).arg("--json").stdout(Stdio::null());
    command
}
