//! The functions as Lambda runs them, built by the program that `sam build` calls.

use std::path::PathBuf;
use std::process::Command;

use crate::python::installed;
use crate::test::{TestError, file, step};

/// In the order of a job's way.
const FUNCTIONS: [&str; 7] = [
    "beacon-authorizer",
    "beacon-intake",
    "beacon-dispatch",
    "beacon-inference",
    "beacon-coordinator",
    "beacon-reconciler",
    "beacon-query",
];

/// `cargo lambda`, as PyPI has it. Without zig, which only other machines' programs need.
pub(crate) fn cargo_lambda() -> Result<Command, TestError> {
    let mut command = Command::new(installed("cargo-lambda")?.join("bin/cargo-lambda"));
    command.arg("lambda");
    Ok(command)
}

/// Builds them for this machine; where each has a folder with its `bootstrap`.
pub(crate) fn built() -> Result<PathBuf, TestError> {
    let mut build = cargo_lambda()?;
    build.args(["build", "--profile", "lambda", "--compiler", "cargo", "--locked"]);
    for function in FUNCTIONS {
        build.args(["--package", function]);
    }
    step("the functions", &mut build)?;
    std::path::absolute("target/lambda").map_err(file("target/lambda"))
}
