//! What a job would use and cost, from its specification and what providers declare.

use beacon_core::estimate::AWS;
use beacon_intake::Estimated;
use maud::{Markup, html};

use super::field::Told;
use crate::page::shown;
use crate::page::words::{count, counted, dollars, duration, estimated_charge, milliseconds};

/// Problems that are listed while the form is being filled in; all of them are when it is sent.
const LISTED: usize = 5;

/// Of a specification that would be accepted.
pub(super) fn shown_of(estimated: &Estimated) -> Markup {
    let Estimated { spec, estimate, warnings } = estimated;
    let executions = estimate.executions;
    let product = format!(
        "{} × {} × {} × {}",
        counted(spec.questions.len() as u64, "question"),
        counted(spec.models.len() as u64, "model"),
        counted(spec.regions.len() as u64, "region"),
        counted(u64::from(spec.samples), "sample"),
    );
    html! {
        dl class="facts" {
            dt { "Executions" }
            dd { strong { (count(executions)) } " = " (product) }
            dt { "Providers charge" }
            dd { (estimated_charge(estimate)) }
            dt { "AWS charges" }
            dd {
                "at most " (dollars(estimate.aws(&AWS).total()))
                " where Beacon runs there, at the prices of " (AWS.region) " of " (AWS.as_of)
                " without free tiers; nothing where it runs on a machine of your own"
            }
            dt { "It takes" }
            dd {
                "about " (duration(milliseconds(estimate.seconds))) ", if a question takes "
                (duration(milliseconds(estimate.latency_seconds))) ": "
                (counted(estimate.lanes, "question")) " at a time"
            }
            @if let Some(most) = spec.max_cost {
                dt { "Limit" }
                dd { "the job stops when its providers have charged " (dollars(most)) }
            }
        }
        @if !warnings.is_empty() {
            ul class="hint" { @for warning in warnings { li { (shown(warning)) } } }
        }
    }
}

/// Of a form whose CSV is too large to be sent at each pause of typing.
pub(super) fn without_csv() -> Markup {
    html! {
        p class="hint" {
            "This is without the questions of the CSV, which is large: " strong { "Estimate" } " counts them too."
        }
    }
}

/// What is still wrong or missing, in the API's words.
pub(super) fn missing(problems: &[Told], told: Option<&str>) -> Markup {
    let more = problems.len().saturating_sub(LISTED);
    html! {
        p class="hint" { "Not known yet:" }
        ul class="hint" {
            @if let Some(told) = told { li { (shown(told)) } }
            @for problem in problems.iter().take(LISTED) {
                li { (problem.named()) }
            }
            @if more > 0 { li { (counted(more as u64, "problem")) " more" } }
        }
    }
}
