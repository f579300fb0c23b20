//! Following a job to its end, and what is shown then.

use std::path::Path;

use beacon_core::job::JobStatus;
use beacon_core::view::JobView;

use crate::arguments::Arguments;
use crate::command::{CommandError, Done, drain};
use crate::connect::Connection;
use crate::findings::{Rest, tell};
use crate::interrupt::{INTERRUPTED, Interrupts};
use crate::print;
use crate::progress::follow;
use crate::report_dir;
use crate::token::without_user;

/// How following ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watched {
    /// The job has this final status.
    Ended(JobStatus),
    /// Somebody interrupted; the job goes on.
    Interrupted,
}

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

/// What is shown of a job beside its results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    /// What was found, and where its report is.
    Report,
    /// Nothing.
    Results,
}

/// Pairs of a job whose report is written unasked: of a larger one it is a large file.
const MOST_REPORTED: u64 = 50_000;

/// Follows a job and shows its results; an interrupt ends the following, not the job.
pub(crate) async fn watch(
    arguments: &Arguments,
    connection: Connection,
    job: &str,
    shows: Shows,
) -> Result<Watched, CommandError> {
    let mut interrupts = Interrupts::listen();
    let followed = tokio::select! {
        view = follow_to_end(arguments, &connection, job) => Some(view),
        () = interrupts.next() => None,
    };
    let Some(view) = followed else {
        interrupt(arguments, connection, job).await;
        return Ok(Watched::Interrupted);
    };
    let ended = match view {
        Ok(view) => end(arguments, &connection, &view, shows, &mut interrupts).await,
        Err(error) => Err(error),
    };
    connection.close().await;
    ended
}

/// What is shown of a job that has ended. An interrupt leaves the rest of it out.
async fn end(
    arguments: &Arguments,
    connection: &Connection,
    view: &JobView,
    shows: Shows,
    interrupts: &mut Interrupts,
) -> Result<Watched, CommandError> {
    conclude(arguments, connection, view).await?;
    if shows == Shows::Report {
        tokio::select! {
            () = found(arguments, connection, view) => {}
            () = interrupts.next() => {
                let told = format!("the report of {} is not written: interrupted", view.job_id);
                print::note(true, &told);
                return Ok(Watched::Interrupted);
            }
        }
    }
    Ok(Watched::Ended(view.status))
}

/// Says what was found, and writes the report. The job is done whether or not that can be.
async fn found(arguments: &Arguments, connection: &Connection, view: &JobView) {
    let job = view.job_id.as_str();
    if view.expected > MOST_REPORTED {
        let told = format!(
            "a report of more than {MOST_REPORTED} executions is written when it is asked for: beacon{} report \
             {job} --out DIR",
            option(arguments)
        );
        return print::note(arguments.json, &told);
    }
    let out = arguments.data.join("reports").join(job);
    match Box::pin(report_dir::of_job(arguments, connection, job, &out, None)).await {
        Ok(made) => {
            // Standard output is the job's alone with --json.
            if !arguments.json {
                tell(&made.findings.summary, Rest::InReport);
            }
            print::note(arguments.json, &format!("report: {}", made.report.display()));
        }
        Err(error) => {
            print::note(true, &format!("the report is not written: {}", print::causes(&error)));
        }
    }
}

/// The option that names the Beacon that is meant.
pub(crate) fn option(arguments: &Arguments) -> String {
    if let Some(stack) = &arguments.stack {
        format!(" --stack {stack}")
    } else if let Some(api) = &arguments.api {
        format!(" --api {}", without_user(api).trim_end_matches('/'))
    } else if arguments.data == Path::new(Arguments::DATA) {
        String::new()
    } else {
        format!(" --data {}", arguments.data.display())
    }
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
            print::note(true, &format!("job {job} goes on when Beacon runs on {data} again"));
            drain(arguments, stack).await;
        }
        None => print::note(true, &format!("job {job} goes on at {}", connection.api.base())),
    }
}

async fn conclude(
    arguments: &Arguments,
    connection: &Connection,
    view: &JobView,
) -> Result<(), CommandError> {
    if arguments.json {
        return print::json(view);
    }
    // The table is an extra: the job is done whether or not it can be shown.
    match connection.api.summary(view.job_id.as_str()).await {
        Ok(summary) => print::results(&summary),
        Err(error) => print::note(true, &format!("the results' table is missing: {error}")),
    }
    print::conclusion(view);
    let place = match (&arguments.stack, &arguments.api) {
        (Some(stack), _) => format!("the stack {stack}"),
        (None, Some(api)) => without_user(api),
        (None, None) => arguments.data.display().to_string(),
    };
    let option = option(arguments);
    let job = &view.job_id;
    let export = format!("beacon{option} export {job} --format jsonl");
    print::note(false, &format!("data in {place}; every answer: {export}"));
    Ok(())
}
