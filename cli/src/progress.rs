//! Following a job to its final status, with a live display on a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use beacon_core::job::JobStatus;
use beacon_core::view::JobView;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::sleep;

use crate::api::{Api, ApiError};

/// Between two looks at a job.
const LOOK: Duration = Duration::from_millis(200);
/// Failed looks in a row after which following ends; the job goes on without.
const PATIENCE: u32 = 25;

/// Follows a job until its status is final. What was last seen of it before stays where the following ends
/// otherwise.
pub(crate) async fn follow(
    api: &Api,
    job: &str,
    quiet: bool,
    seen: &mut Option<JobView>,
) -> Result<JobView, ApiError> {
    let mut view = api.job(job).await?;
    let bar = bar(view.expected, quiet);
    let mut failed = 0;
    while !view.status.is_final() {
        show(&bar, &view);
        *seen = Some(view.clone());
        sleep(LOOK).await;
        view = match api.job(job).await {
            Ok(view) => {
                failed = 0;
                view
            }
            Err(error) if error.may_pass() && failed < PATIENCE => {
                failed += 1;
                tracing::debug!(%error, failed, "looking again");
                continue;
            }
            Err(error) => return Err(error),
        };
    }
    show(&bar, &view);
    bar.finish_and_clear();
    Ok(view)
}

fn bar(expected: u64, quiet: bool) -> ProgressBar {
    let bar = ProgressBar::new(expected);
    if quiet || !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len}  {elapsed}  {msg}");
    // The template is a constant; were it wrong, indicatif's own would do.
    bar.set_style(style.unwrap_or_else(|_invalid| ProgressStyle::default_bar()));
    bar
}

fn show(bar: &ProgressBar, view: &JobView) {
    let counts = &view.counts;
    let ended = counts.completed + counts.failed + counts.timed_out + counts.cancelled;
    bar.set_position(ended);
    let cancelling = if view.status == JobStatus::Cancelling { "cancelling: " } else { "" };
    let cancelled = match counts.cancelled {
        0 => String::new(),
        cancelled => format!("{cancelled} cancelled, "),
    };
    bar.set_message(format!(
        "{cancelling}{} completed, {} failed, {cancelled}{} running, {} pending",
        counts.completed,
        counts.failed + counts.timed_out,
        counts.running,
        counts.pending
    ));
}
