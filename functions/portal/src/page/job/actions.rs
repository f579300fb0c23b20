//! Cancelling and retrying a job, each asked on a page of its own first.

use beacon_aws::ApiError;
use beacon_core::JobId;
use beacon_core::job::{Job, JobStatus, NoRun, Selection, may_run_again};
use beacon_core::lane::Lane;
use beacon_core::view::JobView;
use beacon_intake::Retry;
use maud::{Markup, html};

use super::super::heading::{self, Tab};
use super::super::words::{count, counted, sentence};
use crate::Portal;
use crate::address::Address;
use crate::answer::{Answer, Page, PageError};
use crate::input::Input;
use crate::layout::form_token;
use crate::read::Seen;
use crate::visit::Visit;

/// The field of a form that makes a request the same when it is sent twice.
const REQUEST: &str = "request";

impl Portal {
    pub(crate) async fn ask_cancel(&self, visit: &Visit, id: &JobId) -> Result<Answer, PageError> {
        let (job, lanes) = self.job_and_lanes(id).await?;
        if job.status.is_final() {
            return Err(ApiError::JobIsFinal { job: id.clone(), status: job.status }.into());
        }
        let is_everywhere = lanes.iter().all(|lane| lane.run == job.run);
        let job = JobView::new(&job, &lanes, visit.now);
        let left = job.counts.pending + job.counts.running;
        let told = html! {
            p {
                "What is being asked is dropped, and what has not begun is not asked"
                @if is_everywhere { ": " (counted(left, "execution")) }
                ". What completed, " (count(job.counts.completed)) ", stays."
            }
            p class="hint" { "A retry can ask the rest later." }
        };
        let action = Address::Cancel(id.clone());
        let asked = Asked {
            title: "Cancel this job?",
            told,
            action,
            button: "Cancel the job",
            danger: true,
        };
        Ok(asked.page(visit, &job, &html! {}))
    }

    pub(crate) async fn cancel(&self, visit: &Visit, id: &JobId) -> Result<Answer, PageError> {
        let intake = self.intake()?;
        intake.cancel(id, Some(visit.caller.name.clone())).await?;
        Ok(Answer::Redirect(Address::Job(id.clone()).to_string()))
    }

    pub(crate) async fn ask_retry(&self, visit: &Visit, id: &JobId) -> Result<Answer, PageError> {
        let (job, lanes) = self.job_and_lanes(id).await?;
        let without = may_run_again(&job, &lanes).map_err(|why| ApiError::no_run(id, why))?;
        if without == 0 {
            return Err(ApiError::NothingToRetry(id.clone()).into());
        }
        let has_findings = self.query.table.analysis(id, job.run).await?.is_some();
        let job = JobView::new(&job, &lanes, visit.now);
        let told = html! {
            p {
                (counted(without, "execution")) " without an answer will be asked anew. What completed, "
                (count(job.counts.completed)) ", is not asked again."
            }
            @if has_findings { (findings_wait(&job)) }
        };
        let action = Address::Retry(id.clone());
        let asked = Asked {
            title: "Retry what has no answer?",
            told,
            action,
            button: "Retry",
            danger: false,
        };
        Ok(asked.page(visit, &job, &request_field()))
    }

    pub(crate) async fn retry(&self, visit: &Visit, id: &JobId) -> Result<Answer, PageError> {
        let retry = Retry {
            selection: Selection::default(),
            by: Some(visit.caller.name.clone()),
            why: None,
            request: request_of(&visit.form),
        };
        self.intake()?.retry(id, retry).await?;
        Ok(Answer::Redirect(Address::Job(id.clone()).to_string()))
    }

    async fn job_and_lanes(&self, id: &JobId) -> Result<(Job, Vec<Lane>), PageError> {
        let found = self.query.table.job_and_lanes(id).await?;
        Ok(found.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?)
    }
}

/// What a further run does to the findings that are there.
pub(crate) fn findings_wait(job: &JobView) -> Markup {
    html! {
        p class="hint" {
            "Findings and verdicts are of a whole run: those of run " (job.run) " are not shown from now on, and those of run "
            (job.run.next()) " when it has ended. A report or export that should stay as it is can be kept first: "
            a href=(Address::Files(job.job_id.clone())) { "Files" } "."
        }
    }
}

/// A question before something is done.
pub(crate) struct Asked {
    pub(crate) title: &'static str,
    pub(crate) told: Markup,
    pub(crate) action: Address,
    pub(crate) button: &'static str,
    pub(crate) danger: bool,
}

impl Asked {
    /// The page that asks.
    pub(crate) fn page(self, visit: &Visit, job: &JobView, fields: &Markup) -> Answer {
        let class = if self.danger { "danger" } else { "primary" };
        let body = html! {
            (heading::of(visit, job, Tab::Below))
            section class="ask" {
                h1 { (self.title) }
                (self.told)
                form method="post" action=(self.action) {
                    (form_token(visit))
                    (fields)
                    button class=(class) type="submit" { (self.button) }
                    " "
                    a class="button" href=(Address::Job(job.job_id.clone())) { "No, back to the job" }
                }
            }
        };
        Answer::Page(Page::new(self.title, body).simulated(job.simulated))
    }
}

/// What a form carries so that, sent twice, it is one request.
pub(crate) fn request_field() -> Markup {
    html! { input type="hidden" name=(REQUEST) value=(beacon_aws::fresh_nonce()); }
}

/// The same, of a form that was sent; a fresh one where it carries none.
pub(crate) fn request_of(form: &Input) -> beacon_core::Nonce {
    let sent = form.text(REQUEST).and_then(|text| beacon_core::Nonce::new(text).ok());
    sent.unwrap_or_else(beacon_aws::fresh_nonce)
}

/// What can be done with the job now.
pub(super) fn buttons(seen: &Seen) -> Markup {
    let id = seen.job.id.clone();
    match may_run_again(&seen.job, &seen.lanes) {
        Ok(0) | Err(NoRun::NotFinal(JobStatus::Cancelling)) => html! {},
        Ok(without) => html! {
            p { a class="button" href=(Address::Retry(id)) { "Retry " (counted(without, "execution")) " without an answer…" } }
        },
        Err(NoRun::NotFinal(_)) => html! {
            p { a class="button danger" href=(Address::Cancel(id)) { "Cancel…" } }
        },
        Err(NoRun::TooMany | NoRun::CostSpent(_)) if seen.is_complete() => html! {},
        Err(why @ (NoRun::TooMany | NoRun::CostSpent(_))) => {
            html! { p class="hint" { (sentence(&ApiError::no_run(&id, why).to_string())) } }
        }
    }
}
