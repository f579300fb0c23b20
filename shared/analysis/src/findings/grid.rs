//! A job's pairs by what became of them, in one table.

use std::collections::BTreeMap;
use std::iter::Sum;

use beacon_core::VariantName;
use beacon_core::spec::{Question, Spec};

use super::{Group, Measure};
use crate::aggregate::{Category, QuestionAggregate};

/// Every pair of a job. Entries, models, regions, samples, variants and questions are numbers here, in the
/// specification's order.
#[derive(Debug)]
pub(super) struct Grid<'a> {
    pub(super) spec: &'a Spec,
    /// The entries, those of one question together.
    pub(super) entries: Vec<Entry>,
    /// The job's variants, in the order of their first entry.
    pub(super) variants: Vec<&'a VariantName>,
    samples: usize,
    categories: Vec<Category>,
}

/// An entry of the question list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Its index in the list.
    pub(super) index: usize,
    /// Its question, all variants of which have the same.
    pub(super) question: usize,
    pub(super) variant: usize,
}

/// Pairs of a group by whether they completed and refused.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) completed: u64,
    pub(crate) strict: u64,
    pub(crate) broad: u64,
}

impl Tally {
    /// The refusals by a measure.
    pub(crate) fn count(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Strict => self.strict,
            Measure::Broad => self.broad,
        }
    }

    /// One pair.
    pub(super) fn of(category: Category) -> Self {
        Self {
            completed: u64::from(category.completed()),
            strict: u64::from(category.counts(Measure::Strict)),
            broad: u64::from(category.counts(Measure::Broad)),
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.completed += other.completed;
        self.strict += other.strict;
        self.broad += other.broad;
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum.add(one);
            sum
        })
    }
}

impl FromIterator<Category> for Tally {
    fn from_iter<I: IntoIterator<Item = Category>>(pairs: I) -> Self {
        pairs.into_iter().map(Self::of).sum()
    }
}

impl<'a> Grid<'a> {
    /// From a job's aggregates. What they do not tell of is open.
    pub(super) fn new(spec: &'a Spec, aggregates: &[QuestionAggregate]) -> Self {
        let (mut questions, mut variants) = (BTreeMap::new(), BTreeMap::new());
        let mut entries = Vec::with_capacity(spec.questions.len());
        let mut names = Vec::new();
        for (index, entry) in spec.questions.iter().enumerate() {
            let next = questions.len();
            let question = *questions.entry(&entry.id).or_insert(next);
            let variant = *variants.entry(&entry.variant).or_insert_with(|| {
                names.push(&entry.variant);
                names.len() - 1
            });
            entries.push(Entry { index, question, variant });
        }
        entries.sort_by_key(|entry| entry.question);
        let samples = usize::from(spec.samples);
        let of_entry = spec.models.len() * spec.regions.len() * samples;
        let mut categories = vec![Category::Open; spec.questions.len() * of_entry];
        for aggregate in aggregates {
            let entry = usize::try_from(aggregate.question.0).unwrap_or(usize::MAX);
            let places = categories.chunks_mut(of_entry.max(1)).nth(entry);
            let cells = places.into_iter().flat_map(|places| places.chunks_mut(samples.max(1)));
            for (places, cell) in cells.zip(&aggregate.cells) {
                places.iter_mut().zip(cell.categories()).for_each(|(place, category)| {
                    *place = category;
                });
            }
        }
        Self { spec, entries, variants: names, samples, categories }
    }

    /// The entry's place in the question list.
    pub(super) fn question(&self, entry: Entry) -> Option<&'a Question> {
        self.spec.questions.get(entry.index)
    }

    /// The group of a model, of a region, or of both.
    pub(super) fn group(&self, model: Option<usize>, region: Option<usize>) -> Group {
        let region = region.and_then(|region| self.spec.regions.get(region));
        Group {
            model_id: model.and_then(|model| self.spec.models.get(model)).cloned(),
            region: region.map(|prompts| prompts.region.clone()),
            ..Group::default()
        }
    }

    pub(super) fn models(&self) -> usize {
        self.spec.models.len()
    }

    pub(super) fn regions(&self) -> usize {
        self.spec.regions.len()
    }

    /// What became of the samples of a cell.
    pub(super) fn cell(&self, entry: Entry, model: usize, region: usize) -> &[Category] {
        let cell = (entry.index * self.models() + model) * self.regions() + region;
        let start = cell * self.samples;
        self.categories.get(start..start + self.samples).unwrap_or_default()
    }

    pub(super) fn tally(&self, entry: Entry, model: usize, region: usize) -> Tally {
        self.cell(entry, model, region).iter().copied().collect()
    }

    /// Every pair's category.
    pub(super) fn all(&self) -> &[Category] {
        &self.categories
    }

    /// The entries of each question, in order.
    pub(super) fn questions(&self) -> impl Iterator<Item = &[Entry]> {
        self.entries.chunk_by(|a, b| a.question == b.question)
    }
}
