//! One question everywhere, and two or three answers to it side by side.

mod compare;

use beacon_aws::at_length;
use beacon_core::execution::Outcome;
use beacon_core::spec::Question;
use beacon_core::view::ExecutionView;
use beacon_core::{ExecutionId, JobId, ModelId, QuestionIndex, Region, Sample};
use futures_util::future::try_join_all;
use maud::{Markup, html};

use self::compare::Compared;
use super::heading::{self, Tab};
use super::matrix::said;
use super::response::Response;
use super::status::{of_execution, of_outcome, of_verdict};
use super::words::{count, outside, shown, start_of};
use super::{language, pager};
use crate::Portal;
use crate::address::Address;
use crate::answer::{Answer, Page, PageError};
use crate::input::Input;
use crate::read::Seen;
use crate::visit::Visit;
use crate::window::Window;

/// Characters of an answer that are shown.
const START: usize = 700;
/// Answers on a page, unless one region has more.
const ANSWERS: usize = 60;

impl Portal {
    pub(crate) async fn question(
        &self,
        visit: &Visit,
        id: &JobId,
        index: QuestionIndex,
    ) -> Result<Answer, PageError> {
        let seen = self.seen(id).await?;
        let entry = seen.spec.question(index).ok_or(PageError::NotFound)?;
        let job = seen.view(visit.now);
        let compared = self.compared(visit, &seen, index).await?;
        let (window, answers) = self.answers(visit, &seen, index).await?;
        let analysed = if job.status.is_final() { self.analysis(&seen).await? } else { None };
        let said = analysed.as_ref().and_then(|analysed| {
            let all = &analysed.findings.questions;
            Some(said(all.iter().find(|finding| finding.question == index)?, all))
        });
        let address = Address::Question(id.clone(), index);
        let has_text = compared.is_some()
            || answers.iter().any(|(_, views)| views.iter().any(ExecutionView::has_text));
        let body = html! {
            (heading::of(visit, &job, Tab::Below))
            (asked(&seen, index, entry))
            @if let Some(said) = said {
                p class="said" { span class={ "beyond " (said.class) } { (said.text) } }
            }
            @if let Some(compared) = &compared { (at_length(|| compared.section(visit, &address))) }
            @if has_text { (choose(visit, &seen, index, &address)) }
            section aria-labelledby="answers" {
                h2 id="answers" { "Answers" }
                @for (region, views) in &answers { (of_region(&seen, region, views)) }
                (pager::of(&address, &visit.parameters, window.page, window.pages, "Pages of regions"))
            }
        };
        let title = format!("{} of {}", entry.id, job.name);
        let of_page = answers.iter().flat_map(|(_, views)| views);
        let simulated = job.simulated
            || compared.as_ref().is_some_and(Compared::is_simulated)
            || of_page.filter_map(|view| view.row.as_ref()).any(|row| row.simulated);
        Ok(Answer::Page(Page::new(title, body).simulated(simulated)))
    }

    async fn answers(
        &self,
        visit: &Visit,
        seen: &Seen,
        index: QuestionIndex,
    ) -> Result<(Window, Vec<(Region, Vec<ExecutionView>)>), PageError> {
        let window = of_one(seen, index, pager::asked(&visit.parameters));
        let regions = seen.spec.regions.get(window.regions.clone()).unwrap_or_default();
        let next = QuestionIndex(index.0.saturating_add(1));
        let read = regions.iter().map(async |prompts| {
            let views = self.query.pairs_of(&seen.source(), &prompts.region, index, next).await?;
            Ok::<_, PageError>((prompts.region.clone(), views))
        });
        let answers = try_join_all(read).await?;
        Ok((window, answers))
    }
}

/// The regions of one question that a page shows.
fn of_one(seen: &Seen, index: QuestionIndex, page: u32) -> Window {
    let regions = seen.spec.regions.len();
    let on_page = regions_on_page(seen);
    let pages = u32::try_from(regions.div_ceil(on_page)).unwrap_or(u32::MAX).max(1);
    let page = page.clamp(1, pages);
    let first = usize::try_from(page - 1).unwrap_or(usize::MAX).saturating_mul(on_page);
    let questions = index.0..index.0.saturating_add(1);
    Window { questions, regions: first..first.saturating_add(on_page).min(regions), page, pages }
}

fn asked(seen: &Seen, index: QuestionIndex, entry: &Question) -> Markup {
    let last = u32::try_from(seen.spec.questions.len()).unwrap_or(u32::MAX).saturating_sub(1);
    let to = |index: u32| Address::Question(seen.job.id.clone(), QuestionIndex(index));
    html! {
        div class="title-line" {
            h1 { (outside(entry.id.as_str())) @if entry.variant.as_str() != "base" { " · " (outside(entry.variant.as_str())) } }
            nav class="pager" aria-label="Questions before and after" {
                @if index.0 > 0 { a href=(to(index.0 - 1)) rel="prev" { "‹ Previous question" } }
                @if index.0 < last { a href=(to(index.0 + 1)) rel="next" { "Next question ›" } }
            }
        }
        blockquote class="asked" dir="auto" lang=[language(entry.language.as_deref())] { (shown(&entry.text)) }
        @if let Some(category) = &entry.category { p class="hint" { "Category: " (outside(category)) } }
    }
}

fn of_region(seen: &Seen, region: &Region, views: &[ExecutionView]) -> Markup {
    html! {
        section class="region" aria-labelledby={ "r-" (region) } {
            h3 id={ "r-" (region) } { (region) }
            div class="cards" { @for view in views { (card(seen, view)) } }
        }
    }
}

fn card(seen: &Seen, view: &ExecutionView) -> Markup {
    let row = view.row.as_ref();
    html! {
        article class="card" id=(view.id) {
            header {
                h4 {
                    a href=(Address::Execution(view.id.clone())) {
                        (outside(view.model_id.as_str()))
                        @if seen.spec.samples > 1 { " · sample " (view.sample.0) }
                    }
                }
                (told(view))
                @if row.is_some_and(|row| row.simulated) { span class="tag" { "▲ simulated" } }
            }
            (body(view))
        }
    }
}

fn body(view: &ExecutionView) -> Markup {
    let response = Response::of(view);
    html! {
        @match (&view.failure, response.words()) {
            (Some(failure), _) => p { code { (failure.code) } " " (shown(&failure.message)) },
            (None, Some(words)) => p class="hint" { (words) },
            (None, None) => {}
        }
        @if let Some(text) = response.text() {
            p class="answer" dir="auto" lang=[language(view.language.as_deref())] { (start_of(text, START)) }
        }
    }
}

/// Where a cell is shown: its first sample, or all of them beside each other where different things became of them.
pub(crate) fn of_cell(
    seen: &Seen,
    question: QuestionIndex,
    model: &ModelId,
    region: &Region,
    different: usize,
) -> String {
    let (job, model) = (seen.job.id.clone(), model.clone());
    let id = ExecutionId { job, question, model, region: region.clone(), sample: Sample(0) };
    if different <= 1 {
        return Address::Execution(id).to_string();
    }
    let at = seen.spec.regions.iter().position(|prompts| prompts.region == *region).unwrap_or(0);
    let page = at / regions_on_page(seen) + 1;
    let page = if page > 1 { format!("?page={page}") } else { String::new() };
    format!("{}{page}#{id}", Address::Question(seen.job.id.clone(), question))
}

/// Regions that a page shows.
fn regions_on_page(seen: &Seen) -> usize {
    (ANSWERS / seen.spec.pairs_of_question().max(1)).max(1)
}

/// What became of an execution: its verdict, or else its outcome, or else its status.
pub(crate) fn told<R>(view: &ExecutionView<R>) -> Markup {
    let outcome = view.row.as_ref().and_then(|row| row.outcome);
    if let Some(verdict) = &view.verdict {
        return html! {
            (of_verdict(verdict.verdict).badge())
            @if outcome == Some(Outcome::Truncated) { " " (of_outcome(Outcome::Truncated).badge()) }
            @if verdict.label.is_some() { span class="hint" { " by a person" } }
            @if verdict.label.is_none() && verdict.classifier.review { span class="hint" { " unsure: a person should look" } }
        };
    }
    match (Response::of(view), outcome) {
        // Blanks are nothing, whatever the transport calls them.
        (Response::Nothing, _) => of_outcome(Outcome::Empty).badge(),
        (_, Some(outcome)) => of_outcome(outcome).badge(),
        (_, None) => of_execution(view.status).badge(),
    }
}

/// Which answers are to be set side by side.
fn choose(visit: &Visit, seen: &Seen, index: QuestionIndex, address: &Address) -> Markup {
    let pair = |model: &ModelId, region: &Region, sample: Sample| {
        let (job, model, region) = (seen.job.id.clone(), model.clone(), region.clone());
        ExecutionId { job, question: index, model, region, sample }.to_string()
    };
    let cells = seen.spec.models.len() * seen.spec.regions.len();
    // Where a list of all samples were too long, their own pages lead to a comparison.
    let has_all = cells * usize::from(seen.spec.samples) <= CHOICES;
    let offered = if has_all { seen.spec.samples } else { 1 };
    let named = |sample: Sample| {
        if seen.spec.samples > 1 { format!(", sample {}", sample.0) } else { String::new() }
    };
    let baseline = visit.parameters.text("baseline").unwrap_or_default();
    let with: Vec<&str> = visit.parameters.all("with").collect();
    let options = |selected: Option<&str>| {
        let other =
            selected.and_then(|id| ExecutionId::parse(id).ok()).filter(|id| id.sample.0 >= offered);
        html! {
            @if let Some(other) = other {
                option value=(other) selected { (other.model) ", " (other.region) (named(other.sample)) }
            }
            @for model in &seen.spec.models {
                optgroup label=(model) {
                    @for prompts in &seen.spec.regions {
                        @for sample in (0..offered).map(Sample) {
                            @let id = pair(model, &prompts.region, sample);
                            option value=(id) selected[selected == Some(id.as_str())] { (model) ", " (prompts.region) (named(sample)) }
                        }
                    }
                }
            }
        }
    };
    html! {
        section aria-labelledby="compare-these" {
            h2 id="compare-these" { "Compare" }
            @if seen.spec.regions.len() > 1 {
                p {
                    "One model, its "
                    @if seen.spec.regions.len() > MOST { "first regions (" (first_regions(seen)) ")" } @else { "regions" }
                    " beside each other:"
                }
                ul class="links" {
                    @for model in seen.spec.models.iter().take(MODELS) {
                        li { a href=(beside(seen, index, model, address)) { (outside(model.as_str())) } }
                    }
                }
            }
            @if cells <= CHOICES {
                form class="filter" method="get" action=(address) aria-label="Choose what to compare" {
                    label for="baseline" { "Baseline" }
                    select id="baseline" name="baseline" { (options(Some(baseline))) }
                    @for at in 0..2 {
                        @let id = format!("with-{at}");
                        label for=(id) { @if at == 0 { "with" } @else { "and" } }
                        select id=(id) name="with" {
                            option value="" { "nothing" }
                            (options(with.get(at).copied()))
                        }
                    }
                    button type="submit" { "Compare" }
                }
            } @else {
                p class="hint" { "The job has " (count(cells as u64)) " cells a question: each answer's own page leads to a comparison." }
            }
        }
    }
}

/// Models that are offered by a link, and cells that a list offers.
const MODELS: usize = 50;
const CHOICES: usize = 300;

fn first_regions(seen: &Seen) -> String {
    let first: Vec<&str> =
        seen.spec.regions.iter().take(MOST).map(|prompts| prompts.region.as_str()).collect();
    first.join(", ")
}

/// The address at which up to three regions of a model stand beside each other.
fn beside(seen: &Seen, question: QuestionIndex, model: &ModelId, address: &Address) -> String {
    let ids = seen.spec.regions.iter().take(MOST).map(|prompts| {
        let (job, model, region) = (seen.job.id.clone(), model.clone(), prompts.region.clone());
        ExecutionId { job, question, model, region, sample: Sample(0) }.to_string()
    });
    let names = ["baseline", "with", "with"].map(str::to_owned);
    let fields = names.into_iter().zip(ids).collect();
    format!("{address}{}", Input::of(fields).query())
}

pub(super) use compare::{MOST, with_evidence};
