//! What the service is made of, from its environment.

use std::{env, io};

use beacon_aws::{SharedCalls, Unshared};
use beacon_router::{Config, ConfigError, HybridRouter};
use thiserror::Error;

/// Why the service does not run.
#[derive(Debug, Error)]
pub(crate) enum StartError {
    #[error("the environment variable `{0}` is not set")]
    Unset(&'static str),
    #[error("`BEACON_ROUTER_CONFIG` is not usable")]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Shared(#[from] Unshared),
    #[error("cannot listen on `BEACON_ROUTER_LISTEN`")]
    Listen(#[source] io::Error),
    #[error(transparent)]
    Serve(#[from] io::Error),
}

/// The router, and where it is to listen.
#[expect(clippy::disallowed_methods, reason = "the variables of the service alone")]
pub(crate) async fn from_environment() -> Result<(HybridRouter, String), StartError> {
    let variable = |name| env::var(name).map_err(|_unset| StartError::Unset(name));
    let (config, address) = (variable("BEACON_ROUTER_CONFIG")?, variable("BEACON_ROUTER_LISTEN")?);
    let router = HybridRouter::new(Config::from_file(config.as_ref())?)?;
    Ok(match SharedCalls::from_environment().await? {
        Some(calls) => (router.with_shared_calls(calls), address),
        None => (router, address),
    })
}
