//! A provider: where it is, what it serves, and one call to it.

mod counted;
mod ending;
mod endpoint;
mod modal;
mod openai;
mod parts;
pub(crate) mod simulated;
mod told;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use beacon_core::wire::{AnswerKind, InferenceRequest, ProviderView, Usage};
use beacon_core::{ProviderId, Region};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::clock::Clock;
use crate::config::{BackendConfig, Config, ConfigError, Model, ProviderConfig};
use crate::failure::Failure;
use crate::price::Price;
use crate::stats::Stats;
use endpoint::Endpoint;
use simulated::{CallLog, Simulated};

/// One provider, ready to be called.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) name: ProviderId,
    pub(crate) region: Region,
    pub(crate) price: Price,
    pub(crate) timeout: Duration,
    pub(crate) stats: Stats,
    models: Vec<Model>,
    backend: Backend,
}

#[derive(Debug)]
enum Backend {
    OpenAi(Endpoint),
    Modal(Endpoint),
    Simulated(Simulated),
}

/// What a provider is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) request: &'a InferenceRequest,
    /// The model as the provider names it.
    pub(crate) upstream_model: &'a str,
    pub(crate) region: &'a Region,
    pub(crate) trace_id: &'a str,
    pub(crate) idempotency_key: Option<&'a str>,
    pub(crate) sent: &'a Sent,
}

/// Whether a request may have reached a provider. Clones tell of the same call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent(Arc<AtomicBool>);

impl Sent {
    /// From here on one may have.
    fn leaves(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Without it, certainly none has.
    pub(crate) fn maybe(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a provider answered. Empty text is an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) kind: AnswerKind,
    pub(crate) text: String,
    pub(crate) finish_reason: Option<String>,
    pub(crate) usage: Option<Usage>,
    pub(crate) served_region: Option<String>,
    pub(crate) served_model: Option<String>,
    pub(crate) receipt: Option<serde_json::Value>,
}

impl Answer {
    /// An answer of which no more is known.
    fn new(kind: AnswerKind, text: String) -> Self {
        Self {
            kind,
            text,
            finish_reason: None,
            usage: None,
            served_region: None,
            served_model: None,
            receipt: None,
        }
    }
}

impl Provider {
    /// All providers of a configuration.
    pub(crate) fn all(config: Config, clock: Clock) -> Result<Vec<Self>, ConfigError> {
        let call_log = config.call_log.as_deref().map(|path| CallLog::open(path, clock));
        let call_log = call_log.transpose()?.map(Arc::new);
        let ready = |provider| Self::new(provider, call_log.clone());
        config.providers.into_iter().map(ready).collect()
    }

    fn new(config: ProviderConfig, call_log: Option<Arc<CallLog>>) -> Result<Self, ConfigError> {
        let endpoint = |config| Endpoint::new(config).map_err(ConfigError::Client);
        let backend = match config.backend {
            BackendConfig::OpenAi(config) => Backend::OpenAi(endpoint(config)?),
            BackendConfig::Modal(config) => Backend::Modal(endpoint(config)?),
            BackendConfig::Simulated(config) => {
                Backend::Simulated(Simulated::new(config, call_log))
            }
        };
        Ok(Self {
            name: config.name,
            region: config.region,
            price: config.price,
            timeout: config.timeout,
            stats: Stats::default(),
            models: config.models,
            backend,
        })
    }

    /// What the provider calls a model; none where it does not serve it.
    pub(crate) fn upstream_model(&self, model: &str) -> Option<&str> {
        let served = self.models.iter().find(|served| served.id.as_str() == model);
        served.map(|served| served.upstream.as_str())
    }

    /// The models served, as clients name them.
    pub(crate) fn models(&self) -> impl Iterator<Item = &str> {
        self.models.iter().map(|model| model.id.as_str())
    }

    /// The kind as configured and as shown.
    pub(crate) fn kind(&self) -> &'static str {
        match self.backend {
            Backend::OpenAi(_) => "openai",
            Backend::Modal(_) => "modal",
            Backend::Simulated(_) => "simulated",
        }
    }

    /// Whether its answers are made up.
    pub(crate) fn is_simulated(&self) -> bool {
        match self.backend {
            Backend::OpenAi(_) | Backend::Modal(_) => false,
            Backend::Simulated(_) => true,
        }
    }

    /// One call, without a limit of time. Dropping the future drops the call.
    pub(crate) async fn call(&self, call: &Call<'_>) -> Result<Answer, Failure> {
        match &self.backend {
            Backend::OpenAi(endpoint) => openai::call(endpoint, call).await,
            Backend::Modal(endpoint) => modal::call(endpoint, call).await,
            Backend::Simulated(simulated) => simulated.call(call).await,
        }
    }

    /// The provider as `GET /providers` shows it.
    pub(crate) fn view(&self, now_ms: u64) -> ProviderView {
        let record = self.stats.record();
        ProviderView {
            name: self.name.to_string(),
            kind: self.kind().to_owned(),
            region: self.region.to_string(),
            healthy: !record.is_failing(now_ms),
            models: Some(self.models().map(str::to_owned).collect()),
            simulated: self.is_simulated(),
            cost_per_second: self.price.per_second(),
            avg_latency: record.avg_latency,
            success_rate: record.success_rate,
            last_health_check: Duration::from_millis(record.last_success_ms).as_secs_f64(),
        }
    }
}

/// A value of the type expected; none where a provider sends something else in its place. What is
/// beside an answer must not cost the answer.
fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Lenient<T> {
        Expected(T),
        Other(IgnoredAny),
    }
    Ok(match Lenient::deserialize(deserializer)? {
        Lenient::Expected(value) => Some(value),
        Lenient::Other(IgnoredAny) => None,
    })
}

/// Text and numbers as JSON.
#[expect(clippy::expect_used, reason = "text and numbers always have a JSON form")]
pub(crate) fn json<T: Serialize>(body: &T) -> Vec<u8> {
    serde_json::to_vec(body).expect("a JSON body")
}
