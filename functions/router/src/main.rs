//! The hybrid router as a service of its own.

mod start;

use std::io;
use std::process::ExitCode;

use beacon_aws::chain;
use beacon_router::Service;
use start::{Start, StartError};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter.with_env_var("BEACON_LOG").from_env_lossy())
        .with_writer(io::stderr)
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = chain(&error), "the router does not run");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), StartError> {
    let Start { router, access, file, address } = start::from_environment().await?;
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
    let service = Service::new(router).with_access(access).with_file(file);
    Ok(service.serve(listener, shutdown).await?)
}
