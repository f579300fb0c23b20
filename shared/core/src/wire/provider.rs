//! What a router tells of its providers.

use serde::{Deserialize, Serialize};

use crate::id::ModelId;
use crate::price::{self, Price};
use crate::region::Region;

/// Answer to `GET /providers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProvidersResponse {
    /// One entry a provider.
    pub providers: Vec<ProviderView>,
}

/// One provider of `GET /providers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderView {
    /// Provider id.
    pub name: String,
    /// `openai`, `modal`, `simulated`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Canonical region.
    pub region: String,
    /// Whether nothing speaks against asking it: none of its models is down.
    pub healthy: bool,
    /// Model ids it serves; absent from older routers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// Makes its answers up.
    #[serde(default)]
    pub simulated: bool,
    /// US dollars per second of inference, where that is how the provider charges.
    #[serde(default)]
    pub cost_per_second: f64,
    /// What it charges; absent where none is declared, and from older routers.
    #[serde(
        default,
        deserialize_with = "price::declared",
        skip_serializing_if = "Option::is_none"
    )]
    pub price: Option<Price>,
    /// Moving average of real calls, seconds; 0 before the first.
    #[serde(default)]
    pub avg_latency: f64,
    /// Moving average of real calls, 0 to 1; 1 before the first.
    #[serde(default)]
    pub success_rate: f64,
    /// Unix seconds of the last real success; 0 before the first.
    #[serde(default)]
    pub last_health_check: f64,
    /// Calls at it now.
    #[serde(default)]
    pub in_flight: usize,
    /// Calls that wait for one of its slots.
    #[serde(default)]
    pub queued: usize,
    /// One entry a model, in the order of `models`; empty from older routers.
    #[serde(default)]
    pub routes: Vec<RouteView>,
}

impl ProviderView {
    /// Whether it is in this region, by whichever name.
    pub fn is_in(&self, region: &Region) -> bool {
        Region::resolve(&self.region, std::slice::from_ref(region)).as_ref() == Ok(region)
    }

    /// Whether it may serve this model in this region. One of an older router, which does not tell
    /// its models, may serve any.
    pub fn serves(&self, model: &ModelId, region: &Region) -> bool {
        let models = self.models.as_ref();
        self.is_in(region)
            && models.is_none_or(|models| models.iter().any(|served| served == model.as_str()))
    }
}

/// One model at one provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteView {
    /// Model id.
    pub model: String,
    /// What real calls say of it.
    pub state: RouteState,
    /// Whether its breaker lets calls through.
    pub breaker: BreakerState,
    /// Milliseconds until the breaker lets a call through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_ms: Option<u64>,
    /// Whether the model is loaded; absent where it never sleeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmth: Option<Warmth>,
    /// Milliseconds that it asks callers to wait still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_ms: Option<u64>,
    /// Seconds since its last success; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_age: Option<f64>,
    /// Its last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
}

/// A failure that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastError {
    /// Its code.
    pub code: String,
    /// Seconds since then.
    pub age: f64,
}

/// What real calls say of a provider's model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteState {
    /// One was answered recently.
    Ready,
    /// Nobody asked it recently.
    Unknown,
    /// The latest failed.
    Down,
}

/// Whether a breaker lets calls through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// It does.
    Closed,
    /// One at a time, to find out.
    HalfOpen,
    /// It does not.
    Open,
}

/// Whether a model that sleeps is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warmth {
    /// It has to be loaded.
    Cold,
    /// It is being loaded.
    Waking,
    /// It is.
    Warm,
}
