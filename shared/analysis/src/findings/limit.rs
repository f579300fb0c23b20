//! What findings do not show.

use std::collections::BTreeSet;

use beacon_core::spec::Spec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Confound, Findings};
use crate::statistics::interval::FEWEST_CLUSTERS;

/// Where the first blocks of Latin letters end (The Unicode Standard, Latin Extended-B). Those beyond are few
/// of any text.
const LATIN_END: char = '\u{250}';

/// What findings do not show. Each has a sentence of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Always: a difference is no cause.
    NotCausal,
    /// Always: these models, at this time, through these providers.
    TheseModelsOnly,
    /// Answers were made up.
    Simulated,
    /// Region and prompt are not separable.
    PromptConfound,
    /// Noise and difference cannot be told apart.
    OneSample,
    /// Questions are too few for intervals.
    TooFewQuestions,
    /// Some pairs did not complete.
    Incomplete,
    /// Some verdicts need a person.
    NeedsReview,
    /// A provider missed controls.
    ControlsMissed,
    /// Verdicts are a machine's.
    MachineVerdicts,
    /// Questions are in more than one language, and the classifier finds more in some than in others.
    Languages,
    /// So many regions, models or variants that not every two of them are compared.
    TooManyComparisons,
}

/// The limits of findings of which all but them and the summary is known.
pub(super) fn limits(findings: &Findings, spec: &Spec, too_many: bool) -> Vec<Limit> {
    let denominators = &findings.denominators;
    let missed = findings.controls.known().is_some_and(|all| all.iter().any(|one| one.missed > 0));
    let questions: BTreeSet<_> = spec.questions.iter().map(|question| &question.id).collect();
    let limits = [
        (Limit::NotCausal, true),
        (Limit::TheseModelsOnly, true),
        (Limit::Simulated, findings.simulated),
        (Limit::ControlsMissed, missed),
        (Limit::PromptConfound, findings.confound == Confound::NotSeparable),
        (Limit::OneSample, spec.samples < 2),
        (Limit::TooFewQuestions, (questions.len() as u64) < FEWEST_CLUSTERS),
        (Limit::Incomplete, denominators.completed < denominators.planned),
        (Limit::NeedsReview, denominators.review > 0),
        (Limit::MachineVerdicts, denominators.labelled < denominators.texts()),
        (Limit::Languages, are_in_languages(spec)),
        (Limit::TooManyComparisons, too_many),
    ];
    limits.into_iter().filter(|(_, holds)| *holds).map(|(limit, _)| limit).collect()
}

/// Whether questions are in more than one language, as far as the specification tells it: by their tags, of
/// which `zh-Hans` and `zh-TW` are one language, or by their letters, Latin and others. One without a tag may be
/// in any language, and counts for none.
fn are_in_languages(spec: &Spec) -> bool {
    let tags = spec.questions.iter().filter_map(|question| question.language.as_deref());
    let languages = tags.filter_map(|tag| tag.split(['-', '_']).next());
    let languages: BTreeSet<String> = languages.map(str::to_lowercase).collect();
    let letters: BTreeSet<bool> =
        spec.questions.iter().filter_map(|question| is_latin(&question.text)).collect();
    languages.len() > 1 || letters.len() > 1
}

/// Whether most of a text's letters are Latin; none of a text without letters.
fn is_latin(text: &str) -> Option<bool> {
    let letters = || text.chars().filter(|c| c.is_alphabetic());
    let (all, latin) = (letters().count(), letters().filter(|c| *c < LATIN_END).count());
    (all > 0).then_some(2 * latin >= all)
}
