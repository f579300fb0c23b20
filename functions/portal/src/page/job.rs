//! A job's own page: where it is, live, what failed, and what can be done with it.

mod actions;
mod failures;
mod table;

pub(super) use actions::{Asked, findings_wait, request_field, request_of};

use std::collections::BTreeSet;

use beacon_analysis::figure;
use beacon_core::JobId;
use beacon_core::job::{EndCause, JobEnding, JobStatus, RunRecord};
use beacon_core::lane::{Lane, LaneState};
use beacon_core::money::Dollars;
use beacon_core::spec::{Spec, Stop};
use beacon_core::view::{JobView, milliseconds};
use jiff::Timestamp;
use maud::{Markup, html};

use super::heading::{self, Tab};
use super::words::{counted, dollars, duration, estimated_charge, outside, sentence, time};
use super::{pager, progress};
use crate::Portal;
use crate::address::Address;
use crate::answer::{Answer, Page, PageError};
use crate::layout::notice;
use crate::read::Seen;
use crate::visit::Visit;
use crate::window::Window;

impl Portal {
    pub(crate) async fn job(&self, visit: &Visit, id: &JobId) -> Result<Answer, PageError> {
        let seen = self.seen(id).await?;
        let job = seen.view(visit.now);
        let body = self.moving(visit, &seen, &job).await?;
        Ok(Answer::Page(Page::new(job.name.clone(), body).simulated(job.simulated)))
    }

    /// What moves on a job's page, alone.
    pub(crate) async fn live(&self, visit: &Visit, id: &JobId) -> Result<Answer, PageError> {
        let seen = self.seen(id).await?;
        let job = seen.view(visit.now);
        let moving = self.moving(visit, &seen, &job).await?;
        Ok(Answer::Part(html! { (moving) (notice(job.simulated, true)) }))
    }

    async fn moving(&self, visit: &Visit, seen: &Seen, job: &JobView) -> Result<Markup, PageError> {
        let window = Window::of(&seen.spec, pager::asked(&visit.parameters));
        let regions: Vec<usize> = window.regions.clone().collect();
        let pairs = self.pairs(seen, window.questions.clone(), &regions).await?;
        // An analysis comes moments after the final status, and changes what is shown of failures.
        let moves = if job.status.is_final() {
            seen.job.analysis.due.map(|_due| "every 5s")
        } else {
            Some("every 1s")
        };
        let page = window.page.to_string();
        let address = Address::Live(job.job_id.clone());
        let live = format!("{address}{}", visit.parameters.with("page", Some(&page)).query());
        Ok(html! {
            div id="live" hx-get=[moves.map(|_every| live)] hx-trigger=[moves] hx-swap="outerMorph" {
                (heading::of(visit, job, Tab::Progress))
                section aria-labelledby="progress" {
                    h2 id="progress" { "Progress" }
                    (said(job))
                    (not_reached(seen))
                    (progress::section(job))
                    p class="times" { (times(job, &seen.lanes, visit.now)) }
                    @if visit.may_change() { (actions::buttons(seen)) }
                    @if moves.is_some() {
                        noscript { p class="hint" { a href="" { "Load this page anew" } " to see how far it is." } }
                    }
                }
                (self.failures(seen, &pairs).await?)
                section aria-labelledby="by-question" {
                    h2 id="by-question" { "Question, model, region" }
                    @if let Some(page) = front(seen, &window) {
                        p class="hint" {
                            a href={ (Address::Job(job.job_id.clone())) (visit.parameters.with("page", Some(&page.to_string())).query()) } {
                                "To the questions that are asked now (page " (page) ")"
                            }
                        }
                    }
                    (table::table(seen, &window, &pairs))
                    (pager::of(&Address::Job(job.job_id.clone()), &visit.parameters, window.page, window.pages, "Pages of questions"))
                }
                (facts(seen, job))
            }
        })
    }
}

/// The page of the first question that is being asked; none where none is, or where it is on this page.
fn front(seen: &Seen, window: &Window) -> Option<u32> {
    let held = seen.lanes.iter().filter_map(|lane| lane.holder.as_ref());
    let first = held.map(|holder| holder.question).min()?;
    (!window.questions.contains(&first.0)).then(|| Window::page_of(&seen.spec, first))
}

/// Where a retry has not come yet: what is counted there is of before.
fn not_reached(seen: &Seen) -> Markup {
    let (job, lanes) = (&seen.job, &seen.lanes);
    let left = lanes.iter().filter(|lane| lane.run < job.run).map(|lane| &lane.id.region);
    let left = left.collect::<BTreeSet<_>>().len();
    html! {
        @if !job.status.is_final() && left > 0 {
            p class="notice" {
                "Run " (job.run) " has not begun yet in " (left) " of " (counted(seen.spec.regions.len() as u64, "region"))
                ": what is counted of them is what earlier runs left."
            }
        }
    }
}

/// Where the job is, in a sentence; a screen reader is told when it changes.
fn said(job: &JobView) -> Markup {
    let ends = job.ending.as_ref().map(|ending| &ending.cause);
    let told = match job.status {
        JobStatus::Queued | JobStatus::Running if ends.is_some() => {
            "It is being ended before its last question: no further question is asked."
        }
        JobStatus::Queued if job.run.0 > 1 => {
            "A retry was accepted. Its first questions are about to be asked."
        }
        JobStatus::Queued => "Accepted. Its first questions are about to be asked.",
        JobStatus::Running => "Questions are being asked.",
        JobStatus::Cancelling => "It is being cancelled: what is asked now is dropped.",
        JobStatus::Completed => "It has ended: enough executions completed.",
        JobStatus::Failed => "It has ended: too few executions completed.",
        JobStatus::Cancelled => "It was cancelled. What completed before stays.",
        JobStatus::TimedOut => "It has ended: its time was up. What completed before stays.",
    };
    html! {
        p class="said" role="status" {
            (told)
            @if let Some(ending) = &job.ending { (why(job.status, ending)) }
        }
        @if job.status.is_final() && job.counts.completed > 0 {
            p {
                a class="button primary" href=(Address::Matrix(job.job_id.clone())) { "See where answers diverge" }
            }
        }
    }
}

/// What the status does not say of an early end.
fn why(status: JobStatus, ending: &JobEnding) -> Markup {
    match &ending.cause {
        EndCause::Deadline if status.is_final() => html! {},
        EndCause::Deadline => html! { " Its time was up." },
        EndCause::Cancel => html! {
            @if let Some(by) = &ending.by { " Asked for with the token " code { (by) } "." }
        },
        cause @ (EndCause::RegionFailure { .. }
        | EndCause::RateUnreachable
        | EndCause::RegionsUnreachable
        | EndCause::CostLimit) => html! { " " (sentence(&cause.to_string())) },
    }
}

fn times(job: &JobView, lanes: &[Lane], now: Timestamp) -> Markup {
    let (since, until) = (begun(job), job.finished_at.unwrap_or(now));
    let elapsed = duration(milliseconds(since, until));
    let of_run = if job.run.0 > 1 { format!("Run {}: ", job.run) } else { String::new() };
    if job.status.is_final() {
        let took = if of_run.is_empty() { "It took " } else { "it took " };
        return html! { (of_run) (took) (elapsed) "." };
    }
    if job.status == JobStatus::Cancelling || job.ending.is_some() {
        return html! { span class="elapsed" { (of_run) (elapsed) " elapsed" } };
    }
    let left = expected_ms(lanes, since, now);
    html! {
        span class="elapsed" { (of_run) (elapsed) " elapsed" }
        " · "
        @match left {
            Some(ms) => span { "about " (duration(ms)) " to go, as fast as until now" },
            None => span { "how long it will take is not known yet" },
        }
        " · time is up at " (time(job.deadline))
    }
}

/// When its run began.
fn begun(job: &JobView) -> Timestamp {
    let last: Option<&RunRecord> = job.runs.last();
    last.filter(|_| job.run.0 > 1).map_or(job.started_at.unwrap_or(job.created_at), |run| run.at)
}

/// Until the slowest lane is through, if each goes on as fast as until now, milliseconds. None until each has
/// finished a question, and where one has been at a question for longer than twice what its others took.
fn expected_ms(lanes: &[Lane], begun: Timestamp, now: Timestamp) -> Option<u64> {
    let open = lanes.iter().filter(|lane| lane.state == LaneState::Open);
    let left = open.map(|lane| {
        let done = u64::from(lane.cursor.0);
        let left = u64::from(lane.length).saturating_sub(done);
        // What the question that is open now has taken says nothing of the others.
        let of_one = milliseconds(begun, lane.moved_at).checked_div(done)?;
        let since = milliseconds(lane.moved_at, now);
        (since <= of_one.saturating_mul(2).max(SOON)).then_some(of_one * left)
    });
    left.collect::<Option<Vec<u64>>>()?.into_iter().max()
}

/// Milliseconds within which a question is not called slow.
const SOON: u64 = 5_000;

fn facts(seen: &Seen, job: &JobView) -> Markup {
    let (estimated, charged) = (job.cost.estimated.as_ref(), &job.cost.counted);
    html! {
        section aria-labelledby="about" {
            h2 id="about" { "About this job" }
            dl class="facts" {
                dt { "Id" } dd { code { (job.job_id) } }
                dt { "Models" } dd { @for (at, model) in job.models.iter().enumerate() { @if at > 0 { ", " } (outside(model.as_str())) } }
                dt { "Regions" } dd { @for (at, one) in seen.spec.regions.iter().enumerate() { @if at > 0 { ", " } (one.region) } }
                dt { "Submitted" } dd { (time(job.created_at)) }
                @if let Some(at) = job.started_at {
                    dt { "Started" @if job.run.0 > 1 { " (run " (job.run) ")" } }
                    dd { (time(at)) }
                }
                @if let Some(at) = job.finished_at { dt { "Ended" } dd { (time(at)) } }
                dt { "Completed if" }
                dd {
                    "at least " (figure::percent(job.min_success_rate)) " of executions completed, in at least "
                    (counted(u64::from(job.min_regions), "region"))
                }
                (settings(&seen.spec, seen.job.timeout_seconds))
                @if let Some(max_cost) = job.cost.max_cost { dt { "May cost" } dd { "at most " (max_cost) } }
                dt { "Providers charged" }
                dd {
                    @if charged.executions_without_cost > 0 && charged.provider == Dollars::ZERO {
                        "not known: no provider told what an execution cost"
                    } @else {
                        (dollars(charged.provider))
                        @if charged.executions_without_cost > 0 {
                            ", without " (counted(charged.executions_without_cost, "execution")) " whose cost is not known"
                        }
                    }
                    @if let Some(estimate) = estimated { " (estimated before: " (estimated_charge(estimate)) ")" }
                }
                @if job.maybe_billed > 0 {
                    dt { "Maybe charged" }
                    dd { (counted(job.maybe_billed, "attempt")) " may have been charged for without an answer having arrived" }
                }
            }
            @if job.runs.len() > 1 { (runs(&job.runs)) }
        }
    }
}

/// What it was told to do.
fn settings(spec: &Spec, timeout_seconds: u64) -> Markup {
    let sampling = &spec.sampling;
    let has_system = spec.regions.iter().any(|prompts| prompts.system.iter().any(Option::is_some));
    let has_none = spec.regions.iter().any(|prompts| prompts.system.iter().any(Option::is_none));
    let of_prompts = spec.regions.iter().map(|prompts| prompts.system.len()).max().unwrap_or(0);
    html! {
        dt { "Stops early" }
        dd {
            @match spec.stop {
                Stop::RegionFailure => {
                    "when " (counted(spec.stop_after.into(), "question")) " in a row brought nothing back from a region"
                }
                Stop::Unreachable => "when it cannot be completed any more",
                Stop::Never => "never",
            }
        }
        dt { "Time of a run" } dd { (duration(timeout_seconds.saturating_mul(1000))) " at most" }
        dt { "Asked with" }
        dd {
            "temperature " (sampling.temperature) ", at most " (sampling.max_tokens) " tokens"
            @if let Some(seed) = sampling.seed { ", seed " (seed) }
            @if let Some(top_p) = sampling.top_p { ", top-p " (top_p) }
            @if of_prompts > 1 {
                ", each question under " (of_prompts) " system prompts"
                @if has_none { ", one of them none" }
            }
            @else if has_system { ", a system prompt" }
            @else { ", no system prompt" }
        }
    }
}

fn runs(runs: &[RunRecord]) -> Markup {
    html! {
        h3 { "Runs" }
        ol class="runs" {
            @for run in runs {
                li value=(run.run.0) {
                    (time(run.at)) ": " (counted(run.executions, "execution"))
                    @if let Some(by) = &run.by { ", asked for with the token " code { (by) } }
                    @if let Some(why) = &run.why { " (" (outside(why)) ")" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use beacon_core::{LaneId, Position, Region};
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn how_long_it_will_take_is_of_the_questions_that_are_done() {
        let begun = Timestamp::UNIX_EPOCH;
        let at = |seconds: i64| begun + SignedDuration::from_secs(seconds);
        let lane = |done: u32, moved: i64| {
            let id = LaneId { region: Region::new("us-east").unwrap(), k: 0 };
            let lane = Lane::new(id, 50, 1, 1, begun);
            Lane { cursor: Position(done), moved_at: at(moved), ..lane }
        };
        let left = |lanes: &[Lane], now| expected_ms(lanes, begun, at(now));
        assert_eq!(left(&[lane(10, 20)], 22), Some(80_000));
        assert_eq!(left(&[lane(10, 20), lane(1, 20)], 22), Some(980_000), "the slowest");
        assert_eq!(left(&[lane(10, 20), lane(0, 0)], 22), None, "one has not finished any");
        for done in [1, 2, 10] {
            let (moved, stuck) = (i64::from(done) * 2, i64::from(done) * 2 + 600);
            assert_eq!(left(&[lane(done, moved)], stuck), None, "{done} done, and then stuck");
        }
    }
}
