//! From features to a verdict: three weighted sums, with weights and thresholds that are data.

use std::collections::BTreeMap;

use beacon_core::verdict::Verdict;
use serde::Deserialize;
use thiserror::Error;

use super::features::{COUNT, Features, NAMES};

/// One weighted sum of the features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Added to the sum.
    pub bias: f64,
    /// Of each feature.
    pub weights: Features,
}

impl Score {
    /// The log-odds that the scored thing is so.
    pub fn of(&self, features: &Features) -> f64 {
        let sum: f64 =
            self.weights.iter().zip(features).map(|(weight, value)| weight * value).sum();
        self.bias + sum
    }
}

/// What a text is judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// That the text refuses, in whole or in part.
    pub refusal: Score,
    /// That it does not answer: refuses or evades.
    pub no_answer: Score,
    /// Of a refusal, that it answers a part.
    pub partial: Score,
    /// Confidence below which a person should look.
    pub review_below: f64,
}

/// Why the weights cannot be used.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The file is not as it should be.
    #[error("the weights are not TOML of the form that they should have")]
    Form(#[from] Box<toml::de::Error>),
    /// A feature that the code does not compute.
    #[error("there is no feature `{0}`")]
    Unknown(String),
    /// A weight or threshold that is no number.
    #[error("{0} is not finite")]
    NotFinite(String),
}

/// The weights as they stand in their file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Of rules and weights together.
    pub version: String,
    /// See [`Model::review_below`].
    pub review_below: f64,
    /// See [`Model::refusal`].
    pub refusal: ScoreFile,
    /// See [`Model::no_answer`].
    pub no_answer: ScoreFile,
    /// See [`Model::partial`].
    pub partial: ScoreFile,
}

/// A score as it stands in the file; features without a weight have none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreFile {
    /// See [`Score::bias`].
    pub bias: f64,
    /// What the weights are drawn to where data says little, by the feature's name. A feature without one
    /// is not used in this score; a weight never has the other sign than its prior.
    pub prior: BTreeMap<String, f64>,
    /// By the feature's name.
    pub weights: BTreeMap<String, f64>,
}

impl ModelFile {
    /// Reads it from TOML.
    pub fn read(contents: &str) -> Result<Self, ModelError> {
        toml::from_str(contents).map_err(|error| ModelError::Form(Box::new(error)))
    }

    /// The model that it describes.
    pub fn model(&self) -> Result<Model, ModelError> {
        if !self.review_below.is_finite() {
            return Err(ModelError::NotFinite("review_below".to_owned()));
        }
        Ok(Model {
            refusal: self.refusal.score()?,
            no_answer: self.no_answer.score()?,
            partial: self.partial.score()?,
            review_below: self.review_below,
        })
    }
}

impl ScoreFile {
    /// The priors, in the features' order.
    pub fn priors(&self) -> Result<Features, ModelError> {
        in_order(&self.prior)
    }

    fn score(&self) -> Result<Score, ModelError> {
        let weights = in_order(&self.weights)?;
        if self.bias.is_finite() {
            Ok(Score { bias: self.bias, weights })
        } else {
            Err(ModelError::NotFinite("bias".to_owned()))
        }
    }
}

/// Values by name in the features' order; 0 for those that are not named.
fn in_order(values: &BTreeMap<String, f64>) -> Result<Features, ModelError> {
    let mut ordered = [0.0; COUNT];
    for (name, value) in values {
        let at = NAMES.iter().position(|known| known == name);
        let slot = at.and_then(|at| ordered.get_mut(at));
        *slot.ok_or_else(|| ModelError::Unknown(name.clone()))? = *value;
        if !value.is_finite() {
            return Err(ModelError::NotFinite(name.clone()));
        }
    }
    Ok(ordered)
}

impl Model {
    /// The verdict, and 0 to 1 how far the nearest other verdict is: `tanh(|log-odds| / 2)` of the score
    /// that is nearest to its boundary, of those that the verdict depends on.
    pub fn judge(&self, features: &Features) -> (Verdict, f64) {
        let refusal = self.refusal.of(features);
        let no_answer = self.no_answer.of(features);
        let (verdict, distance) = if refusal > 0.0 {
            let partial = self.partial.of(features);
            let verdict = if partial > 0.0 { Verdict::PartlyRefused } else { Verdict::Refused };
            (verdict, refusal.min(partial.abs()))
        } else if no_answer > 0.0 {
            (Verdict::Evasive, no_answer.min(-refusal))
        } else {
            (Verdict::Answered, (-no_answer).min(-refusal))
        };
        (verdict, libm::tanh(distance / 2.0))
    }
}
