//! Following a job to its end, and what is shown then.

use beacon_core::job::JobStatus;
use beacon_core::view::JobView;

use crate::arguments::Arguments;
use crate::command::{CommandError, Done, drain};
use crate::connect::Connection;
use crate::findings::{Rest, stored, tell};
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
    let mut seen = None;
    let followed = tokio::select! {
        view = follow_to_end(arguments, &connection, job, &mut seen) => Some(view),
        () = interrupts.next() => None,
    };
    let Some(view) = followed else {
        interrupt(arguments, connection, job, seen.as_ref()).await;
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
                let (job, option) = (&view.job_id, arguments.option());
                let told = format!(
                    "interrupted: the report of {job} is not written; `beacon{option} report {job} --out DIR` \
                     writes it"
                );
                print::note(true, &told);
                return Ok(Watched::Interrupted);
            }
        }
    }
    Ok(Watched::Ended(view.status))
}

/// Says what was found, and where the report is. The job is done whether or not that can be.
async fn found(arguments: &Arguments, connection: &Connection, view: &JobView) {
    let (summary, report) = match found_and_written(arguments, connection, view).await {
        Ok(found) => found,
        Err(error) => {
            let missing =
                if is_large(view) { "findings are not told" } else { "report is not written" };
            return print::note(true, &format!("the {missing}: {}", print::causes(&error)));
        }
    };
    // Standard output is the job's alone with --json.
    if !arguments.json {
        tell(&summary, if is_large(view) { Rest::FindingsJson } else { Rest::Report });
    }
    print::note(arguments.json, &report);
}

fn is_large(view: &JobView) -> bool {
    view.expected > MOST_REPORTED
}

/// What was found, in sentences, and where its report is, or how it is written.
async fn found_and_written(
    arguments: &Arguments,
    connection: &Connection,
    view: &JobView,
) -> Result<(Vec<String>, String), CommandError> {
    let job = &view.job_id;
    if is_large(view) {
        // With --json they are not told, and need not be waited for.
        let summary = if arguments.json {
            Vec::new()
        } else {
            stored(arguments, connection, view).await?.summary
        };
        let option = arguments.option();
        let report = format!(
            "a report of more than {MOST_REPORTED} executions is written when it is asked for: beacon{option} \
             report {job} --out DIR"
        );
        return Ok((summary, report));
    }
    let out = arguments.data.join("reports").join(job.as_str());
    let made = Box::pin(report_dir::of_job(arguments, connection, view, &out, None)).await?;
    Ok((made.findings.summary, format!("report: {}", made.report.display())))
}

async fn follow_to_end(
    arguments: &Arguments,
    connection: &Connection,
    job: &str,
    seen: &mut Option<JobView>,
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
        view = follow(&connection.api, job, arguments.json, seen) => Ok(view?),
        () = connection.ended() => Err(CommandError::Ended),
    }
}

/// Says what is left of a job that is followed no longer, and how to go on.
async fn interrupt(
    arguments: &Arguments,
    connection: Connection,
    job: &str,
    seen: Option<&JobView>,
) {
    let (left, option) = (seen.map_or_else(String::new, left), arguments.option());
    let (base, data) = (connection.api.base(), arguments.data.display());
    let told = if connection.own.is_some() {
        // Without them the rest of the job would be asked of other providers.
        let file = connection.providers.as_ref();
        let providers =
            file.map_or_else(String::new, |file| format!(" --providers {}", file.display()));
        format!(
            "job {job}{left} goes on when Beacon runs on {data} again: `beacon{option} up{providers}`"
        )
    } else {
        format!("job {job}{left} goes on at {base}: `beacon{option} watch {job}` follows it")
    };
    print::note(true, &told);
    if let Some(stack) = connection.own {
        drain(arguments, stack).await;
    }
}

/// How much of a job is to be done, as a clause.
fn left(view: &JobView) -> String {
    match view.status {
        JobStatus::Cancelling => ", which is cancelling,".to_owned(),
        JobStatus::Queued
        | JobStatus::Running
        | JobStatus::Completed
        | JobStatus::Failed
        | JobStatus::Cancelled
        | JobStatus::TimedOut => {
            let left = view.counts.pending + view.counts.running;
            format!(", of which {left} of {} executions are left,", view.expected)
        }
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
    let option = arguments.option();
    let job = &view.job_id;
    let export = format!("beacon{option} export {job} --format jsonl");
    print::note(false, &format!("data in {place}; every answer: {export}"));
    Ok(())
}
