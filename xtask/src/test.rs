//! `cargo xtask test`: everything that must hold before a change lands.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use thiserror::Error;

use crate::{contract, deployed, local_lambda, openai_client, portal, template, verify};

/// Checks licences, bans and sources; its advisory database is not reachable from CI.
const DENY_VERSION: &str = "0.20.2";

/// A step that could not be run, or that failed.
#[derive(Debug, Error)]
pub(crate) enum TestError {
    #[error("`{command}` cannot be started")]
    Start {
        command: String,
        #[source]
        source: std::io::Error,
    },
    #[error("`{command}` failed")]
    Failed { command: String },
    #[error("`{}` has {bytes} bytes, more than it may have", program.display())]
    TooLarge { program: PathBuf, bytes: u64 },
    #[error("`{program}` is not there, and neither is apt-get to install it; put it on the PATH")]
    Missing { program: &'static str },
    #[error("{what} cannot be used")]
    File {
        what: &'static str,
        #[source]
        source: std::io::Error,
    },
}

/// Runs all steps, the quick ones first, and stops at the first that fails.
pub(crate) fn run() -> Result<(), TestError> {
    step("formatting", &mut cargo(&["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    step("lints", &mut cargo(&clippy))?;
    let deny = installed_deny()?;
    let mut check = Command::new(deny);
    step("licences, bans, sources", check.args(["check", "licenses", "bans", "sources"]))?;
    template::run()?;
    step("tests", &mut cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]))?;
    contract::run()?;
    verify::run()?;
    portal::run(&portal::Which::default())?;
    openai_client::run()?;
    local_lambda::run()?;
    deployed::run()
}

fn installed_deny() -> Result<PathBuf, TestError> {
    let tools = Path::new("target").join("tools");
    let deny = tools.join("bin").join("cargo-deny");
    let version = Command::new(&deny).arg("--version").output();
    if version.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains(DENY_VERSION)) {
        return Ok(deny);
    }
    // Unoptimised, because it runs once and is built from source.
    let mut install = cargo(&["install", "cargo-deny", "--version", DENY_VERSION]);
    install.args(["--locked", "--debug", "--force", "--root"]).arg(&tools);
    step("installing cargo-deny", &mut install)?;
    Ok(deny)
}

pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments);
    // Those of `cargo run` for this program. A build script that looks at its own, as that of *ring*
    // does, would run anew whenever they come and go, and everything after it be built again.
    for (name, _value) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// The program, with nothing of this environment that changes what it does.
pub(crate) fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _value) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("BEACON_") || text.starts_with("HYBRID_") {
            command.env_remove(name);
        }
    }
    command.env("BEACON_LOG", "error").stdin(Stdio::null());
    command
}

/// What is wrong where a file cannot be used.
pub(crate) fn file(what: &'static str) -> impl FnOnce(std::io::Error) -> TestError {
    move |source| TestError::File { what, source }
}

/// Runs a build; where its program, or its test, of this name is.
pub(crate) fn built(build: &mut Command, name: &str, test: bool) -> Result<PathBuf, TestError> {
    build.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let output = build.output().map_err(|source| {
        let command = shown(build);
        TestError::Start { command, source }
    })?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let program = messages.lines().find_map(|line| {
        let artifact: Value = serde_json::from_str(line).ok()?;
        let wanted =
            artifact.pointer("/target/name")? == name && artifact.pointer("/profile/test")? == test;
        let program = artifact.get("executable")?.as_str()?;
        wanted.then(|| program.into())
    });
    let program = program.filter(|_program| output.status.success());
    program.ok_or_else(|| TestError::Failed { command: shown(build) })
}

/// Without its environment, which may hold a token.
pub(crate) fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[expect(clippy::print_stderr, reason = "a command line says what it does")]
pub(crate) fn step(name: &str, command: &mut Command) -> Result<(), TestError> {
    let shown = shown(command);
    eprintln!("── {name}: {shown}");
    let begun = Instant::now();
    let status = command.status().map_err(|source| {
        let command = shown.clone();
        TestError::Start { command, source }
    })?;
    eprintln!("── {name}: {} s", begun.elapsed().as_secs());
    if status.success() { Ok(()) } else { Err(TestError::Failed { command: shown }) }
}
