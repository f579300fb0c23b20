//! The way to a server, step by step: its name, a connection, an answer.

use std::fmt::Display;
use std::io::ErrorKind;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use beacon_infra::{chain, clock, read_body};
use jiff::Timestamp;
use reqwest::header::{DATE, HeaderValue};
use reqwest::{RequestBuilder, Url};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::check::{Check, Found};
use super::patience::{Patience, detached, seconds};

/// Each step of the way.
const STEP: Duration = Duration::from_secs(2);
/// Bytes of an answer that are read.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// A server to be reached.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) base: Url,
    /// What names it: a variable or an option.
    pub(crate) named_by: String,
    /// For people: `router`.
    pub(crate) what: &'static str,
    /// Marked as sensitive.
    pub(crate) authorization: Option<HeaderValue>,
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) date: Option<String>,
    pub(crate) asked: Timestamp,
    pub(crate) answered: Timestamp,
    pub(crate) took: Duration,
}

/// Why there is no HTTP answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    InTime(Duration),
    /// No connection, TLS included.
    Connection(String),
    Other(String),
}

impl Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InTime(limit) => write!(f, "no answer within {}", seconds(*limit)),
            Self::Connection(why) | Self::Other(why) => f.write_str(why),
        }
    }
}

impl Server {
    /// The address without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base())
    }

    /// Looks the name up.
    pub(crate) async fn resolve(&self, name: &str, patience: Patience) -> Found<Vec<SocketAddr>> {
        let begun = Instant::now();
        let host = self.base.host_str().unwrap_or_default().to_owned();
        let bare = host.trim_matches(['[', ']']).to_owned();
        let port = self.base.port_or_known_default().unwrap_or(80);
        if let Ok(ip) = bare.parse() {
            let why = format!("{bare} is an address, there is no name to look up");
            let addresses = vec![SocketAddr::new(ip, port)];
            return Found::with(Check::not_applicable(name, why), addresses);
        }
        let fix = format!("correct {}, or the name servers of this machine", self.named_by);
        let limit = patience.at_most(STEP);
        let looked_up = detached(limit, move || {
            (bare.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>)
        });
        let failed = |why: &str| {
            let detail = format!("the name `{host}` of the {}: {why}", self.what);
            Found::nothing(Check::failed(name, detail, &fix).since(begun))
        };
        match looked_up.await {
            None => failed(&format!("the name servers did not answer within {}", seconds(limit))),
            Some(Err(error)) => failed(&format!("it does not resolve: {error}")),
            Some(Ok(addresses)) if addresses.is_empty() => failed("it has no address"),
            Some(Ok(addresses)) => {
                let all: Vec<String> =
                    addresses.iter().map(|address| address.ip().to_string()).collect();
                let detail = format!("{host} is {}", all.join(", "));
                Found::with(Check::ok(name, detail).since(begun), addresses)
            }
        }
    }

    /// Connects to one of its addresses, and hangs up.
    pub(crate) async fn connect(
        &self,
        name: &str,
        addresses: &[SocketAddr],
        patience: Patience,
    ) -> Check {
        let begun = Instant::now();
        let limit = patience.at_most(STEP);
        let each = limit / u32::try_from(addresses.len().max(1)).unwrap_or(1);
        let mut last = None;
        for address in addresses {
            match timeout(each, TcpStream::connect(address)).await {
                Ok(Ok(_connection)) => {
                    return Check::ok(name, format!("connected to {address}")).since(begun);
                }
                Ok(Err(error)) => last = Some((address, Some(error))),
                Err(_elapsed) => last = Some((address, None)),
            }
        }
        let (what, named_by, base) = (self.what, &self.named_by, self.base());
        let (detail, fix) = match last {
            Some((address, Some(error))) if error.kind() == ErrorKind::ConnectionRefused => (
                format!("the {what} at {base} is down: {address} refuses the connection"),
                format!("start the {what} there, or correct {named_by}"),
            ),
            Some((address, Some(error))) => (
                format!("the {what} at {base} cannot be reached: {address}: {error}"),
                format!("correct {named_by}, or the network of this machine"),
            ),
            Some((_, None)) | None => (
                format!("the {what} at {base} cannot be reached within {}", seconds(limit)),
                format!("look for a firewall in between, or correct {named_by}"),
            ),
        };
        Check::failed(name, detail, fix).since(begun)
    }
}

/// Sends a request, and reads the answer whole.
pub(crate) async fn ask(request: RequestBuilder, patience: Patience) -> Result<Answer, NoAnswer> {
    ask_within(request, patience.at_most(STEP)).await
}

/// The same, within this time.
pub(crate) async fn ask_within(
    request: RequestBuilder,
    limit: Duration,
) -> Result<Answer, NoAnswer> {
    let (begun, asked) = (Instant::now(), clock::now());
    let failed = |error: reqwest::Error| {
        let connection = error.is_connect();
        let why = chain(&error.without_url());
        if connection { NoAnswer::Connection(why) } else { NoAnswer::Other(why) }
    };
    let answer = async {
        let response = request.send().await.map_err(failed)?;
        let answered = clock::now();
        let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
        let (status, date) = (response.status().as_u16(), date.map(str::to_owned));
        let body = read_body(response, MAX_BODY).await;
        let body = body.map_err(|error| NoAnswer::Other(chain(&error)))?;
        Ok(Answer { status, body, date, asked, answered, took: begun.elapsed() })
    };
    timeout(limit, answer).await.unwrap_or(Err(NoAnswer::InTime(limit)))
}
