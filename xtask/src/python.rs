//! Programs from PyPI, in the versions that a file pins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::test::{TestError, file, step};

/// What belongs to a tool, its pinned versions among it.
pub(crate) fn folder(tool: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests").join(tool)
}

/// Where the versions that `requirements.txt` pins are, installed unless they are there.
pub(crate) fn installed(tool: &str) -> Result<PathBuf, TestError> {
    let tools = std::path::absolute("target/tools").map_err(file("target/tools"))?.join(tool);
    let pinned = folder(tool).join("requirements.txt");
    let there = tools.join("installed.txt");
    let wanted = fs::read(&pinned).map_err(file("requirements.txt"))?;
    if fs::read(&there).is_ok_and(|installed| installed == wanted) {
        return Ok(tools);
    }
    let mut python = Command::new("python3");
    let place = format!("a place for {tool}");
    step(&place, python.args(["-m", "venv", "--clear"]).arg(&tools))?;
    let mut pip = Command::new(tools.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"]);
    step(&format!("installing {tool}"), pip.arg(&pinned))?;
    fs::write(there, wanted).map_err(file("target/tools"))?;
    Ok(tools)
}
