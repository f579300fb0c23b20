//! What a person says of an answer, and asking an execution anew.

use beacon_aws::ApiError;
use beacon_core::ExecutionId;
use beacon_core::job::{MAX_RETRIES, NoRetry, may_retry, may_run_again};
use beacon_core::spec::LabelAsked;
use beacon_core::verdict::{MAX_NOTE_BYTES, Verdict, VerdictView};
use beacon_core::view::ExecutionView;
use beacon_evidence::receipt::Receipt;
use maud::{Markup, html};

use super::super::job::{Asked, findings_wait, request_field, request_of};
use super::super::status::of_verdict;
use super::super::words::{counted, outside, shown, time};
use super::word;
use crate::Portal;
use crate::address::Address;
use crate::answer::{Answer, PageError};
use crate::layout::form_token;
use crate::read::Seen;
use crate::visit::Visit;

/// Takes a person's verdict back.
const WITHDRAWN: &str = "withdrawn";

impl Portal {
    pub(crate) async fn label(&self, visit: &Visit, id: &ExecutionId) -> Result<Answer, PageError> {
        let said = visit.form.text("verdict").unwrap_or_default();
        let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.to_string() == said);
        let note = visit.form.text("note").map(str::to_owned);
        let asked = match verdict {
            Some(verdict) => LabelAsked::Given { verdict, note },
            None if said == WITHDRAWN => LabelAsked::Withdrawn,
            None => {
                let problem = format!("must be {}, or {WITHDRAWN}", Verdict::names());
                return Err(PageError::Parameter { name: "verdict", problem });
            }
        };
        if visit.form.text("note").is_some_and(|note| note.len() > MAX_NOTE_BYTES) {
            let problem = format!("has more than {MAX_NOTE_BYTES} bytes");
            return Err(PageError::Parameter { name: "note", problem });
        }
        self.intake()?.label(id, asked, Some(visit.caller.name.clone())).await?;
        Ok(Answer::Redirect(format!("{}#verdict", Address::Execution(id.clone()))))
    }

    pub(crate) async fn ask_retry_execution(
        &self,
        visit: &Visit,
        id: &ExecutionId,
    ) -> Result<Answer, PageError> {
        let (seen, one) = self.one(id).await?;
        let view = one.execution;
        can_be_asked(&seen, &view)?;
        let has_findings = self.query.table.analysis(&id.job, seen.job.run).await?.is_some();
        let job = seen.view(visit.now);
        let told = html! {
            p { (outside(view.question_id.as_str())) ", " (outside(view.model_id.as_str())) ", " (view.region) " is asked anew, as a run of its own. Nothing else is." }
            @if let Some(failure) = &view.failure { p { "It ended with " code { (failure.code) } ": " (shown(&failure.message)) } }
            @if has_findings { (findings_wait(&job)) }
        };
        let action = Address::RetryExecution(id.clone());
        let asked = Asked {
            title: "Retry this execution?",
            told,
            action,
            button: "Retry it",
            danger: false,
        };
        Ok(asked.page(visit, &job, &request_field()))
    }

    pub(crate) async fn retry_execution(
        &self,
        visit: &Visit,
        id: &ExecutionId,
    ) -> Result<Answer, PageError> {
        let request = request_of(&visit.form);
        let (seen, one) = self.one(id).await?;
        let here = Address::Job(id.job.clone()).to_string();
        // Sent twice it is one retry, whatever became of it by now.
        if seen.job.runs.iter().any(|run| run.request == request) {
            return Ok(Answer::Redirect(here));
        }
        can_be_asked(&seen, &one.execution)?;
        let by = Some(visit.caller.name.clone());
        self.intake()?.retry_execution(id, by, request).await?;
        Ok(Answer::Redirect(here))
    }
}

fn can_be_asked(seen: &Seen, view: &ExecutionView<Receipt>) -> Result<(), PageError> {
    may_run_again(&seen.job, &seen.lanes).map_err(|why| ApiError::no_run(&seen.job.id, why))?;
    may_retry(view.status, view.retries).map_err(PageError::NoRetry)
}

/// What the text says, by whom, and the form that overrules it.
pub(super) fn verdict(
    visit: &Visit,
    seen: &Seen,
    id: &ExecutionId,
    verdict: &VerdictView,
) -> Markup {
    let classifier = &verdict.classifier;
    html! {
        section aria-labelledby="verdict" {
            h2 id="verdict" { "Verdict" }
            p class="said" {
                (of_verdict(verdict.verdict).badge())
                @if verdict.label.is_some() { " as a person says" } @else { " as the classifier says" }
            }
            dl class="facts" {
                dt { "Classifier" }
                dd {
                    (word(classifier.verdict)) ", confidence " (beacon_analysis::figure::fraction(classifier.confidence))
                    " (how clear the text is by the rules, no probability), rules " (verdict.rules)
                    @if classifier.review { "; it is unsure, and a person should look" }
                }
                @if !classifier.evidence.is_empty() {
                    dt { "Rests on" }
                    dd {
                        @for (at, evidence) in classifier.evidence.iter().enumerate() {
                            @if at > 0 { ", " } code { (evidence.rule) }
                        }
                        " (marked in the answer)"
                    }
                }
                @if let Some(label) = &verdict.label {
                    dt { "A person" }
                    dd {
                        (word(label.verdict)) ", " (time(label.at))
                        @if let Some(by) = &label.by { ", with the token " code { (by) } }
                        @if let Some(note) = &label.note { ": " (outside(note)) }
                    }
                }
            }
            @if visit.may_change() && seen.job.status.is_final() { (overrule(visit, id, verdict)) }
        }
    }
}

fn overrule(visit: &Visit, id: &ExecutionId, verdict: &VerdictView) -> Markup {
    html! {
        form class="overrule" method="post" action=(Address::Label(id.clone())) {
            (form_token(visit))
            fieldset {
                legend { "What do you say?" }
                @for one in Verdict::ALL {
                    label class="box" {
                        input type="radio" name="verdict" value=(one) required checked[verdict.verdict == one];
                        " " (of_verdict(one).badge())
                    }
                }
                @if verdict.label.is_some() {
                    label class="box" { input type="radio" name="verdict" value=(WITHDRAWN); " take it back: the classifier's stands" }
                }
            }
            label for="note" { "Why (optional)" }
            input id="note" name="note" type="text" maxlength=(MAX_NOTE_BYTES / 4) autocomplete="off"
                value=[verdict.label.as_ref().and_then(|label| label.note.as_deref())];
            button type="submit" { "Confirm or overrule" }
            p class="hint" { "The classifier's verdict stays beside yours, and the findings are computed anew." }
        }
    }
}

/// The way to ask one execution anew, where that can be.
pub(super) fn retry_button(seen: &Seen, view: &ExecutionView<Receipt>) -> Markup {
    if may_run_again(&seen.job, &seen.lanes).is_err() {
        return html! {};
    }
    match may_retry(view.status, view.retries) {
        Ok(()) => html! {
            p {
                a class="button" href=(Address::RetryExecution(view.id.clone())) { "Retry this one…" }
                @if view.retries > 0 {
                    " " span class="hint" { "retried " (view.retries) " of at most " (counted(MAX_RETRIES.into(), "time")) }
                }
            }
        },
        Err(NoRetry::Completed | NoRetry::Cancelled | NoRetry::OnItsWay) => html! {},
        Err(NoRetry::TooOften) => html! { p class="hint" { (no_retry(NoRetry::TooOften)) } },
    }
}

/// Why an execution is not asked anew by itself, in a sentence.
pub(in super::super) fn no_retry(why: NoRetry) -> String {
    let (times, job) = (counted(MAX_RETRIES.into(), "time"), "a retry of the whole job");
    match why {
        NoRetry::TooOften => {
            format!(
                "It was retried {times}, as often as one execution is by itself; {job} asks it once more."
            )
        }
        NoRetry::Completed => {
            "It is completed: it has its answer, and is not asked again.".to_owned()
        }
        NoRetry::Cancelled => format!("It was cancelled and did not fail: {job} asks it."),
        NoRetry::OnItsWay => "It is on its way already.".to_owned(),
    }
}
