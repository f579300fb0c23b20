//! Finding the Beacon to talk to, or starting one.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use beacon_infra::{DataDir, Duty, Running, Stack, StackError, StackOptions};
use thiserror::Error;

use crate::api::Api;
use crate::arguments::Arguments;
use crate::router_choice::{self, RouterError};

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
    #[error("no Beacon runs on `{0}`: start one with `beacon up`, or use `beacon run`")]
    NothingRuns(PathBuf),
    #[error("`{0}` holds no data of Beacon")]
    NoData(PathBuf),
}

/// A Beacon to talk to.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) api: Api,
    /// Set where this process started it.
    pub(crate) own: Option<Stack>,
    /// What a running one said of itself; none at an address given with --api.
    pub(crate) running: Option<Running>,
}

impl Connection {
    /// The Beacon at --api, the one that runs on the data directory, or a new one that works.
    pub(crate) async fn for_run(
        arguments: &Arguments,
        providers: Option<&Path>,
    ) -> Result<Self, ConnectError> {
        if let Some(connection) = existing(arguments)? {
            if providers.is_some() {
                let used = connection.api.base().to_owned();
                return Err(ConnectError::ProvidersUnused { used });
            }
            return Ok(connection);
        }
        let duty = Duty::Work(router_choice::choose(providers)?);
        start(&arguments.data, duty).await
    }

    /// The Beacon at --api, or the one that runs on the data directory.
    pub(crate) fn for_submit(arguments: &Arguments) -> Result<Self, ConnectError> {
        let existing = existing(arguments)?;
        existing.ok_or_else(|| ConnectError::NothingRuns(arguments.data.clone()))
    }

    /// The Beacon at --api, the one that runs on the data directory, or a new one that only reads.
    pub(crate) async fn for_read(arguments: &Arguments) -> Result<Self, ConnectError> {
        if let Some(connection) = existing(arguments)? {
            return Ok(connection);
        }
        if !arguments.data.join("beacon.db").exists() {
            return Err(ConnectError::NoData(arguments.data.clone()));
        }
        start(&arguments.data, Duty::Read).await
    }

    /// Whether every answer is made up, as far as is known.
    pub(crate) fn is_simulated(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.simulated)
    }

    /// Ends what was started for this connection.
    pub(crate) async fn close(self) {
        if let Some(stack) = self.own {
            stack.stop().await;
        }
    }
}

fn existing(arguments: &Arguments) -> Result<Option<Connection>, ConnectError> {
    if let Some(base) = &arguments.api {
        return Ok(Some(Connection { api: Api::new(base)?, own: None, running: None }));
    }
    let Some(running) = DataDir::running(&arguments.data) else { return Ok(None) };
    let api = Api::new(&format!("http://{}", running.api))?;
    Ok(Some(Connection { api, own: None, running: Some(running) }))
}

async fn start(data: &Path, duty: Duty) -> Result<Connection, ConnectError> {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let stack = Stack::start(StackOptions { data: data.to_owned(), listen, duty }).await?;
    let running = stack.running().clone();
    let api = Api::new(&format!("http://{}", running.api))?;
    Ok(Connection { api, own: Some(stack), running: Some(running) })
}
