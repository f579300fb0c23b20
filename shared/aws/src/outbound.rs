//! Plain HTTP requests to the router.

use std::error::Error;
use std::io;
use std::time::Duration;

use beacon_core::time_budget;
use reqwest::{Client, Response, redirect, retry};
use thiserror::Error;

use crate::tls::tls_config;

/// Many servers end idle connections after five seconds; a request on one that is being ended is
/// lost.
const IDLE: Duration = Duration::from_secs(4);

/// A client that sends each request once: no redirects, no retries, no proxy from the environment.
pub fn http_client() -> Result<Client, reqwest::Error> {
    client(time_budget::CONNECT)
}

fn client(connect: Duration) -> Result<Client, reqwest::Error> {
    Client::builder()
        .tls_backend_preconfigured(tls_config())
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .connect_timeout(connect)
        .pool_idle_timeout(IDLE)
        .build()
}

/// Why a request certainly was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsent {
    /// The address is not reachable, or nobody accepts connections there.
    Refused,
    /// The host's name has no address, or nobody could be asked for it.
    Dns,
    /// The TLS handshake failed: no TLS at that port, or a certificate that is not trusted.
    Tls,
    /// The connection, with its TLS handshake, did not come about in time.
    ConnectTimeout,
}

impl Unsent {
    /// Reads the types of the error and of its causes, never their texts. None where the request,
    /// or a part of it, may have left.
    pub fn of(error: &reqwest::Error) -> Option<Self> {
        if !error.is_connect() {
            None
        } else if error.is_dns() {
            Some(Self::Dns)
        } else if is_tls(error) {
            Some(Self::Tls)
        } else if error.is_timeout() {
            Some(Self::ConnectTimeout)
        } else {
            Some(Self::Refused)
        }
    }
}

fn is_tls(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        cause = match error.downcast_ref::<io::Error>() {
            // Before the request is sent, only the handshake reads from the connection.
            Some(closed) if closed.kind() == io::ErrorKind::UnexpectedEof => return true,
            // The `source` of an I/O error leaves out the error that it is made of.
            Some(wrapping) => wrapping.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None if error.is::<rustls::Error>() => return true,
            None => error.source(),
        };
    }
    false
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

#[cfg(test)]
mod tests;
