//! The functions as Lambda runs them, built by the program that `sam build` calls.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::python::installed;
use crate::test::{TestError, file, step};

/// Of a function's program. It should be 6 MB, which not all keep (docs/benchmarks.md); none is to grow
/// beyond the largest of them.
const MOST_BYTES: u64 = 8_600_000;
/// Of the portal's, in which intake and query are, and the pages beside them.
const MOST_BYTES_OF_THE_PORTAL: u64 = 10_800_000;

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
        let bytes = bytes(&program).map_err(file("target/lambda"))?;
        if bytes > most_bytes(&program) {
            return Err(TestError::TooLarge { program, bytes });
        }
    }
    Ok(programs)
}

fn most_bytes(program: &Path) -> u64 {
    let is_the_portal = program.parent().is_some_and(|folder| folder.ends_with("beacon-portal"));
    if is_the_portal { MOST_BYTES_OF_THE_PORTAL } else { MOST_BYTES }
}

/// Of a program; none where there is no program, as in the folders and files that cargo keeps beside them.
fn bytes(program: &Path) -> io::Result<u64> {
    match fs::metadata(program) {
        Ok(program) => Ok(program.len()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(0)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_portal_alone_may_be_larger() {
        let most = |name: &str| most_bytes(&Path::new("/programs").join(name).join("bootstrap"));
        assert_eq!(most("beacon-portal"), MOST_BYTES_OF_THE_PORTAL);
        assert_eq!(most("beacon-query"), MOST_BYTES);
    }

    #[test]
    fn only_what_is_not_there_has_no_size() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        fs::write(place("program"), "four").unwrap();
        assert_eq!(bytes(&place("program")).unwrap(), 4);
        assert_eq!(bytes(&place("other")).unwrap(), 0);
        assert_eq!(bytes(&place("program").join("bootstrap")).unwrap(), 0, "within a file");
        symlink(place("loop"), place("loop")).unwrap();
        assert!(bytes(&place("loop")).is_err());
    }
}
