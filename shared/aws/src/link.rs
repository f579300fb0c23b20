//! The way to the router: what goes over it and what comes back.

use std::fmt;
use std::time::Duration;

use beacon_core::wire::{
    CallView, DEADLINE_HEADER, IDEMPOTENCY_HEADER, InferenceRequest, JOIN_HEADER,
    MAX_RESPONSE_BYTES, TRACE_HEADER,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderValue};

use crate::environment::RouterSettings;
use crate::error::chain;
use crate::outbound::{BodyError, Unsent, http_client, read_body};

/// Bytes of a router's answer that are read: the text escaped as JSON at its worst, and the rest.
const MAX_BODY: usize = 6 * MAX_RESPONSE_BYTES + 512 * 1024;

/// One request to the router.
#[derive(Debug, Clone, Copy)]
pub enum Request<'a> {
    /// `POST /inference`.
    Ask {
        /// The call's idempotency key.
        key: &'a str,
        /// For following it through logs.
        trace: &'a str,
        /// When nobody waits for its answer any more.
        deadline: Timestamp,
        /// Only a call of the key that runs, or has its answer, is meant: none is made. Where there
        /// is none the answer is [`beacon_core::wire::NOTHING_TO_JOIN`].
        joins: bool,
        /// The body.
        body: &'a InferenceRequest,
    },
    /// `GET /inference/{key}`: what became of a call.
    Look {
        /// The call's idempotency key.
        key: &'a str,
    },
    /// `DELETE /inference/{key}`: stops a call.
    Stop {
        /// The call's idempotency key.
        key: &'a str,
    },
}

/// How a request to the router was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// It did not leave; why, for people.
    Unsent(Unsent, String),
    /// Time ran out before the head of an answer was there.
    Silent,
    /// Time ran out within the answer.
    Unfinished,
    /// The connection ended first; why, for people.
    Broken(String),
    /// More came than is read.
    TooLarge {
        /// Bytes that are read.
        limit: usize,
    },
}

impl Lost {
    /// A request whose answer did not begin.
    pub fn before_the_answer(error: reqwest::Error) -> Self {
        match Unsent::of(&error) {
            Some(unsent) => Self::Unsent(unsent, chain(&error.without_url())),
            None if error.is_timeout() => Self::Silent,
            None => Self::Broken(chain(&error.without_url())),
        }
    }

    /// A request whose answer broke off.
    pub fn within_the_answer(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            Self::Unfinished
        } else {
            Self::Broken(chain(&error.without_url()))
        }
    }
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Carries requests to the router: over HTTP, or to a router in this process. A request whose future
/// is dropped is given up, and its connection with it.
pub trait Link: fmt::Debug + Send + Sync {
    /// One request, once, within this time.
    fn send<'a>(
        &'a self,
        request: Request<'a>,
        within: Duration,
    ) -> BoxFuture<'a, Result<Answer, Lost>>;
}

/// Looks for a call, or stops it: what the router tells of it. None where it answers, but tells
/// nothing, as a router does that knows no keys.
pub async fn call_view(
    link: &dyn Link,
    request: Request<'_>,
    within: Duration,
) -> Result<Option<CallView>, Lost> {
    let answer = link.send(request, within).await?;
    Ok(serde_json::from_slice(&answer.body).ok())
}

/// HTTP.
#[derive(Debug)]
pub struct HttpLink {
    client: reqwest::Client,
    base: String,
    /// Marked as sensitive.
    authorization: Option<HeaderValue>,
}

impl HttpLink {
    /// To the router of these settings.
    pub fn new(settings: &RouterSettings) -> Result<Self, reqwest::Error> {
        let (base, authorization) = (settings.base.clone(), settings.authorization.clone());
        Ok(Self { client: http_client()?, base, authorization })
    }

    fn build(&self, request: Request<'_>) -> reqwest::RequestBuilder {
        let at = |key: &str| format!("{}/inference/{key}", self.base);
        let built = match request {
            Request::Ask { key, trace, deadline, joins, body } => {
                let mut ask = self
                    .client
                    .post(format!("{}/inference", self.base))
                    .header(DEADLINE_HEADER, deadline.as_millisecond())
                    .header(IDEMPOTENCY_HEADER, key)
                    .header(TRACE_HEADER, trace)
                    .json(body);
                if joins {
                    ask = ask.header(JOIN_HEADER, "*");
                }
                ask
            }
            Request::Look { key } => self.client.get(at(key)),
            Request::Stop { key } => self.client.delete(at(key)),
        };
        match &self.authorization {
            Some(authorization) => built.header(AUTHORIZATION, authorization),
            None => built,
        }
    }
}

impl Link for HttpLink {
    fn send<'a>(
        &'a self,
        request: Request<'a>,
        within: Duration,
    ) -> BoxFuture<'a, Result<Answer, Lost>> {
        async move {
            let sent = self.build(request).timeout(within).send().await;
            let response = sent.map_err(Lost::before_the_answer)?;
            let status = response.status().as_u16();
            match read_body(response, MAX_BODY).await {
                Ok(body) => Ok(Answer { status, body }),
                Err(BodyError::TooLarge { limit }) => Err(Lost::TooLarge { limit }),
                Err(BodyError::Broken(error)) => Err(Lost::within_the_answer(error)),
            }
        }
        .boxed()
    }
}
