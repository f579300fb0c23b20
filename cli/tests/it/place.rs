//! A directory of its own for each test, and the `beacon` command in it.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

use crate::calls::Calls;

/// Longer than anything takes that ends at all.
const PATIENCE: Duration = Duration::from_secs(180);

/// Variables of the person's environment that would change what a test does.
const VARIABLES: [&str; 25] = [
    "BEACON_ADMIN_TOKENS",
    "BEACON_COMPLETION_QUEUE_URL",
    "BEACON_DISPATCH_QUEUE_URL",
    "BEACON_EMBEDDINGS_KEY",
    "BEACON_LOG",
    "BEACON_QUESTION_QUEUE_URL",
    "BEACON_READER_TOKENS",
    "BEACON_REQUESTS_PER_MINUTE",
    "BEACON_ROUTER_ADMIN_TOKENS",
    "BEACON_ROUTER_CONFIG",
    "BEACON_ROUTER_LEASE_SECONDS",
    "BEACON_ROUTER_TABLE",
    "BEACON_ROUTER_TOKENS",
    "BEACON_SECRETS",
    "BEACON_STACK",
    "BEACON_SUBMITTER_TOKENS",
    "BEACON_TABLE",
    "BEACON_TOKEN",
    "BEACON_TRUSTED_KEYS",
    "HYBRID_BASE",
    "HYBRID_ROUTER_DISABLE",
    "HYBRID_ROUTER_TIMEOUT",
    "HYBRID_ROUTER_TOKEN",
    "HYBRID_ROUTER_URL",
    "HYBRID_TIMEOUT",
];

pub(crate) struct Place {
    directory: TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Writes a file and returns its path as an argument.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        argument(&path)
    }

    /// Three simulated providers with a call log, as the argument of --providers.
    pub(crate) fn providers(&self, latency_ms: &str) -> String {
        self.write("providers.toml", &providers(&self.path("calls.jsonl"), latency_ms))
    }

    /// What the simulated providers were asked so far.
    pub(crate) fn calls(&self) -> Calls {
        Calls::read(&self.path("calls.jsonl"))
    }

    /// The command on this place's data directory. It dies with the test.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = elsewhere(&[]);
        command.arg("--data").arg(self.data()).args(arguments);
        command
    }

    /// Runs the command to its end.
    pub(crate) async fn beacon(&self, arguments: &[&str]) -> Done {
        finished(self.command(arguments)).await
    }
}

impl Done {
    /// The one JSON object that a command with --json prints.
    pub(crate) fn json(&self) -> Value {
        let lines: Vec<&str> = self.stdout.lines().collect();
        assert_eq!(lines.len(), 1, "{self:?}");
        serde_json::from_str(lines[0]).unwrap()
    }

    /// The JSON objects that a command prints, one a line.
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The command without a data directory of its own.
pub(crate) fn elsewhere(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beacon"));
    command.args(arguments);
    command.current_dir(workspace()).stdin(Stdio::null()).kill_on_drop(true);
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    // Tests look as often as they can.
    command.env("BEACON_REQUESTS_PER_MINUTE", "1000000");
    command
}

/// Runs a command to its end.
pub(crate) async fn finished(mut command: Command) -> Done {
    let output = within(command.output()).await.unwrap();
    Done::from(output)
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A file of three simulated providers.
pub(crate) fn providers(call_log: &Path, latency_ms: &str) -> String {
    let regions = ["us-east", "eu-west", "asia-pacific"];
    let provider = |region| {
        format!(
            "[[providers]]\nname = \"lab-{region}\"\nkind = \"simulated\"\nregion = \"{region}\"\n\
             models = [\"llama3.2-1b\", \"mistral-7b\", \"qwen2.5-1.5b\"]\nseed = 7\n\
             latency_ms = {latency_ms}\nempty_rate = 0.05\n"
        )
    };
    format!("call_log = {:?}\n{}", argument(call_log), regions.map(provider).concat())
}

/// The directory in which a person would type the command.
fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

pub(crate) fn argument(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// The result, unless it never comes.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("this never ended")
}

/// Looks until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < end, "never seen: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
