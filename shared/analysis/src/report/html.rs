//! The report as one HTML file: no script, no request, every text escaped.

mod answers;
mod heatmap;
mod svg;
mod within;

use beacon_core::QuestionIndex;
use maud::{DOCTYPE, Markup, PreEscaped, Render, html};

pub use self::within::style_within;
use super::document::{Block, Document, Line, Quote, Section, Span, Table};
use super::visible::visible;
use super::wording::{caption, simulated, simulated_sentence};
use crate::findings::MadeUp;

/// What the page looks like, as CSS.
pub const STYLE: &str = include_str!("html/style.css");
/// Nothing may be fetched, whatever an answer holds.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
    form-action 'none'";
/// Text from outside or our own, escaped.
fn shown(text: &str) -> Markup {
    visible(text).as_ref().render()
}

/// The whole page.
pub(super) fn page(document: &Document) -> String {
    let title = visible(&document.title);
    let made_up = document.made_up;
    let before = simulated(made_up).map_or_else(String::new, |mark| format!("{mark} · "));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (before) (title) " · Beacon report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#main" { "Skip to the findings" }
                header {
                    p class="of" { "Beacon report" }
                    h1 { bdi { (title) } }
                    @if let Some(mark) = simulated(made_up) {
                        p class="notice" {
                            strong { "▲ " (mark) ". " } (simulated_sentence(made_up))
                        }
                    }
                }
                nav aria-label="Contents" {
                    ol {
                        @for section in &document.sections {
                            li { a href={ "#" (section.id) } { (section.title) } }
                        }
                    }
                }
                main id="main" {
                    @for part in &document.sections { (section(part, made_up)) }
                }
            }
        }
    };
    page.into_string()
}

/// A part of the page.
pub(super) fn section(section: &Section, made_up: MadeUp) -> Markup {
    let heading = format!("{}-heading", section.id);
    html! {
        section id=(section.id) aria-labelledby=(heading) {
            h2 id=(heading) { (section.title) }
            @if let Some(mark) = simulated(made_up) { p class="tag" { "▲ " (mark) } }
            (blocks(&section.blocks, section.id, made_up))
        }
    }
}

/// Blocks of a part of this id.
fn blocks(blocks: &[Block], id: &str, made_up: MadeUp) -> Markup {
    html! {
        @for (number, part) in blocks.iter().enumerate() {
            (block(part, &format!("{id}-{number}"), made_up))
        }
    }
}

fn block(block: &Block, id: &str, made_up: MadeUp) -> Markup {
    match block {
        Block::Paragraph(text) => html! { p { (line(text)) } },
        Block::Notice(text) => html! { p class="notice" { strong { "▲ " } (line(text)) } },
        Block::List(lines) => html! { ul { @for text in lines { li { (line(text)) } } } },
        Block::Heading(text) => html! { h3 { (line(text)) } },
        Block::Question(question, text) => {
            html! { h3 id=(question_id(*question)) { (line(text)) } }
        }
        Block::Table(table) => self::table(table, made_up),
        Block::Chart(chart) => svg::chart(chart, id, made_up),
        Block::Heatmap(map) => heatmap::map(map, made_up),
        Block::Quote(text) => quote(text),
        Block::Commands(commands) => html! {
            @for command in commands {
                pre class="command" role="region" tabindex="0" aria-label={ "Command: " (shown(command)) } {
                    code { (shown(command)) }
                }
            }
        },
        Block::Answers(group) => answers::group(group),
        Block::Folded(name, parts) => html! {
            details {
                summary { (shown(name)) }
                (blocks(parts, id, made_up))
            }
        },
    }
}

fn line(line: &Line) -> Markup {
    html! {
        @for span in line {
            @match span {
                Span::Words(text) => (shown(text)),
                Span::Strong(text) => strong { (shown(text)) },
                Span::Outside(text) => bdi { (shown(text)) },
                Span::Code(text) => code { (shown(text)) },
                Span::Why(text) => span class="why" { (shown(text)) },
                Span::Shape(shape) => span class="shape" aria-hidden="true" { (shape) },
            }
        }
    }
}

/// Where a question's answers stand; the same in every report of the job.
fn question_id(question: QuestionIndex) -> String {
    format!("q-{}", question.0)
}

fn table(table: &Table, made_up: MadeUp) -> Markup {
    let caption = caption(&visible(&table.caption), made_up);
    let class = |column: usize| {
        let numeric = table.columns.get(column).is_some_and(|column| column.numeric);
        numeric.then_some("number")
    };
    html! {
        div class="scroll" role="region" tabindex="0" aria-label=(caption) {
            table {
                caption { (caption) }
                thead {
                    tr {
                        @for (place, column) in table.columns.iter().enumerate() {
                            th scope="col" class=[class(place)] { (column.title) }
                        }
                    }
                }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (place, cell) in row.iter().enumerate() {
                                @if place == 0 {
                                    th scope="row" { (line(cell)) }
                                } @else {
                                    td class=[class(place)] { (line(cell)) }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(note) = table.cut_note() { p class="note" { (note) } }
    }
}

fn quote(quote: &Quote) -> Markup {
    html! {
        blockquote role="group" tabindex="0" aria-label="Text as it was sent" dir="auto"
            lang=(language(quote.language.as_deref())) { (shown(&quote.text)) }
    }
}

/// A tag of two or three letters and what follows; empty, which means not known, for anything else.
fn language(tag: Option<&str>) -> &str {
    let is_tag = |tag: &&str| {
        let first = tag.split('-').next().unwrap_or_default();
        let letters = first.chars().all(|c| c.is_ascii_alphabetic());
        letters
            && (2..=3).contains(&first.len())
            && tag.len() <= 35
            && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    tag.filter(is_tag).unwrap_or_default()
}
