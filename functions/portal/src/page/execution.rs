//! One answer in full: what was sent, what came back, what it says, and the receipt that vouches for it.

mod change;
mod receipt;

pub(super) use change::no_retry;

use beacon_core::execution::ExecutionStatus;
use beacon_core::job::NoRun;
use beacon_core::view::{ExecutionView, RowView};
use beacon_core::{ExecutionId, Sample};
use beacon_evidence::answer::OneExecution;
use beacon_evidence::receipt::Receipt;
use maud::{Markup, html};

use super::heading::{self, Tab};
use super::language;
use super::question::{MOST, told, with_evidence};
use super::remedy::{again, of_failure, provider};
use super::response::Response;
use super::status::{of_execution, of_verdict};
use super::words::{counted, duration, outside, shown, time};
use crate::Portal;
use crate::address::Address;
use crate::answer::{Answer, Page, PageError};
use crate::input::Input;
use crate::read::Seen;
use crate::visit::Visit;

impl Portal {
    pub(crate) async fn execution(
        &self,
        visit: &Visit,
        id: &ExecutionId,
    ) -> Result<Answer, PageError> {
        let (seen, one) = self.one(id).await?;
        let view = &one.execution;
        let job = seen.view(visit.now);
        let vouched = self.vouched(&seen, &one).await?;
        let body = html! {
            (heading::of(visit, &job, Tab::Below))
            (title(&seen, view))
            (neighbours(&seen, id))
            @if let Some(entry) = seen.spec.question(id.question) {
                blockquote class="asked" dir="auto" lang=[language(entry.language.as_deref())] { (shown(&entry.text)) }
            }
            (answer(view))
            @if let Some(verdict) = &view.verdict { (change::verdict(visit, &seen, id, verdict)) }
            (failure(view, seen.never_again()))
            @if visit.may_change() { (change::retry_button(&seen, view)) }
            (sent(view))
            @if let Some(row) = &view.row { (facts(view, row)) }
            (vouched)
        };
        let title = format!("{} of {} in {}", view.question_id, view.model_id, view.region);
        let simulated = view.row.as_ref().is_some_and(|row| row.simulated);
        Ok(Answer::Page(Page::new(title, body).simulated(simulated)))
    }

    /// The execution and its job.
    async fn one(&self, id: &ExecutionId) -> Result<(Seen, OneExecution), PageError> {
        let seen = self.seen(&id.job).await?;
        if seen.spec.question_of(id).is_none() {
            return Err(PageError::NotFound);
        }
        let one = self.query.one_execution_of(&seen.source(), id).await?;
        Ok((seen, one))
    }
}

fn title(seen: &Seen, view: &ExecutionView<Receipt>) -> Markup {
    html! {
        h1 {
            a href=(Address::Question(seen.job.id.clone(), view.question)) { (outside(view.question_id.as_str())) }
            @if view.variant.as_str() != "base" { " · " (outside(view.variant.as_str())) }
            ", " (outside(view.model_id.as_str())) ", " (view.region)
        }
        p class="said" {
            (of_execution(view.status).badge()) " "
            @if view.status == ExecutionStatus::Completed { (told(view)) }
            @if view.row.as_ref().is_some_and(|row| row.simulated) { " " span class="tag" { "▲ simulated" } }
        }
    }
}

/// The same question elsewhere, and the way to set it beside those.
fn neighbours(seen: &Seen, id: &ExecutionId) -> Markup {
    let other = |of: ExecutionId| Address::Execution(of);
    let regions = seen.spec.regions.iter().map(|prompts| &prompts.region);
    let others: Vec<_> = regions.clone().filter(|region| **region != id.region).collect();
    let beside = others.iter().take(MOST - 1).map(|region| {
        ("with".to_owned(), ExecutionId { region: (*region).clone(), ..id.clone() }.to_string())
    });
    let fields: Vec<_> =
        std::iter::once(("baseline".to_owned(), id.to_string())).chain(beside).collect();
    let question = Address::Question(id.job.clone(), id.question);
    html! {
        nav class="neighbours" aria-label="The same question elsewhere" {
            @if seen.spec.samples > 1 {
                p {
                    "Samples: "
                    @for sample in (0..seen.spec.samples).map(Sample) {
                        a href=(other(ExecutionId { sample, ..id.clone() })) aria-current=[(sample == id.sample).then_some("page")] {
                            (sample.0)
                        }
                        " "
                    }
                }
            }
            @if seen.spec.regions.len() > 1 {
                p {
                    "Regions: "
                    @for region in regions {
                        a href=(other(ExecutionId { region: region.clone(), ..id.clone() })) aria-current=[(*region == id.region).then_some("page")] { (region) }
                        " "
                    }
                    a class="button" href={ (question) (Input::of(fields).query()) } { "Compare regions" }
                }
            }
            @if seen.spec.models.len() > 1 {
                p {
                    "Models: "
                    @for model in &seen.spec.models {
                        a href=(other(ExecutionId { model: model.clone(), ..id.clone() })) aria-current=[(*model == id.model).then_some("page")] { (outside(model.as_str())) }
                        " "
                    }
                }
            }
        }
    }
}

fn answer(view: &ExecutionView<Receipt>) -> Markup {
    let response = Response::of(view);
    let reason = view.row.as_ref().and_then(|row| row.finish_reason.as_deref());
    let evidence = view.verdict.as_ref().map(|verdict| verdict.classifier.evidence.as_slice());
    html! {
        section aria-labelledby="answer" {
            h2 id="answer" { "Answer" }
            @if let Some(words) = response.words() { p { (words) } }
            @if let Some(text) = response.text() {
                (with_evidence(text, evidence.unwrap_or_default(), view.language.as_deref()))
            }
            @if let Some(reason) = reason { p class="hint" { "Finish reason: " (outside(reason)) } }
        }
    }
}

fn failure(view: &ExecutionView<Receipt>, never_again: Option<NoRun>) -> Markup {
    let Some(failure) = &view.failure else { return html! {} };
    html! {
        section aria-labelledby="failure" {
            h2 id="failure" { "Why there is no answer" }
            dl class="facts" {
                dt { "Code" } dd { code { (failure.code) } }
                dt { "Message" } dd { (shown(&failure.message)) }
                dt { "Where" } dd { (beacon_core::exposition::name(&failure.stage).replace('_', " ")) }
                dt { "Provider" }
                dd { (provider(failure)) }
                @if let Some(status) = failure.http_status { dt { "HTTP status" } dd { (status) } }
                dt { "Attempts" } dd { (failure.attempts) }
                dt { "Again" } dd { (again(failure, never_again)) }
                @if failure.maybe_billed { dt { "Charged" } dd { "maybe: an answer may have been made that did not arrive" } }
                dt { "What to do" } dd { (of_failure(&failure.code, never_again)) }
            }
        }
    }
}

/// Whether the router was asked.
fn was_sent(view: &ExecutionView<Receipt>) -> bool {
    view.row.as_ref().is_some_and(|row| row.attempts > 0)
}

/// Both messages exactly as they were sent, or would have been.
fn sent(view: &ExecutionView<Receipt>) -> Markup {
    let Some(output) = &view.output else { return html! {} };
    let (system, prompt) = (&output.metadata.system_prompt, &output.metadata.prompt);
    html! {
        section aria-labelledby="sent" {
            h2 id="sent" { (if was_sent(view) { "Prompts, as they were sent" } else { "Prompts" }) }
            @if !was_sent(view) { p class="hint" { "Nothing was sent of it, as far as is known." } }
            h3 { "System prompt" }
            @if system.is_empty() { p class="hint" { "None was sent." } } @else { (block(system, None, "System prompt")) }
            h3 { "Question" }
            (block(prompt, view.language.as_deref(), "Question"))
        }
    }
}

/// A text from outside as it is.
fn block(text: &str, tag: Option<&str>, label: &str) -> Markup {
    html! {
        div class="answer sent" dir="auto" lang=[language(tag)] role="region" tabindex="0" aria-label=(label) { (shown(text)) }
    }
}

fn facts(view: &ExecutionView<Receipt>, row: &RowView) -> Markup {
    let dash = || html! { span class="hint" { "not told" } };
    let text = |text: Option<&str>| text.map_or_else(dash, outside);
    let number = |number: Option<u64>| number.map_or_else(dash, |number| html! { (number) });
    html! {
        section aria-labelledby="facts" {
            h2 id="facts" { "How it was asked" }
            dl class="facts" {
                dt { "Provider" } dd { (text(row.provider_id.as_ref().map(beacon_core::ProviderId::as_str))) }
                dt { "Model served" } dd { (text(row.served_model.as_deref())) }
                dt { "Region asked" } dd { (view.region) @if view.region_asked != view.region.as_str() { " (as " (outside(&view.region_asked)) ")" } }
                dt { "Region served" } dd { (text(row.served_region.as_deref())) }
                dt { "Begun" } dd { (time(row.started_at)) }
                dt { "Took" } dd { (duration(row.duration_ms)) }
                dt { "Tokens" } dd {
                    @if row.input_tokens.is_none() && row.output_tokens.is_none() { (dash()) }
                    @else { (number(row.input_tokens)) " in, " (number(row.output_tokens)) " out" }
                }
                dt { "Cost" } dd { @match row.cost { Some(cost) => { "$" (cost) }, None => (dash()) } }
                dt { "Attempts" } dd { (row.attempts) @if row.maybe_billed > 0 { ", of which " (row.maybe_billed) " may have been charged for without an answer" } }
                dt { "Run" } dd { (row.run) @if view.retries > 0 { " (retried " (counted(view.retries.into(), "time")) ")" } }
                dt { "Sampling" }
                dd {
                    "temperature " (row.sampling.temperature) ", at most " (row.sampling.max_tokens) " tokens"
                    @if let Some(seed) = row.sampling.seed { ", seed " (seed) }
                    @if let Some(top_p) = row.sampling.top_p { ", top-p " (top_p) }
                }
                dt { "Prompt's SHA-256" } dd { code { (row.prompt_sha256.0) } }
                dt { "Execution" } dd { code { (view.id) } }
            }
        }
    }
}

/// The verdict in a word.
fn word(verdict: beacon_core::verdict::Verdict) -> &'static str {
    of_verdict(verdict).word
}
