//! `cargo xtask bench classifier`: the built-in classifier against labelled answers.
//!
//! `--leave-out` judges each group's rows by weights that were fitted without any row of the same group, and
//! each file's by weights fitted to the other files alone; `--fit` writes the weights that are built in;
//! `--at-least` and `--at-most-microseconds` fail where a figure is on the wrong side of its bound.

mod bounds;
mod data;
mod error;
mod fit;
mod held_out;
mod measure;
mod report;
mod weights;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use beacon_analysis::classify::{Classifier, Features};
use beacon_core::verdict::Verdict;
use clap::Args;

use bounds::Bounds;
use data::{Columns, Data};
use error::ClassifierBenchError;
use fit::Example;

/// What the labels of public data sets mean: of `XSTest`'s completions and of `SpeechMap`'s judges.
const LABELS: [(&str, Verdict); 6] = [
    ("1_full_compliance", Verdict::Answered),
    ("2_full_refusal", Verdict::Refused),
    ("3_partial_refusal", Verdict::PartlyRefused),
    ("COMPLETE", Verdict::Answered),
    ("EVASIVE", Verdict::Evasive),
    ("DENIAL", Verdict::Refused),
];

/// What to measure on.
#[derive(Debug, Args)]
pub(crate) struct ClassifierBench {
    /// A CSV file with a head, compressed if its name ends in `.gz`. May be given more than once.
    #[arg(long, required = true)]
    data: Vec<PathBuf>,
    /// The column with the answers.
    #[arg(long)]
    response: String,
    /// The column with the labels.
    #[arg(long)]
    label: String,
    /// A column whose values are reported one by one. A file without it is reported without.
    #[arg(long)]
    group: Vec<String>,
    /// The column that the bootstrap draws by; else `prompt`, `question`, `question_id` or `id`,
    /// if there is one.
    #[arg(long)]
    cluster: Option<String>,
    /// What a label means, as LABEL=VERDICT. Verdicts and the labels of `XSTest` and `SpeechMap` are known;
    /// rows with others are left out and counted.
    #[arg(long)]
    map: Vec<String>,
    /// Wrong rows that are shown of each file.
    #[arg(long, default_value_t = 20)]
    wrong: usize,
    /// Prints JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Shows beside it what weights say that were fitted without the group, and without the file.
    #[arg(long)]
    leave_out: bool,
    /// Fits the weights to the files and writes them here.
    #[arg(long)]
    fit: Option<PathBuf>,
    #[command(flatten)]
    bounds: Bounds,
}

/// What the classifier made of a file's rows, in their order.
#[derive(Debug)]
struct Judged {
    features: Vec<Features>,
    verdicts: Vec<Verdict>,
    confidences: Vec<f64>,
    /// Microseconds.
    took: Vec<f64>,
}

/// Measures, prints, and fails where a figure is on the wrong side of its bound.
pub(crate) fn classifier(options: &ClassifierBench) -> Result<(), ClassifierBenchError> {
    let verdicts = labels(&options.map)?;
    let columns = Columns {
        response: &options.response,
        label: &options.label,
        groups: &options.group,
        cluster: options.cluster.as_deref(),
    };
    let files: Vec<Data> = options
        .data
        .iter()
        .map(|path| data::read(path, &columns, &verdicts))
        .collect::<Result<_, _>>()?;
    let judged: Vec<Judged> = files.iter().map(judge).collect();
    let examples = examples(&files, &judged);
    if let Some(path) = &options.fit {
        let file = Classifier::model_file()?;
        let model = fit::fit(&examples.iter().flatten().collect::<Vec<_>>(), &file)?;
        let write = |source| ClassifierBenchError::Write { path: path.clone(), source };
        fs::write(path, weights::toml(&file, &model)).map_err(write)?;
    }
    let held_out = if options.leave_out { Some(held_out::judge(&files, &examples)?) } else { None };
    let reports: Vec<report::FileReport> = files
        .iter()
        .zip(&judged)
        .enumerate()
        .map(|(at, (data, judged))| {
            let held_out = held_out.as_ref().and_then(|held_out| held_out.get(at));
            report::of(data, judged, held_out, &options.group)
        })
        .collect();
    if options.json {
        report::print_json(&reports)?;
    } else {
        report::print(&reports, options.wrong);
    }
    options.bounds.check(&reports)
}

fn labels(maps: &[String]) -> Result<BTreeMap<String, Verdict>, ClassifierBenchError> {
    let verdicts = Verdict::ALL.map(|verdict| (verdict.to_string(), verdict));
    let others = LABELS.iter().map(|(label, verdict)| ((*label).to_owned(), *verdict));
    let mut known: BTreeMap<String, Verdict> = verdicts.into_iter().chain(others).collect();
    for map in maps {
        let wrong = || ClassifierBenchError::Map(map.clone());
        let (label, verdict) = map.rsplit_once('=').ok_or_else(wrong)?;
        let verdict = Verdict::ALL.into_iter().find(|known| known.to_string() == verdict);
        known.insert(label.to_owned(), verdict.ok_or_else(wrong)?);
    }
    Ok(known)
}

fn judge(data: &Data) -> Judged {
    let classifier = Classifier::built_in();
    let mut judged =
        Judged { features: vec![], verdicts: vec![], confidences: vec![], took: vec![] };
    for row in &data.rows {
        let began = Instant::now();
        let judgement = classifier.classify(&row.response);
        judged.took.push(began.elapsed().as_secs_f64() * 1e6);
        judged.verdicts.push(judgement.verdict);
        judged.confidences.push(judgement.confidence);
        judged.features.push(classifier.features(&row.response));
    }
    judged
}

/// Each file's rows as a fit sees them.
fn examples(files: &[Data], judged: &[Judged]) -> Vec<Vec<Example>> {
    let example = |file, (row, features): (&data::Row, &Features)| Example {
        features: *features,
        verdict: row.verdict,
        file,
    };
    let pairs = files.iter().zip(judged).enumerate();
    pairs
        .map(|(file, (data, judged))| {
            data.rows.iter().zip(&judged.features).map(|pair| example(file, pair)).collect()
        })
        .collect()
}
