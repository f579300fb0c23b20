//! What is compared with what, and which tests are adjusted for each other.

use beacon_core::VariantName;

use super::grid::Grid;
use super::table::{Table, Within};
use super::{Confound, Dimension, Group};

/// Comparisons of one family, by each measure: every two regions of every model, when there are so many of
/// them, are not looked at.
const MAX_COMPARISONS: usize = 2_000;

/// Variants that are set side by side.
const MAX_VARIANTS: usize = 100;

/// Comparisons along one dimension within groups of one kind. By one measure, its tests are adjusted for
/// each other and for no others.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) dimension: Dimension,
    /// Of the levels.
    pub(super) names: Vec<String>,
    /// The levels that are compared in each of the tables.
    pub(super) pairs: Vec<(usize, usize)>,
    /// The pairs, with what they have in common.
    pub(super) tables: Vec<(Group, Table)>,
}

/// A job's families.
#[derive(Debug, Default)]
pub(super) struct Families {
    pub(super) families: Vec<Family>,
    /// Some were left out, being too many.
    pub(super) too_many: bool,
}

impl Family {
    /// Every two of the levels.
    pub(super) fn every_two(dimension: Dimension, names: Vec<String>) -> Self {
        let levels = names.len();
        let pairs = (0..levels).flat_map(|a| (a + 1..levels).map(move |b| (a, b))).collect();
        Self { dimension, names, pairs, tables: Vec::new() }
    }

    /// The name of a level.
    pub(super) fn name(&self, level: usize) -> String {
        self.names.get(level).cloned().unwrap_or_default()
    }

    /// Whether its levels are compared in all pairs of the job, whatever they have in common.
    pub(super) fn is_overall(&self) -> bool {
        self.tables.iter().all(|(within, _)| *within == Group::default())
    }
}

impl Families {
    /// Regions overall, within each model and, where a variant tells them from their prompts, within each
    /// variant; models overall; variants overall, each against its base.
    pub(super) fn new(grid: &Grid<'_>, confound: &Confound) -> Self {
        let mut all = Self::default();
        let region = |within| Table::of_regions(grid, within);
        all.add(regions(grid), 1, || vec![(Group::default(), region(Within::All))]);
        all.add(regions(grid), grid.models(), || {
            let of_model = |model| (grid.group(Some(model), None), region(Within::Model(model)));
            (0..grid.models()).map(of_model).collect()
        });
        if let Confound::Separable { .. } = confound {
            all.add(regions(grid), grid.variants.len(), || {
                let names = grid.variants.iter().enumerate();
                let of_variant = |(variant, name): (usize, &&VariantName)| {
                    let group = Group { variant: Some((*name).clone()), ..Group::default() };
                    (group, region(Within::Variant(variant)))
                };
                names.map(of_variant).collect()
            });
        }
        let models = grid.spec.models.iter().map(ToString::to_string).collect();
        let models = Family::every_two(Dimension::Model, models);
        all.add(models, 1, || vec![(Group::default(), Table::of_models(grid))]);
        if grid.variants.len() <= MAX_VARIANTS {
            all.add(variants(grid), 1, || vec![(Group::default(), Table::of_variants(grid))]);
        } else {
            all.too_many = true;
        }
        all
    }

    fn add(&mut self, family: Family, tables: usize, make: impl FnOnce() -> Vec<(Group, Table)>) {
        if family.pairs.len() * tables > MAX_COMPARISONS {
            self.too_many = true;
        } else if !family.pairs.is_empty() {
            self.families.push(Family { tables: make(), ..family });
        }
    }
}

fn regions(grid: &Grid<'_>) -> Family {
    let names = grid.spec.regions.iter().map(|prompts| prompts.region.to_string()).collect();
    Family::every_two(Dimension::Region, names)
}

/// Each variant against that which it varies: a paraphrase under a named prompt against the question's own
/// text under the same prompt, any other against `base`, or the first where there is no `base`.
fn variants(grid: &Grid<'_>) -> Family {
    let names: Vec<String> = grid.variants.iter().map(ToString::to_string).collect();
    let at = |wanted: &str| names.iter().position(|name| name == wanted);
    let base = at(VariantName::base().as_str()).unwrap_or(0);
    let of = |(variant, name): (usize, &String)| {
        let prompt = name.split_once('/').and_then(|(_, prompt)| at(prompt));
        (prompt.unwrap_or(base), variant)
    };
    let pairs = names.iter().enumerate().map(of).filter(|(base, variant)| base != variant);
    Family {
        dimension: Dimension::Variant,
        pairs: pairs.collect(),
        tables: Vec::new(),
        names: names.clone(),
    }
}
