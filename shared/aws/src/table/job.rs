//! Jobs: submit, the changes of their status, and reading a job with its lanes.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use beacon_core::job::{Job, JobChange, JobCondition, JobStatus, JobWrite, StopRule};
use beacon_core::lane::Lane;
use beacon_core::spec::{SpecHash, Stop, limit};
use beacon_core::{JobId, ModelId, Run};

use super::analysis::{DUE, SINCE, analysis_of};
use super::item::{Attributes, Item, number, text, time, variant_name};
use super::key::{self, PK, SK};
use super::lane::lane_of;
use super::query::Query;
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
    /// It happened; the job as it is now.
    Applied(Box<Job>),
    /// Its condition did not hold; the job as it is, if there is one.
    Refused(Option<Box<Job>>),
}

impl Table {
    /// Makes a conditional write. With a final status the job leaves the open jobs for those that are
    /// to be analysed, and what it used is stored where this process counted it; with a new run it is
    /// back among them.
    pub async fn write_job(&self, job: &JobId, write: &JobWrite) -> Result<JobUpdate, TableError> {
        let update = self.update_job(job).return_consumed_capacity(ReturnConsumedCapacity::Total);
        let update = self.change(condition(update, &write.condition), job, write)?;
        match update.send().await {
            Ok(done) => {
                if matches!(write.change, JobChange::Retry(..)) {
                    self.meter.begin(job, 0.0);
                }
                self.writes.answered();
                self.wrote(job, done.consumed_capacity());
                if matches!(write.change, JobChange::Finalise) {
                    self.meter.end(job);
                }
                Ok(JobUpdate::Applied(Box::new(job_of(&done.attributes.unwrap_or_default())?)))
            }
            Err(error) => {
                let error = error.into_service_error();
                let UpdateItemError::ConditionalCheckFailedException(refusal) = error else {
                    self.writes.failed();
                    return Err(request("write a job", error));
                };
                self.writes.answered();
                self.meter.write(job, 1.0);
                let seen = refusal.item.as_ref().map(job_of).transpose()?;
                Ok(JobUpdate::Refused(seen.map(Box::new)))
            }
        }
    }

    /// An update of a job's item, which answers with the item as it is then.
    pub(super) fn update_job(&self, job: &JobId) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.name)
            .key(PK, text(key::job(job)))
            .key(SK, text(key::JOB))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    fn change(
        &self,
        mut update: UpdateItemFluentBuilder,
        job: &JobId,
        write: &JobWrite,
    ) -> Result<UpdateItemFluentBuilder, TableError> {
        let JobWrite { transition, change, condition } = write;
        let mut parts = Parts::default();
        let log = AttributeValue::L(vec![text(json(job, transition)?)]);
        parts.set("transitions", "list_append(#transitions, :transitions)", log);
        if transition.to != condition.status {
            parts.put("status", text(variant_name(&transition.to)));
        }
        match change {
            JobChange::Start => parts.put("started_at", time(transition.at)),
            JobChange::End(ending) => parts.put("ending", text(json(job, ending)?)),
            JobChange::Cancel(ending) => {
                let first = "if_not_exists(#ending, :ending)";
                parts.set("ending", first, text(json(job, ending)?));
            }
            JobChange::Retry(record, deadline) => {
                parts.put("run", number(record.run));
                parts.put("deadline", time(*deadline));
                parts.put(OPEN_SHARD, text(key::open_shard(job)));
                let added = AttributeValue::L(vec![text(json(job, record)?)]);
                parts.set("runs", "list_append(if_not_exists(#runs, :none), :runs)", added);
                parts.values.push((":none".to_owned(), AttributeValue::L(Vec::new())));
                parts.removes.extend(["ending", "finished_at", "usage"]);
                parts.removes.extend(DUE);
            }
            JobChange::Finalise => {
                parts.put("finished_at", time(transition.at));
                parts.put(OPEN_SHARD, text(key::unanalysed_shard(job)));
                parts.put(SINCE, time(transition.at));
                if let Some(usage) = self.meter.of(job) {
                    parts.put("usage", text(json(job, &usage)?));
                }
            }
        }
        for name in parts.names.iter().chain(&parts.removes) {
            update = update.expression_attribute_names(format!("#{name}"), *name);
        }
        for (name, value) in parts.values {
            update = update.expression_attribute_values(name, value);
        }
        let removes: Vec<String> = parts.removes.iter().map(|name| format!("#{name}")).collect();
        let remove = if removes.is_empty() { "" } else { " REMOVE " };
        let expression = format!("SET {}{remove}{}", parts.sets.join(", "), removes.join(", "));
        Ok(update.update_expression(expression))
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
        let (first, last) = (key::JOB.to_owned(), key::AFTER_LANES.to_owned());
        let query = self.between(key::job(job), first, last);
        let mut found = None;
        let mut lanes = Vec::new();
        let mut late_results = 0;
        Query::new(query, "read a job and its lanes")
            .counted(self, job)
            .whole(|item| {
                let sk = Item(item).text(SK)?;
                if sk == key::JOB {
                    found = Some(job_of(item)?);
                } else if sk.starts_with(key::LATE) {
                    late_results += 1;
                } else {
                    lanes.push(lane_of(item)?);
                }
                Ok(())
            })
            .await?;
        Ok(found.map(|job| WholeJob { job, lanes, late_results }))
    }
}

/// An update in the making.
#[derive(Default)]
struct Parts {
    sets: Vec<String>,
    removes: Vec<&'static str>,
    names: Vec<&'static str>,
    values: Vec<(String, AttributeValue)>,
}

impl Parts {
    fn put(&mut self, name: &'static str, value: AttributeValue) {
        self.set(name, &format!(":{name}"), value);
    }

    /// Sets an attribute to an expression of its value.
    fn set(&mut self, name: &'static str, expression: &str, value: AttributeValue) {
        self.sets.push(format!("#{name} = {expression}"));
        self.names.push(name);
        self.values.push((format!(":{name}"), value));
    }
}

fn condition(update: UpdateItemFluentBuilder, condition: &JobCondition) -> UpdateItemFluentBuilder {
    let JobCondition { run, status, no_ending } = condition;
    let first = if *no_ending { " AND attribute_not_exists(#ending)" } else { "" };
    let update =
        if *no_ending { update.expression_attribute_names("#ending", "ending") } else { update };
    update
        .condition_expression(format!("#status = :status_is AND #run = :run_is{first}"))
        .expression_attribute_names("#status", "status")
        .expression_attribute_names("#run", "run")
        .expression_attribute_values(":status_is", text(variant_name(status)))
        .expression_attribute_values(":run_is", number(run))
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
    let runs: Result<Vec<AttributeValue>, TableError> =
        job.runs.iter().map(|record| Ok(text(json(&job.id, record)?))).collect();
    let models = job.models.iter().map(|model| text(model.as_str())).collect();
    let entry = |name: &str, value: AttributeValue| (name.to_owned(), value);
    // Dispatch and coordinator set the other attributes.
    let mut item = Attributes::from([
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
        entry("stop", text(variant_name(&job.stop.policy))),
        entry("stop_after", number(job.stop.after)),
        entry("timeout_seconds", number(job.timeout_seconds)),
        entry("deadline", time(job.deadline)),
        entry("runs", AttributeValue::L(runs?)),
        entry(CREATED_AT, time(job.created_at)),
        entry(MONTH, text(key::month(job.created_at))),
        entry(OPEN_SHARD, text(key::open_shard(&job.id))),
        entry("transitions", AttributeValue::L(transitions?)),
    ]);
    let max_cost = job.max_cost.map(|most| entry("max_cost", number(most.as_f64())));
    let estimate = job.estimate.as_ref().map(|estimate| json(&job.id, estimate)).transpose()?;
    item.extend(max_cost.into_iter().chain(estimate.map(|json| entry("estimate", text(json)))));
    Ok(item)
}

pub(super) fn job_of(attributes: &Attributes) -> Result<Job, TableError> {
    let item = Item(attributes);
    let transitions = item.json_list("transitions")?.ok_or_else(|| item.corrupt("transitions"))?;
    // Jobs of the first release have no models, questions and samples in their item.
    let models: Option<Vec<_>> = match attributes.get("models") {
        None => Some(Vec::new()),
        Some(value) => value
            .as_l()
            .ok()
            .and_then(|all| all.iter().map(|id| ModelId::new(id.as_s().ok()?).ok()).collect()),
    };
    let created_at = item.time(CREATED_AT)?;
    // Jobs of earlier releases say neither when they stop nor when their time is up.
    let stop = StopRule {
        policy: item.optional_variant("stop")?.unwrap_or(Stop::Never),
        after: item.optional_number("stop_after")?.unwrap_or(u32::MAX),
    };
    let timeout_seconds =
        item.optional_number("timeout_seconds")?.unwrap_or(limit::TIMEOUT_SECONDS);
    let latest = created_at + Duration::from_secs(timeout_seconds);
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
        stop,
        timeout_seconds,
        max_cost: item.optional_dollars("max_cost")?,
        estimate: item.optional_json("estimate")?,
        deadline: item.optional_time("deadline")?.unwrap_or(latest),
        ending: item.optional_json("ending")?,
        runs: item.json_list("runs")?.unwrap_or_default(),
        created_at,
        started_at: item.optional_time("started_at")?,
        finished_at: item.optional_time("finished_at")?,
        usage: item.optional_json("usage")?,
        analysis: analysis_of(item)?,
        transitions,
    })
}
