//! How Beacon is, as its health endpoints answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How something is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It does all it should.
    Healthy,
    /// What is there can be read, but jobs cannot be accepted or run.
    Degraded,
    /// Nothing works.
    Unhealthy,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartHealth {
    /// `table` or `router`.
    pub name: String,
    /// How it is.
    pub status: Health,
    /// Why it is not healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Answer to `GET /health`; HTTP 503 where it is unhealthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthView {
    /// The whole: without its table it is unhealthy, without another part degraded.
    pub status: Health,
    /// Its parts.
    pub services: Vec<PartHealth>,
    /// Of Beacon.
    pub version: String,
}

/// Answer to `GET /health/ready`; HTTP 503 where it is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadyView {
    /// Whether jobs can be accepted and run.
    pub ready: bool,
    /// Its parts.
    pub services: Vec<PartHealth>,
}

/// Answer to `GET /health/live`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Live {
    /// Always `alive`.
    pub status: String,
}

impl HealthView {
    /// The whole, from its parts.
    pub fn new(services: Vec<PartHealth>) -> Self {
        let sick = |part: &&PartHealth| part.status != Health::Healthy;
        let status = if services.iter().filter(sick).any(|part| part.name == "table") {
            Health::Unhealthy
        } else if services.iter().any(|part| sick(&part)) {
            Health::Degraded
        } else {
            Health::Healthy
        };
        Self { status, services, version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_its_table_it_is_unhealthy_and_without_its_router_degraded() {
        let part = |name: &str, status| PartHealth { name: name.into(), status, error: None };
        let whole = |table, router| {
            HealthView::new(vec![part("table", table), part("router", router)]).status
        };
        assert_eq!(whole(Health::Healthy, Health::Healthy), Health::Healthy);
        assert_eq!(whole(Health::Healthy, Health::Unhealthy), Health::Degraded);
        assert_eq!(whole(Health::Unhealthy, Health::Healthy), Health::Unhealthy);
    }
}
