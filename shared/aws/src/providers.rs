//! Asking the router which providers it has.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use beacon_core::wire::{ProviderView, ProvidersResponse};
use reqwest::Client;
use thiserror::Error;

use crate::environment::EmbeddedSettings;
use crate::outbound::{BodyError, read_body};

/// How long the router's list is waited for.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a list that are read.
const MAX_LIST: usize = 4 * 1024 * 1024;

/// The router did not tell its providers.
#[derive(Debug, Error)]
pub enum RouterUnavailable {
    /// No answer came.
    #[error("the router at {base} does not answer")]
    Unreachable {
        /// Its address.
        base: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The answer broke off or is too long.
    #[error("the router at {base} did not finish its answer")]
    Body {
        /// Its address.
        base: String,
        /// Why.
        #[source]
        source: BodyError,
    },
    /// Something else answers there.
    #[error("the router at {base} answered GET /providers with HTTP {status} and no list")]
    NoList {
        /// Its address.
        base: String,
        /// The answer's.
        status: u16,
    },
}

/// The router, asked for its providers.
#[derive(Debug, Clone)]
pub struct RouterProbe {
    way: Way,
    base: String,
}

#[derive(Clone)]
enum Way {
    Http(Client),
    /// In this process.
    Own(Arc<dyn Fn() -> Vec<ProviderView> + Send + Sync>),
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(client) => client.fmt(f),
            Self::Own(_) => f.write_str("Own"),
        }
    }
}

impl RouterProbe {
    /// A probe of the router at this address.
    pub fn new(client: Client, base: String) -> Self {
        Self { way: Way::Http(client), base }
    }

    /// A probe of a router in this process, which tells its providers so.
    pub fn embedded(providers: impl Fn() -> Vec<ProviderView> + Send + Sync + 'static) -> Self {
        Self { way: Way::Own(Arc::new(providers)), base: EmbeddedSettings::BASE.to_owned() }
    }

    /// The router's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Its providers as it tells them now.
    pub async fn providers(&self) -> Result<Vec<ProviderView>, RouterUnavailable> {
        match &self.way {
            Way::Http(client) => providers(client, &self.base).await,
            Way::Own(providers) => Ok(providers()),
        }
    }
}

async fn providers(client: &Client, base: &str) -> Result<Vec<ProviderView>, RouterUnavailable> {
    let owned = || base.to_owned();
    let request = client.get(format!("{base}/providers")).timeout(TIMEOUT);
    let response = request.send().await.map_err(|source| RouterUnavailable::Unreachable {
        base: owned(),
        source: source.without_url(),
    })?;
    let status = response.status().as_u16();
    let body = read_body(response, MAX_LIST).await;
    let body = body.map_err(|source| RouterUnavailable::Body { base: owned(), source })?;
    match serde_json::from_slice::<ProvidersResponse>(&body) {
        Ok(list) if status == 200 => Ok(list.providers),
        Ok(_) | Err(_) => Err(RouterUnavailable::NoList { base: owned(), status }),
    }
}
