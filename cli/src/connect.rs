//! Finding the Beacon to talk to, or starting one.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use beacon_infra::{
    DataDir, DataDirError, Duty, EmbeddedSettings, RouterChoice, Running, Stack, StackError,
    StackOptions, access_settings,
};
use thiserror::Error;
use tokio::time::{Instant, sleep};

use crate::api::Api;
use crate::arguments::Arguments;
use crate::router_choice::{self, RouterError};
use crate::token::{token, without_user};

/// Why there is nothing to talk to.
#[derive(Debug, Error)]
pub(crate) enum ConnectError {
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error(transparent)]
    Router(#[from] RouterError),
    #[error("no HTTP client can be made")]
    Http(#[from] reqwest::Error),
    #[error("--providers starts an own router, but {used} has its own; leave it out")]
    ProvidersUnused { used: String },
    #[error(
        "HYBRID_ROUTER_URL names {named}, but {used} uses the router {router}; \
         unset the one or stop the other"
    )]
    OtherRouter { used: String, router: String, named: String },
    #[error("no Beacon runs on `{0}`: start one with `beacon up`, or use `beacon run`")]
    NothingRuns(PathBuf),
    #[error("no Beacon runs on `{0}`: start one with `beacon up`")]
    NobodyRuns(PathBuf),
    #[error("`{0}` holds no data of Beacon")]
    NoData(PathBuf),
}

/// A Beacon to talk to.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) api: Api,
    /// Set where this process started it.
    pub(crate) own: Option<Stack>,
    /// What a running one said of itself; none of one that is elsewhere.
    pub(crate) running: Option<Running>,
    /// Of the one that was started: the file of its providers, if it was started with one.
    pub(crate) providers: Option<PathBuf>,
}

impl Connection {
    /// The Beacon at --api or of --stack, the one that runs on the data directory, or a new one that
    /// works.
    pub(crate) async fn for_run(
        arguments: &Arguments,
        providers: Option<&Path>,
    ) -> Result<Self, ConnectError> {
        let router = router_choice::choose(providers)?;
        let named = named_router(&router);
        let connection = find_or_start(arguments, Duty::Work(router)).await?;
        if connection.own.is_some() {
            return Ok(Self { providers: providers.map(Path::to_owned), ..connection });
        }
        let used = connection.api.base().to_owned();
        if providers.is_some() {
            return Err(ConnectError::ProvidersUnused { used });
        }
        match (named, &connection.running) {
            (Some(named), Some(running)) if running.router != named => {
                let router = running.router.clone();
                Err(ConnectError::OtherRouter { used, router, named })
            }
            (_, _) => Ok(connection),
        }
    }

    /// The Beacon at --api or of --stack, or the one that runs on the data directory.
    pub(crate) fn for_submit(arguments: &Arguments) -> Result<Self, ConnectError> {
        let existing = existing(arguments)?;
        existing.ok_or_else(|| ConnectError::NothingRuns(arguments.data.clone()))
    }

    /// The same, for a change of a job that is there.
    pub(crate) fn for_change(arguments: &Arguments) -> Result<Self, ConnectError> {
        let existing = existing(arguments)?;
        existing.ok_or_else(|| ConnectError::NobodyRuns(arguments.data.clone()))
    }

    /// The Beacon at --api or of --stack, the one that runs on the data directory, or a new one that
    /// only reads.
    pub(crate) async fn for_read(arguments: &Arguments) -> Result<Self, ConnectError> {
        let remote = arguments.address().is_some();
        if !remote && !DataDir::exists(&arguments.data) {
            return Err(ConnectError::NoData(arguments.data.clone()));
        }
        find_or_start(arguments, Duty::Read).await
    }

    /// Nobody works at the jobs that this connection shows.
    pub(crate) fn only_reads(&self) -> bool {
        self.own.as_ref().is_some_and(|stack| !stack.works())
    }

    /// Whether answers are made up, as far as is known.
    pub(crate) fn is_simulated(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.simulated)
    }

    /// Resolves when a part of a stack that was started for this connection has ended.
    pub(crate) async fn ended(&self) {
        match &self.own {
            Some(stack) => stack.ended().await,
            None => std::future::pending().await,
        }
    }

    /// Ends what was started for this connection.
    pub(crate) async fn close(self) {
        if let Some(stack) = self.own {
            stack.stop().await;
        }
    }
}

/// The address of a router that the environment names.
fn named_router(router: &RouterChoice) -> Option<String> {
    match router {
        RouterChoice::External(settings) => Some(settings.base.clone()),
        RouterChoice::Embedded(_, _) => Some(EmbeddedSettings::BASE.to_owned()),
        RouterChoice::Own(_, _) => None,
    }
}

fn existing(arguments: &Arguments) -> Result<Option<Connection>, ConnectError> {
    if let Some(base) = arguments.address() {
        let api = Api::new(&without_user(base), token(arguments))?;
        return Ok(Some(Connection { api, own: None, running: None, providers: None }));
    }
    let Some(running) = DataDir::running(&arguments.data) else { return Ok(None) };
    let api = Api::new(&format!("http://{}", running.api), token(arguments))?;
    Ok(Some(Connection { api, own: None, running: Some(running), providers: None }))
}

/// How long a directory may be another's that does not say where it listens: a reader that is about
/// to end, or a stack that is about to start.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

async fn find_or_start(arguments: &Arguments, duty: Duty) -> Result<Connection, ConnectError> {
    let until = Instant::now() + PATIENCE;
    let data = loop {
        if let Some(connection) = existing(arguments)? {
            return Ok(connection);
        }
        match DataDir::open(&arguments.data) {
            Ok(data) => break data,
            Err(DataDirError::Locked { .. }) if Instant::now() < until => sleep(PAUSE).await,
            Err(error) => return Err(StackError::from(error).into()),
        }
    };
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let access = access_settings().map_err(RouterError::from)?;
    let stack = Stack::start(StackOptions { data, listen, duty, access }).await?;
    let running = stack.running().clone();
    let token = Some(stack.token().to_owned());
    let api = Api::new(&format!("http://{}", running.api), token)?;
    Ok(Connection { api, own: Some(stack), running: Some(running), providers: None })
}
