//! `POST /breakers/reset`: gives providers that were set back their place again.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{RequestError, Served};

#[derive(Deserialize)]
pub(super) struct Which {
    provider: Option<String>,
    model: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reset {
    /// How many breakers were reset.
    reset: usize,
}

pub(super) async fn reset(
    State(served): State<Arc<Served>>,
    headers: HeaderMap,
    Query(which): Query<Which>,
) -> Result<Json<Reset>, RequestError> {
    served.access.admin(&headers).map_err(RequestError::Access)?;
    let reset =
        served.router.reset_breakers(which.provider.as_deref(), which.model.as_deref()).await;
    Ok(Json(Reset { reset }))
}
