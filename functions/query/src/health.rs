//! Whether Beacon can do its work, by asking its parts.

use std::time::Duration;

use beacon_aws::{ApiError, RouterUnavailable, chain, json};
use beacon_core::view::{Health, HealthView, Live, PartHealth, ReadyView};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use tokio::time::timeout;
use tracing::warn;

use crate::Query;

/// How long each part has for its answer.
const PATIENCE: Duration = Duration::from_secs(3);
const SILENT: &str = "it does not answer in time";

impl Query {
    pub(crate) async fn health(&self) -> Result<Response<Body>, ApiError> {
        let view = HealthView::new(self.parts().await);
        let status = match view.status {
            Health::Healthy | Health::Degraded => StatusCode::OK,
            Health::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        };
        json(status, &view)
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
        let Some(router) = &self.router else {
            return part("router", Some("none: this Beacon only reads".to_owned()));
        };
        match timeout(PATIENCE, router.providers()).await {
            Ok(Ok(providers)) if providers.is_empty() => {
                part("router", Some("it has no providers".to_owned()))
            }
            Ok(Ok(_providers)) => part("router", None),
            Ok(Err(error)) => {
                let told = match &error {
                    RouterUnavailable::Unreachable { .. } => "the router does not answer",
                    RouterUnavailable::Body { .. } => "the router's list of providers broke off",
                    RouterUnavailable::NoList { .. } => "what answers there is no router",
                };
                not_well("router", told, &error)
            }
            Err(_elapsed) => part("router", Some(SILENT.to_owned())),
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
