//! Why a call went where it went, and where its time did.

use serde::{Deserialize, Serialize};

/// How a router chose among providers, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What the candidates were ordered by after their standing: `cost` or `latency`.
    #[serde(default)]
    pub order: Option<Order>,
    /// The providers, the first choice first. Where nobody could be asked, those of other regions
    /// and models too.
    #[serde(default)]
    pub candidates: Vec<Considered>,
    /// The requests made, in their order.
    #[serde(default)]
    pub attempts: Vec<Attempted>,
}

/// What candidates of the same standing are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Cheapest first.
    Cost,
    /// Fastest first.
    Latency,
}

/// A provider that was considered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Considered {
    /// Provider id.
    pub provider: String,
    /// Whether it could be asked when the call came.
    pub standing: Standing,
    /// Milliseconds until it may be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
    /// US dollars, a cold start included; absent where no price is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_cost: Option<f64>,
    /// By its latest calls, a cold start included; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_seconds: Option<f64>,
}

/// Whether a provider can be asked, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// At once.
    Available,
    /// At once, but its model has to be loaded first.
    Cold,
    /// When one of its calls ends.
    Busy,
    /// When its rate allows, or the time is over that it asked to wait.
    Throttled,
    /// At once, but its latest calls failed.
    SetBack,
    /// When the call that finds out whether it is back is over.
    Probing,
    /// Its breaker is open.
    BreakerOpen,
    /// It does not serve the model.
    OtherModel,
    /// It is elsewhere.
    OtherRegion,
}

/// One request to a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempted {
    /// Provider id.
    pub provider: String,
    /// Seconds until it ended.
    pub seconds: f64,
    /// US dollars; absent where no price is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// The failure's code; absent where it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Status of a failure that came as an HTTP answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// It may be charged for, and no answer arrived.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub maybe_billed: bool,
}

/// Where a call's time went, milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "each says its unit, as on the wire")]
pub struct Timings {
    /// From the request to its answer.
    pub total_ms: f64,
    /// Waiting for a free slot, a rate, a model that wakes, or between attempts.
    pub waited_ms: f64,
    /// At providers.
    pub provider_ms: f64,
    /// From the last attempt's begin to the head of its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_ms: Option<f64>,
    /// The rest: the router's own.
    pub overhead_ms: f64,
}
