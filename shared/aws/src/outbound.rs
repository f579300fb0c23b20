//! Plain HTTP requests to the router.

use std::time::Duration;

use beacon_core::time_budget;
use reqwest::{Client, Response, redirect, retry};
use thiserror::Error;

use crate::client::install_tls;

/// Many servers end idle connections after five seconds; a request on one that is being ended is
/// lost.
const IDLE: Duration = Duration::from_secs(4);

/// A client that sends each request once: no redirects, no retries, no proxy from the environment.
pub fn http_client() -> Result<Client, reqwest::Error> {
    install_tls();
    Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .connect_timeout(time_budget::CONNECT)
        .pool_idle_timeout(IDLE)
        .build()
}

/// Why a body was not read.
#[derive(Debug, Error)]
pub enum BodyError {
    /// It has more bytes than the limit.
    #[error("the answer has more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The connection ended first.
    #[error("the answer broke off")]
    Broken(#[source] reqwest::Error),
}

/// The body, up to a limit of bytes.
pub async fn read_body(mut response: Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Broken)? {
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
