//! How far a question's texts lie apart between regions, and between samples within a region.

use super::text::{Text, Vocabulary, jaccard, length, tfidf};
use super::{Distances, TextDivergence};
use crate::estimate::{Estimate, Reason};
use crate::statistics::permutation::{Stratum, between_beyond_within};

/// Texts of one question and model that are compared with each other, so at most 4,950 pairs of them.
/// Of each region the first samples are taken, as many of each.
const MAX_TEXTS: usize = 100;

/// Permutations of a model's texts that are drawn where they are too many to look at. A job has thousands
/// of such tests, and a question's are taken together.
const DRAWS: u64 = 999;

/// The smallest p that they can give.
pub(crate) const TEXT_LEAST: f64 = 1.0 / 1_000.0;

/// Where the draws of every permutation of texts begin: the same texts give the same figures.
const SEED: u64 = 0x7465_7874;

/// Samples of a cell whose texts are compared. At least two, so that 50 regions have a noise floor.
pub(super) fn samples_compared(regions: usize, samples: u16) -> usize {
    let most = MAX_TEXTS.checked_div(regions).unwrap_or(MAX_TEXTS).max(2);
    usize::from(samples).min(most)
}

/// The divergence of each model's texts. They are given by model, each with the number of its region.
/// The rarity of words is that among all of them.
pub(super) fn divergences(
    models: &[Vec<(usize, &str)>],
    regions: usize,
    samples: u16,
) -> Vec<TextDivergence> {
    let mut vocabulary = Vocabulary::default();
    let texts: Vec<Vec<(usize, Text)>> = models
        .iter()
        .map(|texts| texts.iter().map(|(region, text)| (*region, vocabulary.add(text))).collect())
        .collect();
    texts.iter().map(|texts| divergence(texts, &vocabulary, regions, samples)).collect()
}

fn divergence(
    texts: &[(usize, Text)],
    vocabulary: &Vocabulary,
    regions: usize,
    samples: u16,
) -> TextDivergence {
    let weights: Vec<_> = texts.iter().map(|(_, text)| vocabulary.weigh(text)).collect();
    let mut all = Vec::new();
    let (mut between, mut within) = (Sum::default(), Sum::default());
    let weighed: Vec<_> = texts.iter().zip(&weights).collect();
    for (index, ((region, text), weight)) in weighed.iter().enumerate() {
        for ((other_region, other), other_weight) in weighed.iter().skip(index + 1) {
            let jaccard = jaccard(text, other);
            let sum = if region == other_region { &mut within } else { &mut between };
            sum.add(jaccard, tfidf(weight, other_weight), length(text, other));
            all.push(jaccard);
        }
    }
    let one_region = (regions < 2).then_some(Reason::OneRegion);
    let one_sample = (samples < 2).then_some(Reason::OneSample);
    let no_pairs = (between.pairs == 0 || within.pairs == 0).then_some(Reason::NoPairs);
    TextDivergence {
        between: between.mean(one_region),
        within: within.mean(one_sample),
        p: match one_region.or(one_sample).or(no_pairs) {
            Some(reason) => Estimate::Absent(reason),
            None => permuted(texts, all),
        },
    }
}

/// Distances added up.
#[derive(Debug, Default)]
struct Sum {
    jaccard: f64,
    tfidf: f64,
    length: f64,
    pairs: u32,
}

impl Sum {
    fn add(&mut self, jaccard: f64, tfidf: f64, length: f64) {
        self.jaccard += jaccard;
        self.tfidf += tfidf;
        self.length += length;
        self.pairs += 1;
    }

    /// The means, unless there is a reason to have none.
    fn mean(&self, absent: Option<Reason>) -> Estimate<Distances> {
        if let Some(reason) = absent.or_else(|| (self.pairs == 0).then_some(Reason::NoPairs)) {
            return Estimate::Absent(reason);
        }
        let pairs = f64::from(self.pairs);
        Estimate::Known(Distances {
            jaccard: self.jaccard / pairs,
            tfidf: self.tfidf / pairs,
            length: self.length / pairs,
            pairs: u64::from(self.pairs),
        })
    }
}

fn permuted(texts: &[(usize, Text)], distances: Vec<f64>) -> Estimate<f64> {
    let groups = texts.iter().map(|(region, _)| *region).collect();
    let permuted = between_beyond_within(&Stratum { groups, distances }, DRAWS, SEED);
    permuted.map_or(Estimate::Absent(Reason::NoVariation), |permuted| Estimate::Known(permuted.p))
}
