//! The functions as Lambda runs them, built by the program that `sam build` calls.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::python::installed;
use crate::test::{TestError, file, step};

/// Of a function's program. It should be 6 MB, which not all keep (docs/benchmarks.md); none is to grow
/// beyond the largest of them.
const MOST_BYTES: u64 = 8_600_000;

/// `cargo lambda`, as PyPI has it. Without zig, which only other machines' programs need.
pub(crate) fn cargo_lambda() -> Result<Command, TestError> {
    let mut command = Command::new(installed("cargo-lambda")?.join("bin/cargo-lambda"));
    command.arg("lambda");
    Ok(command)
}

/// Builds those of `CargoLambda.toml` for this machine; where each has a folder with its `bootstrap`.
pub(crate) fn built() -> Result<PathBuf, TestError> {
    let mut build = cargo_lambda()?;
    build.args(["build", "--profile", "lambda", "--compiler", "cargo", "--locked"]);
    step("the functions", &mut build)?;
    let programs = std::path::absolute("target/lambda").map_err(file("target/lambda"))?;
    for program in fs::read_dir(&programs).map_err(file("target/lambda"))? {
        let program = program.map_err(file("target/lambda"))?.path().join("bootstrap");
        // What cargo keeps beside them has none.
        let bytes = fs::metadata(&program).map_or(0, |program| program.len());
        if bytes > MOST_BYTES {
            return Err(TestError::TooLarge { program, bytes });
        }
    }
    Ok(programs)
}
