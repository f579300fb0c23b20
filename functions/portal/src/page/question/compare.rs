//! Two or three answers to one question side by side, with the words in which they differ from a baseline.

use beacon_analysis::report::{Change, Piece, pieces};
use beacon_core::verdict::Evidence;
use beacon_core::view::ExecutionView;
use beacon_core::{ExecutionId, QuestionIndex};
use maud::{Markup, html};

use super::super::language;
use super::super::response::Response;
use super::super::words::{duration, outside, shown};
use super::told;
use crate::Portal;
use crate::address::Address;
use crate::answer::PageError;
use crate::read::Seen;
use crate::visit::Visit;

/// Answers that stand side by side at most, the baseline among them.
pub(crate) const MOST: usize = 3;
/// Bytes of two texts of which the words are compared: of longer ones that would take too long.
const COMPARED_BYTES: usize = 24 * 1024;

/// Answers of which the first is what the others are held against; none where fewer than two different ones were
/// chosen.
pub(super) struct Compared {
    views: Vec<ExecutionView>,
    /// Their job has several samples, which their names tell.
    is_sampled: bool,
}

impl Portal {
    /// Those that the address names; none where it names none.
    pub(super) async fn compared(
        &self,
        visit: &Visit,
        seen: &Seen,
        index: QuestionIndex,
    ) -> Result<Option<Compared>, PageError> {
        let input = &visit.parameters;
        let named = input.text("baseline").into_iter().chain(input.all("with"));
        let mut ids: Vec<ExecutionId> = Vec::new();
        for text in named.take(MOST) {
            let of_job = |id: &ExecutionId| {
                id.job == seen.job.id && id.question == index && seen.spec.question_of(id).is_some()
            };
            let id = ExecutionId::parse(text).ok().filter(of_job);
            let problem = || PageError::Parameter {
                name: "with",
                problem: "names no execution of this question".to_owned(),
            };
            let id = id.ok_or_else(problem)?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        if ids.len() < 2 {
            let is_asked = input.text("baseline").is_some();
            return Ok(is_asked.then_some(Compared { views: Vec::new(), is_sampled: false }));
        }
        let mut views = Vec::new();
        for id in &ids {
            views.push(self.view(seen, id).await?);
        }
        Ok(Some(Compared { views, is_sampled: seen.spec.samples > 1 }))
    }

    /// One pair with its verdict.
    async fn view(&self, seen: &Seen, id: &ExecutionId) -> Result<ExecutionView, PageError> {
        let row = self.query.table.row(id).await?;
        let view: ExecutionView = seen.source().look(id.clone(), row).ok_or(PageError::NotFound)?;
        let verdict = self.query.table.verdict(id).await?;
        Ok(view.judged(verdict))
    }
}

impl Compared {
    /// Whether any of them was made up.
    pub(super) fn is_simulated(&self) -> bool {
        self.views.iter().any(|view| view.row.as_ref().is_some_and(|row| row.simulated))
    }

    pub(super) fn section(&self, visit: &Visit, address: &Address) -> Markup {
        if self.views.is_empty() {
            return html! { p class="problem" role="alert" { "Choose two different answers to set side by side." } };
        }
        let baseline = self.views.first().and_then(|view| Response::of(view).text());
        html! {
            section class="comparison" aria-labelledby="comparison" {
                h2 id="comparison" { "Side by side" }
                p class="hint" {
                    @if baseline.is_some() {
                        "Words that only the baseline has are "
                        del { "struck out" } ", words that it has not are " ins { "underlined" } ". "
                    } @else { "The baseline has no text that others could be compared with. " }
                    "What a verdict rests on is " mark { "marked" } "."
                }
                div class="side-by-side" data-columns=(self.views.len()) {
                    @for (at, view) in self.views.iter().enumerate() {
                        (column(view, &self.name(view), baseline.filter(|_| at > 0), self.as_baseline(visit, address, at).as_deref()))
                    }
                }
            }
        }
    }

    fn name(&self, view: &ExecutionView) -> Markup {
        html! {
            (outside(view.model_id.as_str())) ", " (view.region)
            @if self.is_sampled { ", sample " (view.sample.0) }
        }
    }

    /// The same with another baseline; nothing of what is the baseline.
    fn as_baseline(&self, visit: &Visit, address: &Address, first: usize) -> Option<String> {
        if first == 0 {
            return None;
        }
        let mut fields = Vec::new();
        let others = (0..self.views.len()).filter(|at| *at != first);
        for (place, at) in std::iter::once(first).chain(others).enumerate() {
            let name = if place == 0 { "baseline" } else { "with" };
            fields.extend(self.views.get(at).map(|view| (name.to_owned(), view.id.to_string())));
        }
        let page = visit.parameters.text("page").map(|page| ("page".to_owned(), page.to_owned()));
        fields.extend(page);
        Some(format!("{address}{}", crate::input::Input::of(fields).query()))
    }
}

fn column(
    view: &ExecutionView,
    name: &Markup,
    baseline: Option<&str>,
    as_baseline: Option<&str>,
) -> Markup {
    html! {
        article class="card" {
            header {
                h3 {
                    a href=(Address::Execution(view.id.clone())) { (name) }
                }
                p {
                    (told(view))
                    @if view.row.as_ref().is_some_and(|row| row.simulated) { " " span class="tag" { "▲ simulated" } }
                    @match as_baseline {
                        Some(address) => { " " a href=(address) { "Make it the baseline" } },
                        None => { " " span class="tag" { "baseline" } },
                    }
                }
                @if let Some(row) = &view.row {
                    p class="hint" {
                        @if let Some(provider) = &row.provider_id { (outside(provider.as_str())) " · " }
                        (duration(row.duration_ms))
                        @if let Some(tokens) = row.output_tokens { " · " (tokens) " tokens" }
                    }
                }
            }
            (body(view, baseline))
        }
    }
}

fn body(view: &ExecutionView, baseline: Option<&str>) -> Markup {
    let response = Response::of(view);
    let words = response.words();
    let Some(text) = response.text() else {
        return html! {
            p {
                @match &view.failure {
                    Some(failure) => { code { (failure.code) } " " (shown(&failure.message)) },
                    None => (words.unwrap_or_default()),
                }
            }
        };
    };
    let evidence = view.verdict.as_ref().map(|verdict| verdict.classifier.evidence.as_slice());
    let is_short = baseline.map_or(0, str::len) + text.len() <= COMPARED_BYTES;
    let parts = pieces(baseline.filter(|_| is_short), text, evidence.unwrap_or_default());
    html! {
        @if let Some(words) = words { p class="hint" { (words) } }
        @if baseline.is_some() && !is_short {
            p class="hint" { "The two are too long to be compared word by word." }
        } @else if baseline.is_some_and(|other| other != text) && parts.iter().all(|part| part.change == Change::Same) {
            p class="hint" { "The two have so little in common that no words are marked." }
        }
        (marked(&parts, view.language.as_deref(), &label(view)))
    }
}

/// What tells an answer from the others on the page.
fn label(view: &ExecutionView) -> String {
    format!("Answer of {}, {}, sample {}", view.model_id, view.region, view.sample.0)
}

/// A text in pieces.
fn marked(parts: &[Piece], tag: Option<&str>, label: &str) -> Markup {
    html! {
        div class="answer" dir="auto" lang=[language(tag)] role="region" tabindex="0" aria-label=(label) {
            @for part in parts {
                @match part.change {
                    Change::Same => (evidence(part)),
                    Change::Added => ins { (evidence(part)) },
                    Change::Removed => del { (evidence(part)) },
                }
            }
        }
    }
}

fn evidence(part: &Piece) -> Markup {
    if part.evidence {
        html! { mark { (shown(&part.text)) } }
    } else {
        shown(&part.text)
    }
}

/// What a text's verdict rests on, marked in it.
pub(crate) fn with_evidence(text: &str, of: &[Evidence], tag: Option<&str>) -> Markup {
    marked(&pieces(None, text, of), tag, "Text of the answer")
}
