//! The body of a request, within the service's limits of size and time.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use tokio::time::timeout;

use super::{RequestError, Served};

/// A body that arrived whole.
pub(super) struct Received(pub(super) Bytes);

/// A body that did not.
pub(super) enum Unread {
    Rejected(BytesRejection),
    Slow,
}

impl FromRequest<Arc<Served>> for Received {
    type Rejection = RequestError;

    async fn from_request(request: Request, served: &Arc<Served>) -> Result<Self, RequestError> {
        match timeout(served.limits.body, Bytes::from_request(request, served)).await {
            Ok(Ok(bytes)) => Ok(Self(bytes)),
            Ok(Err(rejection)) => Err(RequestError::Unread(Unread::Rejected(rejection))),
            Err(_elapsed) => Err(RequestError::Unread(Unread::Slow)),
        }
    }
}

impl Unread {
    /// Status, and what is wrong for people.
    pub(super) fn told(&self) -> (StatusCode, String) {
        match self {
            Self::Rejected(rejection) => (rejection.status(), rejection.body_text()),
            Self::Slow => {
                (StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time".to_owned())
            }
        }
    }
}
