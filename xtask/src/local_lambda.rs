//! Functions under `cargo lambda`, on the tables and queues of a Beacon on this machine: one accepts a
//! job, which that Beacon runs, another shows what became of it.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::emulator::{free_address, log_folder};
use crate::functions::{built, cargo_lambda};
use crate::test::{TestError, file, shown, step};
use crate::up::Beacon;

/// The job of `tests/fixtures/intake.json`, and its executions.
const JOB: &str = "fixture-1";
const EXECUTIONS: u64 = 2;
/// Longer than `cargo lambda watch` takes to listen.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// Runs both.
pub(crate) fn run() -> Result<(), TestError> {
    let programs = built()?;
    let scratch = tempfile::tempdir().map_err(file("a scratch directory"))?;
    let beacon = Beacon::start(scratch.path())?;
    let lambda = Lambda::start(programs, &beacon.data, &log_folder("local-lambda")?)?;

    let _intake = lambda.function("beacon-intake")?;
    let accepted = lambda.invoke("beacon-intake", "intake.json")?;
    expect(&accepted, 202, &[("/job_id", JOB.into()), ("/existing", false.into())])?;
    step("the job of the fixtures", beacon.command("watch").arg(JOB))?;
    let _query = lambda.function("beacon-query")?;
    let shown = lambda.invoke("beacon-query", "query.json")?;
    let completed = ("/jobs/0/counts/completed", EXECUTIONS.into());
    expect(&shown, 200, &[("/jobs/0/job_id", JOB.into()), completed])
}

/// What an invocation answered must hold; its body is JSON as text.
fn expect(answer: &Value, status: u16, fields: &[(&str, Value)]) -> Result<(), TestError> {
    let body = answer["body"].as_str().unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let holds = |(field, value): &(&str, Value)| body.pointer(field) == Some(value);
    if answer["statusCode"] == status && fields.iter().all(holds) {
        return Ok(());
    }
    Err(TestError::Failed { command: format!("an invocation that answered {answer}") })
}

/// `cargo lambda watch` until this is dropped. It compiles nothing: the functions are started here, from
/// the programs that were built for Lambda.
struct Lambda {
    address: SocketAddr,
    programs: PathBuf,
    variables: Vec<(String, String)>,
    logs: PathBuf,
    _watch: Process,
}

/// A program that ends with this.
struct Process(Child);

impl Lambda {
    fn start(programs: PathBuf, data: &Path, logs: &Path) -> Result<Self, TestError> {
        let variables = fs::read_to_string(data.join("lambda.env"));
        let variables = variables.map_err(file("what Beacon wrote for functions"))?;
        let pairs = variables.lines().filter_map(|line| line.split_once('='));
        let variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let address = free_address().map_err(file("a free port"))?;
        let mut watch = cargo_lambda()?;
        watch.args(["watch", "--only-lambda-apis", "--invoke-address"]);
        watch.args([
            &Ipv4Addr::LOCALHOST.to_string(),
            "--invoke-port",
            &address.port().to_string(),
        ]);
        let watch = Process::start(&mut watch, &logs.join("watch.log"))?;
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if Instant::now() > until {
                return Err(TestError::Failed { command: "cargo lambda watch".to_owned() });
            }
            sleep(PAUSE);
        }
        Ok(Self { address, programs, variables, logs: logs.to_owned(), _watch: watch })
    }

    /// Starts a function, with the environment that Lambda and `lambda.env` give it and nothing else.
    fn function(&self, name: &str) -> Result<Process, TestError> {
        let mut function = Command::new(self.programs.join(name).join("bootstrap"));
        let pairs = self.variables.iter().map(|(name, value)| (name, value));
        function.env_clear().envs(pairs).env("AWS_LAMBDA_FUNCTION_NAME", name);
        function.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256");
        function.env("AWS_LAMBDA_FUNCTION_VERSION", "1");
        // Where `cargo lambda watch` says that it is.
        let api = format!("http://{}/.rt/{name}", self.address);
        function.env("AWS_LAMBDA_RUNTIME_API", api);
        Process::start(&mut function, &self.logs.join(format!("{name}.log")))
    }

    /// `cargo lambda invoke`: what the function answers to an event of `tests/fixtures`.
    fn invoke(&self, function: &str, event: &str) -> Result<Value, TestError> {
        let mut invoke = cargo_lambda()?;
        invoke.args(["invoke", function, "--invoke-address", &self.address.ip().to_string()]);
        invoke.args(["--invoke-port", &self.address.port().to_string(), "--data-file"]);
        invoke.arg(Path::new("tests/fixtures").join(event)).stderr(Stdio::inherit());
        let command = shown(&invoke);
        let started = invoke.stdout(Stdio::piped()).spawn();
        let mut started =
            started.map_err(|source| TestError::Start { command: command.clone(), source })?;
        // A function that ended at its start would be waited for without end.
        let until = Instant::now() + PATIENCE;
        while started.try_wait().map_err(file("an invocation"))?.is_none() {
            if Instant::now() > until {
                // One that has ended cannot be killed.
                let _ended = started.kill();
            }
            sleep(PAUSE);
        }
        let output = started.wait_with_output().map_err(file("an invocation's answer"))?;
        let answer = serde_json::from_slice(&output.stdout);
        answer.map_err(|_no_answer| TestError::Failed { command })
    }
}

impl Process {
    fn start(command: &mut Command, log: &Path) -> Result<Self, TestError> {
        let log = File::create(log).map_err(file("a log"))?;
        let errors = log.try_clone().map_err(file("a log"))?;
        let started = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
        let process = started.map_err(|source| {
            let command = shown(command);
            TestError::Start { command, source }
        })?;
        Ok(Self(process))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}
