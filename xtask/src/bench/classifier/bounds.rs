//! Figures that every file must reach.

use std::str::FromStr;

use clap::Args;
use thiserror::Error;

use super::error::ClassifierBenchError;
use super::measure::Measure;
use super::report::FileReport;

/// Where the measurement fails, once it is printed.
#[derive(Debug, Args)]
pub(crate) struct Bounds {
    /// The least F1 of a file, as MEASURE=F1: of `refusal`, `broad` (refusal or evasion) or a verdict. One that
    /// cannot be computed is below.
    #[arg(long, num_args = 1.., value_name = "MEASURE=F1")]
    at_least: Vec<AtLeast>,
    /// The most microseconds that 2 KB of a file may take, by the median; without answers of half a kilobyte and
    /// more it cannot be told, and fails.
    #[arg(long, value_name = "N")]
    at_most_microseconds: Option<u32>,
}

/// The least F1 by one measure.
#[derive(Debug, Clone)]
struct AtLeast {
    /// As it was given.
    name: String,
    measure: Measure,
    f1: f64,
}

/// A bound that cannot be read.
#[derive(Debug, Error)]
#[error(
    "should be MEASURE=F1, with refusal, broad, answered, refused, partly_refused or evasive, and 0 to 1"
)]
struct NoBound;

impl FromStr for AtLeast {
    type Err = NoBound;

    fn from_str(text: &str) -> Result<Self, NoBound> {
        let (name, f1) = text.split_once('=').ok_or(NoBound)?;
        let measure = Measure::all().find(|measure| measure.short() == name).ok_or(NoBound)?;
        let f1 = f1.parse().ok().filter(|f1| (0.0..=1.0).contains(f1)).ok_or(NoBound)?;
        Ok(Self { name: name.to_owned(), measure, f1 })
    }
}

impl Bounds {
    /// Whether every file keeps to all of them.
    pub(super) fn check(&self, reports: &[FileReport]) -> Result<(), ClassifierBenchError> {
        let missed: Vec<String> = reports.iter().flat_map(|report| self.missed(report)).collect();
        if missed.is_empty() { Ok(()) } else { Err(ClassifierBenchError::Missed { missed }) }
    }

    /// What a file misses: each figure beside its bound.
    fn missed(&self, report: &FileReport) -> Vec<String> {
        let file = &report.file;
        let told = |figure: Option<String>| figure.unwrap_or_else(|| "not known".to_owned());
        let of_measure = |least: &AtLeast| {
            let AtLeast { name, measure, f1: bound } = least;
            let f1 = report.f1(*measure);
            let figure = told(f1.map(|f1| format!("{f1:.4}")));
            f1.is_none_or(|f1| f1 < *bound)
                .then(|| format!("{file}: F1 of {name} is {figure}, not at least {bound}"))
        };
        let mut missed: Vec<String> = self.at_least.iter().filter_map(of_measure).collect();
        missed.extend(self.at_most_microseconds.and_then(|bound| {
            let figure = told(report.microseconds_2_kb.map(|took| format!("{took:.1}")));
            let is_missed = report.microseconds_2_kb.is_none_or(|took| took > f64::from(bound));
            is_missed
                .then(|| format!("{file}: microseconds of 2 KB are {figure}, not at most {bound}"))
        }));
        missed
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;

    use super::super::{ClassifierBench, classifier};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        bench: ClassifierBench,
    }

    /// Why the measurement failed of two answers that are judged as labelled, and a refusal that is labelled an
    /// answer.
    fn failure(bounds: &[&str]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data.csv");
        let long = "Paris is the capital of France. ".repeat(40);
        let refusal = "I'm sorry, but I can't help with that request.";
        let rows = format!(
            "response,label\n{long},COMPLETE\n\"{refusal}\",DENIAL\n\"{refusal}\",COMPLETE\n"
        );
        fs::write(&data, rows).unwrap();
        failure_of(data.to_str().unwrap(), bounds)
    }

    fn failure_of(data: &str, bounds: &[&str]) -> Option<String> {
        let line = ["bench", "--response", "response", "--label", "label", "--data", data];
        match Line::try_parse_from(line.into_iter().chain(bounds.iter().copied())) {
            Ok(line) => classifier(&line.bench).err().map(|error| error.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }

    #[test]
    fn other_languages_than_english_are_judged_as_well_as_the_documents_say() {
        let answers = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/analysis/tests/answers");
        for (file, refusal, broad) in [
            ("chinese-seen", "refusal=0.91", "broad=0.95"),
            ("chinese-unseen", "refusal=0.82", "broad=0.75"),
            ("ten-languages-seen", "refusal=0.95", "broad=0.96"),
            ("ten-languages-unseen", "refusal=0.75", "broad=0.7"),
        ] {
            let data = format!("{answers}/{file}.csv");
            assert_eq!(failure_of(&data, &["--at-least", refusal, broad]), None);
        }
    }

    #[test]
    fn a_figure_on_the_wrong_side_of_its_bound_is_named_with_it() {
        // One of two found is one: precision 1/2, recall 1.
        assert_eq!(failure(&["--at-least", "refusal=0.66", "broad=.66", "answered=.66"]), None);
        let missed = failure(&["--at-least", "refusal=0.67", "broad=0.5", "evasive=0.1"]);
        let told = "data.csv: F1 of refusal is 0.6667, not at least 0.67; \
                    data.csv: F1 of evasive is not known, not at least 0.1";
        assert_eq!(missed.as_deref(), Some(told));
        assert_eq!(failure(&["--at-most-microseconds", "4000000000"]), None);
        let slow = failure(&["--at-most-microseconds", "0"]).unwrap();
        assert!(slow.starts_with("data.csv: microseconds of 2 KB are "), "{slow}");
        assert!(slow.ends_with(", not at most 0"), "{slow}");
    }

    #[test]
    fn a_bound_that_is_none_is_refused() {
        for wrong in ["refusal", "refusal=", "refusal=1.1", "rejection=0.9"] {
            let error = failure(&["--at-least", wrong]).unwrap();
            assert!(error.contains("should be MEASURE=F1"), "{wrong}: {error}");
        }
    }
}
