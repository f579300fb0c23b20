//! Whether the router runs, and whether those behind it answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::Served;
use crate::router::{Health, HybridRouter};

/// What real calls say of all providers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// None is known to be down.
    Healthy,
    /// Some are down.
    Degraded,
    /// All are.
    Down,
}

#[derive(Serialize)]
pub(super) struct HealthBody {
    status: Status,
    timestamp: f64,
    version: &'static str,
    providers_total: usize,
    providers_healthy: usize,
    providers_ready: usize,
    providers_unknown: usize,
    providers_down: usize,
    regions: BTreeSet<String>,
}

/// That the router runs is said by the answer itself; what it says is of the providers.
pub(super) async fn health(State(router): State<HybridRouter>) -> Json<HealthBody> {
    let health = router.health();
    Json(HealthBody {
        status: status(&health),
        timestamp: timestamp(&router),
        version: env!("CARGO_PKG_VERSION"),
        providers_total: health.providers,
        providers_healthy: health.ready + health.unknown,
        providers_ready: health.ready,
        providers_unknown: health.unknown,
        providers_down: health.down,
        regions: health.regions,
    })
}

/// One with a model down is degraded; only when no model of any provider answers, all is down.
fn status(health: &Health) -> Status {
    if health.down == 0 {
        Status::Healthy
    } else if health.routes_up > 0 {
        Status::Degraded
    } else {
        Status::Down
    }
}

/// Whether calls should come here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Readiness {
    /// An inference succeeded recently.
    Ready,
    /// Nobody asked recently.
    Unknown,
    /// Every provider is down.
    Down,
    /// The router ends, and takes no more calls.
    Draining,
}

#[derive(Serialize)]
pub(super) struct ReadyBody {
    status: Readiness,
    timestamp: f64,
    /// Seconds since the last success at any provider.
    last_success_age: Option<f64>,
}

/// 503 when no provider answers, or the router ends. Where nothing is known calls should come: only
/// they can tell.
pub(super) async fn ready(State(served): State<Arc<Served>>) -> (StatusCode, Json<ReadyBody>) {
    let router = &served.router;
    let health = router.health();
    let (code, status) = if *served.draining.borrow() {
        (StatusCode::SERVICE_UNAVAILABLE, Readiness::Draining)
    } else if status(&health) == Status::Down {
        (StatusCode::SERVICE_UNAVAILABLE, Readiness::Down)
    } else if health.routes_ready > 0 {
        (StatusCode::OK, Readiness::Ready)
    } else {
        (StatusCode::OK, Readiness::Unknown)
    };
    let providers = router.providers(None);
    let last_success_age = providers.iter().flat_map(|provider| &provider.routes);
    let last_success_age =
        last_success_age.filter_map(|route| route.last_success_age).min_by(f64::total_cmp);
    (code, Json(ReadyBody { status, timestamp: timestamp(router), last_success_age }))
}

fn timestamp(router: &HybridRouter) -> f64 {
    Duration::from_millis(router.now_ms()).as_secs_f64()
}
