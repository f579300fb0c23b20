//! The router as an HTTP service.

mod body;
mod breakers;
mod connections;
mod health;
mod openai;
mod received;
mod tokens;

use std::future::{Future, pending};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, FromRef, FromRequestParts, Path, Query, State};
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use beacon_core::wire::{
    CallKey, CallState, CallView, DEADLINE_HEADER, IDEMPOTENCY_HEADER, InferenceResponse,
    JOIN_HEADER, ProvidersResponse, TRACE_HEADER,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::calls::KeyRefused;
use crate::router::{CallContext, HybridRouter};
use body::Problem;
use health::{health, ready};
use received::{Received, Unread};
use tokens::Refused;

pub use connections::Limits;
pub use tokens::{Access, AccessError};

/// Largest request body, bytes.
pub const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// A router as a service: who may use it, and what it bears.
#[derive(Debug)]
pub struct Service {
    router: HybridRouter,
    access: Access,
    limits: Limits,
    file: Option<PathBuf>,
}

/// What the handlers know.
#[derive(Debug)]
struct Served {
    router: HybridRouter,
    access: Access,
    limits: Limits,
    draining: watch::Receiver<bool>,
}

impl FromRef<Arc<Served>> for HybridRouter {
    fn from_ref(served: &Arc<Served>) -> Self {
        served.router.clone()
    }
}

impl Service {
    /// For whoever reaches it, which is why it listens on this machine only.
    pub fn new(router: HybridRouter) -> Self {
        Self { router, access: Access::default(), limits: Limits::default(), file: None }
    }

    /// The same, which reads its providers anew from this file when it gets a hang-up signal.
    #[must_use]
    pub fn with_file(self, file: PathBuf) -> Self {
        Self { file: Some(file), ..self }
    }

    /// The same, with these tokens.
    #[must_use]
    pub fn with_access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    /// The same, within these limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Serves until the shutdown resolves, then finishes the calls in flight. Refuses an address
    /// where anybody could spend without a token.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let Self { router, access, limits, file } = self;
        access.may_listen(listener.local_addr()?).map_err(io::Error::other)?;
        let (drain, draining) = watch::channel(false);
        let served = Arc::new(Served { router: router.clone(), access, limits, draining });
        let reloads = file.as_deref().map(|file| router.reload_on_hangup(file));
        let reloads = async {
            match reloads {
                Some(reloads) => reloads.await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = connections::run(listener, app(served), limits, drain, shutdown) => {}
            () = router.probe() => {}
            () = reloads => {}
        }
        router.settle().await;
        Ok(())
    }
}

/// A [`Service`] without tokens, on this machine.
pub async fn serve(
    listener: TcpListener,
    router: HybridRouter,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    Service::new(router).serve(listener, shutdown).await
}

fn app(served: Arc<Served>) -> axum::Router {
    let calls = axum::Router::new()
        .route("/inference", post(inference))
        .route("/v1/inference", post(inference))
        .route("/inference/{key}", get(look).delete(stop))
        .route("/v1/inference/{key}", get(look).delete(stop));
    axum::Router::new()
        .merge(calls)
        .merge(openai::routes())
        .route("/breakers/reset", post(breakers::reset))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/providers", get(providers))
        .fallback(async |uri: Uri| no_route(&uri, StatusCode::NOT_FOUND, "Not Found"))
        .method_not_allowed_fallback(async |uri: Uri| {
            no_route(&uri, StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(served)
}

fn no_route(uri: &Uri, status: StatusCode, detail: &'static str) -> Response {
    if uri.path().starts_with("/v1/") && !uri.path().starts_with("/v1/inference") {
        return openai::unknown(status, detail);
    }
    Detail::text(status, detail)
}

/// One who may spend, look and stop. Asked for before the body is read.
struct Caller;

impl FromRequestParts<Arc<Served>> for Caller {
    type Rejection = RequestError;

    async fn from_request_parts(
        parts: &mut Parts,
        served: &Arc<Served>,
    ) -> Result<Self, RequestError> {
        served.access.caller(&parts.headers).map(|()| Self).map_err(RequestError::Access)
    }
}

/// The call runs inside the handler, so that it ends with the connection of the one who asked.
async fn inference(
    State(router): State<HybridRouter>,
    _caller: Caller,
    headers: HeaderMap,
    body: Result<Received, RequestError>,
) -> Result<Json<InferenceResponse>, RequestError> {
    if !is_json(&headers) {
        return Err(RequestError::MediaType);
    }
    let Received(body) = body?;
    let context = context(&headers)?;
    let request = body::parse(&body).map_err(RequestError::Invalid)?;
    // They hold what the connection has read, which then reads into another buffer.
    drop((headers, body));
    router.infer(&request, &context).await.map(Json).map_err(RequestError::Key)
}

async fn look(
    State(router): State<HybridRouter>,
    _caller: Caller,
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
    _caller: Caller,
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

async fn metrics(State(router): State<HybridRouter>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], router.metrics()).into_response()
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

fn header_text<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<Option<&'a str>, RequestError> {
    match headers.get(name).map(|value| value.to_str()) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_not_ascii)) => Err(RequestError::Invalid(vec![Problem::header_text(name)])),
    }
}

fn context(headers: &HeaderMap) -> Result<CallContext, RequestError> {
    let text = |name| header_text(headers, name);
    let key = text(IDEMPOTENCY_HEADER)?.map(CallKey::new).transpose();
    let deadline = text(DEADLINE_HEADER)?.map(str::parse).transpose();
    let joins = match text(JOIN_HEADER)?.map(str::trim) {
        None => false,
        Some("*") => true,
        Some(_) => return Err(RequestError::Invalid(vec![Problem::header_join(JOIN_HEADER)])),
    };
    Ok(CallContext {
        deadline_ms: deadline.map_err(|_not_a_number| {
            RequestError::Invalid(vec![Problem::header_number(DEADLINE_HEADER)])
        })?,
        idempotency_key: key.map_err(|_not_a_key| {
            RequestError::Invalid(vec![Problem::header_key(IDEMPOTENCY_HEADER)])
        })?,
        trace_id: text(TRACE_HEADER)?.map(str::to_owned),
        joins,
    })
}

/// A request that cannot become a call.
enum RequestError {
    MediaType,
    Unread(Unread),
    Invalid(Vec<Problem>),
    Key(KeyRefused),
    Access(Refused),
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
            Self::Unread(unread) => {
                let (status, detail) = unread.told();
                (status, Json(Detail { detail })).into_response()
            }
            Self::Invalid(detail) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(Detail { detail })).into_response()
            }
            Self::Key(refused) => {
                let detail = vec![Problem::key_refused(IDEMPOTENCY_HEADER, refused)];
                (refused.status(), Json(Detail { detail })).into_response()
            }
            Self::Access(refused) => {
                let (status, detail) = refused.told();
                let response = Detail::text(status, detail);
                if status == StatusCode::UNAUTHORIZED {
                    return ([(WWW_AUTHENTICATE, "Bearer")], response).into_response();
                }
                response
            }
        }
    }
}
