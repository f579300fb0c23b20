//! The map of models, questions and regions as a table: letters, shapes, and colours that differ in grey.

use maud::{Markup, html};

use super::super::heatmap::{Cell, Heatmap, Row};
use super::super::wording::caption;
use super::question_id;
use crate::aggregate::Category;
use crate::findings::MadeUp;

/// The table with its legend.
pub(super) fn map(map: &Heatmap, made_up: MadeUp) -> Markup {
    let caption = caption("What became of each question, by model and region", made_up);
    html! {
        ul class="legend" aria-label="Letters and shapes" {
            @for category in Category::ALL {
                li {
                    @let mark = category.mark();
                    span class={ "key " (mark.class) } aria-hidden="true" {
                        (mark.shape) " " (category.letter())
                    }
                    " " (mark.word)
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
    let mark = cell.all.map(Category::mark);
    html! {
        td class=(mark.map_or("c-mixed", |mark| mark.class)) {
            @if let Some(mark) = mark { span aria-hidden="true" { (mark.shape) " " } }
            (cell.letters(samples))
            span class="unseen" { (said(cell, samples)) }
        }
    }
}

/// What the letters say, for those who hear them.
fn said(cell: &Cell, samples: bool) -> String {
    let words = cell.counts.iter().map(|(category, count)| {
        let word = category.mark().word;
        if samples { format!(" {count} {word}") } else { format!(" {word}") }
    });
    words.collect::<Vec<_>>().join(",")
}
