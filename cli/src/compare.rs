//! `beacon compare`: what differs between two jobs that asked the same.

use beacon_analysis::aggregate::QuestionAggregate;
use beacon_analysis::answer::AggregatesPage;
use beacon_analysis::findings::{Findings, JobComparison, Subject, compare_jobs};
use beacon_analysis::manifest::Manifest;

use crate::api::{Api, ApiError};
use crate::arguments::{Arguments, Compare};
use crate::command::{CommandError, Done};
use crate::connect::Connection;
use crate::findings::{NoFindings, Rest, of_final, tell};
use crate::print;

/// How often a job is read whose answers are analysed anew meanwhile.
const READS: usize = 5;

/// One of the two, as it is stored.
struct Side {
    manifest: Manifest,
    findings: Findings,
    aggregates: Vec<QuestionAggregate>,
}

impl Side {
    async fn read(
        arguments: &Arguments,
        connection: &Connection,
        job: &str,
    ) -> Result<Self, CommandError> {
        let manifest = connection.api.manifest(job).await?;
        for _made_anew_meanwhile in 0..READS {
            let findings = of_final(arguments, connection, job).await?;
            let Some(page) = all_aggregates(&connection.api, job).await? else { continue };
            let (of, made_from) = (&findings, &page.analysis);
            if made_from.run == of.run && made_from.rules == of.rules {
                return Ok(Self { manifest, findings, aggregates: page.aggregates });
            }
        }
        Err(NoFindings::Changing { job: job.to_owned() }.into())
    }

    fn subject(&self) -> Subject<'_> {
        let Findings { job_id, run, simulated, rules, .. } = &self.findings;
        Subject { job_id, run: *run, simulated: *simulated, rules, spec: &self.manifest.spec }
    }
}

/// The aggregates that are stored; none where others took their place between two pages.
async fn all_aggregates(api: &Api, job: &str) -> Result<Option<AggregatesPage>, ApiError> {
    let mut page = api.aggregates(job, None).await?;
    while let Some(cursor) = page.cursor.clone() {
        if !page.append(api.aggregates(job, Some(&cursor)).await?) {
            return Ok(None);
        }
    }
    Ok(Some(page))
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
        tell(&compared.summary, Rest::InJson);
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
    Ok(compare_jobs((&a.subject(), &a.aggregates), (&b.subject(), &b.aggregates)))
}
