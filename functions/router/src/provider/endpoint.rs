//! One HTTP request to a provider, and what can become of it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Body, Client, RequestBuilder, Response, Url, redirect, retry};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};

use beacon_aws::tls_config;
use beacon_core::wire::{IDEMPOTENCY_HEADER, TRACE_HEADER};

use super::{Call, Sent};
use crate::config::{EndpointConfig, Timeouts};
use crate::failure::{Failure, FailureCode};
use crate::retry_after::retry_after;

/// Most bytes read of a provider's answer.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;
/// What some servers begin a text with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Shorter than the five seconds after which common servers close an idle connection: a request
/// sent on a connection that is just closing is lost, and must not be sent again.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Longest address that a provider can send on to.
const MAX_LOCATION_BYTES: usize = 2048;
/// Requests that a provider may send on to itself before anything is done.
const MOST_REDIRECTS: u32 = 3;
/// Between two requests for a result that was not ready, or whose connection was lost.
const POLL_PAUSE: Duration = Duration::from_secs(1);

/// Where a provider is reached, with the connections to it.
#[derive(Debug)]
pub(super) struct Endpoint {
    client: Client,
    url: Url,
    authorization: Option<HeaderValue>,
    first_byte: Option<Duration>,
}

/// A whole HTTP answer.
#[derive(Debug)]
pub(super) struct HttpAnswer {
    pub(super) status: u16,
    pub(super) body: Bytes,
    /// What the provider asks to wait before the next request.
    pub(super) retry_after: Option<Duration>,
    /// It is of a request that the provider took before.
    taken: bool,
}

/// What is asked, and where.
enum Hop {
    Post {
        url: Url,
        left: u32,
    },
    /// The result of a request that was taken.
    Get(Url),
}

impl Endpoint {
    pub(super) fn new(config: EndpointConfig, timeouts: &Timeouts) -> Result<Self, reqwest::Error> {
        let EndpointConfig { url, authorization } = config;
        let client = client(timeouts.connect)?;
        Ok(Self { client, url, authorization, first_byte: timeouts.first_byte })
    }

    /// Posts JSON, once, and reads the whole answer. Where the provider says that the result is to
    /// be had elsewhere on its host (303), it is asked for there until it is ready: what was taken
    /// once is never posted again.
    pub(super) async fn post(
        &self,
        call: &Call<'_>,
        body: impl Fn() -> Vec<u8>,
    ) -> Result<HttpAnswer, Failure> {
        let mut hop = match call.sent.result_url().filter(|url| self.is_own(url)) {
            Some(url) => Hop::Get(url),
            None => Hop::Post { url: self.url.clone(), left: MOST_REDIRECTS },
        };
        loop {
            let answered = match &hop {
                Hop::Post { url, .. } => self.send(call, self.posting(call, url, body())).await,
                Hop::Get(url) => self.send(call, self.client.get(url.clone())).await,
            };
            let response = match (answered, &hop) {
                (Ok(response), _) => response,
                (Err(failure), Hop::Post { .. }) => return Err(failure),
                (Err(_lost), Hop::Get(_)) => {
                    // Asking for a result starts nothing. The attempt's time bounds it.
                    sleep(POLL_PAUSE).await;
                    continue;
                }
            };
            match self.next_hop(&hop, &response)? {
                None => match (read_whole(call, response).await, &hop) {
                    (Err(failure), Hop::Get(_)) if failure.code == FailureCode::ConnectionLost => {
                        sleep(POLL_PAUSE).await;
                    }
                    (Ok(answer), Hop::Get(_)) if matches!(answer.status, 429 | 502..=504) => {
                        sleep(answer.retry_after.map_or(POLL_PAUSE, |told| told.max(POLL_PAUSE)))
                            .await;
                    }
                    (read, Hop::Get(_)) => {
                        return read.map(|answer| HttpAnswer { taken: true, ..answer });
                    }
                    (read, Hop::Post { .. }) => return read,
                },
                Some(Hop::Get(url)) => {
                    call.sent.set_result_url(url.clone());
                    if matches!(hop, Hop::Get(_)) {
                        sleep(POLL_PAUSE).await;
                    }
                    hop = Hop::Get(url);
                }
                Some(post @ Hop::Post { .. }) => hop = post,
            }
        }
    }

    fn posting(&self, call: &Call<'_>, url: &Url, body: Vec<u8>) -> RequestBuilder {
        let outgoing = Outgoing { body: Some(body.into()), sent: call.sent.clone() };
        self.client
            .post(url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(Body::wrap(outgoing))
    }

    /// The head of the answer, within the time for its first byte.
    async fn send(
        &self,
        call: &Call<'_>,
        mut request: RequestBuilder,
    ) -> Result<Response, Failure> {
        let texts =
            [(TRACE_HEADER, Some(call.trace_id)), (IDEMPOTENCY_HEADER, call.idempotency_key)];
        for (name, text) in texts {
            // A trace id comes from the body too, where it may be any text.
            if let Some(Ok(value)) = text.map(HeaderValue::from_str) {
                request = request.header(name, value);
            }
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let begun = Instant::now();
        let sending = request.send();
        let response = match self.first_byte.map(|within| within + call.waking) {
            None => sending.await,
            Some(within) => {
                let sent = timeout(within, sending).await;
                sent.map_err(|_elapsed| Failure::no_first_byte(within))?
            }
        };
        let response = response.map_err(|error| not_sent_or_lost(&error))?;
        call.sent.head(begun.elapsed());
        Ok(response)
    }

    /// Where the answer says to go on; none where it is the answer itself.
    fn next_hop(&self, hop: &Hop, response: &Response) -> Result<Option<Hop>, Failure> {
        let status = response.status().as_u16();
        if !matches!(status, 303 | 307 | 308) {
            return Ok(None);
        }
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.filter(|given| given.len() <= MAX_LOCATION_BYTES);
        let Some(url) = location.and_then(|given| response.url().join(given).ok()) else {
            return Ok(None);
        };
        if !self.is_own(&url) {
            let message = format!("the provider answered HTTP {status} and points to another host");
            let maybe_billed = Some(status == 303 || matches!(hop, Hop::Get(_)));
            let failure = Failure::new(FailureCode::Redirect, message).with_status(status);
            return Err(Failure { maybe_billed, ..failure });
        }
        match (status, hop) {
            (303, _) | (_, Hop::Get(_)) => Ok(Some(Hop::Get(url))),
            (_, Hop::Post { left: 0, .. }) => Ok(None),
            (_, Hop::Post { left, .. }) => Ok(Some(Hop::Post { url, left: left - 1 })),
        }
    }

    /// The configured address.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Credentials and prompts go to the configured host only.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.url.origin()
    }
}

async fn read_whole(call: &Call<'_>, response: Response) -> Result<HttpAnswer, Failure> {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers(), call.clock.now_ms());
    let body = read(response).await.map_err(|failure| failure.with_status(status))?;
    Ok(HttpAnswer { status, body, retry_after, taken: false })
}

/// A request's body. It is asked for only by a connection that is there.
#[derive(Debug)]
struct Outgoing {
    body: Option<Bytes>,
    sent: Sent,
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.sent.leaves();
        Poll::Ready(self.body.take().map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.body.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(left).unwrap_or(u64::MAX))
    }
}

fn client(connect: Duration) -> Result<Client, reqwest::Error> {
    Client::builder()
        .tls_backend_preconfigured(tls_config())
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .connect_timeout(connect)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tcp_nodelay(true)
        .build()
}

async fn read(mut response: Response) -> Result<Bytes, Failure> {
    let too_large = || {
        let message = format!("the provider's answer is larger than {MAX_BODY_BYTES} bytes");
        Failure::new(FailureCode::ResponseTooLarge, message)
    };
    let most = u64::try_from(MAX_BODY_BYTES).unwrap_or(u64::MAX);
    if response.content_length().is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let mut whole = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| not_sent_or_lost(&error))? {
        if whole.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

/// The error's own text is left out: it names the URL, which may hold a secret.
fn not_sent_or_lost(error: &reqwest::Error) -> Failure {
    if error.is_connect() {
        let why = if error.is_timeout() {
            "no connection to the provider in time"
        } else if error.is_dns() {
            "the provider's host name does not resolve"
        } else {
            "the provider does not accept connections"
        };
        Failure::new(FailureCode::Unreachable, why)
    } else {
        let message = "the connection to the provider was lost before its whole answer arrived";
        Failure::new(FailureCode::ConnectionLost, message)
    }
}

impl HttpAnswer {
    /// Whether the status says success.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body, which must be a JSON object of the shape expected. What the JSON reader says is
    /// left out: it may quote the answer.
    pub(super) fn object<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let body = self.body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.body);
        let what = if body.trim_ascii_start().starts_with(b"{") {
            match serde_json::from_slice(body) {
                Ok(object) => return Ok(object),
                Err(error) if error.is_data() => "a JSON object of another shape than expected",
                Err(_syntax) => "not JSON",
            }
        } else {
            "not a JSON object"
        };
        Err(self.unexpected(what))
    }

    /// The failure of an answer that is something else than expected.
    pub(super) fn unexpected(&self, what: &str) -> Failure {
        let message = format!("the provider's answer (HTTP {}) is {what}", self.status);
        Failure::new(FailureCode::ResponseParse, message).with_status(self.status)
    }

    /// The failure that the status says, with what the body adds to it.
    pub(super) fn status_failure(&self, detail: Option<&str>) -> Failure {
        let mut message = format!("the provider answered HTTP {}", self.status);
        if let Some(detail) = detail {
            message.push_str(": ");
            message.push_str(detail);
        }
        let failure = Failure::new(FailureCode::Http(self.status), message);
        // The provider took the request, and this is of its result: it may have run.
        let maybe_billed = self.taken.then_some(true);
        let retry_after = self.retry_after;
        Failure { maybe_billed, retry_after, ..failure.with_status(self.status) }
    }
}
