//! What providers charge, as they declare it, and the most that an execution can cost by that.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::id::ModelId;
use crate::money::Dollars;
use crate::prompt::Prompt;
use crate::region::Region;
use crate::spec::{Question, Spec};
use crate::time_budget;
use crate::wire::ProviderView;

const MILLION: f64 = 1_000_000.0;

/// A declared price, US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Price {
    /// For each second from request to answer.
    PerSecond {
        /// Dollars.
        per_second: f64,
    },
    /// For tokens read and written.
    PerMillionTokens {
        /// Dollars for a million tokens of prompts.
        per_million_input_tokens: f64,
        /// Dollars for a million tokens of answers.
        per_million_output_tokens: f64,
    },
}

impl Price {
    /// Whether it is one: finite and not negative.
    pub fn is_sound(self) -> bool {
        let sound = |rate: f64| rate.is_finite() && rate >= 0.0;
        match self {
            Self::PerSecond { per_second } => sound(per_second),
            Self::PerMillionTokens { per_million_input_tokens, per_million_output_tokens } => {
                sound(per_million_input_tokens) && sound(per_million_output_tokens)
            }
        }
    }
}

/// Reads a price; what is none, or of a kind that only a later release knows, is none declared.
pub(crate) fn declared<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Price>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(reader)?;
    let price = value.and_then(|value| serde_json::from_value::<Price>(value).ok());
    Ok(price.filter(|price| price.is_sound()))
}

/// The most that the providers of one model in one region charge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// Dollars for a second.
    pub second: f64,
    /// Dollars for a million tokens of prompts.
    pub input: f64,
    /// Dollars for a million tokens of answers.
    pub output: f64,
}

/// Tokens that a chat's template puts around each message, more than any known template does.
const TEMPLATE_TOKENS: usize = 32;

/// The most tokens of a prompt: byte-level tokenisers make no more tokens than a text has bytes, and
/// others make fewer.
pub fn most_prompt_tokens(prompt: Prompt<'_>) -> u64 {
    let message = |text: &str| text.len() + TEMPLATE_TOKENS;
    (prompt.system.map_or(0, message) + message(prompt.question)) as u64
}

impl Ceiling {
    fn with(self, price: Price) -> Self {
        match price {
            Price::PerSecond { per_second } => Self { second: self.second.max(per_second), ..self },
            Price::PerMillionTokens { per_million_input_tokens, per_million_output_tokens } => {
                Self {
                    input: self.input.max(per_million_input_tokens),
                    output: self.output.max(per_million_output_tokens),
                    ..self
                }
            }
        }
    }

    /// The most that a call costs that is over in so long: by tokens if the answer is as long as
    /// `max_tokens` allows, or by the second, whichever is more.
    pub fn most(self, prompt_tokens: u64, max_tokens: u32, within: Duration) -> Dollars {
        // A prompt has at most 48 KiB.
        let prompt_tokens = f64::from(u32::try_from(prompt_tokens).unwrap_or(u32::MAX));
        let tokens = prompt_tokens.mul_add(self.input, f64::from(max_tokens) * self.output);
        let dollars = (tokens / MILLION).max(self.second * within.as_secs_f64());
        // More than can be counted stops any job.
        Dollars::new(dollars).unwrap_or(Dollars::from_nanos(u64::MAX))
    }

    /// The most that any call of an execution costs: the router gives up before the worker does.
    pub fn bound(self, prompt_tokens: u64, max_tokens: u32) -> Dollars {
        self.most(prompt_tokens, max_tokens, time_budget::CLIENT)
    }
}

/// What a job's models cost at most in each of its regions, as declared when it was accepted. Where
/// one of the providers that may be asked declares no price, there is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Prices(BTreeMap<Region, Vec<Option<Ceiling>>>);

impl Prices {
    /// From what the router tells of its providers.
    pub fn of(spec: &Spec, providers: &[ProviderView]) -> Self {
        let ceiling = |model: &ModelId, region: &Region| {
            let mut serving = providers.iter().filter(|p| p.serves(model, region)).peekable();
            serving.peek()?;
            serving.try_fold(Ceiling::default(), |most, provider| Some(most.with(provider.price?)))
        };
        let regions = spec.regions.iter().map(|prompts| &prompts.region);
        let of_region =
            |region: &Region| spec.models.iter().map(|model| ceiling(model, region)).collect();
        Self(regions.map(|region| (region.clone(), of_region(region))).collect())
    }

    /// Of each of the job's models in this region, in their order.
    pub fn in_region(&self, region: &Region) -> &[Option<Ceiling>] {
        self.0.get(region).map_or(&[], Vec::as_slice)
    }

    /// The (model, region) pairs without a price, by the model's place in the job's list.
    pub fn missing(&self) -> impl Iterator<Item = (usize, &Region)> {
        self.0.iter().flat_map(|(region, models)| {
            let models = models.iter().enumerate();
            models.filter(|(_, ceiling)| ceiling.is_none()).map(move |(model, _)| (model, region))
        })
    }

    /// What the providers charge for a job at most, if each call is over in so long.
    pub fn estimate(&self, spec: &Spec, within: Duration) -> ProviderEstimate {
        let of_region = |prompts: &crate::spec::RegionPrompts| {
            let ceilings = self.in_region(&prompts.region);
            let of_question = |question: &Question| {
                let prompt = spec.prompt(question, &prompts.region);
                let tokens = prompt.map_or(0, most_prompt_tokens);
                let most = ceilings.iter().flatten();
                most.map(|ceiling| ceiling.most(tokens, spec.sampling.max_tokens, within)).sum()
            };
            spec.questions.iter().map(of_question).sum::<Dollars>()
        };
        let dollars: Dollars = spec.regions.iter().map(of_region).sum();
        let samples = u64::from(spec.samples);
        let unpriced = self.missing().count() as u64 * spec.questions.len() as u64 * samples;
        ProviderEstimate { at_most: dollars.times(samples), unpriced }
    }
}

/// What providers charge for a job at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderEstimate {
    /// Of the executions whose price is declared, with answers as long as `max_tokens` allows.
    pub at_most: Dollars,
    /// Executions whose price nobody declares; they are not in the sum.
    pub unpriced: u64,
}

#[cfg(test)]
mod tests;
