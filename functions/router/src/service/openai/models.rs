//! `GET /v1/models`: what is served, and where.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use beacon_core::wire::REGION_HEADER;
use serde::Serialize;

use super::error::OpenAiError;
use crate::router::HybridRouter;
use crate::service::header_text;

#[derive(Debug, Serialize)]
pub(super) struct List {
    object: &'static str,
    data: Vec<Model>,
}

#[derive(Debug, Serialize)]
pub(super) struct Model {
    id: String,
    object: &'static str,
    /// Nobody knows when it was made.
    created: u64,
    owned_by: &'static str,
    beacon: Served,
}

/// What `OpenAI`'s shape has no place for.
#[derive(Debug, Default, Serialize)]
struct Served {
    /// Canonical.
    regions: BTreeSet<String>,
    /// Its answers are made up, at least by one provider.
    simulated: bool,
}

pub(super) async fn list(
    State(router): State<HybridRouter>,
    headers: HeaderMap,
) -> Result<Json<List>, OpenAiError> {
    Ok(Json(List { object: "list", data: models(&router, &headers)? }))
}

pub(super) async fn one(
    State(router): State<HybridRouter>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Model>, OpenAiError> {
    let found = models(&router, &headers)?.into_iter().find(|model| model.id == id);
    found.map(Json).ok_or_else(OpenAiError::no_model)
}

/// All, or those of the region that the header names.
fn models(router: &HybridRouter, headers: &HeaderMap) -> Result<Vec<Model>, OpenAiError> {
    let region = header_text(headers, REGION_HEADER)?;
    let mut models: BTreeMap<String, Served> = BTreeMap::new();
    for provider in router.providers(region) {
        for model in provider.models.unwrap_or_default() {
            let served = models.entry(model).or_default();
            served.regions.insert(provider.region.clone());
            served.simulated |= provider.simulated;
        }
    }
    let model =
        |(id, beacon)| Model { id, object: "model", created: 0, owned_by: "beacon", beacon };
    Ok(models.into_iter().map(model).collect())
}
