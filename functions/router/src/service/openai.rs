//! `POST /v1/chat/completions` and `GET /v1/models`, for clients of `OpenAI`'s API.

mod answer;
mod error;
mod models;
mod request;

use axum::extract::{Request, State};
use axum::http::header::HeaderName;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use beacon_core::wire::{InferenceRequest, InferenceResponse, REGION_HEADER};

use super::received::Received;
use super::{RequestError, Served, context, header_text, is_json};
use crate::router::HybridRouter;
use answer::Completion;
use error::{Failed, Offer, OpenAiError};

/// What `OpenAI`'s clients show as the request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The routes.
pub(super) fn routes(served: &Served) -> axum::Router<Served> {
    axum::Router::new()
        .route("/v1/chat/completions", post(completions))
        .route_layer(from_fn_with_state(served.clone(), callers))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
}

/// What is no route of these.
pub(super) fn unknown(status: StatusCode, message: &'static str) -> Response {
    OpenAiError::new(status, message).into_response()
}

async fn callers(State(served): State<Served>, request: Request, next: Next) -> Response {
    match served.access.caller(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => OpenAiError::from(RequestError::Access(refused)).into_response(),
    }
}

/// The call runs inside the handler, so that it ends with the connection of the one who asked.
async fn completions(
    State(router): State<HybridRouter>,
    headers: HeaderMap,
    body: Result<Received, RequestError>,
) -> Response {
    let trace = trace_id(&headers);
    let mut response = match complete(&router, &headers, body, &trace).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    response.headers_mut().insert(REQUEST_ID, trace);
    response
}

async fn complete(
    router: &HybridRouter,
    headers: &HeaderMap,
    body: Result<Received, RequestError>,
    trace: &HeaderValue,
) -> Result<Response, OpenAiError> {
    if !is_json(headers) {
        return Err(RequestError::MediaType.into());
    }
    let Received(body) = body?;
    let mut context = context(headers)?;
    context.trace_id = trace.to_str().ok().map(str::to_owned);
    let region = header_text(headers, REGION_HEADER)?.map(str::to_owned);
    let request = request::parse(&body, region)?;
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
    given.cloned().unwrap_or_else(|| {
        // Hexadecimal digits are always a header's value.
        HeaderValue::try_from(new_id()).unwrap_or(HeaderValue::from_static("unknown"))
    })
}

fn new_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}
