//! The verifier of `docs/verify.md`, as it stands there, on a bundle of the main job and on edits of it.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::python::{folder, installed};
use crate::test::{TestError, file, shown, step};
use crate::up::Beacon;

const TOOL: &str = "verify";
const JOB: &str = "verified";
const DOCUMENT: &str = "the verifier of docs/verify.md";

/// Runs it on a Beacon of its own.
pub(crate) fn run() -> Result<(), TestError> {
    let tools = installed(TOOL)?;
    let scratch = tempfile::tempdir().map_err(file("a scratch directory"))?;
    let (verifier, bundle) =
        (scratch.path().join("verify.py"), scratch.path().join("bundle.jsonl"));
    fs::write(&verifier, of_document()?).map_err(file(DOCUMENT))?;
    let beacon = Beacon::start(scratch.path())?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let example = root.join("examples/bias-detection.yaml");
    step("the main job", beacon.command("submit").args(["--id", JOB]).arg(example))?;
    step("the main job", beacon.command("watch").arg(JOB))?;
    let mut command = beacon.command("bundle");
    step("its bundle", command.args([JOB, "--out"]).arg(&bundle))?;
    let mut check = Command::new(tools.join("bin/python"));
    check.arg(folder(TOOL).join("check.py")).args([&verifier, &bundle]);
    check.arg(public_key(&beacon)?).arg(beacon.command("verify").get_program());
    step("the verifier of docs/verify.md", &mut check)
}

fn of_document() -> Result<String, TestError> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/verify.md");
    let text = fs::read_to_string(path).map_err(file(DOCUMENT))?;
    let block = text.split_once("```python\n").and_then(|(_, rest)| rest.split_once("```"));
    let missing = || Error::new(ErrorKind::NotFound, "no block of Python is in it");
    block.map(|(block, _)| block.to_owned()).ok_or_else(missing).map_err(file(DOCUMENT))
}

fn public_key(beacon: &Beacon) -> Result<String, TestError> {
    let mut command = beacon.command("keys");
    command.stdout(Stdio::piped());
    let shown = shown(&command);
    let output = command.output();
    let output = output.map_err(|source| TestError::Start { command: shown.clone(), source })?;
    let keys: Option<Value> = serde_json::from_slice(&output.stdout).ok();
    let key = keys.as_ref().and_then(|keys| keys.pointer("/keys/0/public_key")?.as_str());
    key.map(str::to_owned).ok_or(TestError::Failed { command: shown })
}
