//! Whether Beacon can do its work, by asking its parts.

use beacon_aws::{ApiError, RouterUnavailable, chain, json};
use beacon_core::view::{Health, HealthView, Live, PartHealth, ReadyView};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use tokio::time::timeout;
use tracing::warn;

use crate::Query;
use crate::providers::{NoProviders, PATIENCE};

const SILENT: &str = "it does not answer in time";

impl Query {
    pub(crate) async fn health(&self) -> Result<Response<Body>, ApiError> {
        let view = self.health_view().await;
        let status = match view.status {
            Health::Healthy | Health::Degraded => StatusCode::OK,
            Health::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        };
        json(status, &view)
    }

    /// Beacon's parts, each as it answers now, and Beacon as a whole.
    pub async fn health_view(&self) -> HealthView {
        HealthView::new(self.parts().await)
    }

    pub(crate) async fn ready(&self) -> Result<Response<Body>, ApiError> {
        let services = self.parts().await;
        let ready = services.iter().all(|part| part.status == Health::Healthy);
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        json(status, &ReadyView { ready, services })
    }

    async fn parts(&self) -> Vec<PartHealth> {
        let (table, router) = tokio::join!(self.table_health(), self.router_health());
        vec![table, router]
    }

    async fn table_health(&self) -> PartHealth {
        match timeout(PATIENCE, self.table.probe()).await {
            Ok(Ok(())) => part("table", None),
            Ok(Err(error)) => not_well("table", "the table refuses or does not answer", &error),
            Err(_elapsed) => part("table", Some(SILENT.to_owned())),
        }
    }

    async fn router_health(&self) -> PartHealth {
        match self.providers().await {
            Ok(providers) if providers.is_empty() => {
                part("router", Some("it has no providers".to_owned()))
            }
            Ok(_providers) => part("router", None),
            Err(NoProviders::NoRouter) => {
                part("router", Some("none: this Beacon only reads".to_owned()))
            }
            Err(NoProviders::Silent) => part("router", Some(SILENT.to_owned())),
            Err(NoProviders::Unavailable(error)) => {
                let told = match &error {
                    RouterUnavailable::Unreachable { .. } => "the router does not answer",
                    RouterUnavailable::Body { .. } => "the router's list of providers broke off",
                    RouterUnavailable::NoList { .. } => "what answers there is no router",
                };
                not_well("router", told, &error)
            }
        }
    }
}

/// Health is open to anybody: it says what is wrong, and the log says where and why.
fn not_well(name: &str, told: &str, error: &dyn std::error::Error) -> PartHealth {
    warn!(component = name, error = chain(error), "a part is not well");
    part(name, Some(told.to_owned()))
}

fn part(name: &str, error: Option<String>) -> PartHealth {
    let status = if error.is_none() { Health::Healthy } else { Health::Unhealthy };
    PartHealth { name: name.to_owned(), status, error }
}

pub(crate) fn live() -> Result<Response<Body>, ApiError> {
    json(StatusCode::OK, &Live { status: "alive".to_owned() })
}
