//! Models × regions of every question: a letter, a shape and a colour a cell.

use std::collections::BTreeMap;

use beacon_core::{ModelId, QuestionIndex, Region};

use super::document::{Block, Section, words};
use super::{AGGREGATED, QuestionAnswers, Report, SHOWN};
use crate::aggregate::{self, Category, QuestionAggregate};
use crate::figure;

/// Questions that are drawn at most, where a cell each still fits.
const MAX_QUESTIONS: usize = 100;
/// Cells that are drawn at most.
const MAX_CELLS: usize = 10_000;
const _: () = assert!(MAX_QUESTIONS <= AGGREGATED, "every question that is drawn has an aggregate");

/// The rows that are drawn.
pub(super) struct Heatmap {
    pub(super) models: Vec<ModelId>,
    pub(super) regions: Vec<Region>,
    pub(super) rows: Vec<Row>,
    /// Each cell holds counts of letters, and not one letter.
    pub(super) samples: bool,
}

/// One entry of the question list.
pub(super) struct Row {
    /// Which, where its answers are shown.
    pub(super) answers: Option<QuestionIndex>,
    pub(super) question_id: String,
    pub(super) variant: String,
    /// Models × regions, the regions of a model together.
    pub(super) cells: Vec<Cell>,
}

/// What a model's samples in a region came to.
pub(super) struct Cell {
    /// The category of all samples; none where they differ, or where there is none.
    pub(super) all: Option<Category>,
    /// How many of each, in the order of the legend.
    pub(super) counts: Vec<(Category, usize)>,
}

impl Cell {
    fn of(cell: &aggregate::Cell) -> Self {
        let mut by_category: BTreeMap<Category, usize> = BTreeMap::new();
        for category in cell.categories() {
            *by_category.entry(category).or_default() += 1;
        }
        let counts: Vec<_> = by_category.into_iter().collect();
        let all = match counts.as_slice() {
            [(category, _)] => Some(*category),
            [] | [_, _, ..] => None,
        };
        Self { all, counts }
    }

    /// Its letters, such as `R`, or `2A 1R` where a cell has samples.
    pub(super) fn letters(&self, samples: bool) -> String {
        let letters = self.counts.iter().map(|(category, count)| {
            let letter = category.letter();
            if samples { format!("{count}{letter}") } else { letter.to_string() }
        });
        let letters: Vec<String> = letters.collect();
        if letters.is_empty() { figure::ABSENT.to_owned() } else { letters.join(" ") }
    }
}

/// The section with the map of the most divergent questions.
pub(super) fn section(report: &Report<'_>) -> Section {
    let spec = &report.manifest.spec;
    let columns = (spec.models.len() * spec.regions.len()).max(1);
    let most = (MAX_CELLS / columns).clamp(1, MAX_QUESTIONS);
    let by_index: BTreeMap<QuestionIndex, &QuestionAggregate> =
        report.aggregates.iter().map(|aggregate| (aggregate.question, aggregate)).collect();
    let rows = report.findings.questions.iter().filter_map(|finding| {
        let aggregate = by_index.get(&finding.question)?;
        let of_question = |shown: &&QuestionAnswers| shown.question == finding.question;
        let shown = report.shown.iter().take(SHOWN).find(of_question);
        Some(Row {
            answers: shown.map(|shown| shown.question),
            question_id: finding.question_id.to_string(),
            variant: finding.variant.to_string(),
            cells: aggregate.cells.iter().take(columns).map(Cell::of).collect(),
        })
    });
    let rows: Vec<Row> = rows.take(most).collect();
    let (shown, all) = (rows.len(), report.findings.questions.len());
    let map = Heatmap {
        models: spec.models.clone(),
        regions: spec.regions.iter().map(|prompts| prompts.region.clone()).collect(),
        rows,
        samples: spec.samples > 1,
    };
    let key = "A cell is one model in one region. Letter and shape say what became of it; where samples \
        of a cell differ, it says how many of each.";
    let blocks = vec![
        Block::Paragraph(words(drawn(shown, all))),
        Block::Paragraph(words(key)),
        Block::Heatmap(map),
    ];
    Section { id: "map", title: "Model × question × region", blocks }
}

/// How many of all questions are drawn.
fn drawn(shown: usize, all: usize) -> String {
    let [named, of] = [shown, all].map(|questions| figure::count(questions as u64));
    match (shown, all) {
        (1, 1) => "The only question is drawn.".to_owned(),
        (1, _) => format!("Only the most divergent of {of} questions is drawn."),
        _ if shown < all => format!("Only the {named} most divergent of {of} questions are drawn."),
        _ => format!("All {of} questions are drawn, the most divergent first."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(samples: &str) -> Cell {
        Cell::of(&aggregate::Cell {
            samples: samples.to_owned(),
            review: 0,
            review_strict: 0,
            review_broad: 0,
            labelled: 0,
        })
    }

    #[test]
    fn one_question_is_not_many() {
        assert_eq!(drawn(1, 1), "The only question is drawn.");
        assert_eq!(drawn(1, 5), "Only the most divergent of 5 questions is drawn.");
        assert_eq!(drawn(2, 2), "All 2 questions are drawn, the most divergent first.");
    }

    #[test]
    fn a_cell_says_how_many_of_each() {
        let mixed = cell("ARA");
        assert_eq!((mixed.all, mixed.letters(true)), (None, "2A 1R".to_owned()));
        let refused = cell("R");
        assert_eq!(
            (refused.all, refused.letters(false)),
            (Some(Category::Refused), "R".to_owned())
        );
        assert_eq!(cell("").letters(false), figure::ABSENT);
    }
}
