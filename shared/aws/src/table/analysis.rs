//! Jobs whose answers are to be analysed: asking for it, being at it, and having done it.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use beacon_core::job::{Analysis, Due, Job, JobStatus};
use beacon_core::{JobId, Run};
use jiff::Timestamp;

use super::item::{Attributes, Item, number, text, time, variant_name};
use super::job::job_of;
use super::key;
use super::schema::OPEN_SHARD;
use super::{Table, TableError, request};

/// How often it was asked for anew. It stays when the analysis is done.
const ASKED: &str = "analyses_asked";
/// When it was asked for.
pub(super) const SINCE: &str = "analysis_since";
/// How often it was begun since.
const TRIES: &str = "analysis_tries";
/// Until when somebody is at it.
const UNTIL: &str = "analysis_until";
/// What goes when it is done.
pub(super) const DUE: [&str; 3] = [SINCE, TRIES, UNTIL];

/// What became of asking for an analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnalysisAsked {
    /// It will be made: tell the coordinator, by a completion message of this run.
    Asked(Run),
    /// The job has no final status, and is analysed when it has.
    NotFinal(JobStatus),
    /// There is no such job.
    NoSuchJob,
}

/// Leave to analyse a job, for some time.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisHeld {
    /// The job as it is now.
    pub job: Job,
    /// Until when nobody else begins.
    until: Timestamp,
}

impl Table {
    /// Has a job analysed anew, because of other rules. What is stored of it stays until
    /// then. Who asks sends a completion message, or else waits for the reconciler.
    pub async fn ask_analysis(&self, job: &JobId) -> Result<AnalysisAsked, TableError> {
        let Some(seen) = self.job(job).await? else { return Ok(AnalysisAsked::NoSuchJob) };
        if !seen.status.is_final() {
            return Ok(AnalysisAsked::NotFinal(seen.status));
        }
        let update = self.asking(&seen);
        let there = match self.wrote_analysis(update, "ask for an analysis").await? {
            Written::Applied(job) => *job,
            // What another asked for, or a run that ended meanwhile, began after this was read.
            Written::Refused(Some(job)) => *job,
            Written::Refused(None) => return Ok(AnalysisAsked::NoSuchJob),
        };
        Ok(if there.status.is_final() {
            AnalysisAsked::Asked(there.run)
        } else {
            AnalysisAsked::NotFinal(there.status)
        })
    }

    /// Asks for an analysis of a job that is as it was read. Whoever is at it goes on; what it stores is
    /// stale, and it begins again.
    pub(super) fn asking(&self, seen: &Job) -> UpdateItemFluentBuilder {
        self.change_analysis(seen)
            .update_expression(
                "SET #asked = :next, #since = :now, #open = :unanalysed REMOVE #tries",
            )
            .expression_attribute_names("#since", SINCE)
            .expression_attribute_names("#open", OPEN_SHARD)
            .expression_attribute_names("#tries", TRIES)
            .expression_attribute_values(":next", number(seen.analysis.asked + 1))
            .expression_attribute_values(":now", time(crate::clock::now()))
            .expression_attribute_values(":unanalysed", text(key::unanalysed_shard(&seen.id)))
    }

    /// Begins to analyse a job, unless nothing is to be done or somebody is at it.
    pub async fn hold_analysis(
        &self,
        seen: &Job,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<AnalysisHeld>, TableError> {
        let Some(due) = seen.analysis.due.filter(|due| due.is_free(now)) else { return Ok(None) };
        let update = self.change_analysis(seen);
        let condition = format!(
            "{} AND #since = :since AND (attribute_not_exists(#until) OR #until < :now)",
            update.get_condition_expression().as_deref().unwrap_or_default()
        );
        let update = update
            .condition_expression(condition)
            .update_expression("SET #tries = :tries, #until = :until")
            .expression_attribute_names("#since", SINCE)
            .expression_attribute_names("#tries", TRIES)
            .expression_attribute_names("#until", UNTIL)
            .expression_attribute_values(":since", time(due.since))
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":tries", number(due.tries.saturating_add(1)))
            .expression_attribute_values(":until", time(until));
        Ok(match self.wrote_analysis(update, "begin an analysis").await? {
            Written::Applied(job) => Some(AnalysisHeld { job: *job, until }),
            Written::Refused(_) => None,
        })
    }

    /// Leaves an analysis to whoever comes next; the job as it is then, unless another has it by now.
    /// One that is only not at its end does not count as a try.
    pub async fn leave_analysis(
        &self,
        held: &AnalysisHeld,
        counts: bool,
    ) -> Result<Option<Job>, TableError> {
        let update = self
            .update_job(&held.job.id)
            .condition_expression("#until = :until")
            .expression_attribute_names("#until", UNTIL)
            .expression_attribute_values(":until", time(held.until));
        let update = if counts {
            update.update_expression("REMOVE #until")
        } else {
            update
                .update_expression("REMOVE #until, #tries")
                .expression_attribute_names("#tries", TRIES)
        };
        Ok(match self.wrote_analysis(update, "leave an analysis").await? {
            Written::Applied(job) => Some(*job),
            Written::Refused(_) => None,
        })
    }

    /// Makes a job's analysis free whoever is at it: the process that was is gone.
    pub async fn free_analysis(&self, seen: &Job) -> Result<(), TableError> {
        let update = self
            .change_analysis(seen)
            .update_expression("REMOVE #until, #tries")
            .expression_attribute_names("#until", UNTIL)
            .expression_attribute_names("#tries", TRIES);
        self.wrote_analysis(update, "free an analysis").await?;
        Ok(())
    }

    /// The analysis of a job as it was read is stored. Not so where another was asked for since.
    pub async fn end_analysis(&self, held: &AnalysisHeld) -> Result<bool, TableError> {
        let mut update = self.change_analysis(&held.job);
        for (placeholder, name) in [("#a", SINCE), ("#b", TRIES), ("#c", UNTIL), ("#d", OPEN_SHARD)]
        {
            update = update.expression_attribute_names(placeholder, name);
        }
        let update = update.update_expression("REMOVE #a, #b, #c, #d");
        Ok(match self.wrote_analysis(update, "end an analysis").await? {
            Written::Applied(_) => true,
            Written::Refused(_) => false,
        })
    }

    /// All jobs that are to be analysed, as far as the index has caught up. Each is then read from the
    /// table itself.
    pub async fn unanalysed(&self) -> Result<Vec<JobId>, TableError> {
        let mut jobs = Vec::new();
        for shard in 0..key::OPEN_SHARDS {
            let open = self.open_in(key::unanalysed(shard), true, usize::MAX).await?;
            jobs.extend(open.into_iter().map(|(job, _sk)| job));
        }
        Ok(jobs)
    }

    /// An update of a job that is still as it was read, as far as its analysis goes.
    fn change_analysis(&self, seen: &Job) -> UpdateItemFluentBuilder {
        let asked = seen.analysis.asked;
        let same = if asked == 0 {
            "(attribute_not_exists(#asked) OR #asked = :asked)"
        } else {
            "#asked = :asked"
        };
        self.update_job(&seen.id)
            .condition_expression(format!("#status = :status AND #run = :run AND {same}"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#run", "run")
            .expression_attribute_names("#asked", ASKED)
            .expression_attribute_values(":status", text(variant_name(&seen.status)))
            .expression_attribute_values(":run", number(seen.run))
            .expression_attribute_values(":asked", number(asked))
    }

    async fn wrote_analysis(
        &self,
        update: UpdateItemFluentBuilder,
        act: &'static str,
    ) -> Result<Written, TableError> {
        let read = |item: &Attributes| job_of(item).map(Box::new);
        match update.send().await {
            Ok(done) => {
                self.writes.answered();
                Ok(Written::Applied(read(&done.attributes.unwrap_or_default())?))
            }
            Err(error) => {
                let error = error.into_service_error();
                let UpdateItemError::ConditionalCheckFailedException(refusal) = error else {
                    self.writes.failed();
                    return Err(request(act, error));
                };
                self.writes.answered();
                Ok(Written::Refused(refusal.item.as_ref().map(read).transpose()?))
            }
        }
    }
}

/// What became of a write.
enum Written {
    Applied(Box<Job>),
    Refused(Option<Box<Job>>),
}

pub(super) fn analysis_of(item: Item<'_>) -> Result<Analysis, TableError> {
    let due = |since| {
        let (tries, held_until) = (item.optional_number(TRIES)?, item.optional_time(UNTIL)?);
        Ok(Due { since, tries: tries.unwrap_or(0), held_until })
    };
    Ok(Analysis {
        asked: item.optional_number(ASKED)?.unwrap_or(0),
        due: item.optional_time(SINCE)?.map(due).transpose()?,
    })
}
