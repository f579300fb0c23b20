//! Pairs set side by side at the levels that are compared.

use super::Measure;
use super::grid::{Entry, Grid};
use crate::aggregate::Category;
use crate::statistics::compare::{Levels, Pairs};

/// A row for every set of pairs that differ in nothing but the level (region, model, variant or job), in it
/// what became of each. The rows of a question stand together.
#[derive(Debug)]
pub(super) struct Table {
    levels: usize,
    questions: Vec<usize>,
    categories: Vec<Category>,
}

/// Which pairs a table is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    All,
    Model(usize),
    Region(usize),
    Variant(usize),
}

impl Within {
    pub(super) fn model(self, model: usize) -> bool {
        match self {
            Self::Model(one) => one == model,
            Self::All | Self::Region(_) | Self::Variant(_) => true,
        }
    }

    pub(super) fn region(self, region: usize) -> bool {
        match self {
            Self::Region(one) => one == region,
            Self::All | Self::Model(_) | Self::Variant(_) => true,
        }
    }

    fn entry(self, entry: Entry) -> bool {
        match self {
            Self::Variant(one) => one == entry.variant,
            Self::All | Self::Model(_) | Self::Region(_) => true,
        }
    }
}

impl Table {
    /// Without rows yet.
    pub(super) fn new(levels: usize) -> Self {
        Self { levels, questions: Vec::new(), categories: Vec::new() }
    }

    /// Regions beside each other: a row an entry, model and sample.
    pub(super) fn of_regions(grid: &Grid<'_>, within: Within) -> Self {
        let mut table = Self::new(grid.regions());
        for entry in grid.entries.iter().filter(|entry| within.entry(**entry)) {
            for model in (0..grid.models()).filter(|model| within.model(*model)) {
                let cells: Vec<_> = (0..grid.regions())
                    .map(|region| Some(grid.cell(*entry, model, region)))
                    .collect();
                table.push(entry.question, &cells);
            }
        }
        table
    }

    /// Models beside each other: a row an entry, region and sample.
    pub(super) fn of_models(grid: &Grid<'_>) -> Self {
        let mut table = Self::new(grid.models());
        for entry in &grid.entries {
            for region in 0..grid.regions() {
                let cells: Vec<_> = (0..grid.models())
                    .map(|model| Some(grid.cell(*entry, model, region)))
                    .collect();
                table.push(entry.question, &cells);
            }
        }
        table
    }

    /// Variants beside each other: a row a question, model, region and sample. A variant that a question
    /// does not have is open there.
    pub(super) fn of_variants(grid: &Grid<'_>) -> Self {
        let mut table = Self::new(grid.variants.len());
        for entries in grid.questions() {
            let mut of_variant = vec![None; grid.variants.len()];
            for entry in entries {
                if let Some(place) = of_variant.get_mut(entry.variant) {
                    *place = Some(*entry);
                }
            }
            let question = entries.first().map_or(0, |entry| entry.question);
            for model in 0..grid.models() {
                for region in 0..grid.regions() {
                    let cell =
                        |entry: &Option<Entry>| entry.map(|entry| grid.cell(entry, model, region));
                    let cells: Vec<_> = of_variant.iter().map(cell).collect();
                    table.push(question, &cells);
                }
            }
        }
        table
    }

    /// Adds a row a sample, from a cell a level.
    pub(super) fn push(&mut self, question: usize, cells: &[Option<&[Category]>]) {
        let samples = cells.iter().flatten().map(|cell| cell.len()).max().unwrap_or(0);
        for sample in 0..samples {
            self.questions.push(question);
            self.categories.extend(cells.iter().map(|cell| {
                cell.and_then(|cell| cell.get(sample)).copied().unwrap_or(Category::Open)
            }));
        }
    }

    /// The pairs that completed at two levels, a set a question.
    pub(super) fn pairs(&self, a: usize, b: usize, measure: Measure) -> Vec<Pairs> {
        let mut pairs: Vec<Pairs> = Vec::new();
        for rows in self.by_question() {
            let mut of_question = Pairs::default();
            for row in rows.chunks(self.levels.max(1)) {
                if let (Some(a), Some(b)) = (row.get(a), row.get(b))
                    && a.completed()
                    && b.completed()
                {
                    of_question.add(a.counts(measure), b.counts(measure));
                }
            }
            pairs.push(of_question);
        }
        pairs
    }

    /// The rows that completed at every level, a set a question.
    pub(super) fn levels(&self, measure: Measure) -> Vec<Levels> {
        let mut levels = Vec::new();
        for rows in self.by_question() {
            let mut of_question = Levels { rows: 0, varying: 0, counts: vec![0; self.levels] };
            for row in rows.chunks(self.levels.max(1)) {
                if row.iter().all(|category| category.completed()) {
                    of_question.rows += 1;
                    let first = row.first().map(|category| category.counts(measure));
                    let differs = |one: &Category| Some(one.counts(measure)) != first;
                    of_question.varying += u64::from(row.iter().any(differs));
                    for (count, category) in of_question.counts.iter_mut().zip(row) {
                        *count += u64::from(category.counts(measure));
                    }
                }
            }
            levels.push(of_question);
        }
        levels
    }

    /// Questions that have a row.
    pub(super) fn questions(&self) -> u64 {
        self.questions.chunk_by(PartialEq::eq).count() as u64
    }

    /// The rows of each question, one after the other.
    fn by_question(&self) -> impl Iterator<Item = &[Category]> {
        let mut rest = self.categories.as_slice();
        self.questions.chunk_by(PartialEq::eq).map(move |rows| {
            let (of_question, after) =
                rest.split_at_checked(rows.len() * self.levels).unwrap_or_default();
            rest = after;
            of_question
        })
    }
}
