//! The most divergent questions, in numbers.

use std::collections::{BTreeMap, BTreeSet};

use beacon_core::QuestionIndex;

use super::document::{Block, Line, Section, Table, code, numeric, text, words};
use super::wording::{absent, beyond, estimate};
use super::{EMBEDDED_ANSWERS, EMBEDDED_CHARACTERS, Embeddings, Report};
use crate::aggregate::{Distances, QuestionAggregate, TextDivergence};
use crate::estimate::{Estimate, Reason};
use crate::figure;

/// Every question, the most divergent first, as far as a table goes.
pub(super) fn section(report: &Report<'_>) -> Section {
    let percent = |share: &f64| figure::percent(*share);
    let by_index: BTreeMap<QuestionIndex, &QuestionAggregate> =
        report.aggregates.iter().map(|aggregate| (aggregate.question, aggregate)).collect();
    let rows = report.findings.questions.iter().map(|finding| {
        let aggregate = by_index.get(&finding.question);
        let texts = aggregate.map(|aggregate| aggregate.texts.as_slice()).unwrap_or_default();
        let [between, within] = [&finding.text, &finding.text_within];
        let of_between =
            |of| mean(between, texts.iter().map(|text: &TextDivergence| &text.between), of);
        let of_within =
            |of| mean(within, texts.iter().map(|text: &TextDivergence| &text.within), of);
        vec![
            code(&finding.question_id),
            code(&finding.variant),
            estimate(&finding.disagreement, percent),
            estimate(&finding.spread, |points| figure::size(*points)),
            estimate(between, |distance| figure::fraction(*distance)),
            estimate(within, |distance| figure::fraction(*distance)),
            of_between(|distances| distances.tfidf),
            of_within(|distances| distances.tfidf),
            of_between(|distances| distances.length),
            of_within(|distances| distances.length),
            estimate(&finding.p, |p| figure::probability(*p)),
            estimate(&finding.p_bh, |p| figure::probability(*p)),
            beyond(finding.beyond),
        ]
    });
    let columns = vec![
        text("Question"),
        text("Variant"),
        numeric("Categories that differ"),
        numeric("Largest difference, points"),
        numeric("Text, between regions"),
        numeric("Text, within a region"),
        numeric("TF-IDF, between regions"),
        numeric("TF-IDF, within a region"),
        numeric("Length, between regions"),
        numeric("Length, within a region"),
        numeric("p"),
        numeric("p, BH"),
        text("Beyond noise"),
    ];
    let table = Table::new("Questions, the most divergent first", columns, rows);
    let mut blocks = vec![
        Block::Paragraph(words(
            "Categories that differ: the share of pairs of answers of one model in two regions whose \
             categories are not the same. Text, TF-IDF and length: distances of two answers by their \
             words (Jaccard), by their words with rare ones weighing more, and by their number of \
             characters, each from 0 (the same) to 1. Within a region, between samples of one cell, \
             is their noise floor. p: how likely differences this large are where regions make none, by \
             categories and words; by Benjamini and Hochberg (BH) among all questions.",
        )),
        Block::Table(table),
    ];
    if let Some(given) = report.embeddings {
        blocks.push(Block::Table(embeddings(report, given)));
        blocks.push(Block::Paragraph(words(bounds(report, given))));
    }
    Section { id: "questions", title: "Most divergent questions", blocks }
}

/// The mean over models of one of the distances, absent where that of words is.
fn mean<'a>(
    jaccard: &Estimate<f64>,
    of_models: impl Iterator<Item = &'a Estimate<Distances>>,
    of: fn(&Distances) -> f64,
) -> Line {
    if let Estimate::Absent(reason) = jaccard {
        return absent(*reason);
    }
    let known: Vec<f64> = of_models.filter_map(Estimate::known).map(of).collect();
    estimate(&Estimate::mean(&known, Reason::NoPairs), |distance| figure::fraction(*distance))
}

/// What the embeddings endpoint was not sent.
fn bounds(report: &Report<'_>, embeddings: &Embeddings) -> String {
    let asked: BTreeSet<QuestionIndex> =
        embeddings.questions.iter().map(|distance| distance.question).collect();
    let all = &report.findings.questions;
    let left = all.iter().filter(|finding| !asked.contains(&finding.question)).count();
    let [left, characters, answers] =
        [left, EMBEDDED_CHARACTERS, EMBEDDED_ANSWERS].map(|count| figure::count(count as u64));
    format!(
        "Of each answer only the first {characters} characters were sent, and at most {answers} answers, \
         those to the most divergent questions first: {left} of {} questions were left out.",
        figure::count(all.len() as u64)
    )
}

fn embeddings(report: &Report<'_>, embeddings: &Embeddings) -> Table {
    let rows = embeddings.questions.iter().filter_map(|distance| {
        let question = report.manifest.spec.question(distance.question)?;
        Some(vec![
            code(&question.id),
            code(&question.variant),
            code(&distance.model_id),
            estimate(&distance.between, |value| figure::fraction(*value)),
            estimate(&distance.within, |value| figure::fraction(*value)),
        ])
    });
    let columns = vec![
        text("Question"),
        text("Variant"),
        text("Model"),
        numeric("Between regions"),
        numeric("Within a region"),
    ];
    let caption = format!("Mean cosine distance of answers as {} embeds them", embeddings.model);
    Table::new(caption, columns, rows)
}
