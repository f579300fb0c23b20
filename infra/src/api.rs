//! The API on loopback: each request becomes the event that API Gateway would send.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use beacon_aws::clock;
use beacon_core::route::{Function, Route};
use beacon_core::view::{Details, ErrorView};
use beacon_intake::Intake;
use beacon_portal::Portal;
use beacon_query::Query;
use serde_json::{Map, Value, json};

/// What API Gateway accepts.
const MAX_BODY: usize = 10 * 1024 * 1024;

/// The functions behind the API, and the portal beside it.
#[derive(Debug)]
pub(crate) struct Functions {
    /// None where nothing new is accepted.
    pub(crate) intake: Option<Arc<Intake>>,
    pub(crate) query: Arc<Query>,
    pub(crate) portal: Portal,
}

/// The API's routes.
pub(crate) fn routes(functions: Arc<Functions>) -> axum::Router {
    axum::Router::new().fallback(answer).with_state(functions)
}

async fn answer(State(functions): State<Arc<Functions>>, request: Request) -> Response {
    let route = Route::read(request.method().as_str(), request.uri().path());
    let submit = route.is_ok_and(|route| route.function() == Function::Intake);
    let portal = Portal::has(request.uri().path());
    let (head, body) = request.into_parts();
    if !names_this_machine(&head) {
        let told = "this address is answered on this machine only";
        return refuse(StatusCode::FORBIDDEN, "foreign_host", told);
    }
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is too large");
    };
    let event = event(&head, &body).to_string();
    let Ok(request) = lambda_http::request::from_str(&event) else {
        return refuse(StatusCode::BAD_REQUEST, "bad_request", "the request cannot be read");
    };
    let response = match &functions.intake {
        _ if portal => functions.portal.handle(request).await,
        Some(intake) if submit => intake.handle(request).await,
        Some(_) | None => functions.query.handle(request).await,
    };
    let (head, body) = response.into_parts();
    let body = match body {
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        lambda_http::Body::Empty | _ => Body::empty(),
    };
    Response::from_parts(head, body)
}

/// A page whose name was bound to this machine's address sends that name.
fn names_this_machine(head: &Parts) -> bool {
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let authority = host.parse::<Authority>();
    let name = authority.as_ref().map_or("", |authority| authority.host());
    let ip = name.trim_matches(['[', ']']).parse::<IpAddr>();
    // What stands behind the colon is not checked by the parser.
    let port_is_one = authority.as_ref().is_ok_and(|authority| {
        authority.as_str().len() == name.len() || authority.port_u16().is_some()
    });
    if !port_is_one {
        return false;
    }
    name.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
}

/// An HTTP API event, payload version 2.0. A body that is no text travels in base 64.
fn event(head: &Parts, body: &[u8]) -> Value {
    let text = std::str::from_utf8(body);
    let (is_base64, body) = match text {
        Ok(text) => (false, text.to_owned()),
        Err(_not_utf8) => (true, STANDARD.encode(body)),
    };
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "queryStringParameters": parameters(query),
        "headers": headers(head),
        "requestContext": {
            "stage": "$default",
            "timeEpoch": clock::now().as_millisecond(),
            "http": {
                "method": head.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "",
            },
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

/// As API Gateway tells them: repeated ones joined with commas, and what it says of the way here in
/// place of what the client says.
fn headers(head: &Parts) -> Map<String, Value> {
    let mut headers: Map<String, Value> = Map::new();
    for name in head.headers.keys().filter(|name| !name.as_str().starts_with("x-forwarded-")) {
        let values = head.headers.get_all(name).iter();
        let values: Vec<_> =
            values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        headers.insert(name.to_string(), values.join(",").into());
    }
    headers.insert("x-forwarded-proto".to_owned(), "http".into());
    headers
}

fn parameters(query: &str) -> Map<String, Value> {
    let uri = format!("/?{query}").parse().unwrap_or_default();
    let parsed = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri);
    let pairs = parsed.map(|query| query.0).unwrap_or_default();
    pairs.into_iter().map(|(name, value)| (name, value.into())).collect()
}

fn refuse(status: StatusCode, code: &str, error: &str) -> Response {
    let (error, error_code) = (error.to_owned(), code.to_owned());
    let details = Some(Details::Fields(Vec::new()));
    let view = ErrorView { error, error_code, details, retries: None };
    let request_id = format!("req-{:032x}", rand::random::<u128>());
    (status, [("x-request-id", request_id)], axum::Json(view)).into_response()
}
