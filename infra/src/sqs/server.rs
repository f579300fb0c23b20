//! HTTP: one path, the action in a header.

use std::convert::Infallible;
use std::future::{Future, IntoFuture};
use std::io;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use tokio::net::{TcpListener, TcpStream};

use super::action::Action;
use super::answer::{Refusal, write};
use super::endpoint::{Shared, SqsEndpoint};
use super::error::SqsError;

const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
/// A batch of the largest size with every character escaped.
const MAX_REQUEST_BYTES: usize = 8 * 1024 * 1024;

impl SqsEndpoint {
    /// Answers one request that did not come over a connection. Whoever asks so runs
    /// [`Self::keep_time`] beside it.
    pub async fn answer(&self, request: Request) -> Response {
        handle(State(Arc::clone(&self.shared)), request).await
    }

    /// Wakes receives that wait when time alone makes a message visible.
    pub async fn keep_time(&self) -> Infallible {
        self.shared.keep_time().await
    }

    /// Serves until the shutdown resolves, then ends the long polls and returns.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let shared = self.shared;
        // A handler without a router: there is nothing to route by path.
        let service = handle.with_state(Arc::clone(&shared));
        let closing = Arc::clone(&shared);
        let server = axum::serve(listener.tap_io(send_at_once), service)
            .with_graceful_shutdown(async move {
                shutdown.await;
                closing.close();
            })
            .into_future();
        tokio::select! {
            result = server => result,
            never = shared.keep_time() => match never {},
        }
    }
}

/// Small answers must not wait for the client's acknowledgement of the one before.
fn send_at_once(stream: &mut TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
}

/// The target header is required, so a web page cannot send these requests without the browser
/// asking first, and it is not answered.
async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let target = request.headers().get("x-amz-target").map(HeaderValue::as_bytes);
    let answer = match target.and_then(Action::from_target) {
        None => Err(SqsError::UnknownAction),
        Some(action) => {
            shared.counts.add(action);
            answer(&shared, action, request).await
        }
    };
    answer
        .map_or_else(|error| refuse(&error), |body| ([(CONTENT_TYPE, JSON)], body).into_response())
}

async fn answer(shared: &Shared, action: Action, request: Request) -> Result<Vec<u8>, SqsError> {
    let body = to_bytes(request.into_body(), MAX_REQUEST_BYTES).await;
    let body = body.map_err(|error| SqsError::Malformed(error.to_string()))?;
    match action {
        Action::CreateQueue => shared.create_queue(&body),
        Action::DeleteQueue => shared.delete_queue(&body),
        Action::GetQueueUrl => shared.get_queue_url(&body),
        Action::ListQueues => shared.list_queues(&body),
        Action::GetQueueAttributes => shared.get_attributes(&body),
        Action::SetQueueAttributes => shared.set_attributes(&body),
        Action::PurgeQueue => shared.purge(&body),
        Action::SendMessage => shared.send(&body),
        Action::SendMessageBatch => shared.send_batch(&body),
        Action::ReceiveMessage => shared.receive(&body).await,
        Action::DeleteMessage => shared.delete(&body),
        Action::DeleteMessageBatch => shared.delete_batch(&body),
        Action::ChangeMessageVisibility => shared.change_visibility(&body),
        Action::ChangeMessageVisibilityBatch => shared.change_visibility_batch(&body),
    }
}

fn refuse(error: &SqsError) -> Response {
    let query_error = HeaderValue::try_from(format!("{};Sender", error.code()));
    match (query_error, write(&Refusal::new(error))) {
        (Ok(query_error), Ok(body)) => {
            let headers = [("x-amzn-query-error", query_error), (CONTENT_TYPE.as_str(), JSON)];
            (StatusCode::BAD_REQUEST, headers, body).into_response()
        }
        (Err(_), _) | (_, Err(_)) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
