//! What a request brings: its body, and its key.

use beacon_aws::ApiError;
use beacon_core::idempotency::IdempotencyKey;
use beacon_core::spec::limit;
use lambda_http::Request;
use lambda_http::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use lambda_http::http::uri::Authority;
use lambda_http::http::{HeaderMap, Uri};
use serde_json::Value;

/// A body of at most so many bytes that must be there.
pub(crate) fn json(request: &Request, limit: usize) -> Result<Value, ApiError> {
    if !is_json(request.headers()) {
        return Err(ApiError::UnsupportedMediaType);
    }
    beacon_core::json::read_json(bounded(request, limit)?)
        .map_err(|error| ApiError::InvalidJson { problem: error.to_string() })
}

/// A body that may be left out.
pub(crate) fn optional_json(request: &Request) -> Result<Option<Value>, ApiError> {
    if bounded(request, limit::RETRY_BYTES)?.is_empty() {
        ignored(request)?;
        return Ok(None);
    }
    json(request, limit::RETRY_BYTES).map(Some)
}

/// Takes a request whose body says nothing.
pub(crate) fn ignored(request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    let is_empty = bounded(request, limit::RETRY_BYTES)?.is_empty();
    if is_json(headers) || (is_empty && !is_of_another_site(headers)) {
        Ok(())
    } else {
        Err(ApiError::UnsupportedMediaType)
    }
}

fn bounded(request: &Request, limit: usize) -> Result<&[u8], ApiError> {
    let bytes: &[u8] = request.body().as_ref();
    if bytes.len() > limit { Err(ApiError::TooLarge { limit }) } else { Ok(bytes) }
}

pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let invalid = |problem: String| ApiError::InvalidParameter { name: "Idempotency-Key", problem };
    let text = value.to_str().map_err(|_not_ascii| invalid(IdempotencyKey::ALLOWED.to_owned()))?;
    IdempotencyKey::new(text).map(Some).map_err(|error| invalid(error.to_string()))
}

/// A page of another site cannot send this type without asking first.
fn is_json(headers: &HeaderMap) -> bool {
    let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let sent = sent.and_then(|value| value.split(';').next()).unwrap_or_default();
    sent.trim().eq_ignore_ascii_case("application/json")
}

/// Whether a browser says that the page which asks came from elsewhere. Without a body it may send the
/// token that it remembers for this address, and asks nobody first.
fn is_of_another_site(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let origin = origin.as_ref().and_then(Uri::authority);
    let host = text(HOST).and_then(|host| host.parse::<Authority>().ok());
    origin.is_none() || origin != host.as_ref()
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;

    use super::*;

    fn taken(headers: &[(&str, &str)], body: &str) -> bool {
        let request = headers.iter().fold(
            lambda_http::http::Request::builder().header("host", "beacon.example:8787"),
            |request, (name, value)| request.header(*name, *value),
        );
        ignored(&request.body(Body::from(body)).unwrap()).is_ok()
    }

    #[test]
    fn without_a_body_only_a_page_of_ones_own_may_ask() {
        let json = ("content-type", "application/json");
        assert!(taken(&[], ""));
        assert!(taken(&[json], ""));
        assert!(taken(&[json], "{}"));
        assert!(taken(&[("origin", "http://beacon.example:8787")], ""));
        for elsewhere in ["http://other.example", "http://beacon.example:8788", "null", "x"] {
            assert!(!taken(&[("origin", elsewhere)], ""), "{elsewhere}");
            assert!(taken(&[("origin", elsewhere), json], ""), "{elsewhere}");
        }
        assert!(!taken(&[], "{}"));
        assert!(!taken(&[("content-type", "text/plain")], "{}"));
        assert!(!taken(&[json], &" ".repeat(limit::RETRY_BYTES + 1)));
    }
}
