//! How far a job is: a bar and counts by status, which always add up.

use beacon_core::execution::ExecutionStatus;
use beacon_core::view::{Counts, JobView};
use maud::{Markup, html};

use super::status::{Told, of_execution};
use super::words::{count, counted};

/// Width of a bar, in its own units.
const WIDTH: u64 = 1000;

/// Counts by status, those that ended first.
pub(crate) fn by_status(counts: &Counts) -> [(ExecutionStatus, u64); 6] {
    [
        (ExecutionStatus::Completed, counts.completed),
        (ExecutionStatus::Failed, counts.failed),
        (ExecutionStatus::TimedOut, counts.timed_out),
        (ExecutionStatus::Cancelled, counts.cancelled),
        (ExecutionStatus::Running, counts.running),
        (ExecutionStatus::Pending, counts.pending),
    ]
}

/// A bar whose parts are the statuses.
pub(crate) fn bar(counts: &Counts, expected: u64) -> Markup {
    let mut parts: Vec<(Told, u64, u64)> = Vec::new();
    let (mut before, all) = (0, expected.max(1));
    for (status, number) in by_status(counts) {
        let from = before * WIDTH / all;
        before += number;
        let width = (before * WIDTH / all).saturating_sub(from);
        parts.push((of_execution(status), from, width));
    }
    let label = sentence(counts, expected);
    html! {
        svg class="bar" role="img" aria-label=(label) viewBox={ "0 0 " (WIDTH) " 10" } preserveAspectRatio="none" {
            @for (told, from, width) in parts {
                @if width > 0 {
                    rect class=(told.class) x=(from) y="0" width=(width) height="10" {}
                }
            }
        }
    }
}

/// All counts in words.
pub(crate) fn sentence(counts: &Counts, expected: u64) -> String {
    let told = by_status(counts).into_iter().filter(|(_, number)| *number > 0);
    let told: Vec<String> = told
        .map(|(status, number)| format!("{} {}", count(number), of_execution(status).word))
        .collect();
    format!("{} of {}", told.join(", "), counted(expected, "execution"))
}

/// Bar, counts, and how many ended.
pub(crate) fn section(job: &JobView) -> Markup {
    let counts = &job.counts;
    let ended = counts.completed + counts.failed + counts.timed_out + counts.cancelled;
    html! {
        (bar(counts, job.expected))
        p class="ended" { strong { (count(ended)) " of " (count(job.expected)) } " ended" }
        ul class="counts" {
            @for (status, number) in by_status(counts) {
                @let told = of_execution(status);
                li class=[(number == 0).then_some("none")] data-status=(status) data-count=(number) {
                    (told.badge()) " " strong { (count(number)) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_bar_fill_it() {
        let counts =
            Counts { completed: 1, failed: 1, timed_out: 0, cancelled: 0, pending: 4, running: 1 };
        let bar = bar(&counts, 7).into_string();
        let widths = bar.split("width=\"").skip(1);
        let widths: u64 =
            widths.map(|part| part.split('"').next().unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!(widths, WIDTH);
        assert_eq!(
            sentence(&counts, 7),
            "1 completed, 1 failed, 1 running, 4 pending of 7 executions"
        );
    }
}
