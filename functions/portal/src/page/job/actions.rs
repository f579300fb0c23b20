//! Cancelling and retrying a job, each asked on a page of its own first.

use beacon_aws::ApiError;
use beacon_core::JobId;
use beacon_core::job::Selection;
use beacon_core::view::JobView;
use beacon_intake::Retry;
use maud::{Markup, html};

use super::super::heading::{self, Tab};
use super::super::words::{count, counted};
use crate::Portal;
use crate::address::Address;
use crate::answer::{Answer, Page, PageError};
use crate::input::Input;
use crate::layout::form_token;
use crate::visit::Visit;

/// The field of a form that makes a request the same when it is sent twice.
const REQUEST: &str = "request";

impl Portal {
    pub(crate) async fn ask_cancel(&self, visit: &Visit, id: &JobId) -> Result<Answer, PageError> {
        let job = self.job_view(visit, id).await?;
        if job.status.is_final() {
            return Err(ApiError::JobIsFinal { job: id.clone(), status: job.status }.into());
        }
        let left = job.counts.pending + job.counts.running;
        let told = html! {
            p {
                "What is being asked is dropped, and what has not begun is not asked: "
                (counted(left, "execution")) ". What completed, " (count(job.counts.completed)) ", stays."
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
        let job = self.job_view(visit, id).await?;
        if !job.status.is_final() {
            return Err(ApiError::JobNotFinal { job: id.clone(), status: job.status }.into());
        }
        let without =
            job.counts.failed + job.counts.timed_out + job.counts.cancelled + job.counts.pending;
        if without == 0 {
            return Err(ApiError::NothingToRetry(id.clone()).into());
        }
        let told = html! {
            p {
                (counted(without, "execution")) " without an answer will be asked anew. What completed, "
                (count(job.counts.completed)) ", is not asked again."
            }
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

    async fn job_view(&self, visit: &Visit, id: &JobId) -> Result<JobView, PageError> {
        let found = self.query.table.job_and_lanes(id).await?;
        let (job, lanes) = found.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?;
        Ok(JobView::new(&job, &lanes, visit.now))
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
pub(super) fn buttons(job: &JobView) -> Markup {
    let id = job.job_id.clone();
    let without =
        job.counts.failed + job.counts.timed_out + job.counts.cancelled + job.counts.pending;
    html! {
        @if !job.status.is_final() {
            @if job.status != beacon_core::job::JobStatus::Cancelling {
                p { a class="button danger" href=(Address::Cancel(id)) { "Cancel…" } }
            }
        } @else if without > 0 {
            p { a class="button" href=(Address::Retry(id)) { "Retry " (counted(without, "execution")) " without an answer…" } }
        }
    }
}
