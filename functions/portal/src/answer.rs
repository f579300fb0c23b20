//! What a request is answered with, before it is bytes, and the bytes.

use std::io::Write as _;

use beacon_aws::{ApiError, TableError};
use beacon_core::job::NoRetry;
use flate2::Compression;
use flate2::write::GzEncoder;
use lambda_http::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, LOCATION,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lambda_http::{Body, Response};
use maud::Markup;
use thiserror::Error;

/// Nothing is run, shown or asked for that is not the portal's own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Fewer bytes are not worth compressing.
const SMALL: usize = 1024;
/// Bytes of a page, at most.
const PAGE: usize = 2 * 1024 * 1024;

/// What a request is answered with.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A whole page.
    Page(Page),
    /// A part of a page that is there.
    Part(Markup),
    /// Nothing of the part has changed.
    Unchanged,
    /// The part is another page by now: the browser loads the whole page anew.
    Anew,
    /// Elsewhere.
    Redirect(String),
    /// The same, and whoever asked is signed out.
    SignedOut,
    /// A file to keep.
    File {
        /// As it is kept.
        name: String,
        content_type: &'static str,
        content: String,
        /// Where the file goes on; the browser's script puts the parts together.
        next: Option<String>,
    },
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    /// Of the window, and the heading unless the body has one.
    pub(crate) title: String,
    /// Some of what it shows was made up.
    pub(crate) simulated: bool,
    /// A style sheet beside the portal's own.
    pub(crate) stylesheet: Option<&'static str>,
    pub(crate) body: Markup,
}

impl Page {
    /// One that shows what was asked for.
    pub(crate) fn new(title: impl Into<String>, body: Markup) -> Self {
        let (status, title) = (StatusCode::OK, title.into());
        Self { status, title, simulated: false, stylesheet: None, body }
    }

    /// The same, which says so where something of it was made up.
    #[must_use]
    pub(crate) fn simulated(self, simulated: bool) -> Self {
        Self { simulated, ..self }
    }

    /// The same with a style sheet beside the portal's own.
    #[must_use]
    pub(crate) fn with_stylesheet(self, asset: &'static str) -> Self {
        Self { stylesheet: Some(asset), ..self }
    }
}

/// Why there is no page.
#[derive(Debug, Error)]
pub(crate) enum PageError {
    /// As the API would say it.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Nothing is there.
    #[error("there is nothing at this address")]
    NotFound,
    /// An execution that is not asked anew by itself.
    #[error("the execution is not asked again")]
    NoRetry(NoRetry),
    /// This Beacon only reads.
    #[error("this Beacon reads and changes nothing: start it with `beacon up` to submit jobs")]
    OnlyReads,
    /// A field of the address is wrong.
    #[error("`{name}` is wrong: {problem}")]
    Parameter {
        /// Which.
        name: &'static str,
        /// What is allowed.
        problem: String,
    },
}

impl From<TableError> for PageError {
    fn from(error: TableError) -> Self {
        Self::Api(error.into())
    }
}

impl PageError {
    /// The status that it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Api(error) => error.status(),
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::OnlyReads | Self::NoRetry(_) => StatusCode::CONFLICT,
            Self::Parameter { .. } => StatusCode::BAD_REQUEST,
        }
    }
}

/// A response of a type, not yet compressed.
pub(crate) fn response(
    status: StatusCode,
    content_type: &'static str,
    body: String,
) -> Response<Body> {
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(crate) const HTML: &str = "text/html; charset=utf-8";

/// Elsewhere, to be asked for with `GET`.
pub(crate) fn redirect(to: &str) -> Response<Body> {
    let mut response = response(StatusCode::SEE_OTHER, HTML, String::new());
    // Addresses are written with ASCII alone.
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, to);
    response
}

/// A file, and where it goes on.
pub(crate) fn file(
    name: &str,
    content_type: &'static str,
    content: String,
    next: Option<&str>,
) -> Response<Body> {
    let mut response = response(StatusCode::OK, content_type, content);
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = response.headers_mut();
    headers.extend(HeaderValue::from_str(&disposition).map(|value| (CONTENT_DISPOSITION, value)));
    let next = next.and_then(|next| HeaderValue::from_str(next).ok());
    headers.extend(next.map(|next| (HeaderName::from_static("beacon-next"), next)));
    response
}

/// Whether what asks can read gzip.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let takes = |one: &str| {
        let (coding, weight) = one.split_once(';').unwrap_or((one, "q=1"));
        let weight = weight.trim().trim_start_matches("q=").trim_end_matches(['0', '.']);
        coding.trim().eq_ignore_ascii_case("gzip") && !weight.is_empty()
    };
    accepted.is_some_and(|list| list.split(',').any(takes))
}

/// Puts what every answer has, and compresses it.
pub(crate) fn finish(
    response: Response<Body>,
    request_id: &str,
    gzip: bool,
    is_head: bool,
) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    let put = |headers: &mut HeaderMap, name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    let headers = &mut head.headers;
    put(headers, HeaderName::from_static("content-security-policy"), POLICY);
    put(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(headers, X_FRAME_OPTIONS, "DENY");
    put(headers, REFERRER_POLICY, "no-referrer");
    put(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    // Only characters that may stand in a header come here.
    let id = HeaderValue::from_str(request_id);
    headers.extend(id.into_iter().map(|id| (HeaderName::from_static("x-request-id"), id)));
    if !headers.contains_key(CACHE_CONTROL) {
        put(headers, CACHE_CONTROL, "no-store");
    }
    put(headers, VARY, "accept-encoding");
    let bytes: &[u8] = body.as_ref();
    let packed = (gzip && bytes.len() >= SMALL).then(|| compressed(bytes)).flatten();
    let body = match packed {
        Some(packed) => {
            put(headers, CONTENT_ENCODING, "gzip");
            Body::Binary(packed)
        }
        None => body,
    };
    Response::from_parts(head, if is_head { Body::Empty } else { body })
}

/// None where it cannot be, which writing to memory always can.
fn compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    // A page is sent over and over; of a part of a file the time would be felt.
    let level = if bytes.len() <= PAGE { Compression::new(5) } else { Compression::fast() };
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), level);
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}
