//! Findings that are not there yet: why, and when they are.

use beacon_aws::ApiError;
use beacon_core::JobId;
use beacon_core::view::JobView;
use maud::{Markup, html};

use crate::Portal;
use crate::address::Address;
use crate::answer::{Answer, Page, PageError};
use crate::layout::form_token;
use crate::page::heading::{self, Tab};
use crate::page::words::{count, counted, duration};
use crate::visit::Visit;

/// Why there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// The job has not ended.
    NotEnded,
    /// They come by themselves in some seconds.
    OnTheirWay,
    /// Analysing fails, and is tried again.
    Fails { tries: u32, retry_seconds: u64 },
    /// Nobody asked for an analysis.
    NeverAsked,
}

impl Missing {
    /// What an error of the API says of it; none where it is another.
    pub(super) fn of(error: &ApiError) -> Option<Self> {
        if let ApiError::AnalysisFails { tries, retry_seconds, .. } = error {
            return Some(Self::Fails { tries: *tries, retry_seconds: *retry_seconds });
        }
        let is = |yes: bool, why: Self| yes.then_some(why);
        is(matches!(error, ApiError::NotEnded { .. }), Self::NotEnded)
            .or_else(|| is(matches!(error, ApiError::NotAnalysed(_)), Self::OnTheirWay))
            .or_else(|| is(matches!(error, ApiError::NeverAnalysed(_)), Self::NeverAsked))
    }

    fn heading(self) -> &'static str {
        match self {
            Self::NotEnded => "No findings yet",
            Self::OnTheirWay => "The answers are being analysed",
            Self::Fails { .. } => "The analysis fails",
            Self::NeverAsked => "The answers are not analysed",
        }
    }
}

impl Portal {
    /// Has the answers judged, and shows where the findings will be.
    pub(crate) async fn classify(&self, visit: &Visit, id: &JobId) -> Result<Answer, PageError> {
        self.intake()?.classify(id, Some(visit.caller.name.clone())).await?;
        Ok(Answer::Redirect(Address::Findings(id.clone()).to_string()))
    }
}

/// The page, or nothing where it is there already and nothing has changed.
pub(super) fn answer(visit: &Visit, job: &JobView, why: Missing) -> Answer {
    if visit.is_part {
        return if why == Missing::OnTheirWay { Answer::Unchanged } else { Answer::Anew };
    }
    let body = html! {
        (heading::of(visit, job, Tab::Findings))
        (state(visit, job, why))
    };
    let page = Page::new(format!("Findings · {}", job.name), body);
    Answer::Page(page.simulated(job.simulated))
}

fn state(visit: &Visit, job: &JobView, why: Missing) -> Markup {
    let here = Address::Findings(job.job_id.clone());
    let looks = why == Missing::OnTheirWay;
    html! {
        section class="empty" id="waiting" aria-labelledby="waiting-heading"
            hx-get=[looks.then_some(&here)] hx-trigger=[looks.then_some("every 2s")]
            hx-swap=[looks.then_some("none")] {
            h2 id="waiting-heading" { (why.heading()) }
            p role="status" { (told(job, why)) }
            @if why == Missing::NeverAsked && visit.may_change() {
                form method="post" action=(Address::Classify(job.job_id.clone())) {
                    (form_token(visit))
                    button class="primary" type="submit" { "Analyse the answers" }
                }
            }
            p {
                a class="button" href=(here) { "Load this page anew" } " "
                a href=(Address::Job(job.job_id.clone())) { "To the job" }
            }
        }
    }
}

fn told(job: &JobView, why: Missing) -> Markup {
    match why {
        Missing::NotEnded => {
            let counts = &job.counts;
            let ended = counts.completed + counts.failed + counts.timed_out + counts.cancelled;
            html! {
                "Findings are computed when the job has ended. Until now "
                (count(ended)) " of " (count(job.expected)) " executions have."
            }
        }
        Missing::OnTheirWay => html! {
            "It takes some seconds, and some minutes for a very large job. This page shows the findings "
            "when they are there."
        },
        Missing::Fails { tries, retry_seconds } => html! {
            "It has failed " (counted(u64::from(tries), "time")) ", and is tried again in about "
            (duration(retry_seconds.saturating_mul(1000))) ". The coordinator’s log says why. "
            "All answers are there: see the job and its files."
        },
        Missing::NeverAsked => html! {
            "Nobody asked for their analysis, as of a job that an earlier release ended. It costs no request to a "
            "provider. " code { "beacon classify " (job.job_id) } " asks for it, too."
        },
    }
}
