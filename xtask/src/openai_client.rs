//! The openai client (PyPI) against a router that runs, with a provider that writes down what it is
//! asked.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::python::{folder, installed};
use crate::test::{TestError, built, cargo, clean, file, shown, step};

const TOOL: &str = "openai-client";
const TOKEN: &str = "token-of-the-openai-client";

/// Runs it on a router of its own.
pub(crate) fn run() -> Result<(), TestError> {
    let tools = installed(TOOL)?;
    // As the tests built it.
    let mut build = cargo(&["test", "--workspace", "--locked", "--no-run"]);
    let program = built(&mut build, "beacon", false)?;
    let scratch = tempfile::tempdir().map_err(file("a scratch directory"))?;
    let router = Router::start(&program, scratch.path())?;
    let mut check = Command::new(tools.join("bin/python"));
    check.arg(folder(TOOL).join("check.py")).args([&router.address, TOKEN]);
    check.arg(scratch.path().join("calls.jsonl"));
    // What a developer has set for his own use of the client.
    for name in ["OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"] {
        check.env_remove(name);
    }
    step("the openai client", &mut check)
}

/// A router that runs until this is dropped.
struct Router {
    address: String,
    process: Child,
}

impl Router {
    fn start(program: &Path, scratch: &Path) -> Result<Self, TestError> {
        let providers = folder(TOOL).join("providers.toml");
        let providers: PathBuf = providers.canonicalize().map_err(file("providers.toml"))?;
        let mut command = clean(program);
        command.args(["router", "--listen", "127.0.0.1:0", "--config"]).arg(providers);
        command.env("BEACON_ROUTER_TOKENS", TOKEN).stdout(Stdio::piped());
        // Its call log comes to be there.
        command.current_dir(scratch);
        let shown = shown(&command);
        let process = command.spawn().map_err(|source| {
            let command = shown.clone();
            TestError::Start { command, source }
        })?;
        let mut router = Self { address: String::new(), process };
        let output = router.process.stdout.take().map(BufReader::new);
        let lines = output.into_iter().flat_map(BufRead::lines).map_while(Result::ok);
        let mut addresses =
            lines.filter_map(|line| Some(line.split_once("router at ")?.1.to_owned()));
        router.address = addresses.next().ok_or(TestError::Failed { command: shown })?;
        Ok(router)
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}
