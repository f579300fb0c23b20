//! Failures in the shape of `OpenAI`'s API: which status each gets, and whether its clients may send
//! the request again by themselves.

use axum::Json;
use axum::http::header::{HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use beacon_core::wire::{InferenceResponse, REGION_HEADER, WireFailure};
use serde::Serialize;

use super::answer::Beacon;
use super::request::Refused;
use crate::service::RequestError;

/// `OpenAI`'s clients ask again after 408, 409, 429 and 5xx, unless this says no.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const MODEL_NOT_FOUND: &str = "model_not_found";

/// An answer that is none.
#[derive(Debug)]
pub(super) struct OpenAiError {
    status: StatusCode,
    message: String,
    param: Option<String>,
    code: Option<String>,
    beacon: Option<Box<Beacon>>,
    may_repeat: bool,
}

/// What there is for a request, be it well or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// A provider in the region asked has the model.
    Served,
    /// There are providers, and none has the model.
    OtherModels,
    /// There is none in the region asked.
    OtherRegions,
}

/// A failure of the router, and what else counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed<'a> {
    pub(super) failure: &'a WireFailure,
    pub(super) offer: Offer,
    /// The call has an idempotency key: repeated, it gets the same failure.
    pub(super) keyed: bool,
}

impl Failed<'_> {
    /// The status that says the same.
    fn status(self) -> StatusCode {
        let Self { failure, offer, .. } = self;
        match failure.code.as_str() {
            "PROVIDER_UNAVAILABLE" if offer != Offer::Served => StatusCode::NOT_FOUND,
            "PROVIDER_UNAVAILABLE" | "PROVIDER_BUSY" => StatusCode::SERVICE_UNAVAILABLE,
            "PROVIDER_RATE_LIMITED" => StatusCode::TOO_MANY_REQUESTS,
            "DEADLINE_EXCEEDED" | "PROVIDER_TIMEOUT" => StatusCode::GATEWAY_TIMEOUT,
            "CALL_STOPPED" => StatusCode::CONFLICT,
            // An HTTP success that holds no answer, or no HTTP at all.
            _ => failure.http_status.map_or(StatusCode::BAD_GATEWAY, of_provider),
        }
    }

    /// Whether a client may ask again without its user knowing: only where certainly nothing was
    /// generated, and where asking again can help.
    fn may_repeat(self) -> bool {
        let Self { failure, keyed, .. } = self;
        let helps = failure.retryable == Some(true) && failure.code != "DEADLINE_EXCEEDED";
        helps && failure.maybe_billed == Some(false) && !keyed
    }
}

/// What a provider's status says of the request, which the caller can mend, or of the provider,
/// which he cannot: its 401 is about the router's key, not about his.
fn of_provider(status: u16) -> StatusCode {
    match status {
        400 | 413 | 414 | 422 | 451 => StatusCode::BAD_REQUEST,
        429 => StatusCode::TOO_MANY_REQUESTS,
        // Still running, or something on the way stopped waiting.
        303 | 408 | 504 | 522 | 524 => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    }
}

impl OpenAiError {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message, param: None, code: None, beacon: None, may_repeat: true }
    }

    /// Of a call that failed.
    pub(super) fn failed(response: &InferenceResponse, failed: Failed<'_>) -> Self {
        let (failure, status) = (failed.failure, failed.status());
        let (code, param) = match (status, failed.offer) {
            (StatusCode::NOT_FOUND, Offer::OtherRegions) => (MODEL_NOT_FOUND, Some(REGION_HEADER)),
            (StatusCode::NOT_FOUND, _) => (MODEL_NOT_FOUND, Some("model")),
            _ => (failure.code.as_str(), None),
        };
        Self {
            code: Some(code.to_owned()),
            param: param.map(str::to_owned),
            beacon: Some(Box::new(Beacon::of(response))),
            may_repeat: failed.may_repeat(),
            ..Self::new(status, failure.message.clone())
        }
    }

    /// Of a model that nobody serves.
    pub(super) fn no_model() -> Self {
        Self {
            code: Some(MODEL_NOT_FOUND.to_owned()),
            param: Some("model".to_owned()),
            ..Self::new(StatusCode::NOT_FOUND, "no provider serves this model")
        }
    }

    /// `OpenAI`'s word for the kind of error.
    fn kind(&self) -> &'static str {
        match self.status {
            StatusCode::UNAUTHORIZED => "authentication_error",
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        }
    }
}

impl From<RequestError> for OpenAiError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::MediaType => {
                let message = "the body must be sent as application/json";
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
            }
            RequestError::Unread(unread) => {
                let (status, message) = unread.told();
                Self::new(status, message)
            }
            RequestError::Invalid(problems) => {
                let (param, message) = problems.first().map(super::super::Problem::told).unzip();
                let message = message.unwrap_or("the request is not valid");
                Self { param, ..Self::new(StatusCode::BAD_REQUEST, message) }
            }
            RequestError::Key(refused) => Self {
                code: Some(refused.code().to_owned()),
                may_repeat: false,
                ..Self::new(refused.status(), refused.to_string())
            },
            RequestError::Access(refused) => {
                let (status, message) = refused.told();
                Self { code: Some("invalid_api_key".to_owned()), ..Self::new(status, message) }
            }
        }
    }
}

impl From<Refused> for OpenAiError {
    fn from(Refused { param, code, message }: Refused) -> Self {
        let code = Some(code.to_owned());
        Self { param, code, ..Self::new(StatusCode::BAD_REQUEST, message) }
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Told<'a>,
}

#[derive(Serialize)]
struct Told<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'a str>,
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beacon: Option<&'a Beacon>,
}

impl IntoResponse for OpenAiError {
    fn into_response(self) -> Response {
        let error = Told {
            message: &self.message,
            kind: self.kind(),
            param: self.param.as_deref(),
            code: self.code.as_deref(),
            beacon: self.beacon.as_deref(),
        };
        let mut response = (self.status, Json(Envelope { error })).into_response();
        let headers = response.headers_mut();
        if !self.may_repeat {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(beacon) = &self.beacon
            && let Some(wait_ms) = beacon.retry_after_ms()
        {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait_ms.div_ceil(1_000)));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: &str, http_status: Option<u16>) -> WireFailure {
        WireFailure {
            code: code.to_owned(),
            stage: String::new(),
            message: String::new(),
            component: String::new(),
            subcomponent: String::new(),
            provider: None,
            provider_type: None,
            region: None,
            model: None,
            transient: true,
            retryable: Some(true),
            maybe_billed: Some(false),
            attempts: None,
            retry_after_ms: None,
            http_status,
            timestamp: None,
        }
    }

    fn status(code: &str, http_status: Option<u16>, offer: Offer) -> u16 {
        let failure = failure(code, http_status);
        Failed { failure: &failure, offer, keyed: false }.status().as_u16()
    }

    #[test]
    fn every_failure_has_its_status() {
        for (code, http_status, expected) in [
            ("PROVIDER_UNAVAILABLE", None, 503),
            ("PROVIDER_BUSY", None, 503),
            ("PROVIDER_RATE_LIMITED", Some(429), 429),
            ("PROVIDER_RATE_LIMITED", None, 429),
            ("DEADLINE_EXCEEDED", None, 504),
            ("PROVIDER_TIMEOUT", None, 504),
            ("PROVIDER_UNREACHABLE", None, 502),
            ("PROVIDER_CONNECTION_LOST", None, 502),
            ("PROVIDER_REDIRECT", Some(302), 502),
            ("PROVIDER_RESPONSE_PARSE_ERROR", Some(200), 502),
            ("PROVIDER_RESPONSE_TOO_LARGE", Some(200), 502),
            ("PROVIDER_EXECUTION_FAILED", Some(200), 502),
            ("PROVIDER_EXECUTION_FAILED", None, 502),
            ("CALL_STOPPED", None, 409),
            ("MODEL_CRASH", Some(200), 502),
            ("CONTEXT_TOO_LONG", Some(400), 400),
            ("PROVIDER_HTTP_303", Some(303), 504),
            ("PROVIDER_HTTP_400", Some(400), 400),
            ("PROVIDER_HTTP_401", Some(401), 502),
            ("PROVIDER_HTTP_403", Some(403), 502),
            ("PROVIDER_HTTP_404", Some(404), 502),
            ("PROVIDER_HTTP_408", Some(408), 504),
            ("PROVIDER_HTTP_413", Some(413), 400),
            ("PROVIDER_HTTP_422", Some(422), 400),
            ("PROVIDER_HTTP_429", Some(429), 429),
            ("PROVIDER_HTTP_500", Some(500), 502),
            ("PROVIDER_HTTP_503", Some(503), 502),
            ("PROVIDER_HTTP_504", Some(504), 504),
            ("PROVIDER_HTTP_529", Some(529), 502),
        ] {
            assert_eq!(status(code, http_status, Offer::Served), expected, "{code}");
        }
        for offer in [Offer::OtherModels, Offer::OtherRegions] {
            assert_eq!(status("PROVIDER_UNAVAILABLE", None, offer), 404);
        }
    }

    #[test]
    fn a_client_repeats_only_what_certainly_cost_nothing_and_can_help() {
        let repeats = |code: &str, retryable, maybe_billed, keyed| {
            let failure = WireFailure { retryable, maybe_billed, ..failure(code, None) };
            Failed { failure: &failure, offer: Offer::Served, keyed }.may_repeat()
        };
        assert!(repeats("PROVIDER_UNREACHABLE", Some(true), Some(false), false));
        assert!(!repeats("PROVIDER_UNREACHABLE", Some(true), Some(false), true));
        assert!(!repeats("PROVIDER_TIMEOUT", Some(true), Some(true), false));
        assert!(!repeats("PROVIDER_TIMEOUT", Some(true), None, false));
        assert!(!repeats("CALL_STOPPED", Some(false), Some(false), false));
        assert!(!repeats("CALL_STOPPED", None, Some(false), false));
        assert!(!repeats("DEADLINE_EXCEEDED", Some(true), Some(false), false));
    }
}
