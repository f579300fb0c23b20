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
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use beacon_core::wire::{AnswerKind, InferenceRequest, ProviderView, RouteState, RouteView, Usage};
use beacon_core::{ProviderId, Region};
use reqwest::Url;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::clock::Clock;
use crate::config::{BackendConfig, Config, ConfigError, ProviderConfig, Timeouts};
use crate::failure::Failure;
use crate::pace::Rates;
use crate::price::Price;
use crate::record::Record;
use crate::route::Route;
use crate::slots::Slots;
use crate::warmth::Sleep;
use endpoint::Endpoint;
use simulated::{CallLog, Simulated};

/// One provider, ready to be called.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) name: ProviderId,
    pub(crate) region: Region,
    pub(crate) price: Price,
    pub(crate) timeouts: Timeouts,
    /// One a model, in the order of the configuration.
    pub(crate) routes: Vec<Arc<Route>>,
    pub(crate) slots: Arc<Slots>,
    rates: Rates,
    sleep: Option<Sleep>,
    /// How often a model that nobody asked is asked, to know whether it answers.
    pub(crate) probe: Option<Duration>,
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
    /// What loading the model may add to the time for a first byte.
    pub(crate) waking: Duration,
    pub(crate) clock: Clock,
}

/// How far a call's request got. Clones tell of the same call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent(Arc<Progress>);

#[derive(Debug, Default)]
struct Progress {
    left: AtomicBool,
    /// Microseconds to the head of the last answer; 0 before it.
    head_us: AtomicU64,
    result_url: watch::Sender<Option<Url>>,
}

impl Sent {
    /// From here on a request may have reached a provider.
    fn leaves(&self) {
        self.0.left.store(true, Ordering::Relaxed);
    }

    /// What was sent certainly came to nothing, and there is no result to ask for.
    pub(crate) fn came_to_nothing(&self) {
        self.0.left.store(false, Ordering::Relaxed);
        if self.result_url().is_some() {
            self.0.result_url.send_replace(None);
        }
    }

    /// Without it, certainly none has, or none that may be charged for.
    pub(crate) fn maybe(&self) -> bool {
        self.0.left.load(Ordering::Relaxed)
    }

    /// Another request begins, of which there is no answer yet.
    pub(crate) fn begins(&self) {
        self.0.head_us.store(0, Ordering::Relaxed);
    }

    /// The head of an answer came after this time.
    fn head(&self, after: Duration) {
        let us = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        self.0.head_us.store(us.max(1), Ordering::Relaxed);
    }

    /// How long the head of the last answer took.
    pub(crate) fn first_byte(&self) -> Option<Duration> {
        let us = self.0.head_us.load(Ordering::Relaxed);
        (us > 0).then(|| Duration::from_micros(us))
    }

    /// Where the result of the request is to be had, once the provider said so.
    pub(crate) fn result_url(&self) -> Option<Url> {
        self.0.result_url.borrow().clone()
    }

    /// The same, each time that it changes.
    pub(crate) fn result_urls(&self) -> watch::Receiver<Option<Url>> {
        self.0.result_url.subscribe()
    }

    /// The result is to be had there: it is not asked for anew.
    pub(crate) fn set_result_url(&self, url: Url) {
        self.leaves();
        self.0.result_url.send_replace(Some(url));
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
    pub(crate) fn new(kind: AnswerKind, text: String) -> Self {
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
    /// All providers of a configuration. What is known of those that were there before stays known.
    pub(crate) fn all(
        config: Config,
        clock: Clock,
        before: &[Arc<Self>],
    ) -> Result<Vec<Arc<Self>>, ConfigError> {
        let call_log = config.call_log.as_deref().map(|path| CallLog::open(path, clock));
        let call_log = call_log.transpose()?.map(Arc::new);
        let ready = |provider: ProviderConfig| {
            // At another address it is another server, of which nothing is known.
            let same = |known: &&Arc<Self>| {
                known.name == provider.name
                    && known.region == provider.region
                    && known.url() == provider.backend.url()
            };
            let known = before.iter().find(same);
            Self::new(provider, call_log.clone(), known.map(Arc::as_ref)).map(Arc::new)
        };
        config.providers.into_iter().map(ready).collect()
    }

    fn new(
        config: ProviderConfig,
        call_log: Option<Arc<CallLog>>,
        before: Option<&Self>,
    ) -> Result<Self, ConfigError> {
        let ProviderConfig { name, region, models, price, timeouts, .. } = config;
        let endpoint = |config| Endpoint::new(config, &timeouts).map_err(ConfigError::Client);
        let backend = match config.backend {
            BackendConfig::OpenAi(config) => Backend::OpenAi(endpoint(config)?),
            BackendConfig::Modal(config) => Backend::Modal(endpoint(config)?),
            BackendConfig::Simulated(config) => {
                Backend::Simulated(Simulated::new(config, call_log))
            }
        };
        let route = |model| {
            let known = before.and_then(|before| before.routes.iter().find(|r| r.model == model));
            match known {
                Some(known) => Arc::clone(known),
                None => Arc::new(Route::new(model, config.rates, config.sleep)),
            }
        };
        let routes = models.into_iter().map(route).collect();
        let slots = before.filter(|before| before.slots.concurrency() == config.concurrency);
        let slots = slots.map(|before| Arc::clone(&before.slots));
        let slots = slots.unwrap_or_else(|| Arc::new(Slots::new(config.concurrency)));
        let ProviderConfig { rates, sleep, probe, .. } = config;
        Ok(Self { name, region, price, timeouts, routes, slots, rates, sleep, probe, backend })
    }

    /// Lets models that were known before go by what is declared of them now.
    pub(crate) fn take_over(&self) {
        for route in &self.routes {
            let mut known = route.known();
            known.pace.set_rates(self.rates);
            known.waking.set_sleep(self.sleep);
        }
    }

    /// The way to a model, by the name that clients give it; none where it is not served.
    pub(crate) fn route(&self, model: &str) -> Option<&Arc<Route>> {
        self.routes.iter().find(|route| route.model.id.as_str() == model)
    }

    /// The models served, as clients name them.
    pub(crate) fn models(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| route.model.id.as_str())
    }

    /// The kind as configured and as shown.
    pub(crate) fn kind(&self) -> &'static str {
        match self.backend {
            Backend::OpenAi(_) => "openai",
            Backend::Modal(_) => "modal",
            Backend::Simulated(_) => "simulated",
        }
    }

    /// Where it is reached; nowhere where its answers are made up.
    fn url(&self) -> Option<&Url> {
        match &self.backend {
            Backend::OpenAi(endpoint) | Backend::Modal(endpoint) => Some(endpoint.url()),
            Backend::Simulated(_) => None,
        }
    }

    /// Whether a result that is to be had there is this provider's.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        match &self.backend {
            Backend::OpenAi(endpoint) | Backend::Modal(endpoint) => endpoint.is_own(url),
            Backend::Simulated(_) => false,
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
            Backend::Simulated(simulated) => {
                let answer = simulated.call(call);
                let Some(within) = self.timeouts.first_byte else { return answer.await };
                let within = within + call.waking;
                let answered = timeout(within, answer).await;
                answered.unwrap_or_else(|_elapsed| Err(Failure::no_first_byte(within)))
            }
        }
    }

    /// The provider as `GET /providers` shows it.
    pub(crate) fn view(&self, now_ms: u64) -> ProviderView {
        let routes: Vec<RouteView> = self.routes.iter().map(|route| route.view(now_ms)).collect();
        let records: Vec<Record> = self.routes.iter().map(|r| r.known().record.clone()).collect();
        let asked = records.iter().filter(|record| record.last_success_ms.is_some());
        let latencies: Vec<f64> = asked.map(|record| record.avg_latency).collect();
        let rates: Vec<f64> = records.iter().map(|record| record.success_rate.0).collect();
        let last_success_ms = records.iter().filter_map(|record| record.last_success_ms).max();
        ProviderView {
            name: self.name.to_string(),
            kind: self.kind().to_owned(),
            region: self.region.to_string(),
            healthy: routes.iter().all(|route| route.state != RouteState::Down),
            models: Some(self.models().map(str::to_owned).collect()),
            simulated: self.is_simulated(),
            cost_per_second: self.price.per_second(),
            price: self.price.declared(),
            avg_latency: mean(&latencies).unwrap_or(0.0),
            success_rate: mean(&rates).unwrap_or(1.0),
            last_health_check: Duration::from_millis(last_success_ms.unwrap_or(0)).as_secs_f64(),
            in_flight: self.slots.in_flight(),
            queued: self.slots.queued(),
            routes,
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    let count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
    Some(values.iter().sum::<f64>() / f64::from(count))
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
