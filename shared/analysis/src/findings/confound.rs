//! Whether regions can be told from their system prompts.

use std::collections::BTreeMap;

use beacon_core::VariantName;
use beacon_core::spec::{Question, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a difference between regions can be told from one between their system prompts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Confound {
    /// One region: nothing to tell apart.
    OneRegion,
    /// Every question is sent with the same words everywhere.
    None,
    /// Some variants are sent with the same words everywhere, the others are not.
    Separable {
        /// The variants with the same words everywhere.
        same: Vec<VariantName>,
    },
    /// Every region has a system prompt of its own: region and prompt change together.
    NotSeparable,
}

/// Compares the system messages of every entry over the regions, as they were frozen with the job.
pub(super) fn confound(spec: &Spec) -> Confound {
    if spec.regions.len() < 2 {
        return Confound::OneRegion;
    }
    let mut variants: Vec<(&VariantName, bool)> = Vec::new();
    let mut at = BTreeMap::new();
    for question in &spec.questions {
        let same = is_same_everywhere(spec, question);
        let next = variants.len();
        match variants.get_mut(*at.entry(&question.variant).or_insert(next)) {
            Some((_, all)) => *all &= same,
            None => variants.push((&question.variant, same)),
        }
    }
    let same: Vec<VariantName> =
        variants.iter().filter(|(_, same)| *same).map(|(name, _)| (*name).clone()).collect();
    match same.len() {
        all if all == variants.len() => Confound::None,
        0 => Confound::NotSeparable,
        _ => Confound::Separable { same },
    }
}

fn is_same_everywhere(spec: &Spec, question: &Question) -> bool {
    let mut messages =
        spec.regions.iter().map(|prompts| prompts.system.get(usize::from(question.prompt)));
    let first = messages.next();
    messages.all(|message| Some(message) == first)
}
