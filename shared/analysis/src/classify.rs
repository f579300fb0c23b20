//! What a text says, from rules that are data.
//!
//! A text is normalised, cut into sentences, and searched for the phrases of all languages at once. What is
//! quoted is left out. Twenty-nine numbers of what was found and where, and of the text's shape, make three
//! weighted sums, and those the verdict. `docs/classifier.md` has the formulas and limits.

mod features;
mod model;
mod normalise;
mod rules;
mod scripts;
mod segment;
mod signals;
#[cfg(test)]
mod tests;
mod version;

use std::sync::LazyLock;

use beacon_core::verdict::{Evidence, Judgement, MAX_EVIDENCE, RulesVersion};
use thiserror::Error;

pub use features::{COUNT as FEATURES, Features, NAMES as FEATURE_NAMES};
pub use model::{Model, ModelError, ModelFile, Score, ScoreFile};
pub use rules::{Kind, RulesError};
pub use version::version;

use rules::Rules;
use signals::{Reading, Signal};

/// Weights and thresholds, and the version of everything under `rules/`.
const MODEL: &str = include_str!("../rules/model.toml");

/// The languages' files. A further language is a further line.
const LANGUAGES: [(&str, &str); 12] = [
    ("en.toml", include_str!("../rules/en.toml")),
    ("zh.toml", include_str!("../rules/zh.toml")),
    ("fi.toml", include_str!("../rules/fi.toml")),
    ("ru.toml", include_str!("../rules/ru.toml")),
    ("fr.toml", include_str!("../rules/fr.toml")),
    ("de.toml", include_str!("../rules/de.toml")),
    ("es.toml", include_str!("../rules/es.toml")),
    ("pt.toml", include_str!("../rules/pt.toml")),
    ("it.toml", include_str!("../rules/it.toml")),
    ("ja.toml", include_str!("../rules/ja.toml")),
    ("ko.toml", include_str!("../rules/ko.toml")),
    ("ar.toml", include_str!("../rules/ar.toml")),
];

/// Bytes of a text that are looked at. Providers' answers are shorter.
const MOST: usize = 1 << 20;

static BUILT_IN: LazyLock<Classifier> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the rules are part of the program, and its tests read them"
    )]
    Classifier::read(MODEL, &LANGUAGES).expect("the built-in rules are as rules should be")
});

/// What a text answers: after a model's reasoning, where that is marked and closed.
pub(crate) fn answer(text: &str) -> &str {
    text.get(segment::answer_start(text)..).unwrap_or(text)
}

/// Why there is no classifier.
#[derive(Debug, Error)]
pub enum ClassifierError {
    /// The phrases cannot be used.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The weights cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Judges texts by rules that were read once.
#[derive(Debug)]
pub struct Classifier {
    version: RulesVersion,
    model: Model,
    rules: Rules,
}

impl Classifier {
    /// The one with the built-in rules; built when first asked for, in about a tenth of a second.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    fn read(model: &str, languages: &[(&str, &str)]) -> Result<Self, ClassifierError> {
        let file = ModelFile::read(model)?;
        Ok(Self {
            model: file.model()?,
            rules: Rules::read(languages)?,
            version: RulesVersion(file.version),
        })
    }

    /// Version of rules and weights.
    pub fn rules(&self) -> &RulesVersion {
        &self.version
    }

    /// The weights.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The weights' file as it is built in: what a fit begins from.
    pub fn model_file() -> Result<ModelFile, ModelError> {
        ModelFile::read(MODEL)
    }

    /// What `text` says. Of a text longer than a mebibyte the rest is not looked at.
    pub fn classify(&self, text: &str) -> Judgement {
        let reading = self.reading(text);
        let (verdict, confidence) = self.model.judge(&features::features(&reading));
        let review = confidence < self.model.review_below;
        Judgement { verdict, confidence, review, evidence: self.evidence(&reading) }
    }

    /// The numbers that `text` is judged by: what weights are fitted to.
    pub fn features(&self, text: &str) -> Features {
        features::features(&self.reading(text))
    }

    fn reading(&self, text: &str) -> Reading {
        let end = text.floor_char_boundary(MOST);
        Reading::new(text.get(..end).unwrap_or_default(), &self.rules)
    }

    /// The strongest signals, of one rule and place one.
    fn evidence(&self, reading: &Reading) -> Vec<Evidence> {
        let mut strongest: Vec<&Signal> =
            reading.signals.iter().filter(|signal| strength(signal.kind) > 0).collect();
        strongest.sort_by_key(|signal| {
            (u8::MAX - strength(signal.kind), signal.range.start, usize::MAX - signal.range.end)
        });
        let mut evidence: Vec<Evidence> = Vec::new();
        let mut covered: Vec<std::ops::Range<usize>> = Vec::new();
        for signal in strongest {
            if evidence.len() == MAX_EVIDENCE {
                break;
            }
            let inside = |range: &std::ops::Range<usize>| {
                range.start < signal.range.end && signal.range.start < range.end
            };
            if covered.iter().any(inside) {
                continue;
            }
            let Some(rule) = self.rules.rule(signal.rule) else { continue };
            let (start, end) = reading.normalised.origin(signal.range.start, signal.range.end);
            evidence.push(Evidence { rule: rule.id.clone(), start, end });
            covered.push(signal.range.clone());
        }
        evidence
    }
}

/// How much a signal says for anything but an answer; 0 for those that say nothing of the kind.
fn strength(kind: Kind) -> u8 {
    match kind {
        Kind::Decline => 10,
        Kind::Canned | Kind::Code => 9,
        Kind::Judgment => 8,
        Kind::Official => 7,
        Kind::Stem => 6,
        Kind::Policy => 5,
        Kind::Neutral => 5,
        Kind::NoOpinion => 5,
        Kind::Inability => 4,
        Kind::Apology => 4,
        Kind::Lecture => 3,
        Kind::Redirect => 3,
        Kind::Support => 2,
        Kind::Premise => 2,
        Kind::Hedge => 1,
        Kind::Disclaimer => 1,
        Kind::Act
        | Kind::Deed
        | Kind::Not
        | Kind::Attempt
        | Kind::Manner
        | Kind::Comply
        | Kind::Pivot
        | Kind::Exempt
        | Kind::Reported
        | Kind::Attributed => 0,
    }
}
