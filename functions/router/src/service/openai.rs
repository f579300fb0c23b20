//! `POST /v1/chat/completions` and `GET /v1/models`, for clients of `OpenAI`'s API.

mod answer;
mod error;
mod models;
mod request;

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::header::HeaderName;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use beacon_core::wire::{InferenceRequest, InferenceResponse, REGION_HEADER};

use super::received::Received;
use super::{Caller, RequestError, Served, context, header_text, is_json};
use crate::router::HybridRouter;
use answer::Completion;
use error::{Failed, Offer, OpenAiError};

/// What `OpenAI`'s clients show as the request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The routes.
pub(super) fn routes() -> axum::Router<Arc<Served>> {
    axum::Router::new()
        .route("/v1/chat/completions", post(completions))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
}

/// What is no route of these.
pub(super) fn unknown(status: StatusCode, message: &'static str) -> Response {
    OpenAiError::new(status, message).into_response()
}

/// One who may spend. Asked for before the body is read.
struct ChatCaller;

impl FromRequestParts<Arc<Served>> for ChatCaller {
    type Rejection = OpenAiError;

    async fn from_request_parts(
        parts: &mut Parts,
        served: &Arc<Served>,
    ) -> Result<Self, OpenAiError> {
        let caller = Caller::from_request_parts(parts, served).await;
        caller.map(|_caller| Self).map_err(OpenAiError::from)
    }
}

/// The call runs inside the handler, so that it ends with the connection of the one who asked.
async fn completions(
    State(router): State<HybridRouter>,
    _caller: ChatCaller,
    headers: HeaderMap,
    body: Result<Received, RequestError>,
) -> Response {
    let trace = trace_id(&headers);
    let mut response = match complete(&router, headers, body, &trace).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    response.headers_mut().insert(REQUEST_ID, trace);
    response
}

async fn complete(
    router: &HybridRouter,
    headers: HeaderMap,
    body: Result<Received, RequestError>,
    trace: &HeaderValue,
) -> Result<Response, OpenAiError> {
    if !is_json(&headers) {
        return Err(RequestError::MediaType.into());
    }
    let Received(body) = body?;
    let mut context = context(&headers)?;
    context.trace_id = trace.to_str().ok().map(str::to_owned);
    let region = header_text(&headers, REGION_HEADER)?.map(str::to_owned);
    let request = request::parse(&body, region)?;
    // They hold what the connection has read, which then reads into another buffer.
    drop((headers, body));
    let keyed = context.idempotency_key.is_some();
    let answered = router.infer(&request, &context).await.map_err(RequestError::Key)?;
    if let Some(failure) = &answered.failure {
        let offer = offer(router, &request);
        return Err(OpenAiError::failed(&answered, Failed { failure, offer, keyed }));
    }
    Ok(respond(router, &request, answered))
}

fn respond(
    router: &HybridRouter,
    request: &InferenceRequest,
    answered: InferenceResponse,
) -> Response {
    let created = router.now_ms() / 1000;
    axum::Json(Completion::new(request, answered, created)).into_response()
}

fn offer(router: &HybridRouter, request: &InferenceRequest) -> Offer {
    let providers = router.providers(request.region_preference.as_deref());
    let mut models = providers.iter().filter_map(|provider| provider.models.as_ref());
    if models.any(|models| models.contains(&request.model)) {
        return Offer::Served;
    }
    if providers.is_empty() { Offer::OtherRegions } else { Offer::OtherModels }
}

/// The caller's, or a new one.
fn trace_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(beacon_core::wire::TRACE_HEADER).filter(|value| value.to_str().is_ok());
    // A clone would hold what the connection has read.
    let given = given.and_then(|given| HeaderValue::from_bytes(given.as_bytes()).ok());
    given.unwrap_or_else(|| {
        // Hexadecimal digits are always a header's value.
        HeaderValue::try_from(new_id()).unwrap_or(HeaderValue::from_static("unknown"))
    })
}

fn new_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}
