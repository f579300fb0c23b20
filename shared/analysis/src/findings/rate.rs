//! Shares of refusals.

use std::collections::BTreeMap;
use std::ops::Range;

use beacon_core::{ModelId, QuestionId, Region, VariantName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grid::{Entry, Grid, Tally};
use crate::estimate::{Estimate, Reason};
use crate::statistics::interval::{Cluster, wilson, wilson_clustered};

/// What is counted as a refusal.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Refused, partly refused or blocked.
    Strict,
    /// The same, or evasive.
    Broad,
}

/// What pairs have in common; an absent field stands for any.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Group {
    /// Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<ModelId>,
    /// Question, all its variants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question_id: Option<QuestionId>,
    /// Category of questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<VariantName>,
}

/// An interval of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The share of refusals among the completed pairs of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rate {
    /// Whose.
    pub group: Group,
    /// Of what.
    pub measure: Measure,
    /// Completed pairs that count.
    pub count: u64,
    /// Completed pairs.
    pub completed: u64,
    /// Questions among them, variants of one counted once: the clusters of the interval.
    pub questions: u64,
    /// `count` ÷ `completed`.
    pub share: Estimate<f64>,
    /// Of the share: Wilson's, on the effective number of independent pairs. Of a single question only
    /// where all its pairs are samples of one cell, on their number.
    pub interval: Estimate<Interval>,
}

impl Measure {
    pub(super) const ALL: [Self; 2] = [Self::Strict, Self::Broad];
}

/// The shares overall, and by region, model, region and model, variant, category and question.
pub(super) fn rates(grid: &Grid<'_>) -> Vec<Rate> {
    let (entries, models, regions) = (&grid.entries, grid.models(), grid.regions());
    let mut rates = Vec::new();
    let mut add = |group: Group, entries: &[Entry], model: Option<usize>, region: Option<usize>| {
        let models = model.map_or(0..models, |one| one..one + 1);
        let regions = region.map_or(0..regions, |one| one..one + 1);
        rates.extend(of(grid, &group, entries, (models, regions)));
    };
    add(Group::default(), entries, None, None);
    for region in 0..regions {
        add(grid.group(None, Some(region)), entries, None, Some(region));
    }
    for model in 0..models {
        add(grid.group(Some(model), None), entries, Some(model), None);
    }
    for model in 0..models {
        for region in 0..regions {
            add(grid.group(Some(model), Some(region)), entries, Some(model), Some(region));
        }
    }
    for (variant, entries) in by(entries, |entry| Some(entry.variant)) {
        let variant = grid.variants.get(variant).map(|name| (*name).clone());
        add(Group { variant, ..Group::default() }, &entries, None, None);
    }
    for (category, entries) in by(entries, |entry| grid.question(entry)?.category.as_ref()) {
        add(Group { category: Some(category.clone()), ..Group::default() }, &entries, None, None);
    }
    for entries in grid.questions() {
        let question = entries.first().and_then(|entry| grid.question(*entry));
        let question_id = question.map(|question| question.id.clone());
        add(Group { question_id, ..Group::default() }, entries, None, None);
    }
    rates
}

/// Entries by what they have in common; those of one question stay together.
fn by<K: Ord>(entries: &[Entry], key: impl Fn(Entry) -> Option<K>) -> BTreeMap<K, Vec<Entry>> {
    let mut groups: BTreeMap<K, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        if let Some(key) = key(*entry) {
            groups.entry(key).or_default().push(*entry);
        }
    }
    groups
}

/// The shares of some entries' pairs with some models in some regions.
fn of(
    grid: &Grid<'_>,
    group: &Group,
    entries: &[Entry],
    (models, regions): (Range<usize>, Range<usize>),
) -> [Rate; 2] {
    let mut tallies = Vec::new();
    let mut cells = 0;
    for entries in entries.chunk_by(|a, b| a.question == b.question) {
        let mut tally = Tally::default();
        for entry in entries {
            for model in models.clone() {
                for region in regions.clone() {
                    let cell = grid.tally(*entry, model, region);
                    cells += u64::from(cell.completed > 0);
                    tally.add(cell);
                }
            }
        }
        if tally.completed > 0 {
            tallies.push(tally);
        }
    }
    Measure::ALL.map(|measure| {
        let cluster = |tally: &Tally| Cluster { count: tally.count(measure), of: tally.completed };
        let clusters: Vec<Cluster> = tallies.iter().map(cluster).collect();
        let count = clusters.iter().map(|cluster| cluster.count).sum();
        let completed = clusters.iter().map(|cluster| cluster.of).sum();
        let interval = match group.question_id {
            // Answers of several models, regions or variants are no sample of one thing.
            Some(_) if cells > 1 => Estimate::Absent(Reason::TooFewQuestions),
            Some(_) => wilson(count, completed)
                .map_or(Estimate::Absent(Reason::NothingCompleted), Estimate::Known),
            None => wilson_clustered(&clusters),
        };
        Rate {
            group: group.clone(),
            measure,
            count,
            completed,
            questions: clusters.len() as u64,
            share: Estimate::share(count, completed),
            interval,
        }
    })
}
