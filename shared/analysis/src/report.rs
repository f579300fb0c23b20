//! A job's findings as one page for people: self-contained HTML, and the same as Markdown.
//!
//! Sections of blocks are built once and written in either form, so that the two say the same. What
//! models answered is hostile: every form escapes every text, and what would act unseen is shown.

mod answers;
mod chart;
mod comparisons;
mod difference;
mod document;
mod front;
mod heatmap;
mod html;
mod markdown;
mod method;
mod provenance;
mod questions;
mod rates;
mod served;
mod visible;
mod wording;

use beacon_core::view::ExecutionView;
use beacon_core::{ModelId, QuestionIndex};
use maud::Markup;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::difference::{Change, Piece, pieces};
use self::document::Document;
pub use self::html::{STYLE, style_within};
pub use self::served::{Served, Server};
pub use self::visible::{cut, visible};
use crate::aggregate::QuestionAggregate;
use crate::estimate::Estimate;
use crate::findings::{Findings, MadeUp};
use crate::manifest::Manifest;

/// Most divergent questions whose answers are shown.
pub const SHOWN: usize = 10;
/// Most divergent questions of which a report needs aggregates: those that its table and its map hold at most.
pub const AGGREGATED: usize = document::MAX_ROWS;
/// Characters of an answer that an embeddings endpoint is sent at most.
pub const EMBEDDED_CHARACTERS: usize = 8_000;
/// Answers that an embeddings endpoint is sent at most, those to the most divergent questions first.
pub const EMBEDDED_ANSWERS: usize = 20_000;

/// What a report is made from. The same gives the same bytes.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The job.
    pub manifest: &'a Manifest,
    /// What was found in it.
    pub findings: &'a Findings,
    /// Of the first [`AGGREGATED`] of [`Findings::questions`] at least, in any order.
    pub aggregates: &'a [QuestionAggregate],
    /// Answers to the first [`SHOWN`] of [`Findings::questions`].
    pub shown: &'a [QuestionAnswers],
    /// Who answered, over all pairs; none where not all of them were read.
    pub served: Option<&'a Served>,
    /// SHA-256 of the exported JSONL, lower-case hex; none where nothing was exported.
    pub export_sha256: Option<&'a str>,
    /// Where an embeddings endpoint was asked.
    pub embeddings: Option<&'a Embeddings>,
}

/// All pairs of one entry of the question list, in any order.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionAnswers {
    /// Which.
    pub question: QuestionIndex,
    /// Models × regions × samples.
    pub rows: Vec<ExecutionView>,
}

/// Distances of answers as an embedding model sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Embeddings {
    /// The embedding model.
    pub model: String,
    /// One a question and model, in the order in which they are shown.
    pub questions: Vec<EmbeddingDistance>,
}

/// How far one model's answers to one question lie apart: means of 1 − cosine, from 0 to 2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EmbeddingDistance {
    /// Which entry of the question list.
    pub question: QuestionIndex,
    /// Who answered.
    pub model_id: ModelId,
    /// Over pairs of answers of different regions.
    pub between: Estimate<f64>,
    /// Over pairs of samples of one region.
    pub within: Estimate<f64>,
}

/// A part of a report with a heading of its own.
#[derive(Debug, Clone)]
pub struct ReportSection {
    /// Unique in the report; ASCII letters and dashes.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// A `section` element with that id, its heading in an `h2`. It takes its looks from [`STYLE`] by classes
    /// alone, so that it may stand in a page that allows no other styles.
    pub html: Markup,
}

/// The report's sections as they stand in its HTML, for a page of another make.
pub fn sections(report: &Report<'_>) -> Vec<ReportSection> {
    let Document { made_up, sections, .. } = document(report);
    let shown = sections.into_iter().map(|section| {
        let html = html::section(&section, made_up);
        ReportSection { id: section.id, title: section.title, html }
    });
    shown.collect()
}

/// The report as one HTML file that asks for nothing else.
pub fn html(report: &Report<'_>) -> String {
    html::page(&document(report))
}

/// The same as Markdown, with tables.
pub fn markdown(report: &Report<'_>) -> String {
    markdown::page(&document(report))
}

fn document(report: &Report<'_>) -> Document {
    let made_up = match MadeUp::of(report.findings) {
        // The job knows more than its findings where it was retried since.
        MadeUp::Nothing if report.manifest.job.simulated => MadeUp::Partly,
        made_up @ (MadeUp::Nothing | MadeUp::Partly | MadeUp::Everything) => made_up,
    };
    let mut sections = vec![
        front::job(report),
        front::summary(report),
        front::denominators(report),
        heatmap::section(report),
        rates::section(report),
        rates::sensitivity(report),
        comparisons::section(report),
        comparisons::noise(report),
        comparisons::prompts(report),
        comparisons::power(report),
        comparisons::controls(report),
        questions::section(report),
    ];
    sections.extend(answers::section(report));
    sections.extend([
        method::method(report),
        method::limits(report, made_up),
        provenance::section(report),
        provenance::again(report),
    ]);
    Document { title: report.manifest.job.name.clone(), made_up, sections }
}

#[cfg(test)]
mod tests;
