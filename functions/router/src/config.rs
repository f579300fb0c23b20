//! The configuration: which providers there are. Validated as a whole before the first call.

mod entry;
mod limits;

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use beacon_core::{ModelId, ProviderId, Region, time_budget};
use reqwest::Url;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use thiserror::Error;

use crate::pace::Rates;
use crate::price::Price;
use crate::provider::simulated::SimulatedConfig;
use crate::slots::Concurrency;
use crate::warmth::Sleep;

/// Models of the built-in simulated providers.
const SIMULATED_MODELS: [&str; 3] = ["llama3.2-1b", "mistral-7b", "qwen2.5-1.5b"];
/// Regions of the built-in simulated providers, one provider each.
const SIMULATED_REGIONS: [&str; 3] = ["us-east", "eu-west", "asia-pacific"];

/// A valid configuration of the router.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub(crate) providers: Vec<ProviderConfig>,
    pub(crate) call_log: Option<PathBuf>,
}

/// One provider.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProviderConfig {
    pub(crate) name: ProviderId,
    pub(crate) region: Region,
    pub(crate) models: Vec<Model>,
    pub(crate) price: Price,
    pub(crate) timeouts: Timeouts,
    pub(crate) sleep: Option<Sleep>,
    pub(crate) rates: Rates,
    pub(crate) concurrency: Option<Concurrency>,
    pub(crate) probe: Option<Duration>,
    pub(crate) backend: BackendConfig,
}

/// How long one attempt may take, each inside the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    /// To the head of an answer; none where only the whole attempt is limited.
    pub(crate) first_byte: Option<Duration>,
    /// From the request to the whole answer, a cold start included.
    pub(crate) attempt: Duration,
}

/// A model as clients name it and as the provider does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) id: ModelId,
    pub(crate) upstream: String,
}

/// What differs between the kinds of provider.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BackendConfig {
    OpenAi(EndpointConfig),
    Modal(EndpointConfig),
    Simulated(SimulatedConfig),
}

impl BackendConfig {
    /// Where the provider is reached; nowhere where its answers are made up.
    pub(crate) fn url(&self) -> Option<&Url> {
        match self {
            Self::OpenAi(endpoint) | Self::Modal(endpoint) => Some(&endpoint.url),
            Self::Simulated(_) => None,
        }
    }
}

/// Where a provider is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndpointConfig {
    pub(crate) url: Url,
    /// The whole `Authorization` header, marked sensitive so that its `Debug` hides it.
    pub(crate) authorization: Option<HeaderValue>,
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the router's configuration `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The text is not TOML, or not the tables expected.
    #[error("the router's configuration, line {line}: {message}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// What the TOML reader says.
        message: String,
    },
    /// Nothing to route to.
    #[error("the router's configuration declares no `[[providers]]`")]
    NoProviders,
    /// One provider is declared wrongly.
    #[error("provider `{name}`: {problem}")]
    Provider {
        /// Its name, or its place in the list where it has none.
        name: String,
        /// What is wrong.
        problem: ProviderProblem,
    },
    /// The call log cannot be written.
    #[error("cannot open the call log `{}`", path.display())]
    CallLog {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The HTTP client cannot be built.
    #[error("cannot build the HTTP client")]
    Client(#[source] reqwest::Error),
}

/// What is wrong with one provider's declaration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProviderProblem {
    /// A key is missing, unknown or of the wrong type.
    #[error("{0}")]
    Keys(String),
    /// A key's value is outside of what is allowed.
    #[error("`{key}` must be {allowed}")]
    Value {
        /// The key.
        key: &'static str,
        /// What it may be.
        allowed: &'static str,
    },
    /// A time that must lie within another does not.
    #[error("`{inner}` ({shorter:?}) must be less than `{outer}` ({longer:?})")]
    Nesting {
        /// The key of the shorter time.
        inner: &'static str,
        /// The shorter time.
        shorter: Duration,
        /// The key of the longer time.
        outer: &'static str,
        /// The longer time.
        longer: Duration,
    },
    /// Two providers share the name.
    #[error("`name` is given to two providers")]
    DuplicateName,
    /// A model is listed twice.
    #[error("`models` lists `{0}` twice")]
    DuplicateModel(ModelId),
    /// The environment does not hold the key.
    #[error("`api_key_env` names the environment variable `{0}`, which is not set")]
    KeyUnset(String),
    /// The key cannot be sent in a header.
    #[error("the environment variable `{0}`, named by `api_key_env`, is not a usable key")]
    KeyUnusable(String),
    /// The file does not hold a key.
    #[error("`api_key_file` names the file `{path}`, which {problem}")]
    KeyFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: KeyFileProblem,
    },
    /// The key is named twice.
    #[error("`api_key_env` and `api_key_file` are both given: which is it?")]
    TwoKeys,
}

/// What is wrong with the file of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyFileProblem {
    /// The system does not give it.
    #[error("cannot be read: {0}")]
    Unread(io::ErrorKind),
    /// It is larger than any key.
    #[error("is larger than a key")]
    TooLarge,
    /// Nothing is in it.
    #[error("is empty")]
    Empty,
    /// What is in it cannot be sent in a header.
    #[error("does not hold a usable key")]
    Unusable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    call_log: Option<PathBuf>,
    #[serde(default)]
    providers: Vec<toml::Table>,
}

impl Config {
    /// Reads and validates a file. API keys come from the environment, or from the process's secrets.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::from_toml(&text)
    }

    /// Validates a text. API keys come from the environment, or from the process's secrets.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        Self::from_toml_with(text, beacon_aws::variable)
    }

    /// Validates a text, with API keys from a lookup of the caller's.
    pub fn from_toml_with(
        text: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let document: Document = toml::from_str(text).map_err(|error| ConfigError::Syntax {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let mut providers: Vec<ProviderConfig> = Vec::with_capacity(document.providers.len());
        for (index, table) in document.providers.into_iter().enumerate() {
            let name = match table.get("name").and_then(toml::Value::as_str) {
                Some(name) => name.to_owned(),
                None => format!("#{}", index + 1),
            };
            let entry = entry::provider(table, &variable).and_then(|provider| {
                let taken = providers.iter().any(|other| other.name == provider.name);
                if taken { Err(ProviderProblem::DuplicateName) } else { Ok(provider) }
            });
            providers.push(entry.map_err(|problem| ConfigError::Provider { name, problem })?);
        }
        if providers.is_empty() {
            return Err(ConfigError::NoProviders);
        }
        Ok(Self { providers, call_log: document.call_log })
    }

    /// The same providers, whose calls are written nowhere.
    #[must_use]
    pub fn without_call_log(self) -> Self {
        Self { call_log: None, ..self }
    }

    /// One simulated provider for each of three regions, with three models each.
    pub fn simulated() -> Self {
        Self { providers: SIMULATED_REGIONS.map(simulated_provider).into(), call_log: None }
    }
}

#[expect(clippy::expect_used, reason = "built from the constants above, which a test covers")]
fn simulated_provider(region: &str) -> ProviderConfig {
    let model = |id: &str| Model {
        id: ModelId::new(id).expect("a valid model id"),
        upstream: id.to_owned(),
    };
    ProviderConfig {
        name: ProviderId::new(format!("simulated-{region}")).expect("a valid provider id"),
        region: Region::new(region).expect("a valid region"),
        models: SIMULATED_MODELS.map(model).into(),
        price: Price::Undeclared,
        timeouts: Timeouts {
            connect: time_budget::CONNECT,
            first_byte: None,
            attempt: time_budget::ATTEMPT,
        },
        sleep: None,
        rates: Rates::default(),
        concurrency: None,
        probe: None,
        backend: BackendConfig::Simulated(SimulatedConfig::default()),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
