//! One `[[providers]]` table.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use beacon_core::{ModelId, ProviderId, Region};
use reqwest::Url;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::limits::LimitsEntry;
use super::{
    BackendConfig, EndpointConfig, KeyFileProblem, Model, ProviderConfig, ProviderProblem,
};
use crate::price::Price;
use crate::provider::simulated::SimulatedConfig;

/// Largest file of a key.
const MAX_KEY_BYTES: u64 = 16 * 1024;
/// The keys that every kind of provider has; the others belong to its kind.
const COMMON: [&str; 5] = ["name", "kind", "region", "models", "price"];

/// After 150 seconds Modal says where the result will be; until then a request brings nothing
/// (<https://modal.com/docs/guide/webhook-timeouts>).
const MODAL_HOP: Duration = Duration::from_secs(155);

#[derive(Deserialize)]
struct Common {
    name: ProviderId,
    kind: Kind,
    region: String,
    models: Vec<ModelEntry>,
    price: Option<PriceEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    OpenAi,
    Modal,
    Simulated,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ModelEntry {
    Id(ModelId),
    Renamed(RenamedModel),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenamedModel {
    id: ModelId,
    upstream: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceEntry {
    #[serde(rename = "per_second")]
    second: Option<f64>,
    #[serde(rename = "per_million_input_tokens")]
    input: Option<f64>,
    #[serde(rename = "per_million_output_tokens")]
    output: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndpointEntry {
    url: String,
    api_key_env: Option<String>,
    api_key_file: Option<PathBuf>,
}

type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Validates one table.
pub(super) fn provider(
    table: toml::Table,
    variable: Variable<'_>,
) -> Result<ProviderConfig, ProviderProblem> {
    let (common, rest): (toml::Table, toml::Table) =
        table.into_iter().partition(|(key, _)| COMMON.contains(&key.as_str()));
    let (limits, own): (toml::Table, toml::Table) =
        rest.into_iter().partition(|(key, _)| LimitsEntry::KEYS.contains(&key.as_str()));
    let (common, limits): (Common, LimitsEntry) = (read(common)?, read(limits)?);
    let hop = match common.kind {
        Kind::OpenAi | Kind::Simulated => None,
        Kind::Modal => Some(MODAL_HOP),
    };
    let backend = match common.kind {
        Kind::OpenAi => BackendConfig::OpenAi(endpoint(read(own)?, variable, "chat/completions")?),
        Kind::Modal => BackendConfig::Modal(endpoint(read(own)?, variable, "")?),
        Kind::Simulated => {
            let simulated: SimulatedConfig = read(own)?;
            simulated.check()?;
            BackendConfig::Simulated(simulated)
        }
    };
    Ok(ProviderConfig {
        name: common.name,
        region: region(&common.region)?,
        models: models(common.models)?,
        price: common.price.map_or(Ok(Price::Undeclared), price)?,
        timeouts: limits.timeouts(hop)?,
        sleep: limits.sleep()?,
        rates: limits.rates()?,
        concurrency: limits.concurrency()?,
        probe: limits.probe()?,
        backend,
    })
}

fn read<T: DeserializeOwned>(table: toml::Table) -> Result<T, ProviderProblem> {
    table.try_into().map_err(|error: toml::de::Error| {
        ProviderProblem::Keys(error.to_string().trim().replace('\n', ", "))
    })
}

/// Aliases become their region; any other well-formed name is a region by being declared.
fn region(given: &str) -> Result<Region, ProviderProblem> {
    let refused = || ProviderProblem::Value {
        key: "region",
        allowed: "a region, such as us-east, or an alias",
    };
    let declared = Region::new(given.trim().to_lowercase()).map_err(|_malformed| refused())?;
    Region::resolve(given, &[declared]).map_err(|_unknown| refused())
}

fn models(entries: Vec<ModelEntry>) -> Result<Vec<Model>, ProviderProblem> {
    let mut models: Vec<Model> = Vec::with_capacity(entries.len());
    for entry in entries {
        let model = match entry {
            ModelEntry::Id(id) => Model { upstream: id.to_string(), id },
            ModelEntry::Renamed(RenamedModel { id, upstream }) => Model { id, upstream },
        };
        if models.iter().any(|other| other.id == model.id) {
            return Err(ProviderProblem::DuplicateModel(model.id));
        }
        models.push(model);
    }
    if models.is_empty() {
        return Err(ProviderProblem::Value {
            key: "models",
            allowed: "a list of at least one model",
        });
    }
    Ok(models)
}

fn price(entry: PriceEntry) -> Result<Price, ProviderProblem> {
    let PriceEntry { second, input, output } = entry;
    let price = match (second, input, output) {
        (Some(rate), None, None) => Price::PerSecond(rate),
        (None, Some(input), Some(output)) => Price::PerMillionTokens { input, output },
        (None | Some(_), None | Some(_), None | Some(_)) => return Err(price_problem()),
    };
    let sound = |rate: f64| rate.is_finite() && rate >= 0.0;
    let all_sound = match price {
        Price::Undeclared => true,
        Price::PerSecond(rate) => sound(rate),
        Price::PerMillionTokens { input, output } => sound(input) && sound(output),
    };
    if all_sound { Ok(price) } else { Err(price_problem()) }
}

fn price_problem() -> ProviderProblem {
    ProviderProblem::Value {
        key: "price",
        allowed: "{ per_second } or { per_million_input_tokens, per_million_output_tokens }, \
                  in US dollars, not negative",
    }
}

fn endpoint(
    entry: EndpointEntry,
    variable: Variable<'_>,
    path: &str,
) -> Result<EndpointConfig, ProviderProblem> {
    let authorization = match (entry.api_key_env, entry.api_key_file) {
        (None, None) => None,
        (Some(name), None) => Some(bearer_of_variable(name, variable)?),
        (None, Some(path)) => Some(bearer_of_file(&path)?),
        (Some(_), Some(_)) => return Err(ProviderProblem::TwoKeys),
    };
    Ok(EndpointConfig { url: url(&entry.url, path)?, authorization })
}

fn url(given: &str, path: &str) -> Result<Url, ProviderProblem> {
    let refused = || ProviderProblem::Value {
        key: "url",
        allowed: "an http or https URL without user and password",
    };
    let mut url = Url::parse(given).map_err(|_malformed| refused())?;
    let http = matches!(url.scheme(), "http" | "https");
    if !http || !url.username().is_empty() || url.password().is_some() {
        return Err(refused());
    }
    if !path.is_empty() {
        let mut segments = url.path_segments_mut().map_err(|()| refused())?;
        segments.pop_if_empty().extend(path.split('/'));
    }
    Ok(url)
}

fn bearer_of_variable(
    name: String,
    variable: Variable<'_>,
) -> Result<HeaderValue, ProviderProblem> {
    let Some(key) = variable(&name).filter(|key| !key.is_empty()) else {
        return Err(ProviderProblem::KeyUnset(name));
    };
    bearer(&key).ok_or(ProviderProblem::KeyUnusable(name))
}

fn bearer_of_file(path: &Path) -> Result<HeaderValue, ProviderProblem> {
    let refused = |problem| ProviderProblem::KeyFile { path: path.display().to_string(), problem };
    let unread = |error: io::Error| refused(KeyFileProblem::Unread(error.kind()));
    let mut text = String::new();
    let file = File::open(path).map_err(unread)?;
    file.take(MAX_KEY_BYTES + 1).read_to_string(&mut text).map_err(unread)?;
    if text.len() as u64 > MAX_KEY_BYTES {
        return Err(refused(KeyFileProblem::TooLarge));
    }
    let key = text.trim();
    if key.is_empty() {
        return Err(refused(KeyFileProblem::Empty));
    }
    bearer(key).ok_or_else(|| refused(KeyFileProblem::Unusable))
}

fn bearer(key: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::try_from(format!("Bearer {key}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}
