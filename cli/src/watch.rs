//! Following a job to its end, and what is shown then.

use std::path::Path;

use beacon_core::job::JobStatus;
use beacon_core::view::JobView;

use crate::arguments::Arguments;
use crate::command::{CommandError, Done, drain, interrupted};
use crate::connect::Connection;
use crate::progress::follow;
use crate::report;

/// How following ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watched {
    /// The job has this final status.
    Ended(JobStatus),
    /// Somebody interrupted; the job goes on.
    Interrupted,
}

/// The exit code of a process that was interrupted, as shells have it.
const INTERRUPTED: u8 = 130;

impl From<Watched> for Done {
    fn from(watched: Watched) -> Self {
        Self(match watched {
            Watched::Ended(JobStatus::Completed) => 0,
            Watched::Ended(JobStatus::Failed) => 1,
            Watched::Ended(JobStatus::Cancelled | JobStatus::TimedOut) => 3,
            // Following ends with a final status.
            Watched::Ended(JobStatus::Queued | JobStatus::Running | JobStatus::Cancelling) => {
                CommandError::BAD_INPUT
            }
            Watched::Interrupted => INTERRUPTED,
        })
    }
}

/// Follows a job and shows its results; an interrupt ends the following, not the job.
pub(crate) async fn watch(
    arguments: &Arguments,
    connection: Connection,
    job: &str,
) -> Result<Watched, CommandError> {
    let followed = tokio::select! {
        view = follow_to_end(arguments, &connection, job) => Some(view),
        () = interrupted() => None,
    };
    let Some(view) = followed else {
        interrupt(arguments, connection, job).await;
        return Ok(Watched::Interrupted);
    };
    let ended = match view {
        Ok(view) => {
            conclude(arguments, &connection, &view).await.map(|()| Watched::Ended(view.status))
        }
        Err(error) => Err(error),
    };
    connection.close().await;
    ended
}

async fn follow_to_end(
    arguments: &Arguments,
    connection: &Connection,
    job: &str,
) -> Result<JobView, CommandError> {
    if connection.only_reads() {
        let view = connection.api.job(job).await?;
        if !view.status.is_final() {
            let data = arguments.data.display().to_string();
            return Err(CommandError::NobodyWorks { job: job.to_owned(), data });
        }
        return Ok(view);
    }
    tokio::select! {
        view = follow(&connection.api, job, arguments.json) => Ok(view?),
        () = connection.ended() => Err(CommandError::Ended),
    }
}

async fn interrupt(arguments: &Arguments, connection: Connection, job: &str) {
    let data = arguments.data.display();
    match connection.own {
        Some(stack) => {
            report::note(true, &format!("job {job} goes on when Beacon runs on {data} again"));
            drain(arguments, stack).await;
        }
        None => report::note(true, &format!("job {job} goes on at {}", connection.api.base())),
    }
}

async fn conclude(
    arguments: &Arguments,
    connection: &Connection,
    view: &JobView,
) -> Result<(), CommandError> {
    if arguments.json {
        return report::json(view);
    }
    // The table is an extra: the job is done whether or not it can be shown.
    match connection.api.summary(view.job_id.as_str()).await {
        Ok(summary) => report::results(&summary),
        Err(error) => report::note(true, &format!("the results' table is missing: {error}")),
    }
    report::conclusion(view);
    let data = arguments.data.display();
    let (place, option) = if let Some(stack) = &arguments.stack {
        (format!("the stack {stack}"), format!(" --stack {stack}"))
    } else if let Some(api) = &arguments.api {
        (api.clone(), format!(" --api {api}"))
    } else if arguments.data == Path::new(Arguments::DATA) {
        (data.to_string(), String::new())
    } else {
        (data.to_string(), format!(" --data {data}"))
    };
    let job = &view.job_id;
    let export = format!("beacon{option} export {job} --format jsonl");
    report::note(false, &format!("data in {place}; every answer: {export}"));
    Ok(())
}
