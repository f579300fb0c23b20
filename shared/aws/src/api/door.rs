//! The door of the API: who asks, how often, under which request id; the same for every function.

use std::sync::{Mutex, PoisonError};

use beacon_core::access::{Allowances, Role, Taken};
use beacon_core::route::{Function, NoRoute, Route};
use jiff::Timestamp;
use lambda_http::http::header::CACHE_CONTROL;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt, Response};
use tracing::{Instrument, info_span};

use super::authorizer;
use super::error::ApiError;
use crate::clock;
use crate::environment::AccessSettings;
use crate::tokens::{Caller, Presented, Tokens};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const NO_SNIFF: HeaderName = HeaderName::from_static("x-content-type-options");
/// Characters of a request id that are taken from the client.
const MAX_REQUEST_ID: usize = 128;

/// Lets requests in.
#[derive(Debug)]
pub struct Door {
    known_by: KnownBy,
    allowances: Mutex<Allowances>,
}

/// What knows who asks.
#[derive(Debug)]
enum KnownBy {
    /// These tokens.
    Tokens(Tokens),
    /// The API's authorizer, which was asked before the request came here.
    Authorizer,
}

/// A request that was let in.
#[derive(Debug)]
pub struct Admitted {
    /// What is asked.
    pub route: Route,
    /// Who asks; none where anybody may.
    pub caller: Option<Caller>,
}

impl Door {
    /// The door on AWS: the API's authorizer tells who asks. Each instance of a function counts for
    /// itself, and API Gateway's throttle bounds them all.
    pub fn on_aws(requests_per_minute: Option<u32>) -> Self {
        let limit = requests_per_minute.unwrap_or(AccessSettings::REQUESTS_PER_MINUTE);
        Self::known_by(KnownBy::Authorizer, limit)
    }

    /// A door that these tokens open, each so often a minute.
    pub fn new(tokens: Tokens, requests_per_minute: u32) -> Self {
        Self::known_by(KnownBy::Tokens(tokens), requests_per_minute)
    }

    fn known_by(known_by: KnownBy, requests_per_minute: u32) -> Self {
        Self { known_by, allowances: Mutex::new(Allowances::new(requests_per_minute)) }
    }

    /// Lets a request in or refuses it; every answer leaves with its headers.
    pub async fn answer(
        &self,
        function: Function,
        request: Request,
        work: impl AsyncFnOnce(Request, Admitted) -> Result<Response<Body>, ApiError>,
    ) -> Response<Body> {
        let request_id = request_id(request.headers());
        let presented = match &self.known_by {
            KnownBy::Tokens(tokens) => tokens.presented(request.headers()),
            KnownBy::Authorizer => authorizer::presented(&request),
        };
        let taken = self.take(&presented, &request, clock::now());
        let span = info_span!("request", request_id);
        let answered = async {
            let admitted = admit(function, presented, taken, &request)?;
            work(request, admitted).await
        };
        let answered = answered.instrument(span.clone()).await;
        let _entered = span.enter();
        let mut response = answered.unwrap_or_else(ApiError::answer);
        finish(response.headers_mut(), &request_id, taken);
        response
    }

    /// One request of the caller's allowance. Whoever presents no known token counts by address, so
    /// that guessing tokens is slow.
    fn take(&self, presented: &Presented, request: &Request, now: Timestamp) -> Taken {
        let key = match presented {
            Presented::Known(caller) => caller.name.clone(),
            Presented::Nobody
            | Presented::Unreadable
            | Presented::Unknown
            | Presented::WithoutRole => source(request),
        };
        self.allowances.lock().unwrap_or_else(PoisonError::into_inner).take(key, now)
    }
}

fn admit(
    function: Function,
    presented: Presented,
    taken: Taken,
    request: &Request,
) -> Result<Admitted, ApiError> {
    if !taken.allowed {
        let (limit, retry_seconds) = (taken.limit, taken.retry_seconds);
        return Err(ApiError::RateLimited { limit, retry_seconds });
    }
    let (method, path) = (request.method(), request.uri().path());
    let nothing = || ApiError::NoSuchPath(path.chars().take(200).collect());
    let route = Route::read(method.as_str(), path).map_err(|none| match none {
        NoRoute::NotFound => nothing(),
        NoRoute::MethodNotAllowed { allow } => {
            let method = method.as_str().chars().take(20).collect();
            ApiError::MethodNotAllowed { method, allow }
        }
        NoRoute::BadId { name, error } => {
            ApiError::InvalidParameter { name, problem: error.to_string() }
        }
    })?;
    if route.function() != function {
        return Err(nothing());
    }
    let caller = allowed(presented, route.needs())?;
    Ok(Admitted { route, caller })
}

fn allowed(presented: Presented, needs: Option<Role>) -> Result<Option<Caller>, ApiError> {
    match (presented, needs) {
        (Presented::Known(caller), None) => Ok(Some(caller)),
        (Presented::Known(caller), Some(role)) if caller.role >= role => Ok(Some(caller)),
        (Presented::Known(caller), Some(needs)) => {
            Err(ApiError::Forbidden { has: caller.role, needs })
        }
        (
            Presented::Nobody | Presented::Unreadable | Presented::Unknown | Presented::WithoutRole,
            None,
        ) => Ok(None),
        (Presented::WithoutRole, Some(needs)) => Err(ApiError::NoRole { needs }),
        (Presented::Nobody, Some(needs)) => Err(ApiError::TokenMissing { needs }),
        (Presented::Unreadable, Some(_)) => Err(ApiError::TokenUnreadable),
        (Presented::Unknown, Some(_)) => Err(ApiError::TokenUnknown),
    }
}

/// What a request is known by in the log and in its answer: the client's own id, if it can stand in a header and a
/// log line.
pub fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let usable = |id: &&str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/+=".contains(c);
        !id.is_empty() && id.len() <= MAX_REQUEST_ID && id.chars().all(plain)
    };
    given
        .filter(usable)
        .map_or_else(|| format!("req-{:032x}", rand::random::<u128>()), str::to_owned)
}

/// The address that API Gateway saw.
pub fn source(request: &Request) -> String {
    let address = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.clone(),
        Some(_) | None => None,
    };
    format!("address {}", address.unwrap_or_default())
}

fn finish(headers: &mut HeaderMap, request_id: &str, taken: Taken) {
    // Only characters that may stand in a header come here.
    let id = HeaderValue::from_str(request_id);
    headers.extend(id.into_iter().map(|id| (REQUEST_ID, id)));
    headers.insert(LIMIT, HeaderValue::from(taken.limit));
    headers.insert(REMAINING, HeaderValue::from(taken.remaining));
    headers.insert(RESET, HeaderValue::from(taken.reset_seconds));
    headers.insert(NO_SNIFF, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
