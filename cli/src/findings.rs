//! What was found in a job: waiting until it is stored, and saying it in ten lines.

use std::time::Duration;

use beacon_analysis::answer::FindingsPage;
use beacon_analysis::findings::Findings;
use beacon_core::JobId;
use beacon_core::job::JobStatus;
use beacon_core::view::JobView;
use thiserror::Error;
use tokio::time::{Instant, sleep};

use crate::api::{ApiError, Pages};
use crate::arguments::{Arguments, OfJob};
use crate::command::{CommandError, Done};
use crate::connect::Connection;
use crate::print;

/// The API's code for a job whose findings are not stored yet.
const NOT_ANALYSED: &str = "not_analysed";
/// How long findings of the smallest job are waited for: they come some seconds after the final status. A
/// Beacon that says nothing of use for so long is waited for no longer either.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much longer for each execution of the job: several times what judging and counting one takes.
const OF_EXECUTION: Duration = Duration::from_millis(5);
/// A wait that is longer than this is told.
const SILENCE: Duration = Duration::from_secs(2);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// How often a job is read whose answers are analysed anew meanwhile.
pub(crate) const READS: usize = 5;
/// Lines in which findings are told.
const LINES: usize = 10;
/// Columns of a line.
const WIDTH: usize = 100;

/// Why there are no findings to tell.
#[derive(Debug, Error)]
pub(crate) enum NoFindings {
    #[error(
        "the findings of `{job}` are not there {seconds} s after they were asked for: {again}, or ask for them \
         anew with `beacon{option} classify {job}`"
    )]
    Late {
        job: String,
        seconds: u64,
        again: String,
        option: String,
        /// What was answered last; none where older findings were.
        #[source]
        last: Option<Box<ApiError>>,
    },
    #[error(
        "the answers of `{job}` are not analysed, and nobody works at it: start a Beacon on the data directory \
         with `beacon{option} up`"
    )]
    NobodyWorks { job: String, option: String },
    #[error(
        "the findings of `{0}` change while they are read: ask for them again when its labels are set"
    )]
    Changing(JobId),
    #[error(
        "the job `{job}` is {status}: its findings and its report are there when it has ended; \
         `beacon{option} watch {job}` follows it"
    )]
    NotFinal { job: JobId, status: JobStatus, option: String },
}

/// What findings are wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// To be told as they are stored.
    AsStored,
    /// A sign that a report can be written, which computes its own from the export.
    ForReport,
}

/// The findings of a job's last run, with every label.
pub(crate) async fn stored(
    arguments: &Arguments,
    connection: &Connection,
    view: &JobView,
) -> Result<Findings, CommandError> {
    for _made_anew_meanwhile in 0..READS {
        let (first, pages) = ready(arguments, connection, view, Wanted::AsStored).await?;
        if let Some(all) = pages.joined(first, FindingsPage::append).await? {
            return Ok(all.findings);
        }
    }
    Err(NoFindings::Changing(view.job_id.clone()).into())
}

/// Waits until the findings of a job's last run are stored, with every label, for as long as somebody may be
/// at work on them. Returns their first page, and those behind it.
pub(crate) async fn ready<'a>(
    arguments: &Arguments,
    connection: &'a Connection,
    view: &JobView,
    wanted: Wanted,
) -> Result<(FindingsPage, Pages<'a, FindingsPage>), CommandError> {
    let (job, run, patience) = (view.job_id.as_str(), view.run, patience(view.expected));
    let began = Instant::now();
    let (mut heard, mut is_told) = (began, false);
    loop {
        let mut pages = connection.api.findings(job);
        let last = match pages.first().await {
            Ok(page) if page.findings.run >= run && !page.is_due => return Ok((page, pages)),
            Ok(page) if page.findings.run >= run && connection.only_reads() => {
                if wanted == Wanted::AsStored {
                    print::note(true, &older(arguments, job));
                }
                return Ok((page, pages));
            }
            Ok(_older) => {
                heard = Instant::now();
                None
            }
            Err(error) if error.is(NOT_ANALYSED) => {
                heard = Instant::now();
                Some(error)
            }
            Err(error) if error.may_pass() => {
                tracing::debug!(%error, "looking again");
                Some(error)
            }
            Err(error) => return Err(error.into()),
        };
        let option = arguments.option();
        if connection.only_reads() {
            return Err(NoFindings::NobodyWorks { job: job.to_owned(), option }.into());
        }
        let (elapsed, silent) = (began.elapsed(), heard.elapsed());
        if elapsed >= patience || silent >= PATIENCE {
            let (job, seconds, last) = (job.to_owned(), elapsed.as_secs(), last.map(Box::new));
            let again = again(connection, wanted, &job, &option);
            return Err(NoFindings::Late { job, seconds, again, option, last }.into());
        }
        if elapsed >= SILENCE && !is_told {
            is_told = true;
            let seconds = patience.as_secs();
            let told = format!("waiting for the findings of {job}, {seconds} s at most");
            print::note(true, &told);
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            () = connection.ended() => return Err(CommandError::Ended),
        }
    }
}

/// How long the findings of so many executions are waited for.
fn patience(executions: u64) -> Duration {
    PATIENCE + OF_EXECUTION * u32::try_from(executions).unwrap_or(u32::MAX)
}

fn older(arguments: &Arguments, job: &str) -> String {
    let option = arguments.option();
    format!("the findings of {job} are older than its labels; `beacon{option} up` makes them anew")
}

/// What to do when findings are late. A stack of this process's own ends with it.
fn again(connection: &Connection, wanted: Wanted, job: &str, option: &str) -> String {
    let up = match &connection.own {
        Some(_) => format!("start a Beacon with `beacon{option} up`, "),
        None => String::new(),
    };
    match wanted {
        Wanted::AsStored => format!("{up}look again with `beacon{option} findings {job}`"),
        Wanted::ForReport => {
            format!("{up}write the report with `beacon{option} report {job} --out DIR`")
        }
    }
}

/// `beacon findings`.
pub(crate) async fn findings(arguments: &Arguments, of: &OfJob) -> Result<Done, CommandError> {
    let connection = Connection::for_read(arguments).await?;
    let found = of_ended(arguments, &connection, &of.job).await;
    connection.close().await;
    let found = found?;
    if arguments.json {
        print::json(&found)?;
    } else {
        tell(&found.summary, Rest::Json);
    }
    Ok(Done(0))
}

async fn of_ended(
    arguments: &Arguments,
    connection: &Connection,
    job: &str,
) -> Result<Findings, CommandError> {
    let view = ended_job(arguments, connection, job).await?;
    stored(arguments, connection, &view).await
}

/// A job that must have ended.
pub(crate) async fn ended_job(
    arguments: &Arguments,
    connection: &Connection,
    job: &str,
) -> Result<JobView, CommandError> {
    let view = connection.api.job(job).await?;
    if view.status.is_final() {
        return Ok(view);
    }
    let (job, status, option) = (view.job_id, view.status, arguments.option());
    Err(NoFindings::NotFinal { job, status, option }.into())
}

/// Where sentences are that are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// In the report.
    Report,
    /// In what --json prints.
    Json,
    /// In what `findings --json` prints.
    FindingsJson,
}

/// Says what was found, the most important first.
pub(crate) fn tell(summary: &[String], rest: Rest) {
    for line in lines(summary, rest) {
        print::note(false, &line);
    }
}

/// Sentences, each beginning a line of its own, wrapped where all of them then fit. A sentence stands there
/// whole or not at all: a part of it could claim more than the whole. Where some are left out a line says how
/// many, and the last one stays, which says what the findings do not show.
fn lines(summary: &[String], rest: Rest) -> Vec<String> {
    let sentences: Vec<String> = summary.iter().map(|text| print::one_line(text)).collect();
    let wrapped: Vec<String> = sentences.iter().flat_map(|text| wrap(text)).collect();
    if wrapped.len() <= LINES {
        return wrapped;
    }
    if sentences.len() <= LINES {
        return sentences;
    }
    let place = match rest {
        Rest::Report => "in the report",
        Rest::Json => "with --json",
        Rest::FindingsJson => "in `beacon findings --json`",
    };
    let kept = LINES - 2;
    let left_out = format!("… and {} more {place}", sentences.len() - kept - 1);
    let last = sentences.last().cloned();
    sentences.into_iter().take(kept).chain([left_out]).chain(last).collect()
}

fn wrap(sentence: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("  {word}")),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_job_is_waited_for_longer() {
        assert_eq!(patience(0), PATIENCE);
        assert_eq!(patience(50_000), PATIENCE + Duration::from_secs(250));
        assert_eq!(patience(1_000_000), PATIENCE + Duration::from_secs(5_000));
    }

    #[test]
    fn what_is_late_names_the_beacon_that_was_asked_and_what_it_said_last() {
        let last = ApiError::Unexpected { base: "http://h".to_owned(), status: 502 };
        let last = Some(Box::new(last));
        let (again, option) = ("look again".to_owned(), " --stack s".to_owned());
        let late = NoFindings::Late { job: "j".to_owned(), seconds: 31, again, option, last };
        let told = print::causes(&late);
        for part in ["31 s", "look again, or", "`beacon --stack s classify j`", "HTTP 502"] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }

    fn told(summary: &[String]) -> Vec<String> {
        lines(summary, Rest::Report)
    }

    fn sentences(count: usize, words: usize) -> Vec<String> {
        (0..count).map(|n| format!("{n}{}", " word".repeat(words))).collect()
    }

    #[test]
    fn of_more_than_ten_sentences_the_last_stays_and_the_others_are_counted() {
        assert_eq!(told(&sentences(10, 3)), sentences(10, 3));
        let (all, lines) = (sentences(14, 3), told(&sentences(14, 3)));
        assert_eq!(lines[..8], all[..8]);
        assert_eq!(lines[8..], ["… and 5 more in the report".to_owned(), all[13].clone()]);
        assert!(told(&[]).is_empty());
    }

    #[test]
    fn a_sentence_is_told_whole_or_not_at_all() {
        // Two lines each: five fit wrapped, six as they are.
        let lines = told(&sentences(5, 25));
        assert_eq!(lines.len(), 10);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:?}");
        let words = lines.join(" ");
        assert_eq!(words.split_whitespace().filter(|word| *word == "word").count(), 5 * 25);
        assert_eq!(told(&sentences(6, 25)), sentences(6, 25));
    }

    #[test]
    fn what_models_are_called_steers_no_terminal() {
        let lines = told(&["a\u{1b}[2Jb\u{202e}".to_owned()]);
        assert_eq!(lines, ["a [2Jb"]);
    }
}
