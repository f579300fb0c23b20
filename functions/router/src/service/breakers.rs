//! `POST /breakers/reset`: gives providers that were set back their place again.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{RequestError, Served};
use crate::router::HybridRouter;

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
    State(served): State<Served>,
    headers: HeaderMap,
    Query(which): Query<Which>,
) -> Result<Json<Reset>, RequestError> {
    served.access.admin(&headers).map_err(RequestError::Access)?;
    let reset = served.router.reset_breakers(which.provider.as_deref(), which.model.as_deref());
    Ok(Json(Reset { reset }))
}

impl HybridRouter {
    /// Resets the breakers of a provider and of a model, of all where none is named. Returns how
    /// many there are.
    #[expect(clippy::unused_self, reason = "there are no breakers yet")]
    pub(crate) fn reset_breakers(&self, _provider: Option<&str>, _model: Option<&str>) -> usize {
        0
    }
}
