//! The map of models, questions and regions as a table: letters, shapes, and colours that differ in grey.

use maud::{Markup, html};

use super::super::heatmap::{Cell, Heatmap, Row};
use super::super::wording::mark;
use super::{caption, question_id};
use crate::aggregate::Category;

/// The table with its legend.
pub(super) fn map(map: &Heatmap, simulated: bool) -> Markup {
    let caption = caption("What became of each question, by model and region", simulated);
    html! {
        ul class="legend" aria-label="Letters and shapes" {
            @for category in Category::ALL {
                li {
                    span class={ "key " (class(Some(category))) } aria-hidden="true" {
                        (mark(category).shape) " " (category.letter())
                    }
                    " " (mark(category).word)
                }
            }
            @if map.samples {
                li { span class="key c-mixed" aria-hidden="true" { "2A 1R" } " samples differ" }
            }
        }
        div class="scroll" role="region" tabindex="0" aria-label=(caption) {
            table class="map" {
                caption { (caption) }
                thead {
                    tr {
                        th scope="col" rowspan="2" { "Question" }
                        @for model in &map.models {
                            th scope="colgroup" colspan=(map.regions.len()) { (model) }
                        }
                    }
                    tr {
                        @for _ in &map.models {
                            @for region in &map.regions { th scope="col" { (region) } }
                        }
                    }
                }
                tbody {
                    @for row in &map.rows {
                        tr {
                            th scope="row" {
                                @if let Some(question) = row.answers {
                                    a href={ "#" (question_id(question)) } { (name(row)) }
                                } @else {
                                    (name(row))
                                }
                            }
                            @for part in &row.cells { (cell(part, map.samples)) }
                        }
                    }
                }
            }
        }
    }
}

fn name(row: &Row) -> Markup {
    html! { code { (row.question_id) } " · " code { (row.variant) } }
}

fn cell(cell: &Cell, samples: bool) -> Markup {
    let shape = cell.all.map(|category| mark(category).shape);
    html! {
        td class=(class(cell.all)) {
            @if let Some(shape) = shape { span aria-hidden="true" { (shape) " " } }
            (cell.letters(samples))
            span class="unseen" { (said(cell, samples)) }
        }
    }
}

/// What the letters say, for those who hear them.
fn said(cell: &Cell, samples: bool) -> String {
    let words = cell.counts.iter().map(|(category, count)| {
        let word = mark(*category).word;
        if samples { format!(" {count} {word}") } else { format!(" {word}") }
    });
    words.collect::<Vec<_>>().join(",")
}

fn class(category: Option<Category>) -> &'static str {
    match category {
        None => "c-mixed",
        Some(Category::Answered) => "c-a",
        Some(Category::Refused) => "c-r",
        Some(Category::PartlyRefused) => "c-p",
        Some(Category::Evasive) => "c-e",
        Some(Category::Blocked) => "c-b",
        Some(Category::Empty) => "c-0",
        Some(Category::Failed | Category::TimedOut | Category::Cancelled | Category::Open) => "c-f",
    }
}
