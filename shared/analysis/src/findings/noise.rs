//! Disagreement by chance beside disagreement between regions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grid::{Entry, Grid};
use super::{Interval, Method, Test};
use crate::estimate::{Estimate, Reason, mean, real};
use crate::statistics::interval::mean_of_clusters;
use crate::statistics::permutation::{Answers, Draws, exchanged};

/// Disagreement of categories by chance, beside disagreement between regions. Shares of pairs of
/// completed answers to the same question by the same model that differ in their category; means over
/// questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Noise {
    /// Between samples within a cell: the noise floor.
    pub within: Estimate<f64>,
    /// Between regions.
    pub between: Estimate<f64>,
    /// Between minus within, percentage points, with its interval.
    pub excess: Estimate<Excess>,
    /// Whether that can be chance; one-sided, alone in its family. Its statistic is the excess as a share.
    pub test: Estimate<Test>,
}

/// What disagreement between regions has beyond the noise floor, percentage points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Excess {
    /// Between minus within.
    pub points: f64,
    /// Of it.
    pub interval: Estimate<Interval>,
}

/// Where the draws of every exchange of answers begin: the same answers give the same figures.
pub(super) const SEED: u64 = 0x6e6f_6973;

/// The noise of the whole job. A question's shares are the means over its entries and models.
pub(super) fn noise(grid: &Grid<'_>) -> Noise {
    let one_region = (grid.regions() < 2).then_some(Reason::OneRegion);
    let one_sample = (grid.spec.samples < 2).then_some(Reason::OneSample);
    let questions: Vec<Vec<Answers>> = grid
        .questions()
        .map(|entries| {
            let strata = entries.iter().flat_map(|entry| strata(grid, *entry));
            let says = |stratum: &Answers| {
                (one_region.is_some() || stratum.has_between())
                    && (one_sample.is_some() || stratum.has_within())
            };
            strata.filter(says).collect()
        })
        .filter(|strata: &Vec<Answers>| !strata.is_empty())
        .collect();
    let within = means(&questions, Answers::share_within);
    let between = means(&questions, Answers::share_between);
    let mean_or = |shares: &[f64], absent: Option<Reason>| match absent {
        Some(reason) => Estimate::Absent(reason),
        None => Estimate::mean(shares, Reason::NoPairs),
    };
    let absent = one_region.or(one_sample);
    let points: Vec<f64> =
        between.iter().zip(&within).map(|(between, within)| 100.0 * (between - within)).collect();
    let excess = mean_or(&points, absent)
        .map(|of_all| Excess { points: of_all, interval: mean_of_clusters(&points) });
    Noise {
        within: mean_or(&within, one_sample),
        between: mean_or(&between, one_region),
        excess,
        test: absent.map_or_else(|| test(questions), Estimate::Absent),
    }
}

/// One for each model.
pub(super) fn strata(grid: &Grid<'_>, entry: Entry) -> impl Iterator<Item = Answers> {
    (0..grid.models()).map(move |model| {
        Answers::new((0..grid.regions()).map(move |region| grid.cell(entry, model, region)))
    })
}

/// Of each question, none of which is without a model.
fn means(questions: &[Vec<Answers>], share: fn(&Answers) -> f64) -> Vec<f64> {
    let shares = |strata: &Vec<Answers>| strata.iter().map(share).collect::<Vec<f64>>();
    questions.iter().filter_map(|strata| mean(&shares(strata))).collect()
}

/// Of the mean over questions of what they have between regions beyond what they have within.
fn test(questions: Vec<Vec<Answers>>) -> Estimate<Test> {
    let count = questions.len() as u64;
    if count == 0 {
        return Estimate::Absent(Reason::NoPairs);
    }
    let weighed = questions.into_iter().flat_map(|strata| {
        let weight = 1.0 / (real(count) * real(strata.len() as u64));
        strata.into_iter().map(move |stratum| stratum.weighing(weight))
    });
    let strata: Vec<Answers> = weighed.collect();
    let answers = strata.iter().map(Answers::answers).sum();
    exchanged(&strata, Draws::alone(answers), SEED).map_or(
        Estimate::Absent(Reason::NoVariation),
        |found| {
            Estimate::Known(Test {
                method: Method::AnswerPermutation,
                statistic: Some(found.statistic),
                p: found.p,
                p_holm: found.p,
                p_bh: found.p,
                draws: found.draws,
            })
        },
    )
}
