//! `beacon compare`: what differs between two jobs that asked the same.

use beacon_analysis::answer::{AggregatesPage, MadeFrom};
use beacon_analysis::findings::{JobComparison, Subject, compare_jobs};
use beacon_analysis::manifest::Manifest;
use beacon_core::view::JobView;

use crate::arguments::{Arguments, Compare};
use crate::command::{CommandError, Done};
use crate::connect::Connection;
use crate::findings::{NoFindings, READS, Rest, Wanted, ended_job, ready, tell};
use crate::print;

/// One of the two, as it is stored.
struct Side {
    manifest: Manifest,
    stored: AggregatesPage,
}

impl Side {
    async fn read(
        arguments: &Arguments,
        connection: &Connection,
        job: &str,
    ) -> Result<Self, CommandError> {
        let view = ended_job(arguments, connection, job).await?;
        for _made_anew_meanwhile in 0..READS {
            // What is stored of a job is stored together.
            ready(arguments, connection, &view, Wanted::AsStored).await?;
            let mut pages = connection.api.aggregates(job);
            let first = pages.first().await?;
            if let Some(stored) = pages.joined(first, AggregatesPage::append).await? {
                return Ok(Self { manifest: connection.api.manifest(job).await?, stored });
            }
        }
        Err(NoFindings::Changing(view.job_id).into())
    }

    fn subject(&self) -> Subject<'_> {
        let JobView { job_id, simulated, .. } = &self.manifest.job;
        let MadeFrom { run, rules, .. } = &self.stored.analysis;
        Subject { job_id, run: *run, simulated: *simulated, rules, spec: &self.manifest.spec }
    }
}

/// Compares two jobs of one Beacon.
pub(crate) async fn compare(
    arguments: &Arguments,
    options: &Compare,
) -> Result<Done, CommandError> {
    let connection = Connection::for_read(arguments).await?;
    let compared = of_two(arguments, &connection, options).await;
    connection.close().await;
    let compared = compared?;
    if arguments.json {
        print::json(&compared)?;
    } else {
        tell(&compared.summary, Rest::Json);
    }
    Ok(Done(0))
}

async fn of_two(
    arguments: &Arguments,
    connection: &Connection,
    options: &Compare,
) -> Result<JobComparison, CommandError> {
    let a = Side::read(arguments, connection, &options.a).await?;
    let b = Side::read(arguments, connection, &options.b).await?;
    Ok(compare_jobs((&a.subject(), &a.stored.aggregates), (&b.subject(), &b.stored.aggregates)))
}
