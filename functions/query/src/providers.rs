//! The router's providers, asked in bounded time.

use std::time::Duration;

use beacon_aws::RouterUnavailable;
use beacon_core::wire::ProviderView;
use thiserror::Error;
use tokio::time::timeout;

use crate::Query;

/// How long each part has for its answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// Why there is no list of providers.
#[derive(Debug, Error)]
pub enum NoProviders {
    /// Nothing is executed here.
    #[error("there is no router: this Beacon only reads")]
    NoRouter,
    /// The router takes longer than anybody waits.
    #[error("the router does not answer in time")]
    Silent,
    /// It did not tell.
    #[error(transparent)]
    Unavailable(#[from] RouterUnavailable),
}

impl Query {
    /// The router's providers, as they are now.
    ///
    /// # Errors
    /// Without a router, and where it does not answer with a list within three seconds.
    pub async fn providers(&self) -> Result<Vec<ProviderView>, NoProviders> {
        let router = self.router.as_ref().ok_or(NoProviders::NoRouter)?;
        let answered = timeout(PATIENCE, router.providers()).await;
        Ok(answered.map_err(|_elapsed| NoProviders::Silent)??)
    }
}
