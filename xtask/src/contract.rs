//! The API against its own description: schemathesis asks a Beacon that runs, and holds each answer
//! against the document that it serves.

use std::fs;
use std::process::Command;

use beacon_core::openapi;

use crate::python::{folder, installed};
use crate::test::{TestError, file, step};
use crate::up::Beacon;

/// Runs it on a Beacon of its own.
pub(crate) fn run() -> Result<(), TestError> {
    let tools = installed("schemathesis")?;
    let scratch = tempfile::tempdir().map_err(file("a scratch directory"))?;
    let beacon = Beacon::start(scratch.path())?;
    // The job that the document's examples name.
    let example = scratch.path().join("example.json");
    fs::write(&example, openapi::example().to_string()).map_err(file("the example"))?;
    step("the example of the API", beacon.command("submit").arg(&example))?;
    step("the example of the API", beacon.command("watch").arg(openapi::EXAMPLE_JOB))?;

    let token = fs::read_to_string(beacon.data.join("token")).map_err(file("the token"))?;
    let mut schemathesis = Command::new(tools.join("bin/schemathesis"));
    schemathesis
        .arg("--config-file")
        .arg(folder("schemathesis").join("schemathesis.toml"))
        .arg("run")
        .arg(format!("http://{}/openapi.json", beacon.api))
        .env("BEACON_TOKEN", token.trim())
        // It leaves files where it runs.
        .current_dir(scratch.path());
    step("the API against its description", &mut schemathesis)
}
