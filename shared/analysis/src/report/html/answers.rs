//! Answers side by side, with their differences and what their verdicts rest on.

use maud::{Markup, html};

use super::super::answers::{Answer, Group};
use super::super::difference::{Change, Piece};
use super::super::wording::simulated;
use super::{line, shown};

/// One model's answers, a column a region where there is room.
pub(super) fn group(group: &Group) -> Markup {
    html! {
        h4 {
            (shown(&group.name))
            @if let Some(mark) = simulated(group.made_up) { " " span class="tag" { "▲ " (mark) } }
        }
        div class="answers" {
            @for part in &group.answers { (answer(&group.name, part)) }
        }
    }
}

fn answer(model: &str, answer: &Answer) -> Markup {
    let label = format!("Answer of {model} in {}", answer.region);
    html! {
        article {
            h5 { (answer.region) " " span class="badge" { (line(&answer.badge)) } }
            @match &answer.text {
                Some(pieces) => {
                    div class="answer" role="group" tabindex="0" aria-label=(label) dir="auto" lang="" {
                        @for part in pieces { (piece(part)) }
                    }
                }
                None => { p class="none" { "No text." } }
            }
            @if let Some(note) = &answer.note { p class="note" { (note) } }
            ul class="facts" { @for fact in &answer.facts { li { (line(fact)) } } }
        }
    }
}

fn piece(piece: &Piece) -> Markup {
    let text = html! {
        @if piece.evidence { mark { (unseen("found by rules")) (shown(&piece.text)) (unseen("end")) } } @else { (shown(&piece.text)) }
    };
    match piece.change {
        Change::Same => text,
        Change::Added => html! { ins { (unseen("added")) (text) (unseen("end")) } },
        Change::Removed => html! { del { (unseen("removed")) (text) (unseen("end")) } },
    }
}

/// Words for those who do not see a mark: few screen readers tell of one.
fn unseen(words: &str) -> Markup {
    html! { span class="unseen" { " (" (words) ") " } }
}
