//! The functions as they are deployed: built with the profile `lambda`, and what each is started
//! with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::error::{BenchError, io};
use super::super::limits::count;
use crate::test::{cargo, step};

/// A function's program and its variables.
#[derive(Debug)]
pub(super) struct Function {
    /// Its package and its program.
    pub(super) name: &'static str,
    variables: &'static [(&'static str, &'static str)],
}

/// What all else is measured beside.
pub(super) const BARE: Function = Function { name: "bare-function", variables: &[] };

const TABLE: (&str, &str) = ("BEACON_TABLE", "beacon");
const DISPATCH: (&str, &str) = ("BEACON_DISPATCH_QUEUE_URL", "http://127.0.0.1:9/000000000000/d");
const QUESTION: (&str, &str) = ("BEACON_QUESTION_QUEUE_URL", "http://127.0.0.1:9/000000000000/q");
const COMPLETION: (&str, &str) =
    ("BEACON_COMPLETION_QUEUE_URL", "http://127.0.0.1:9/000000000000/c");
const DEAD: (&str, &str) =
    ("BEACON_QUESTION_DEAD_LETTER_QUEUE_URL", "http://127.0.0.1:9/000000000000/x");
/// As the template has it unless told otherwise.
const ROUTER: (&str, &str) = ("HYBRID_ROUTER_URL", "embedded");
const PROVIDERS: (&str, &str) = ("BEACON_ROUTER_CONFIG", "examples/providers.simulated.toml");
const TOKENS: (&str, &str) = ("BEACON_SECRETS", "beacon/tokens");
const KEYS: (&str, &str) = ("BEACON_SECRETS", "beacon/providers");

/// The functions, in the order of the flow.
pub(super) const FUNCTIONS: [Function; 8] = [
    Function { name: "beacon-authorizer", variables: &[TOKENS] },
    Function {
        name: "beacon-intake",
        variables: &[TABLE, DISPATCH, QUESTION, COMPLETION, ROUTER, PROVIDERS],
    },
    Function { name: "beacon-dispatch", variables: &[TABLE, DISPATCH, QUESTION, COMPLETION] },
    Function {
        name: "beacon-inference",
        variables: &[TABLE, DISPATCH, QUESTION, COMPLETION, ROUTER, PROVIDERS, KEYS],
    },
    Function { name: "beacon-coordinator", variables: &[TABLE] },
    Function {
        name: "beacon-reconciler",
        variables: &[TABLE, DISPATCH, QUESTION, COMPLETION, DEAD, ROUTER, PROVIDERS],
    },
    Function { name: "beacon-query", variables: &[TABLE, ROUTER, PROVIDERS] },
    Function {
        name: "beacon-portal",
        variables: &[TABLE, DISPATCH, QUESTION, COMPLETION, ROUTER, PROVIDERS, TOKENS],
    },
];

/// Builds them all; the directory that they are in. It is one of its own: where `cargo lambda` puts
/// what it builds, a program of the same name would be in the way.
pub(super) fn build() -> Result<PathBuf, BenchError> {
    let mut build = cargo(&["build", "--locked", "--profile", "lambda", "--bins"]);
    build.args(["--target-dir", TARGET]);
    for function in FUNCTIONS.iter().chain([&BARE]) {
        build.args(["--package", function.name]);
    }
    step("the functions, as they are deployed", &mut build)?;
    Ok(Path::new(TARGET).join("lambda"))
}

const TARGET: &str = "target/cold";

impl Function {
    /// Its program, with an environment as Lambda's and nothing else.
    pub(super) fn command(&self, directory: &Path, runtime: &str, secrets: &str) -> Command {
        let mut command = Command::new(directory.join(self.name));
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", runtime)
            .env("AWS_LAMBDA_FUNCTION_NAME", self.name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", "key")
            .env("AWS_SESSION_TOKEN", "token")
            .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("http://{secrets}"))
            .envs(self.variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        command
    }

    /// Its program's size.
    pub(super) fn bytes(&self, directory: &Path) -> Result<f64, BenchError> {
        let program = fs::metadata(directory.join(self.name));
        Ok(count(program.map_err(io("a function's program"))?.len()))
    }
}
