//! The router as an HTTP service.

mod body;

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use beacon_core::wire::{
    CallKey, CallState, CallView, DEADLINE_HEADER, IDEMPOTENCY_HEADER, InferenceResponse,
    ProvidersResponse, TRACE_HEADER,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::calls::KeyConflict;
use crate::router::{CallContext, HybridRouter};
use body::Problem;

/// Largest request body, bytes.
pub const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// The routes.
pub fn app(router: HybridRouter) -> axum::Router {
    axum::Router::new()
        .route("/inference", post(inference))
        .route("/v1/inference", post(inference))
        .route("/inference/{key}", get(look).delete(stop))
        .route("/v1/inference/{key}", get(look).delete(stop))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/providers", get(providers))
        .fallback(async || Detail::text(StatusCode::NOT_FOUND, "Not Found"))
        .method_not_allowed_fallback(async || {
            Detail::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(router)
}

/// Serves until the shutdown resolves, then finishes the calls in flight.
pub async fn serve(
    listener: TcpListener,
    router: HybridRouter,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    axum::serve(listener, app(router)).with_graceful_shutdown(shutdown).await
}

/// The call runs inside the handler, so that it ends with the connection of the one who asked.
async fn inference(
    State(router): State<HybridRouter>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<InferenceResponse>, RequestError> {
    if !is_json(&headers) {
        return Err(RequestError::MediaType);
    }
    let body = body.map_err(RequestError::Unread)?;
    let context = context(&headers)?;
    let request = body::parse(&body).map_err(RequestError::Invalid)?;
    router.infer(&request, &context).await.map(Json).map_err(RequestError::Key)
}

async fn look(
    State(router): State<HybridRouter>,
    key: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, Json<CallView>), RequestError> {
    let view = router.look(&call_key(key)?).await;
    let status = match view.state {
        CallState::Unknown => StatusCode::NOT_FOUND,
        CallState::Running | CallState::Done | CallState::Dropped | CallState::Stopped => {
            StatusCode::OK
        }
    };
    Ok((status, Json(view)))
}

async fn stop(
    State(router): State<HybridRouter>,
    key: Result<Path<String>, PathRejection>,
) -> Result<Json<CallView>, RequestError> {
    Ok(Json(router.stop(&call_key(key)?).await))
}

fn call_key(given: Result<Path<String>, PathRejection>) -> Result<CallKey, RequestError> {
    let key = given.ok().and_then(|Path(text)| CallKey::new(text).ok());
    key.ok_or_else(|| RequestError::Invalid(vec![Problem::path_key()]))
}

/// A page of another site cannot send this type without asking first, and so spends nobody's keys.
fn is_json(headers: &HeaderMap) -> bool {
    let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = sent.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    timestamp: f64,
    version: &'static str,
    providers_total: usize,
    providers_healthy: usize,
    regions: BTreeSet<String>,
}

async fn health(State(router): State<HybridRouter>) -> Json<Health> {
    let providers = router.providers(None);
    let healthy = || providers.iter().filter(|provider| provider.healthy);
    Json(Health {
        status: "healthy",
        timestamp: timestamp(&router),
        version: env!("CARGO_PKG_VERSION"),
        providers_total: providers.len(),
        providers_healthy: healthy().count(),
        regions: healthy().map(|provider| provider.region.clone()).collect(),
    })
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    timestamp: f64,
}

async fn ready(State(router): State<HybridRouter>) -> Json<Ready> {
    Json(Ready { status: "ok", timestamp: timestamp(&router) })
}

#[derive(Deserialize)]
struct ProvidersQuery {
    region: Option<String>,
}

async fn providers(
    State(router): State<HybridRouter>,
    Query(query): Query<ProvidersQuery>,
) -> Json<ProvidersResponse> {
    Json(ProvidersResponse { providers: router.providers(query.region.as_deref()) })
}

fn timestamp(router: &HybridRouter) -> f64 {
    Duration::from_millis(router.now_ms()).as_secs_f64()
}

fn context(headers: &HeaderMap) -> Result<CallContext, RequestError> {
    let text = |name: &'static str| match headers.get(name).map(|value| value.to_str()) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_not_ascii)) => Err(RequestError::Invalid(vec![Problem::header_text(name)])),
    };
    let key = text(IDEMPOTENCY_HEADER)?.map(CallKey::new).transpose();
    let deadline = text(DEADLINE_HEADER)?.map(str::parse).transpose();
    Ok(CallContext {
        deadline_ms: deadline.map_err(|_not_a_number| {
            RequestError::Invalid(vec![Problem::header_number(DEADLINE_HEADER)])
        })?,
        idempotency_key: key.map_err(|_not_a_key| {
            RequestError::Invalid(vec![Problem::header_key(IDEMPOTENCY_HEADER)])
        })?,
        trace_id: text(TRACE_HEADER)?.map(str::to_owned),
    })
}

/// A request that cannot become a call.
enum RequestError {
    MediaType,
    Unread(BytesRejection),
    Invalid(Vec<Problem>),
    Key(KeyConflict),
}

#[derive(Serialize)]
struct Detail<T> {
    detail: T,
}

impl Detail<&'static str> {
    fn text(status: StatusCode, detail: &'static str) -> Response {
        (status, Json(Self { detail })).into_response()
    }
}

impl IntoResponse for RequestError {
    fn into_response(self) -> Response {
        match self {
            Self::MediaType => Detail::text(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body must be sent as application/json",
            ),
            Self::Unread(rejection) => {
                let detail = rejection.body_text();
                (rejection.status(), Json(Detail { detail })).into_response()
            }
            Self::Invalid(detail) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(Detail { detail })).into_response()
            }
            Self::Key(KeyConflict) => {
                let detail = vec![Problem::key_conflict(IDEMPOTENCY_HEADER)];
                (StatusCode::CONFLICT, Json(Detail { detail })).into_response()
            }
        }
    }
}
