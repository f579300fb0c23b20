//! Asking the router which providers it has.

use std::time::Duration;

use beacon_aws::{BodyError, read_body};
use beacon_core::wire::{ProviderView, ProvidersResponse};
use reqwest::Client;
use thiserror::Error;

/// How long a submit waits for the router's list.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a list that are read.
const MAX_LIST: usize = 4 * 1024 * 1024;

/// The router did not tell its providers.
#[derive(Debug, Error)]
pub(crate) enum RouterUnavailable {
    #[error("the router at {base} does not answer")]
    Unreachable {
        base: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("the router at {base} did not finish its answer")]
    Body {
        base: String,
        #[source]
        source: BodyError,
    },
    #[error("the router at {base} answered GET /providers with HTTP {status} and no list")]
    NoList { base: String, status: u16 },
}

/// The router's providers.
pub(crate) async fn providers(
    client: &Client,
    base: &str,
) -> Result<Vec<ProviderView>, RouterUnavailable> {
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
