//! What stands above every page of a job: its name, where it is, and the way to its other pages.

use beacon_core::JobId;
use beacon_core::view::JobView;
use maud::{Markup, html};

use super::status::of_job;
use super::words::{ago, counted, outside, time};
use crate::address::Address;
use crate::visit::Visit;

/// The pages of a job that stand beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Progress,
    Matrix,
    Findings,
    Files,
    /// A page below one of those.
    Below,
}

/// The name, the status, and links.
pub(crate) fn of(visit: &Visit, job: &JobView, tab: Tab) -> Markup {
    let id = &job.job_id;
    html! {
        div class="job-head" {
            p class="crumb" { a href=(Address::Jobs) { "Jobs" } " / " code { (id) } }
            @match tab {
                Tab::Below => p class="job-name" { (outside(&job.name)) },
                Tab::Progress | Tab::Matrix | Tab::Findings | Tab::Files => h1 { (outside(&job.name)) },
            }
            p class="job-line" {
                (of_job(job.status).badge())
                " " span { (shape(job)) }
                " " span {
                    "submitted "
                    // Of a page that stands still an age would soon be wrong.
                    @if job.status.is_final() { (time(job.created_at)) } @else { (ago(job.created_at, visit.now)) }
                }
                @if job.run.0 > 1 { " " span { "run " (job.run.0) } }
            }
            nav class="tabs" aria-label="Pages of this job" {
                @for (of, name) in TABS {
                    a href=(address(of, id)) aria-current=[(of == tab).then_some("page")] { (name) }
                }
            }
            @if !job.status.is_final() { (stands_still(visit, job)) }
        }
    }
}

/// What a page says that shows a job which runs, and does not move with it.
fn stands_still(visit: &Visit, job: &JobView) -> Markup {
    match &visit.address {
        Address::Matrix(_) | Address::Question(..) | Address::Files(_) | Address::Execution(_) => {
            html! {
                p class="hint" {
                    "As it was at " (time(visit.now)) "; this page does not move. "
                    a href={ (visit.address) (visit.parameters.query()) } { "Load it anew" } ", or "
                    a href=(Address::Job(job.job_id.clone())) { "watch the job live" } "."
                }
            }
        }
        Address::Jobs
        | Address::New
        | Address::Estimate
        | Address::Job(_)
        | Address::Live(_)
        | Address::Cancel(_)
        | Address::Retry(_)
        | Address::Findings(_)
        | Address::Classify(_)
        | Address::Download(..)
        | Address::RetryExecution(_)
        | Address::Label(_)
        | Address::System
        | Address::SignIn
        | Address::SignOut
        | Address::Asset(_) => html! {},
    }
}

const TABS: [(Tab, &str); 4] = [
    (Tab::Progress, "Progress"),
    (Tab::Matrix, "Matrix"),
    (Tab::Findings, "Findings"),
    (Tab::Files, "Files"),
];

fn address(tab: Tab, id: &JobId) -> Address {
    let id = id.clone();
    match tab {
        Tab::Progress | Tab::Below => Address::Job(id),
        Tab::Matrix => Address::Matrix(id),
        Tab::Findings => Address::Findings(id),
        Tab::Files => Address::Files(id),
    }
}

/// `8 questions × 3 models × 3 regions`.
pub(crate) fn shape(job: &JobView) -> String {
    let questions = counted(u64::from(job.questions), "question");
    let models = counted(job.models.len() as u64, "model");
    let regions = counted(job.regions.len() as u64, "region");
    let samples = if job.samples > 1 {
        format!(" × {}", counted(u64::from(job.samples), "sample"))
    } else {
        String::new()
    };
    format!("{questions} × {models} × {regions}{samples} = {}", counted(job.expected, "execution"))
}
