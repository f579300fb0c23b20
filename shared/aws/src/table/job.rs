//! Jobs: submit, the changes of their status, and reading a job with its lanes.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use beacon_core::job::{Job, JobStatus, JobWrite};
use beacon_core::lane::Lane;
use beacon_core::spec::SpecHash;
use beacon_core::usage::Usage;
use beacon_core::{JobId, ModelId, Run};

use super::item::{Attributes, Item, number, text, time, variant_name};
use super::key::{self, PK, SK};
use super::lane::lane_of;
use super::schema::{CREATED_AT, MONTH, OPEN_SHARD};
use super::{Table, TableError, request};

/// A job, its lanes, and what came too late.
#[derive(Debug, Clone, PartialEq)]
pub struct WholeJob {
    /// The job.
    pub job: Job,
    /// Its lanes.
    pub lanes: Vec<Lane>,
    /// Answers that were dropped because another holder's row was there first.
    pub late_results: u64,
}

/// What became of a conditional write of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum JobUpdate {
    /// It happened.
    Applied,
    /// Status or run were others than those read.
    Refused,
}

impl Table {
    /// Changes a job's status if status and run are still those read. With a final status the job
    /// leaves the index of open jobs, and what it used is stored where this process counted it.
    pub async fn write_job(&self, job: &JobId, write: &JobWrite) -> Result<JobUpdate, TableError> {
        let JobWrite { run, transition } = write;
        let at = if transition.to.is_final() { "finished_at" } else { "started_at" };
        let mut sets =
            "#status = :to, #at = :at, #transitions = list_append(#transitions, :log)".to_owned();
        let log = AttributeValue::L(vec![text(json(job, transition)?)]);
        let mut update = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(PK, text(key::job(job)))
            .key(SK, text(key::JOB))
            .condition_expression("#status = :from AND #run = :run")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#run", "run")
            .expression_attribute_names("#at", at)
            .expression_attribute_names("#transitions", "transitions")
            .expression_attribute_values(":to", text(variant_name(&transition.to)))
            .expression_attribute_values(":from", text(variant_name(&transition.from)))
            .expression_attribute_values(":run", number(run))
            .expression_attribute_values(":at", time(transition.at))
            .expression_attribute_values(":log", log)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut remove = "";
        if transition.to.is_final() {
            update = update.expression_attribute_names("#open_shard", OPEN_SHARD);
            remove = " REMOVE #open_shard";
            if let Some(usage) = self.meter.of(job) {
                sets.push_str(", #usage = :usage");
                update = update
                    .expression_attribute_names("#usage", "usage")
                    .expression_attribute_values(":usage", text(json(job, &usage)?));
            }
        }
        match update.update_expression(format!("SET {sets}{remove}")).send().await {
            Ok(done) => {
                self.wrote(job, done.consumed_capacity());
                if transition.to.is_final() {
                    self.meter.end(job);
                }
                Ok(JobUpdate::Applied)
            }
            Err(error) => {
                let error = error.into_service_error();
                if !error.is_conditional_check_failed_exception() {
                    return Err(request("write a job", error));
                }
                self.meter.write(job, 1.0);
                Ok(JobUpdate::Refused)
            }
        }
    }

    /// Reads a job strongly.
    pub async fn job(&self, job: &JobId) -> Result<Option<Job>, TableError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(PK, text(key::job(job)))
            .key(SK, text(key::JOB))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let get = get.send().await.map_err(|error| request("read a job", error))?;
        self.read(job, get.consumed_capacity());
        get.item.as_ref().map(job_of).transpose()
    }

    /// Reads a job and all its lanes strongly. One read is no snapshot; that is enough, because a
    /// lane that is closed stays closed within its run.
    pub async fn job_and_lanes(&self, job: &JobId) -> Result<Option<(Job, Vec<Lane>)>, TableError> {
        Ok(self.job_whole(job).await?.map(|whole| (whole.job, whole.lanes)))
    }

    /// As [`Table::job_and_lanes`], with the number of answers that came too late.
    pub async fn job_whole(&self, job: &JobId) -> Result<Option<WholeJob>, TableError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(key::job(job)))
            .expression_attribute_values(":first", text(key::JOB))
            .expression_attribute_values(":last", text(key::AFTER_LANES))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut pages = query.into_paginator().send();
        let mut found = None;
        let mut lanes = Vec::new();
        let mut late_results = 0;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| request("read a job and its lanes", error))?;
            self.read(job, page.consumed_capacity());
            for item in page.items() {
                let sk = Item(item).text(SK)?;
                if sk == key::JOB {
                    found = Some(job_of(item)?);
                } else if sk.starts_with(key::LATE) {
                    late_results += 1;
                } else {
                    lanes.push(lane_of(item)?);
                }
            }
        }
        Ok(found.map(|job| WholeJob { job, lanes, late_results }))
    }
}

pub(super) fn json<T: serde::Serialize>(job: &JobId, value: &T) -> Result<String, TableError> {
    serde_json::to_string(value).map_err(|source| TableError::Spec {
        job: job.clone(),
        act: "written",
        source: Box::new(source),
    })
}

pub(super) fn job_item(job: &Job) -> Result<Attributes, TableError> {
    let transitions: Result<Vec<AttributeValue>, TableError> =
        job.transitions.iter().map(|entry| Ok(text(json(&job.id, entry)?))).collect();
    let models = job.models.iter().map(|model| text(model.as_str())).collect();
    let entry = |name: &str, value: AttributeValue| (name.to_owned(), value);
    // Dispatch and coordinator set the other attributes.
    Ok(Attributes::from([
        entry(PK, text(key::job(&job.id))),
        entry(SK, text(key::JOB)),
        entry("name", text(&job.name)),
        entry("status", text(variant_name(&job.status))),
        entry("run", number(job.run)),
        entry("spec_hash", text(&job.spec_hash.0)),
        entry("spec_chunks", number(job.spec_chunks)),
        entry("expected", number(job.expected)),
        entry("questions", number(job.questions)),
        entry("models", AttributeValue::L(models)),
        entry("samples", number(job.samples)),
        entry("has_jobspec", AttributeValue::Bool(job.has_jobspec)),
        entry("min_success_rate", number(job.min_success_rate)),
        entry("min_regions", number(job.min_regions)),
        entry(CREATED_AT, time(job.created_at)),
        entry(MONTH, text(key::month(job.created_at))),
        entry(OPEN_SHARD, text(key::open_shard(&job.id))),
        entry("transitions", AttributeValue::L(transitions?)),
    ]))
}

pub(super) fn job_of(attributes: &Attributes) -> Result<Job, TableError> {
    let item = Item(attributes);
    let log = attributes.get("transitions").and_then(|log| log.as_l().ok());
    let log = log.ok_or_else(|| item.corrupt("transitions"))?;
    let transitions: Option<Vec<_>> =
        log.iter().map(|entry| serde_json::from_str(entry.as_s().ok()?).ok()).collect();
    // Jobs of the first release have no models, questions and samples in their item.
    let models: Option<Vec<_>> = match attributes.get("models") {
        None => Some(Vec::new()),
        Some(value) => value
            .as_l()
            .ok()
            .and_then(|all| all.iter().map(|id| ModelId::new(id.as_s().ok()?).ok()).collect()),
    };
    let usage: Option<Usage> = item
        .optional_text("usage")?
        .map(|json| serde_json::from_str(&json).map_err(|_invalid| item.corrupt("usage")))
        .transpose()?;
    Ok(Job {
        id: key::job_of(&item.text(PK)?).ok_or_else(|| item.corrupt(PK))?,
        name: item.text("name")?,
        status: item.variant::<JobStatus>("status")?,
        run: Run(item.number("run")?),
        spec_hash: SpecHash(item.text("spec_hash")?),
        spec_chunks: item.number("spec_chunks")?,
        expected: item.number("expected")?,
        questions: item.optional_number("questions")?.unwrap_or(0),
        models: models.ok_or_else(|| item.corrupt("models"))?,
        samples: item.optional_number("samples")?.unwrap_or(1),
        has_jobspec: attributes.get("has_jobspec") == Some(&AttributeValue::Bool(true)),
        min_success_rate: item.number("min_success_rate")?,
        min_regions: item.number("min_regions")?,
        created_at: item.time(CREATED_AT)?,
        started_at: item.optional_time("started_at")?,
        finished_at: item.optional_time("finished_at")?,
        usage,
        transitions: transitions.ok_or_else(|| item.corrupt("transitions"))?,
    })
}
