//! What each command does.

use std::io::ErrorKind;

use beacon_core::view::JobView;
use beacon_infra::{
    DataDir, Duty, Running, SharedCalls, Stack, StackError, StackOptions, Unshared, access_settings,
};
use beacon_router::{Access, Config, HybridRouter, Service};
use serde::Serialize;
use thiserror::Error;

use crate::api::ApiError;
use crate::arguments::{Arguments, Command, Router, Run, Up};
use crate::bundle::bundle;
use crate::change::{cancel, retry};
use crate::compare::compare;
use crate::connect::{ConnectError, Connection};
use crate::deployed::{self, DeployedError};
use crate::doctor::doctor;
use crate::embeddings::{EmbedError, EmbeddingError};
use crate::estimate::{EstimateError, estimate};
use crate::export::{Unwritable, export};
use crate::findings::{NoFindings, findings};
use crate::interrupt::interrupted;
use crate::judge::{classify, label};
use crate::keys::keys;
use crate::print;
use crate::report_dir::{self, ReportError};
use crate::router_choice::{self, RouterError};
use crate::sign::{self, SignError};
use crate::spec_file::{SpecFile, SpecFileError};
use crate::stats::{StatsError, stats};
use crate::verify::{VerifyError, verify};
use crate::watch::{Shows, watch};

/// The command was carried out; the exit code says how the job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Done(pub(crate) u8);

/// Why a command was not carried out.
#[derive(Debug, Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Deployed(#[from] DeployedError),
    #[error(transparent)]
    SpecFile(#[from] SpecFileError),
    /// The specification was refused.
    #[error("{0}")]
    Spec(ApiError, Box<SpecFile>),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Estimate(#[from] EstimateError),
    #[error(transparent)]
    Stats(#[from] StatsError),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error(transparent)]
    Router(#[from] RouterError),
    #[error(transparent)]
    Providers(#[from] beacon_router::ConfigError),
    #[error(transparent)]
    Access(#[from] beacon_router::AccessError),
    #[error(transparent)]
    Shared(#[from] Unshared),
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    #[error(transparent)]
    NoFindings(#[from] NoFindings),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Embeddings(#[from] EmbeddingError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error("cannot print")]
    Output(#[from] std::io::Error),
    #[error("no threads can be started")]
    Runtime(#[source] std::io::Error),
    #[error("cannot listen at {address}")]
    Listen {
        address: std::net::SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("`{0}` is not on this machine: the API has no access control, listen on 127.0.0.1")]
    NotLoopback(std::net::SocketAddr),
    #[error(
        "job {job} is not done, and nobody works at it: start a Beacon on `{data}` with `beacon up`"
    )]
    NobodyWorks { job: String, data: String },
    #[error(
        "a bundle is bytes for programs, and standard output is a terminal: give --out FILE, or send it elsewhere"
    )]
    BundleToTerminal,
    #[error(
        "`keys rotate` changes a data directory of this machine, and --api names a Beacon elsewhere: leave one of \
         them out"
    )]
    RotateElsewhere,
    #[error("a part of the stack ended; its log says why")]
    Ended,
}

impl From<EmbedError> for CommandError {
    fn from(error: EmbedError) -> Self {
        match error {
            EmbedError::Source(error) => Self::Report(error),
            EmbedError::Endpoint(error) => Self::Embeddings(error),
        }
    }
}

impl CommandError {
    /// The exit code of every command that was not carried out.
    pub(crate) const BAD_INPUT: u8 = 2;
    /// That of a process that wrote where nobody reads any more, as shells have it of SIGPIPE.
    const CLOSED_PIPE: u8 = 141;

    /// Whoever read standard output has read enough: nothing went wrong.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == ErrorKind::BrokenPipe)
    }

    /// The exit code of a process that ends with this.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.is_closed_pipe() { Self::CLOSED_PIPE } else { Self::BAD_INPUT }
    }
}

/// Carries a command out.
pub(crate) async fn execute(mut arguments: Arguments) -> Result<Done, CommandError> {
    // `doctor` makes a check of it.
    let is_check = matches!(arguments.command, Command::Doctor(_) | Command::Schema);
    let is_offline = matches!(&arguments.command, Command::Verify(options) if options.has_keys());
    if let Some(stack) = arguments.stack.as_ref().filter(|_| !is_check && !is_offline) {
        arguments.deployed = Some(deployed::find(stack).await?);
    }
    match &arguments.command {
        Command::Up(options) => Box::pin(up(&arguments, options)).await,
        Command::Run(options) => Box::pin(run(&arguments, options)).await,
        Command::Submit(options) => {
            let file = SpecFile::read(&options.spec, options.id.as_deref())?;
            let connection = Connection::for_submit(&arguments)?;
            submit(&arguments, &connection, file).await?;
            Ok(Done(0))
        }
        Command::Sign(options) => sign::sign(&arguments, options),
        Command::Status(of) => {
            let connection = Connection::for_read(&arguments).await?;
            let view = connection.api.job(&of.job).await;
            connection.close().await;
            show(&arguments, &view?)
        }
        Command::Watch(of) => {
            let connection = Connection::for_read(&arguments).await?;
            Ok(watch(&arguments, connection, &of.job, Shows::Report).await?.into())
        }
        Command::Cancel(options) => cancel(&arguments, options).await,
        Command::Retry(options) => retry(&arguments, options).await,
        Command::List => Box::pin(list(&arguments)).await,
        Command::Show(of) => {
            let connection = Connection::for_read(&arguments).await?;
            let view = connection.api.execution(&of.execution).await;
            connection.close().await;
            print::execution(&view?)?;
            Ok(Done(0))
        }
        Command::Export(options) => Box::pin(export(&arguments, options)).await,
        Command::Report(options) => Box::pin(report_dir::report(&arguments, options)).await,
        Command::Findings(of) => Box::pin(findings(&arguments, of)).await,
        Command::Compare(options) => Box::pin(compare(&arguments, options)).await,
        Command::Classify(options) => classify(&arguments, options).await,
        Command::Label(options) => label(&arguments, options).await,
        Command::Verify(options) => Box::pin(verify(&arguments, options)).await,
        Command::Bundle(options) => Box::pin(bundle(&arguments, options)).await,
        Command::Keys(options) => Box::pin(keys(&arguments, options)).await,
        Command::Estimate(options) => estimate(&arguments, options).await,
        Command::Stats(options) => {
            print::json(&stats(options)?)?;
            Ok(Done(0))
        }
        Command::Schema => {
            print::document(&beacon_core::spec::schema())?;
            Ok(Done(0))
        }
        Command::Router(options) => router(options).await,
        Command::Doctor(options) => doctor(&arguments, options).await,
    }
}

async fn up(arguments: &Arguments, options: &Up) -> Result<Done, CommandError> {
    let listen = options.listen;
    if !listen.ip().is_loopback() {
        return Err(CommandError::NotLoopback(listen));
    }
    let duty = Duty::Work(router_choice::choose(options.providers.as_deref())?);
    let access = access_settings().map_err(RouterError::from)?;
    let data = DataDir::open(&arguments.data).map_err(StackError::from)?;
    let stack = Stack::start(StackOptions { data, listen, duty, access }).await?;
    let started = Started { running: stack.running(), portal: stack.portal() };
    if arguments.json {
        print::json(&started)?;
    } else {
        announce(arguments, started.running.simulated, &started.portal);
    }
    tokio::select! {
        () = interrupted() => {}
        () = stack.ended() => return Err(CommandError::Ended),
    }
    drain(arguments, stack).await;
    Ok(Done(0))
}

/// What `up` says of itself. The portal's address signs in, so that it stands in no file.
#[derive(Serialize)]
struct Started<'a> {
    #[serde(flatten)]
    running: &'a Running,
    portal: String,
}

fn announce(arguments: &Arguments, simulated: bool, portal: &str) {
    if simulated {
        print::note(false, print::SIMULATED);
    }
    let data = arguments.data.display();
    print::note(false, &format!("Beacon is up: open {portal}"));
    print::note(false, &format!("data in {data}, token for programs in {data}/token"));
    print::note(false, "Ctrl-C lets the questions in flight finish and ends");
}

/// Ends the stack; a second interrupt does so at once, which loses nothing.
pub(crate) async fn drain(arguments: &Arguments, stack: Stack) {
    print::note(arguments.json, "ending when the questions in flight are done");
    tokio::select! {
        () = stack.stop() => {}
        () = interrupted() => {}
    }
}

async fn run(arguments: &Arguments, options: &Run) -> Result<Done, CommandError> {
    let file = SpecFile::read(&options.spec, options.id.as_deref())?;
    let connection = Connection::for_run(arguments, options.providers.as_deref());
    let connection = Box::pin(connection).await?;
    if connection.is_simulated() {
        print::note(arguments.json, print::SIMULATED);
    }
    let job = submit(arguments, &connection, file).await;
    let job = match job {
        Ok(job) => job,
        Err(error) => {
            connection.close().await;
            return Err(error);
        }
    };
    Ok(watch(arguments, connection, &job, Shows::Report).await?.into())
}

/// Submits, and says what became of it. Returns the job's id.
async fn submit(
    arguments: &Arguments,
    connection: &Connection,
    file: SpecFile,
) -> Result<String, CommandError> {
    let key = sign::idempotency_key(&file.document);
    let submitted = match connection.api.submit(&file.document, key.as_deref()).await {
        Ok(submitted) => submitted,
        Err(error) => return Err(CommandError::Spec(error, Box::new(file))),
    };
    for warning in &submitted.warnings {
        print::note(true, &format!("warning: {warning}"));
    }
    let (job, expected) = (&submitted.job_id, submitted.expected_executions);
    let told = if submitted.existing {
        format!("job {job} was submitted before with this specification: nothing new runs")
    } else {
        format!("job {job}: {expected} executions")
    };
    if arguments.json && matches!(arguments.command, Command::Submit(_)) {
        print::json(&submitted)?;
    } else {
        print::note(arguments.json, &told);
    }
    Ok(submitted.job_id.to_string())
}

fn show(arguments: &Arguments, view: &JobView) -> Result<Done, CommandError> {
    if arguments.json {
        print::json(view)?;
    } else {
        print::status(view);
    }
    Ok(Done(0))
}

async fn list(arguments: &Arguments) -> Result<Done, CommandError> {
    let connection = Connection::for_read(arguments).await?;
    let jobs = connection.api.jobs().await;
    connection.close().await;
    let jobs = jobs?;
    if arguments.json {
        print::json(&jobs)?;
    } else {
        print::jobs(&jobs);
    }
    Ok(Done(0))
}

async fn router(options: &Router) -> Result<Done, CommandError> {
    let mut router = HybridRouter::new(Config::from_file(&options.config)?)?;
    if let Some(calls) = SharedCalls::from_environment().await? {
        router = router.with_shared_calls(calls);
    }
    let access = Access::from_environment()?;
    access.may_listen(options.listen)?;
    let failed = |source| CommandError::Listen { address: options.listen, source };
    let listener = tokio::net::TcpListener::bind(options.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    if router.is_simulated() {
        print::note(false, print::SIMULATED);
    }
    print::note(false, &format!("router at http://{address}"));
    let service = Service::new(router).with_access(access).with_file(options.config.clone());
    service.serve(listener, interrupted()).await.map_err(failed)?;
    Ok(Done(0))
}
