//! What is printed of a file.
#![expect(clippy::print_stdout, reason = "printing is what this file is for")]

use std::collections::{BTreeMap, BTreeSet};

use beacon_core::verdict::Verdict;
use serde::Serialize;

use super::data::{Data, Row};
use super::held_out::HeldOut;
use super::measure::{self, Measure, Scores, VERDICTS};
use super::{ClassifierBenchError, Judged};

/// Characters of a wrong answer that are shown.
const SHOWN: usize = 100;
/// Answers shorter than this (bytes) say little of the time that 2 KB take.
const TIMED: usize = 512;

/// All that is said of a file.
#[derive(Debug, Serialize)]
pub(super) struct FileReport {
    pub(super) file: String,
    rows: usize,
    unmapped: BTreeMap<String, usize>,
    clusters: String,
    scores: Vec<Line>,
    groups: Vec<Group>,
    /// Rows by label, columns by verdict, both in the order of `verdicts`.
    confusion: [[u32; 4]; 4],
    verdicts: [Verdict; 4],
    wrong: Vec<Wrong>,
    /// Of an answer, the median.
    microseconds: Option<f64>,
    /// Of 2,048 bytes, the median over answers of half a kilobyte and more.
    pub(super) microseconds_2_kb: Option<f64>,
    /// Whether the times are of a build that is not optimised.
    debug_build: bool,
}

/// One measure, and the same by weights fitted without the group and without the file.
#[derive(Debug, Serialize)]
struct Line {
    measure: String,
    built_in: Scores,
    without_group: Option<Scores>,
    without_file: Option<Scores>,
}

/// The rows with one value in one column.
#[derive(Debug, Serialize)]
struct Group {
    column: String,
    value: String,
    rows: usize,
    refusal: Line,
    broad: Line,
}

#[derive(Debug, Serialize)]
struct Wrong {
    row: usize,
    label: String,
    verdict: Verdict,
    confidence: f64,
    begins: String,
}

impl FileReport {
    /// F1 by the built-in weights.
    pub(super) fn f1(&self, measure: Measure) -> Option<f64> {
        self.scores.iter().find(|line| line.measure == measure.name())?.built_in.f1
    }
}

/// Measures a file.
pub(super) fn of(
    data: &Data,
    judged: &Judged,
    held_out: Option<&HeldOut>,
    columns: &[String],
) -> FileReport {
    let views = Views { data, judged, held_out };
    let wrong = data.rows.iter().zip(judged.verdicts.iter().zip(&judged.confidences));
    let wrong = wrong.filter(|(row, (verdict, _))| row.verdict != **verdict);
    FileReport {
        file: data.name.clone(),
        rows: data.rows.len(),
        unmapped: data.unmapped.clone(),
        clusters: data.clusters.clone(),
        scores: Measure::all().map(|measure| views.line(measure, |_| true)).collect(),
        groups: columns.iter().flat_map(|column| groups(&views, column)).collect(),
        confusion: measure::confusion(&views.pairs(&judged.verdicts, |_| true)),
        verdicts: VERDICTS,
        wrong: wrong
            .map(|(row, (verdict, confidence))| wrong_row(row, *verdict, *confidence))
            .collect(),
        microseconds: median(judged.took.clone()),
        microseconds_2_kb: median(per_2_kb(data, judged)),
        debug_build: cfg!(debug_assertions),
    }
}

fn wrong_row(row: &Row, verdict: Verdict, confidence: f64) -> Wrong {
    let begins = row.response.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c });
    Wrong {
        row: row.number,
        label: row.label.clone(),
        verdict,
        confidence,
        begins: begins.collect(),
    }
}

fn groups(views: &Views<'_>, column: &str) -> Vec<Group> {
    let values: BTreeSet<&String> =
        views.data.rows.iter().filter_map(|row| row.groups.get(column)).collect();
    let group = |value: &String| {
        let is = |row: &Row| row.groups.get(column) == Some(value);
        Group {
            column: column.to_owned(),
            value: value.clone(),
            rows: views.data.rows.iter().filter(|row| is(row)).count(),
            refusal: views.line(Measure::Refusal, is),
            broad: views.line(Measure::Broad, is),
        }
    };
    values.into_iter().map(group).collect()
}

/// A file's rows with the judgements of each set of weights.
struct Views<'a> {
    data: &'a Data,
    judged: &'a Judged,
    held_out: Option<&'a HeldOut>,
}

impl<'a> Views<'a> {
    fn line(&self, measure: Measure, of: impl Fn(&Row) -> bool) -> Line {
        let held_out = |verdicts: &[Verdict]| {
            let whole = verdicts.len() == self.data.rows.len();
            whole.then(|| measure::scores(&self.pairs(verdicts, &of), measure))
        };
        Line {
            measure: measure.name(),
            built_in: measure::scores(&self.pairs(&self.judged.verdicts, &of), measure),
            without_group: self.held_out.and_then(|held| held_out(&held.without_group)),
            without_file: self.held_out.and_then(|held| held_out(&held.without_file)),
        }
    }

    fn pairs(&self, verdicts: &[Verdict], of: impl Fn(&Row) -> bool) -> Vec<measure::Judged<'a>> {
        let rows = self.data.rows.iter().zip(verdicts).filter(|(row, _)| of(row));
        rows.map(|(row, found)| measure::Judged {
            truth: row.verdict,
            found: *found,
            cluster: &row.cluster,
        })
        .collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "an answer's bytes")]
fn per_2_kb(data: &Data, judged: &Judged) -> Vec<f64> {
    let rows = data.rows.iter().zip(&judged.took);
    rows.filter(|(row, _)| row.response.len() >= TIMED)
        .map(|(row, took)| took * 2048.0 / row.response.len() as f64)
        .collect()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Prints the reports as one JSON array.
pub(super) fn print_json(reports: &[FileReport]) -> Result<(), ClassifierBenchError> {
    println!("{}", serde_json::to_string_pretty(reports)?);
    Ok(())
}

/// Prints the reports as Markdown, each with its first `wrong` wrong rows.
pub(super) fn print(reports: &[FileReport], wrong: usize) {
    for report in reports {
        println!("## {}\n", report.file);
        println!("{} rows; intervals: 95 %, bootstrap by {}.", report.rows, report.clusters);
        for (label, rows) in &report.unmapped {
            println!("{rows} rows with the label `{label}` are left out.");
        }
        let held_out = report.scores.iter().any(|line| line.without_file.is_some());
        let grouped = report.scores.iter().any(|line| line.without_group.is_some());
        println!();
        print_head(&["", "rows"], grouped, held_out);
        for line in &report.scores {
            print_line(
                &[&line.measure, &line.built_in.labelled.to_string()],
                line,
                grouped,
                held_out,
            );
        }
        print_groups(report, grouped, held_out);
        print_confusion(report);
        print_wrong(report, wrong);
        print_times(report);
    }
}

fn print_head(first: &[&str], grouped: bool, held_out: bool) {
    let mut cells: Vec<&str> = first.to_vec();
    cells.extend(["precision", "recall", "F1 [95 %]"]);
    if grouped {
        cells.push("F1 without its groups");
    }
    if held_out {
        cells.push("F1 without its file");
    }
    println!("| {} |", cells.join(" | "));
    println!("|{}", " --- |".repeat(cells.len()));
}

fn print_line(first: &[&str], line: &Line, grouped: bool, held_out: bool) {
    let built_in = &line.built_in;
    let mut cells: Vec<String> = first.iter().map(|cell| (*cell).to_owned()).collect();
    cells.extend([figure(built_in.precision), figure(built_in.recall), f1(built_in)]);
    let without = |scores: Option<&Scores>| scores.map_or_else(|| "–".to_owned(), f1);
    if grouped {
        cells.push(without(line.without_group.as_ref()));
    }
    if held_out {
        cells.push(without(line.without_file.as_ref()));
    }
    println!("| {} |", cells.join(" | "));
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

fn f1(scores: &Scores) -> String {
    match scores.f1_interval {
        Some((low, high)) => format!("{} [{low:.3}, {high:.3}]", figure(scores.f1)),
        None => figure(scores.f1),
    }
}

fn print_groups(report: &FileReport, grouped: bool, held_out: bool) {
    let columns: BTreeSet<&String> = report.groups.iter().map(|group| &group.column).collect();
    for column in columns {
        println!("\nBy {column}:\n");
        print_head(&[column, "counted", "rows"], grouped, held_out);
        for group in report.groups.iter().filter(|group| group.column == *column) {
            for (counted, line) in [("refusal", &group.refusal), ("broad", &group.broad)] {
                let rows = format!("{} of {}", line.built_in.labelled, group.rows);
                print_line(&[&group.value, counted, &rows], line, grouped, held_out);
            }
        }
    }
}

fn print_confusion(report: &FileReport) {
    let names: Vec<String> = report.verdicts.iter().map(ToString::to_string).collect();
    println!("\nLabel (rows) by verdict (columns):\n");
    println!("| | {} |", names.join(" | "));
    println!("|{}", " --- |".repeat(names.len() + 1));
    for (name, row) in names.iter().zip(&report.confusion) {
        println!("| {name} | {} |", row.map(|count| count.to_string()).join(" | "));
    }
}

fn print_wrong(report: &FileReport, most: usize) {
    println!(
        "\n{} rows are judged otherwise than labelled; {} shown:\n",
        report.wrong.len(),
        most.min(report.wrong.len())
    );
    for wrong in report.wrong.iter().take(most) {
        let Wrong { row, label, verdict, confidence, begins } = wrong;
        println!("- row {row}: {label}, judged {verdict} ({confidence:.2}): {begins}");
    }
}

fn print_times(report: &FileReport) {
    let microseconds =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.0} µs"));
    let build = if report.debug_build { " (not an optimised build: add --release)" } else { "" };
    println!(
        "\nMedian time: {} an answer, {} for 2 KB{build}.\n",
        microseconds(report.microseconds),
        microseconds(report.microseconds_2_kb)
    );
}
