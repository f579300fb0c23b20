//! The hybrid router as a service of its own.

use std::process::ExitCode;
use std::{env, io};

use beacon_router::{Access, AccessError, Config, ConfigError, HybridRouter, Service};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

#[derive(Debug, Error)]
enum StartError {
    #[error("the environment variable `{0}` is not set")]
    Unset(&'static str),
    #[error("`BEACON_ROUTER_CONFIG` is not usable")]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("cannot listen on `BEACON_ROUTER_LISTEN`")]
    Listen(#[source] io::Error),
    #[error(transparent)]
    Serve(#[from] io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter.with_env_var("BEACON_LOG").from_env_lossy())
        .with_writer(io::stderr)
        .init();
    let Err(error) = run().await else { return ExitCode::SUCCESS };
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    tracing::error!(%error, cause, "the router does not run");
    ExitCode::FAILURE
}

#[expect(clippy::disallowed_methods, reason = "the service's own variables")]
async fn run() -> Result<(), StartError> {
    let variable = |name| env::var(name).map_err(|_unset| StartError::Unset(name));
    let (config, address) = (variable("BEACON_ROUTER_CONFIG")?, variable("BEACON_ROUTER_LISTEN")?);
    let router = HybridRouter::new(Config::from_file(config.as_ref())?)?;
    let access = Access::from_environment()?;
    let listener = TcpListener::bind(&address).await.map_err(StartError::Listen)?;
    access.may_listen(listener.local_addr()?)?;
    let mut terminate = signal(SignalKind::terminate())?;
    tracing::info!(address = %listener.local_addr()?, simulated = router.is_simulated(), "the router listens");
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("the router stops accepting and finishes the calls in flight");
    };
    Ok(Service::new(router).with_access(access).serve(listener, shutdown).await?)
}
