//! Lists of jobs, from the two indexes. Each job is then read from the table itself.

use aws_sdk_dynamodb::types::AttributeValue;
use beacon_core::JobId;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::item::{Item, text};
use super::key::{self, PK, SK};
use super::schema::{BY_MONTH, CREATED_AT, MONTH, OPEN, OPEN_SHARD};
use super::{Table, TableError, request};

/// A cursor from further in the future than clocks differ begins here.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);
/// No job is older than Beacon.
const FIRST_MONTH: Date = Date::constant(2026, 11, 1);

/// A job in the list by age; a page ends with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedJob {
    /// Its id.
    pub job: JobId,
    /// When it was accepted.
    pub created_at: Timestamp,
}

impl Table {
    /// All jobs without a final status, as far as the index has caught up.
    pub async fn open_jobs(&self) -> Result<Vec<JobId>, TableError> {
        let mut jobs = Vec::new();
        for shard in 0..key::OPEN_SHARDS {
            let open = self.open_in(key::open(shard), true, usize::MAX).await?;
            jobs.extend(open.into_iter().map(|(job, _sk)| job));
        }
        Ok(jobs)
    }

    /// What a partition of the index of what is open holds, the oldest or the newest first, at most
    /// `limit`: jobs and sort keys.
    pub(super) async fn open_in(
        &self,
        partition: String,
        oldest_first: bool,
        limit: usize,
    ) -> Result<Vec<(JobId, String)>, TableError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(OPEN)
            .key_condition_expression("#partition = :partition")
            .expression_attribute_names("#partition", OPEN_SHARD)
            .expression_attribute_values(":partition", text(partition))
            .scan_index_forward(oldest_first);
        let mut items = query.into_paginator().items().send();
        let mut open = Vec::new();
        while open.len() < limit {
            let Some(item) = items.next().await else { break };
            let item = item.map_err(|error| request("list what is open", error))?;
            let (pk, sk) = (Item(&item).text(PK)?, Item(&item).text(SK)?);
            open.extend(key::job_of(&pk).map(|job| (job, sk)));
        }
        Ok(open)
    }

    /// Up to `limit` jobs, newest first, that were accepted before a page's end or before now.
    pub async fn jobs_before(
        &self,
        after: Option<&ListedJob>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<ListedJob>, TableError> {
        // Clocks of two machines may differ by a little at a month's turn.
        let after = after.filter(|after| after.created_at <= now + A_DAY);
        let newest = after.map_or(now, |after| after.created_at);
        self.jobs_of_months((month_of(newest), FIRST_MONTH), after.map(start_key), limit).await
    }

    /// Up to `limit` jobs, newest first, that were accepted since then: a request a month.
    pub async fn jobs_since(
        &self,
        since: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<ListedJob>, TableError> {
        let mut jobs = self.jobs_of_months((month_of(now), month_of(since)), None, limit).await?;
        jobs.retain(|job| job.created_at >= since);
        Ok(jobs)
    }

    /// Of the months from the first to the second, which is the earlier.
    async fn jobs_of_months(
        &self,
        (mut month, earliest): (Date, Date),
        mut start: Option<super::item::Attributes>,
        limit: usize,
    ) -> Result<Vec<ListedJob>, TableError> {
        let mut jobs = Vec::new();
        while jobs.len() < limit && month >= earliest {
            self.jobs_of_month(month, start.take(), limit, &mut jobs).await?;
            let Ok(earlier) = month.checked_sub(Span::new().months(1)) else { break };
            month = earlier;
        }
        Ok(jobs)
    }

    async fn jobs_of_month(
        &self,
        month: Date,
        start: Option<super::item::Attributes>,
        limit: usize,
        jobs: &mut Vec<ListedJob>,
    ) -> Result<(), TableError> {
        let wanted = i32::try_from(limit - jobs.len()).unwrap_or(i32::MAX);
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(BY_MONTH)
            .key_condition_expression("#partition = :partition")
            .expression_attribute_names("#partition", MONTH)
            .expression_attribute_values(":partition", text(format!("{}", month.strftime("%Y-%m"))))
            .set_exclusive_start_key(start)
            .scan_index_forward(false)
            .limit(wanted);
        let page = query.send().await.map_err(|error| request("list jobs", error))?;
        for item in page.items() {
            let item = Item(item);
            let created_at = item.time(CREATED_AT)?;
            let job = key::job_of(&item.text(PK)?);
            jobs.extend(job.map(|job| ListedJob { job, created_at }));
        }
        Ok(())
    }
}

fn month_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date().first_of_month()
}

fn start_key(after: &ListedJob) -> super::item::Attributes {
    let entry = |name: &str, value: AttributeValue| (name.to_owned(), value);
    super::item::Attributes::from([
        entry(PK, text(key::job(&after.job))),
        entry(SK, text(key::JOB)),
        entry(MONTH, text(key::month(after.created_at))),
        entry(CREATED_AT, super::item::time(after.created_at)),
    ])
}
