//! What differs between two jobs that asked the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use beacon_core::spec::{Question, RegionPrompts};
use beacon_core::verdict::RulesVersion;
use beacon_core::{JobId, ModelId, QuestionId, Region, Run, VariantName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::difference::{Difference, told};
use super::family::Family;
use super::grid::{Entry, Grid};
use super::summary::NOT_CAUSAL;
use super::table::{Table, Within};
use super::wording::{counted, holm, list};
use super::{Comparison, Dimension, Group, METHOD, Measure, Subject, comparison};
use crate::aggregate::QuestionAggregate;
use crate::statistics::compare::Pairs;

/// Two jobs, compared in the pairs that both completed: same question, variant, model, region and sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobComparison {
    /// One job.
    pub a: JobSide,
    /// The other.
    pub b: JobSide,
    /// [`super::METHOD`].
    pub method: u32,
    /// What the two did not do alike, so that it may be what makes them differ.
    pub differences: Vec<JobDifference>,
    /// The shares of refusals of the two, overall, by region and by model. Sides are job ids.
    pub comparisons: Vec<Comparison>,
    /// The comparisons in plain words, the most important first; each follows from a number above.
    pub summary: Vec<String>,
}

/// One of two jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobSide {
    /// The job.
    pub job_id: JobId,
    /// Its run.
    pub run: Run,
    /// Of the rules that judged its texts.
    pub rules: RulesVersion,
    /// Some of its answers were made up by the simulated provider.
    pub simulated: bool,
    /// All its pairs.
    pub planned: u64,
    /// Those that completed.
    pub completed: u64,
    /// Those that completed and have a completed counterpart in the other job.
    pub matched: u64,
    /// Entries of its question list that the other does not have.
    pub only_questions: Vec<EntryKey>,
    /// Models that the other did not ask.
    pub only_models: Vec<ModelId>,
    /// Regions that the other did not ask.
    pub only_regions: Vec<Region>,
}

/// An entry of a question list, as two jobs share it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct EntryKey {
    /// The question.
    pub question_id: QuestionId,
    /// How it is put.
    pub variant: VariantName,
}

/// Something that two jobs did not do alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum JobDifference {
    /// Their texts were judged by other rules.
    Rules,
    /// Simulated providers, whose answers are made up, were asked for one of them, or for both.
    Simulated,
    /// Temperature, tokens, seed or nucleus.
    Sampling,
    /// Entries of both whose text, or system prompt in a region of both, is not the same.
    Prompts {
        /// Which.
        entries: Vec<EntryKey>,
    },
}

/// Compares two jobs in the pairs that both completed.
pub fn compare_jobs(
    (subject_a, aggregates_a): (&Subject<'_>, &[QuestionAggregate]),
    (subject_b, aggregates_b): (&Subject<'_>, &[QuestionAggregate]),
) -> JobComparison {
    let grids = [Grid::new(subject_a.spec, aggregates_a), Grid::new(subject_b.spec, aggregates_b)];
    let [grid_a, grid_b] = &grids;
    let shared = Shared::of(grid_a, grid_b);
    let everything = shared.table(Within::All);
    let matched = everything.pairs(0, 1, Measure::Strict).iter().map(Pairs::all).sum();
    let family = |tables| Family {
        dimension: Dimension::Job,
        names: vec![subject_a.job_id.to_string(), subject_b.job_id.to_string()],
        pairs: vec![(0, 1)],
        tables,
    };
    let regions = shared.regions.iter().map(|(region, _)| {
        (grid_a.group(None, Some(*region)), shared.table(Within::Region(*region)))
    });
    let models = shared
        .models
        .iter()
        .map(|(model, _)| (grid_a.group(Some(*model), None), shared.table(Within::Model(*model))));
    let families = [
        family(vec![(Group::default(), everything)]),
        family(regions.collect()),
        family(models.collect()),
    ];
    let mut comparisons = Vec::new();
    for family in &families {
        for measure in Measure::ALL {
            comparisons.extend(comparison::comparisons(family, measure));
        }
    }
    let mut comparison = JobComparison {
        a: side(subject_a, grid_a, grid_b, matched),
        b: side(subject_b, grid_b, grid_a, matched),
        method: METHOD,
        differences: differences(subject_a, subject_b, &shared),
        comparisons,
        summary: Vec::new(),
    };
    comparison.summary = summary(&comparison);
    comparison
}

/// What two jobs have in common, as numbers in the one and in the other.
struct Shared<'a> {
    a: &'a Grid<'a>,
    b: &'a Grid<'a>,
    entries: Vec<(Entry, Entry)>,
    models: Vec<(usize, usize)>,
    regions: Vec<(usize, usize)>,
}

impl<'a> Shared<'a> {
    fn of(a: &'a Grid<'a>, b: &'a Grid<'a>) -> Self {
        let of_b: BTreeMap<_, Entry> =
            b.entries.iter().filter_map(|entry| Some((key(b.question(*entry)?), *entry))).collect();
        let entry = |entry: &Entry| Some((*entry, *of_b.get(&key(a.question(*entry)?))?));
        let models = a.spec.models.iter().enumerate();
        let model = |(at, model): (usize, &ModelId)| {
            Some((at, b.spec.models.iter().position(|other| other == model)?))
        };
        let regions = a.spec.regions.iter().enumerate();
        let region = |(at, prompts): (usize, &RegionPrompts)| {
            let same = |other: &RegionPrompts| other.region == prompts.region;
            Some((at, b.spec.regions.iter().position(same)?))
        };
        Self {
            a,
            b,
            entries: a.entries.iter().filter_map(entry).collect(),
            models: models.filter_map(model).collect(),
            regions: regions.filter_map(region).collect(),
        }
    }

    /// The two jobs beside each other: a row an entry, model, region and sample. `within` speaks of the
    /// numbers in the first.
    fn table(&self, within: Within) -> Table {
        let mut table = Table::new(2);
        for (entry, other) in &self.entries {
            for (model, other_model) in self.models.iter().filter(|(one, _)| within.model(*one)) {
                for (region, other_region) in
                    self.regions.iter().filter(|(one, _)| within.region(*one))
                {
                    let cell = self.a.cell(*entry, *model, *region);
                    let other = self.b.cell(*other, *other_model, *other_region);
                    table.push(entry.question, &[Some(cell), Some(other)]);
                }
            }
        }
        table
    }
}

fn key(question: &Question) -> (&QuestionId, &VariantName) {
    (&question.id, &question.variant)
}

fn entry_key(question: &Question) -> EntryKey {
    EntryKey { question_id: question.id.clone(), variant: question.variant.clone() }
}

fn side(subject: &Subject<'_>, grid: &Grid<'_>, other: &Grid<'_>, matched: u64) -> JobSide {
    let (spec, there) = (subject.spec, other.spec);
    let keys: BTreeSet<_> = there.questions.iter().map(key).collect();
    let only_questions = spec.questions.iter().filter(|question| !keys.contains(&key(question)));
    let only_models = spec.models.iter().filter(|model| !there.models.contains(model));
    let regions = spec.regions.iter().map(|prompts| &prompts.region);
    JobSide {
        job_id: subject.job_id.clone(),
        run: subject.run,
        rules: subject.rules.clone(),
        simulated: subject.simulated,
        planned: grid.all().len() as u64,
        completed: grid.all().iter().filter(|category| category.completed()).count() as u64,
        matched,
        only_questions: only_questions.map(entry_key).collect(),
        only_models: only_models.cloned().collect(),
        only_regions: regions.filter(|region| there.region(region).is_none()).cloned().collect(),
    }
}

fn differences(a: &Subject<'_>, b: &Subject<'_>, shared: &Shared<'_>) -> Vec<JobDifference> {
    let prompts = |(entry, other): &(Entry, Entry)| {
        let (asked, other) = (shared.a.question(*entry)?, shared.b.question(*other)?);
        let differs = shared.regions.iter().any(|(region, _)| {
            let region = a.spec.regions.get(*region).map(|prompts| &prompts.region);
            region
                .is_some_and(|region| a.spec.prompt(asked, region) != b.spec.prompt(other, region))
        });
        differs.then(|| entry_key(asked))
    };
    let entries: Vec<EntryKey> = shared.entries.iter().filter_map(prompts).collect();
    let differences = [
        (a.rules != b.rules).then_some(JobDifference::Rules),
        (a.simulated || b.simulated).then_some(JobDifference::Simulated),
        (a.spec.sampling != b.spec.sampling).then_some(JobDifference::Sampling),
        (!entries.is_empty()).then_some(JobDifference::Prompts { entries }),
    ];
    differences.into_iter().flatten().collect()
}

fn summary(jobs: &JobComparison) -> Vec<String> {
    let (a, b) = (&jobs.a, &jobs.b);
    let mut sentences = vec![format!(
        "Of {} of `{}` and {} of `{}`, {} completed in both; only those are compared.",
        counted(a.planned, "planned answer"),
        a.job_id,
        counted(b.planned, "planned answer"),
        b.job_id,
        counted(a.matched, "pair")
    )];
    sentences.extend(apart(a, b));
    sentences.extend(unlike(&jobs.differences));
    let within = |kind: fn(&Group) -> bool| {
        let strict = jobs.comparisons.iter().filter(|one| one.measure == Measure::Strict);
        strict.filter(|one| kind(&one.within)).collect::<Vec<_>>()
    };
    sentences.extend(match Difference::of(&within(|group| *group == Group::default())) {
        Difference::Holds { largest, test, .. } => Some(format!("Job {}.", told(largest, test))),
        Difference::CanBeChance { test } => Some(format!(
            "No difference between the two jobs was found that could not be chance ({}).",
            holm(test)
        )),
        Difference::AllAlike => Some(
            "No pair set side by side differs between the two jobs in whether it refuses."
                .to_owned(),
        ),
        Difference::Nothing => None,
    });
    let by_model = Difference::of(&within(|group| group.model_id.is_some()));
    let by_region = Difference::of(&within(|group| group.region.is_some()));
    for (difference, by) in [(by_model, "model"), (by_region, "region")] {
        if let Difference::Holds { largest, test, .. } = difference {
            sentences.push(format!("Largest by {by}: {}.", told(largest, test)));
        }
    }
    sentences.push(NOT_CAUSAL.to_owned());
    sentences
}

/// What one of the two asked and the other did not.
fn apart(a: &JobSide, b: &JobSide) -> Option<String> {
    let of = |side: &JobSide| {
        let (questions, models, regions) =
            (&side.only_questions, &side.only_models, &side.only_regions);
        let questions = questions.iter().map(|entry| &entry.question_id);
        let parts = [
            named(&questions.collect::<Vec<_>>(), "question"),
            named(models, "model"),
            named(regions, "region"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| format!("{} of `{}`", list(&parts), side.job_id))
    };
    let parts: Vec<String> = [of(a), of(b)].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("Asked in one of the two alone: {}.", parts.join("; ")))
}

/// A single one by its name, more of them by their number.
fn named(names: &[impl Display], kind: &str) -> Option<String> {
    match names {
        [] => None,
        [name] => Some(format!("the {kind} `{name}`")),
        names => Some(counted(names.len() as u64, kind)),
    }
}

/// What makes the two incomparable, or less comparable.
fn unlike(differences: &[JobDifference]) -> Option<String> {
    let what = differences.iter().map(|difference| match difference {
        JobDifference::Rules => "their texts were judged by different rules".to_owned(),
        JobDifference::Simulated => {
            "simulated providers, whose answers are made up, were asked for one of them or both"
                .to_owned()
        }
        JobDifference::Sampling => "their sampling parameters differ".to_owned(),
        JobDifference::Prompts { entries } => {
            format!("prompts of {} differ", counted(entries.len() as u64, "question"))
        }
    });
    let what: Vec<String> = what.collect();
    (!what.is_empty()).then(|| format!("The two are not alike in all else: {}.", list(&what)))
}
