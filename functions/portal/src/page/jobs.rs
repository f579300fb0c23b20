//! Jobs, newest first.

use beacon_core::job::JobStatus;
use beacon_core::view::{JobView, JobsPage};
use maud::{Markup, html};

use super::heading::shape;
use super::progress::{bar, sentence};
use super::status::of_job;
use super::words::{ago, counted, outside};
use crate::Portal;
use crate::address::Address;
use crate::answer::{Answer, Page, PageError};
use crate::layout::notice;
use crate::visit::Visit;

/// Jobs on a page without a filter, and those that are looked at for one with it.
const ON_PAGE: usize = 25;
const LOOKED_AT: usize = 200;
/// Regions that are named; of more the number is told.
const NAMED: usize = 5;

const STATUSES: [JobStatus; 7] = [
    JobStatus::Queued,
    JobStatus::Running,
    JobStatus::Cancelling,
    JobStatus::Completed,
    JobStatus::Failed,
    JobStatus::Cancelled,
    JobStatus::TimedOut,
];

/// Which jobs are wanted.
struct Wanted<'a> {
    status: Option<JobStatus>,
    text: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn read(visit: &'a Visit) -> Self {
        let named = visit.parameters.text("status");
        let status = STATUSES.into_iter().find(|status| named == Some(status.to_string().as_str()));
        Self { status, text: visit.parameters.text("text") }
    }

    fn is_open(&self) -> bool {
        self.status.is_none() && self.text.is_none()
    }

    fn takes(&self, job: &JobView) -> bool {
        let has = |text: &str| {
            let text = text.to_lowercase();
            let regions = job.regions.iter().map(beacon_core::Region::as_str);
            let models = job.models.iter().map(beacon_core::ModelId::as_str);
            let mut all =
                [job.name.as_str(), job.job_id.as_str()].into_iter().chain(regions).chain(models);
            all.any(|one| one.to_lowercase().contains(&text))
        };
        self.status.is_none_or(|status| status == job.status) && self.text.is_none_or(has)
    }
}

impl Portal {
    pub(crate) async fn jobs(&self, visit: &Visit) -> Result<Answer, PageError> {
        let wanted = Wanted::read(visit);
        let limit = if wanted.is_open() { ON_PAGE } else { LOOKED_AT };
        let cursor = visit.parameters.text("before");
        let before = cursor.map(beacon_query::read_jobs_cursor).transpose()?;
        let found = self.query.jobs_page(before.as_ref(), limit).await?;
        let simulated = found.jobs.iter().any(|job| job.simulated && wanted.takes(job));
        let list = list(visit, &wanted, &found);
        if visit.is_part {
            return Ok(Answer::Part(html! { (list) (notice(simulated, true)) }));
        }
        let body = html! {
            div class="title-line" {
                h1 { "Jobs" }
                @if visit.may_change() {
                    a class="button primary" href=(Address::New) { "New job" }
                }
            }
            (filter(visit, &wanted))
            (list)
        };
        Ok(Answer::Page(Page::new("Jobs", body).simulated(simulated)))
    }
}

fn filter(visit: &Visit, wanted: &Wanted<'_>) -> Markup {
    html! {
        form class="filter" method="get" action=(Address::Jobs) role="search" aria-label="Filter jobs" {
            label for="text" { "Name, id, model or region" }
            input id="text" name="text" type="search" value=(visit.parameters.text("text").unwrap_or_default());
            label for="status" { "Status" }
            select id="status" name="status" {
                option value="" { "any" }
                @for status in STATUSES {
                    option value=(status) selected[wanted.status == Some(status)] { (of_job(status).word) }
                }
            }
            button type="submit" { "Show" }
            @if !wanted.is_open() { a href=(Address::Jobs) { "Show all" } }
        }
    }
}

fn list(visit: &Visit, wanted: &Wanted<'_>, found: &JobsPage) -> Markup {
    let jobs: Vec<&JobView> = found.jobs.iter().filter(|job| wanted.takes(job)).collect();
    // With a filter many jobs are looked at for each answer.
    let moves = wanted.is_open() && jobs.iter().any(|job| !job.status.is_final());
    let here = format!("{}{}", Address::Jobs, visit.parameters.query());
    let next = found.cursor.as_deref().map(|cursor| visit.parameters.with("before", Some(cursor)));
    html! {
        div id="jobs" hx-get=[moves.then_some(here)] hx-trigger=[moves.then_some("every 2s")] hx-swap="outerMorph" {
            @if jobs.is_empty() { (nothing(visit, wanted, found)) } @else { (table(visit, &jobs)) }
            @if !wanted.is_open() {
                p class="hint" { (were_looked_at(found.jobs.len())) ", the newest first." }
            }
            nav class="pager" aria-label="Pages of jobs" {
                @if visit.parameters.text("before").is_some() {
                    a href={ (Address::Jobs) (visit.parameters.with("before", None).query()) } { "Newest" }
                }
                @if let Some(next) = next {
                    a href={ (Address::Jobs) (next.query()) } rel="next" { "Older ›" }
                }
            }
        }
    }
}

fn were_looked_at(jobs: usize) -> String {
    let were = if jobs == 1 { "was" } else { "were" };
    format!("{} {were} looked at", counted(jobs as u64, "job"))
}

fn nothing(visit: &Visit, wanted: &Wanted<'_>, found: &JobsPage) -> Markup {
    html! {
        section class="empty" {
            @if wanted.is_open() && visit.parameters.text("before").is_none() {
                h2 { "No jobs yet" }
                p { "A job asks the same questions of several models in several regions, each exactly once." }
                @if visit.may_change() {
                    p { a class="button primary" href=(Address::New) { "Submit the first one" } }
                }
            } @else {
                h2 { "None of these" }
                p {
                    "No job here is like that"
                    @if found.cursor.is_some() { "; older ones have not been looked at" } "."
                }
            }
        }
    }
}

fn table(visit: &Visit, jobs: &[&JobView]) -> Markup {
    html! {
        div class="scroll" role="region" tabindex="0" aria-label="Jobs" {
            table class="jobs" {
                caption class="unseen" { "Jobs, newest first" }
                thead {
                    tr {
                        th scope="col" { "Job" }
                        th scope="col" { "Status" }
                        th scope="col" { "Progress" }
                        th scope="col" { "Regions" }
                        th scope="col" { "Submitted" }
                    }
                }
                tbody { @for job in jobs { (row(visit, job)) } }
            }
        }
    }
}

fn row(visit: &Visit, job: &JobView) -> Markup {
    let id = job.job_id.clone();
    html! {
        tr id={ "job-" (id) } {
            th scope="row" {
                a href=(Address::Job(id.clone())) { (outside(&job.name)) }
                span class="hint" { code { (id) } " · " (shape(job)) }
                @if job.simulated { span class="tag" { "▲ simulated" } }
            }
            td { (of_job(job.status).badge()) }
            td class="progress" {
                (bar(&job.counts, job.expected))
                span class="hint" { (sentence(&job.counts, job.expected)) }
            }
            td { (regions(job)) }
            td { (ago(job.created_at, visit.now)) }
        }
    }
}

fn regions(job: &JobView) -> String {
    let named: Vec<&str> =
        job.regions.iter().take(NAMED).map(beacon_core::Region::as_str).collect();
    let more = job.regions.len().saturating_sub(NAMED);
    if more > 0 { format!("{} and {more} more", named.join(", ")) } else { named.join(", ") }
}
