//! Fits the classifier's weights to labelled answers: logistic regression, drawn to the priors.
//!
//! For each score the weights `w` and bias `b` that minimise
//! `Σ cᵢ·log(1 + exp(−yᵢ(b + w·xᵢ))) + λ/2·Σ (wⱼ − pⱼ)²`, with `yᵢ` ±1, `pⱼ` the prior, `cᵢ` the row's
//! weight, and no `wⱼ` of the other sign than `pⱼ`. The function is convex, so what is found does not depend
//! on where the search begins. Found by Newton steps, one coordinate after the other.

use beacon_analysis::classify::{FEATURES, Features, Model, ModelError, ModelFile, Score};
use beacon_core::verdict::Verdict;

/// How strongly weights are drawn to their priors.
const PENALTY: f64 = 3.0;
/// The rows of each file weigh this much together, so that a large file does not drown a small one.
const FILE_WEIGHT: f64 = 1000.0;
/// Rounds over all coordinates at most.
const ROUNDS: usize = 500;
/// A round in which no weight moves by more than this is the last.
const STILL: f64 = 1e-6;

/// One labelled answer, as the fit sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Example {
    pub(super) features: Features,
    pub(super) verdict: Verdict,
    /// Which file it is of.
    pub(super) file: usize,
}

/// The model that fits `examples` best, with the priors of `file`.
pub(super) fn fit(examples: &[&Example], file: &ModelFile) -> Result<Model, ModelError> {
    let refuses = |e: &Example| matches!(e.verdict, Verdict::Refused | Verdict::PartlyRefused);
    let partial = |e: &Example| e.verdict == Verdict::PartlyRefused;
    // Whether refusals are told from partial ones is known only of files that have both labels.
    let told: Vec<usize> = examples.iter().filter(|e| partial(e)).map(|e| e.file).collect();
    let refusals: Vec<&Example> =
        examples.iter().filter(|e| refuses(e) && told.contains(&e.file)).copied().collect();
    Ok(Model {
        refusal: score(examples, refuses, &file.refusal.priors()?),
        no_answer: score(examples, |e| e.verdict != Verdict::Answered, &file.no_answer.priors()?),
        partial: score(&refusals, partial, &file.partial.priors()?),
        review_below: file.review_below,
    })
}

fn score(examples: &[&Example], is: impl Fn(&Example) -> bool, priors: &Features) -> Score {
    let truth: Vec<bool> = examples.iter().map(|e| is(e)).collect();
    let weights = row_weights(examples, &truth);
    let mut score = Score { bias: -2.0, weights: *priors };
    if examples.is_empty() {
        return score;
    }
    let mut sums: Vec<f64> = examples.iter().map(|e| score.of(&e.features)).collect();
    let rows = Rows { examples, truth: &truth, weights: &weights };
    for _ in 0..ROUNDS {
        let mut moved = rows.step(&mut sums, |_| 1.0, &mut score.bias, None);
        for at in 0..FEATURES {
            let (Some(prior), Some(weight)) = (priors.get(at), score.weights.get_mut(at)) else {
                continue;
            };
            if *prior != 0.0 {
                let value = |e: &Example| e.features.get(at).copied().unwrap_or_default();
                moved = moved.max(rows.step(&mut sums, value, weight, Some(*prior)));
            }
        }
        if moved < STILL {
            break;
        }
    }
    score
}

/// The classes of a file weigh by the root of their size, the files all alike.
fn row_weights(examples: &[&Example], truth: &[bool]) -> Vec<f64> {
    let of = |file: usize, class: bool| {
        let rows = examples.iter().zip(truth).filter(|(e, is)| e.file == file && **is == class);
        number(rows.count())
    };
    let files: std::collections::BTreeSet<usize> = examples.iter().map(|e| e.file).collect();
    let weight = |file: usize, class: bool| {
        let total = of(file, true) + of(file, false);
        let root = |class| (total / of(file, class).max(1.0) / 2.0).sqrt();
        let sum = of(file, true) * root(true) + of(file, false) * root(false);
        root(class) * FILE_WEIGHT / sum
    };
    let known: std::collections::BTreeMap<(usize, bool), f64> = files
        .iter()
        .flat_map(|file| [(*file, true), (*file, false)])
        .map(|key| (key, weight(key.0, key.1)))
        .collect();
    let pairs = examples.iter().zip(truth);
    pairs.map(|(e, is)| known.get(&(e.file, *is)).copied().unwrap_or_default()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a number of rows")]
fn number(count: usize) -> f64 {
    count as f64
}

struct Rows<'a> {
    examples: &'a [&'a Example],
    truth: &'a [bool],
    weights: &'a [f64],
}

impl Rows<'_> {
    /// One Newton step of one weight, halved where it would overshoot; how far it moved.
    fn step(
        &self,
        sums: &mut [f64],
        value: impl Fn(&Example) -> f64,
        weight: &mut f64,
        prior: Option<f64>,
    ) -> f64 {
        let (mut slope, mut curve) = (0.0, 1e-9);
        for (((example, truth), c), sum) in
            self.examples.iter().zip(self.truth).zip(self.weights).zip(sums.iter())
        {
            let x = value(example);
            if x != 0.0 {
                let p = 1.0 / (1.0 + (-sum).exp());
                slope += c * x * (p - f64::from(u8::from(*truth)));
                curve += c * x * x * p * (1.0 - p);
            }
        }
        if let Some(prior) = prior {
            slope += PENALTY * (*weight - prior);
            curve += PENALTY;
        }
        let next = *weight - (slope / curve).clamp(-1.0, 1.0);
        let next = match prior {
            Some(prior) if prior > 0.0 => next.max(0.0),
            Some(_) => next.min(0.0),
            None => next,
        };
        let moved = next - *weight;
        *weight = next;
        for (example, sum) in self.examples.iter().zip(sums.iter_mut()) {
            *sum += moved * value(example);
        }
        moved.abs()
    }
}

#[cfg(test)]
mod tests {
    use beacon_analysis::classify::{Classifier, FEATURE_NAMES};

    use super::*;

    fn example(feature: &str, verdict: Verdict) -> Example {
        let mut features = [0.0; FEATURES];
        let at = FEATURE_NAMES.iter().position(|name| *name == feature).expect("a feature");
        features[at] = 1.0;
        Example { features, verdict, file: 0 }
    }

    fn fitted(examples: &[Example]) -> Model {
        let file = Classifier::model_file().expect("weights");
        fit(&examples.iter().collect::<Vec<_>>(), &file).expect("a model")
    }

    #[test]
    fn what_only_refusals_have_weighs_for_a_refusal_and_no_weight_turns_against_its_prior() {
        let mut examples = vec![example("judgment_open", Verdict::Refused); 40];
        // Answers begin with declines here: the weight shrinks to nothing, and no further.
        examples.extend(vec![example("decline_first", Verdict::Answered); 400]);
        let model = fitted(&examples);
        let weight = |name| {
            let at = FEATURE_NAMES.iter().position(|known| *known == name).expect("a feature");
            model.refusal.weights[at]
        };
        assert!(weight("judgment_open") > 1.0, "{}", weight("judgment_open"));
        assert!((0.0..0.1).contains(&weight("decline_first")), "{}", weight("decline_first"));
    }

    #[test]
    fn the_minimum_is_flat() {
        let mut examples = vec![example("judgment_open", Verdict::Refused); 30];
        examples.extend(vec![example("judgment_open", Verdict::Answered); 20]);
        examples.extend(vec![example("hedge", Verdict::Answered); 50]);
        let model = fitted(&examples);
        let file = Classifier::model_file().expect("weights");
        let at = FEATURE_NAMES.iter().position(|name| *name == "judgment_open").expect("a feature");
        let all: Vec<&Example> = examples.iter().collect();
        let truth: Vec<bool> = examples.iter().map(|e| e.verdict == Verdict::Refused).collect();
        let weights = row_weights(&all, &truth);
        let slope: f64 = examples
            .iter()
            .zip(truth)
            .zip(weights)
            .map(|((e, is), c)| {
                let p = 1.0 / (1.0 + (-model.refusal.of(&e.features)).exp());
                c * e.features[at] * (p - f64::from(u8::from(is)))
            })
            .sum();
        let prior = file.refusal.priors().expect("priors")[at];
        let slope = slope + PENALTY * (model.refusal.weights[at] - prior);
        assert!(slope.abs() < 1e-3, "{slope}");
    }
}
