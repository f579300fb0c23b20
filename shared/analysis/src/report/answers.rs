//! Answers to the most divergent questions, side by side: regions in columns, a model at a time.

use std::collections::BTreeMap;

use beacon_core::execution::Outcome;
use beacon_core::verdict::{Evidence, VerdictView};
use beacon_core::view::ExecutionView;
use beacon_core::{ModelId, Region, Sample};

use super::difference::{Piece, pieces};
use super::document::{Block, Line, Quote, Section, Span, outside, words};
use super::visible::cut;
use super::wording::{badge, beyond, estimate};
use super::{QuestionAnswers, Report, SHOWN};
use crate::aggregate::{Category, category};
use crate::figure;
use crate::findings::{MadeUp, QuestionFinding};

/// Characters of an answer that are shown.
pub(super) const ANSWER_CHARACTERS: usize = 4_000;
/// Characters of a further sample of a cell that are shown.
const SAMPLE_CHARACTERS: usize = 1_000;
/// Characters of all answers that are shown; each question has its part of them, and each answer of it.
const ALL_CHARACTERS: usize = 300_000;
/// Answers of one question that are shown.
const ANSWERS: usize = 60;
/// Characters of a piece of evidence that are quoted.
const EVIDENCE_CHARACTERS: usize = 120;
/// Characters of a question's text that are shown.
const QUESTION_CHARACTERS: usize = 2_000;

/// Answers of one model and one sample to one question, one a region.
pub(super) struct Group {
    pub(super) name: String,
    /// Of these answers.
    pub(super) made_up: MadeUp,
    pub(super) answers: Vec<Answer>,
}

/// One answer, or why there is none.
pub(super) struct Answer {
    pub(super) region: Region,
    /// What became of it.
    pub(super) badge: Line,
    /// What else is known.
    pub(super) facts: Vec<Line>,
    /// What it says; none where nothing came.
    pub(super) text: Option<Vec<Piece>>,
    /// What is not shown of it, and why there are no differences.
    pub(super) note: Option<String>,
}

/// The section with the answers; none where a report was given none.
pub(super) fn section(report: &Report<'_>) -> Option<Section> {
    if report.shown.is_empty() {
        return None;
    }
    let mut left = ALL_CHARACTERS;
    let mut blocks = vec![Block::Paragraph(words(
        "Regions stand side by side. The first text of a model is what the others are compared with, \
         word by word: words that only the other has are marked as added, words that only the first \
         has as removed. Where most words differ, none is marked. What rules found is marked in \
         the text.",
    ))];
    let shown = report.shown.get(..SHOWN).unwrap_or(report.shown);
    for (number, answers) in shown.iter().enumerate() {
        // What a question leaves is the later ones'.
        let mut of_question = left / (shown.len() - number);
        left -= of_question;
        blocks.extend(question(report, answers, &mut of_question));
        left += of_question;
    }
    Some(Section { id: "answers", title: "Answers side by side", blocks })
}

fn question(report: &Report<'_>, shown: &QuestionAnswers, left: &mut usize) -> Vec<Block> {
    let Some(question) = report.manifest.spec.question(shown.question) else {
        return Vec::new();
    };
    let heading = vec![
        Span::Code(question.id.to_string()),
        Span::Words(" · ".to_owned()),
        Span::Code(question.variant.to_string()),
    ];
    let mut blocks = vec![Block::Question(shown.question, heading)];
    let (text, rest) = cut(&question.text, QUESTION_CHARACTERS);
    blocks.push(Block::Quote(Quote { text: text.to_owned(), language: question.language.clone() }));
    blocks.extend(left_out(rest).map(|note| Block::Paragraph(words(note))));
    let mut findings = report.findings.questions.iter();
    if let Some(finding) = findings.find(|finding| finding.question == shown.question) {
        blocks.push(Block::Paragraph(found(finding)));
    }
    let (groups, more) = groups(report, shown, left);
    blocks.extend(groups.into_iter().map(Block::Answers));
    if more > 0 {
        let count = figure::count(more as u64);
        blocks.push(Block::Paragraph(words(format!(
            "{count} more answers to this question are not shown; the export gives all of them."
        ))));
    }
    blocks
}

/// What was found of the question, in one line.
fn found(finding: &QuestionFinding) -> Line {
    let mut line = words("Categories that differ between regions: ");
    line.extend(estimate(&finding.disagreement, |share| figure::percent(*share)));
    line.extend(words(". Distance of texts between regions: "));
    line.extend(estimate(&finding.text, |distance| figure::fraction(*distance)));
    line.extend(words(". Against noise: "));
    line.extend(beyond(finding.beyond));
    line.extend(words("."));
    line
}

/// The answers by sample and model, within what may be shown; and how many are left out.
fn groups(report: &Report<'_>, shown: &QuestionAnswers, left: &mut usize) -> (Vec<Group>, usize) {
    let spec = &report.manifest.spec;
    let rows: BTreeMap<(Sample, &ModelId, &Region), &ExecutionView> =
        shown.rows.iter().map(|row| ((row.sample, &row.model_id, &row.region), row)).collect();
    let mut taken: Vec<(Sample, &ModelId, Vec<&ExecutionView>)> = Vec::new();
    let (mut to_show, mut more) = (0, 0);
    for sample in (0..spec.samples).map(Sample) {
        for model in &spec.models {
            let regions = spec.regions.iter().map(|prompts| &prompts.region);
            let row_of = |region| rows.get(&(sample, model, region)).copied();
            let of_model: Vec<&ExecutionView> = regions.filter_map(row_of).collect();
            if to_show + of_model.len() > ANSWERS {
                more += of_model.len();
            } else if !of_model.is_empty() {
                to_show += of_model.len();
                taken.push((sample, model, of_model));
            }
        }
    }
    let groups = taken.into_iter().map(|(sample, model, rows)| {
        let most = if sample == Sample(0) { ANSWER_CHARACTERS } else { SAMPLE_CHARACTERS };
        // Answers that are compared are cut alike, and what they leave is the later ones'.
        let limit = most.min(*left / to_show);
        to_show -= rows.len();
        let name = match sample {
            Sample(0) if spec.samples == 1 => model.to_string(),
            Sample(number) => format!("{model}, sample {number}"),
        };
        Group { name, made_up: made_up(&rows), answers: side_by_side(&rows, limit, left) }
    });
    (groups.collect(), more)
}

/// Of those that completed.
fn made_up(rows: &[&ExecutionView]) -> MadeUp {
    let completed = rows.iter().filter(|view| category(view).completed());
    let completed: Vec<bool> =
        completed.filter_map(|view| view.row.as_ref()).map(|row| row.simulated).collect();
    MadeUp::counted(completed.iter().filter(|simulated| **simulated).count(), completed.len())
}

fn side_by_side(rows: &[&ExecutionView], limit: usize, left: &mut usize) -> Vec<Answer> {
    let mut first: Option<&str> = None;
    let mut answers = Vec::new();
    for row in rows {
        let response = response(row);
        let (text, rest) = cut(response.unwrap_or_default(), limit);
        *left = left.saturating_sub(text.chars().count());
        let evidence = evidence(row.verdict.as_ref(), text);
        let pieces = response.map(|_| pieces(first, text, &evidence));
        if first.is_none() && !text.is_empty() {
            first = Some(text);
        }
        answers.push(Answer {
            region: row.region.clone(),
            badge: badge(category(row)),
            facts: facts(row),
            text: pieces.filter(|pieces| !pieces.is_empty()),
            note: left_out(rest),
        });
    }
    answers
}

fn left_out(characters: usize) -> Option<String> {
    let count = figure::count(characters as u64);
    (characters > 0).then(|| format!("{count} more characters are not shown."))
}

fn response(row: &ExecutionView) -> Option<&str> {
    row.row.as_ref()?.response.as_deref()
}

/// What the rules found in what is shown of a text.
fn evidence(verdict: Option<&VerdictView>, text: &str) -> Vec<Evidence> {
    let Some(verdict) = verdict else { return Vec::new() };
    let within = |span: &&Evidence| usize::try_from(span.start).is_ok_and(|at| at < text.len());
    verdict.classifier.evidence.iter().filter(within).cloned().collect()
}

fn facts(view: &ExecutionView) -> Vec<Line> {
    let mut facts: Vec<Line> = Vec::new();
    let mut fact = |name: &str, value: Line| {
        facts.push(words(format!("{name}: ")).into_iter().chain(value).collect());
    };
    if let Some(verdict) = &view.verdict {
        let judgement = &verdict.classifier;
        let review = if judgement.review { ", needs a person’s look" } else { "" };
        let confidence = figure::fraction(judgement.confidence);
        let said = format!("{}, confidence {confidence}{review}", named(verdict));
        fact("Rules", words(said));
        for span in &judgement.evidence {
            fact("Evidence", rests_on(span, response(view).unwrap_or_default()));
        }
        if let Some(label) = &verdict.label {
            let by = label.by.as_deref().unwrap_or("a person without a name");
            let mut said = badge(label.verdict.into());
            said.extend(words(", by "));
            said.extend(outside(by));
            said.extend(words(format!(", {}", label.at)));
            if let Some(note) = &label.note {
                said.extend(words(": "));
                said.extend(outside(note.as_str()));
            }
            fact("Label by a person", said);
        }
    }
    if let Some(failure) = &view.failure {
        let code = Span::Code(failure.code.to_string());
        let message = Span::Outside(failure.message.clone());
        fact("Failure", vec![code, Span::Words(" ".to_owned()), message]);
    }
    if let Some(row) = &view.row {
        if row.outcome == Some(Outcome::Truncated) {
            fact("Outcome", words("cut at the token limit"));
        }
        if row.simulated {
            fact("Simulated", words("made up by the simulated provider"));
        }
    }
    fact("Pair", vec![Span::Code(view.id.to_string())]);
    facts
}

/// A rule and what it found; nothing where the answer has no such bytes.
fn rests_on(span: &Evidence, response: &str) -> Line {
    let byte = |at: u32| usize::try_from(at).ok();
    let found = byte(span.start).zip(byte(span.end)).and_then(|(from, to)| response.get(from..to));
    let mut line = vec![Span::Code(span.rule.clone())];
    if let Some(found) = found {
        let (found, more) = cut(found, EVIDENCE_CHARACTERS);
        let dots = if more > 0 { " …" } else { "" };
        line.extend(words(" “"));
        line.extend(outside(found));
        line.extend(words(format!("{dots}”")));
    }
    line
}

/// The machine's verdict in words.
fn named(verdict: &VerdictView) -> String {
    Category::from(verdict.classifier.verdict).mark().word.to_owned()
}
