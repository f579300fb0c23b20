//! Fitted weights as the file that is built in.

use std::fmt::Write as _;

use beacon_analysis::classify::{FEATURE_NAMES, Model, ModelFile, Score, ScoreFile};

/// The file with `model`'s weights, and all else as it was in `before`.
pub(super) fn toml(before: &ModelFile, model: &Model) -> String {
    let mut text = format!(
        "# Written by `cargo xtask bench classifier --fit`, but for the version, the priors and the threshold,\n\
         # which are written by hand. docs/classifier.md says what they mean.\n\
         version = \"{}\"\nreview_below = {}\n",
        before.version, before.review_below
    );
    let scores = [
        ("refusal", &before.refusal, &model.refusal),
        ("no_answer", &before.no_answer, &model.no_answer),
        ("partial", &before.partial, &model.partial),
    ];
    for (name, before, score) in scores {
        section(&mut text, name, before, score);
    }
    text
}

fn section(text: &mut String, name: &str, before: &ScoreFile, score: &Score) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\n[{name}]\nbias = {:.3}\n\n[{name}.prior]\n", score.bias);
    for feature in FEATURE_NAMES {
        if let Some(prior) = before.prior.get(feature) {
            let _ = writeln!(text, "{feature} = {prior:?}");
        }
    }
    let _ = write!(text, "\n[{name}.weights]\n");
    for (feature, weight) in FEATURE_NAMES.iter().zip(score.weights) {
        if before.prior.contains_key(*feature) && weight.abs() >= 0.0005 {
            let _ = writeln!(text, "{feature} = {weight:.3}");
        }
    }
}

#[cfg(test)]
mod tests {
    use beacon_analysis::classify::Classifier;

    use super::*;

    #[test]
    fn the_built_in_weights_are_as_they_would_be_written() {
        let before = Classifier::model_file().expect("weights");
        let written = toml(&before, Classifier::built_in().model());
        let read = ModelFile::read(&written).expect("what was written");
        assert_eq!(&read.model().expect("a model"), Classifier::built_in().model());
        assert_eq!(read.version, before.version);
        assert_eq!(read.partial.prior, before.partial.prior);
    }
}
