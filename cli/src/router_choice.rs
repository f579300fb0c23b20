//! Which router an own stack uses: one that runs elsewhere, one inside its worker, an own one, or the
//! simulated one.

use std::path::Path;

use beacon_infra::{ConfigError, RouterChoice, RouterPlace, configured_router, router_timeout};
use beacon_router::{Config, HybridRouter};
use thiserror::Error;

/// Why there is no router.
#[derive(Debug, Error)]
pub(crate) enum RouterError {
    /// The environment is wrong.
    #[error(transparent)]
    Environment(#[from] ConfigError),
    /// The environment and the command line name two routers.
    #[error(
        "HYBRID_ROUTER_URL names a router and --providers starts another; \
         unset the one or leave out the other"
    )]
    Two,
    /// The providers cannot be used.
    #[error(transparent)]
    Providers(#[from] beacon_router::ConfigError),
}

/// The router of an own stack.
pub(crate) fn choose(providers: Option<&Path>) -> Result<RouterChoice, RouterError> {
    match (configured_router()?, providers) {
        (Some(_), Some(_)) => Err(RouterError::Two),
        (Some(RouterPlace::At(settings)), None) => Ok(RouterChoice::External(settings)),
        (Some(RouterPlace::Embedded(settings)), None) => {
            let router = HybridRouter::new(Config::from_file(&settings.config)?)?;
            Ok(RouterChoice::Embedded(Box::new(router), settings.timeout))
        }
        (None, Some(file)) => own(Config::from_file(file)?),
        (None, None) => own(Config::simulated()),
    }
}

fn own(config: Config) -> Result<RouterChoice, RouterError> {
    Ok(RouterChoice::Own(Box::new(HybridRouter::new(config)?), router_timeout()?))
}
