//! What the service is made of, from its environment.

use std::env::VarError;
use std::path::PathBuf;
use std::{env, io};

use beacon_aws::{SharedCalls, Unshared};
use beacon_router::{Access, AccessError, Config, ConfigError, HybridRouter};
use thiserror::Error;

/// Why the service does not run.
#[derive(Debug, Error)]
pub(crate) enum StartError {
    #[error("the environment variable `{0}` is not set")]
    Unset(&'static str),
    #[error("the environment variable `{0}` is not UTF-8")]
    NotUnicode(&'static str),
    #[error("`BEACON_ROUTER_CONFIG` is not usable")]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    Shared(#[from] Unshared),
    #[error("cannot listen on `BEACON_ROUTER_LISTEN`")]
    Listen(#[source] io::Error),
    #[error(transparent)]
    Serve(#[from] io::Error),
}

/// What the service runs with.
pub(crate) struct Start {
    pub(crate) router: HybridRouter,
    pub(crate) access: Access,
    /// Of the providers.
    pub(crate) file: PathBuf,
    /// Where it is to listen.
    pub(crate) address: String,
}

/// What the environment says.
#[expect(clippy::disallowed_methods, reason = "the variables of the service alone")]
pub(crate) async fn from_environment() -> Result<Start, StartError> {
    let variable = |name| {
        env::var(name).map_err(|error| match error {
            VarError::NotPresent => StartError::Unset(name),
            VarError::NotUnicode(_) => StartError::NotUnicode(name),
        })
    };
    let (file, address) = (variable("BEACON_ROUTER_CONFIG")?, variable("BEACON_ROUTER_LISTEN")?);
    let file = PathBuf::from(file);
    let mut router = HybridRouter::new(Config::from_file(&file)?)?;
    let access = Access::from_environment()?;
    if let Some(calls) = SharedCalls::from_environment().await? {
        router = router.with_shared_calls(calls);
    }
    Ok(Start { router, access, file, address })
}
