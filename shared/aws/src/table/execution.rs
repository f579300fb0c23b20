//! Rows of executions: the write that makes each the only one, and reading them in pages.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
};
use beacon_core::execution::{
    Answer, Counted, Ending, ExecutionRow, ExecutionStatus, Served, StoredRow,
};
use beacon_core::failure::Failure;
use beacon_core::prompt::PromptHash;
use beacon_core::spec::Sampling;
use beacon_core::{ExecutionId, JobId, ModelId, Nonce, QuestionIndex, Region, Run, Sample};

use super::item::{Attributes, Item, number, text, time, variant_name};
use super::key::{self, PK, SK};
use super::query::Query;
use super::sealed::{provider_receipt_of, put_provider_receipt, put_seal, seal_of};
use super::{Table, TableError, request};

/// What became of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultWrite {
    /// It is the row.
    Stored(StoredRow),
    /// Another holder's row was there first, and stands.
    Dropped {
        /// That row.
        stored: StoredRow,
        /// Who wrote it.
        holder: Nonce,
    },
}

impl ResultWrite {
    /// The row that is stored now.
    pub fn stored(&self) -> StoredRow {
        match self {
            Self::Stored(row) | Self::Dropped { stored: row, .. } => *row,
        }
    }
}

/// What a summary needs of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredStatus {
    /// Which question.
    pub question: QuestionIndex,
    /// Which model.
    pub model: ModelId,
    /// Which repetition.
    pub sample: Sample,
    /// What counts of it, without its duration.
    pub counted: Counted,
    /// Why it did not complete.
    pub failure: Option<Failure>,
}

/// A row with the coordinates that its sort key holds.
pub(crate) type KeyedRow = ((QuestionIndex, ModelId, Sample), ExecutionRow);

impl Table {
    /// Stores a result if there is none, or one of an earlier run that is not completed.
    pub async fn put_result(
        &self,
        id: &ExecutionId,
        row: &ExecutionRow,
    ) -> Result<ResultWrite, TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(row_item(id, row)?))
            .condition_expression(
                "attribute_not_exists(pk) OR (#status <> :completed AND #run < :run)",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(
                ":completed",
                text(variant_name(&ExecutionStatus::Completed)),
            )
            .expression_attribute_values(":run", number(row.run))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match put.send().await {
            Ok(done) => {
                self.writes.answered();
                self.wrote(&id.job, done.consumed_capacity());
                Ok(ResultWrite::Stored(row.stored()))
            }
            Err(error) => self.dropped(&id.job, &row.holder, error.into_service_error()),
        }
    }

    fn dropped(
        &self,
        job: &JobId,
        mine: &Nonce,
        error: PutItemError,
    ) -> Result<ResultWrite, TableError> {
        if error.code() == Some("ValidationException") {
            self.writes.failed();
            return Err(TableError::NotStorable { source: Box::new(error) });
        }
        let PutItemError::ConditionalCheckFailedException(refusal) = error else {
            self.writes.failed();
            return Err(request("store a result", error));
        };
        self.writes.answered();
        // A write that is refused costs what one that happens does, by the size of the row there.
        self.meter.write(job, 1.0);
        let there = row_of(&refusal.item.unwrap_or_default())?;
        let stored = there.stored();
        // A repeated request finds what its first sending stored.
        Ok(if there.holder == *mine {
            ResultWrite::Stored(stored)
        } else {
            ResultWrite::Dropped { stored, holder: there.holder }
        })
    }

    /// Counts an answer that was dropped because another holder's row was there first.
    pub async fn put_late_result(
        &self,
        id: &ExecutionId,
        row: &ExecutionRow,
        stored: &Counted,
        holder: &Nonce,
    ) -> Result<(), TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item(PK, text(key::job(&id.job)))
            .item(SK, text(key::late(id, &row.holder)))
            .item("run", number(row.run))
            .item("completed_at", time(row.completed_at))
            .item("stored_run", number(stored.run))
            .item("stored_status", text(variant_name(&stored.status)))
            .item("stored_holder", text(holder.as_str()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let done = put.send().await.map_err(|error| request("count a late result", error))?;
        self.wrote(&id.job, done.consumed_capacity());
        Ok(())
    }

    /// Reads what is stored of a question, strongly.
    pub async fn rows_of_question(
        &self,
        job: &JobId,
        region: &Region,
        question: QuestionIndex,
    ) -> Result<BTreeMap<(ModelId, Sample), StoredRow>, TableError> {
        let query = self.beginning(key::executions(job, region), &key::question(question));
        let mut rows = BTreeMap::new();
        Query::new(query, "read a question's rows")
            .counted(self, job)
            .whole(|item| {
                let ((_, model, sample), row) = keyed_row(item)?;
                rows.insert((model, sample), row.stored());
                Ok(())
            })
            .await?;
        Ok(rows)
    }

    /// Reads rows of a region from a question on, strongly and in key order. Not counted as the
    /// job's usage: it is the reader's.
    pub async fn rows_from(
        &self,
        job: &JobId,
        region: &Region,
        from: QuestionIndex,
        until: QuestionIndex,
    ) -> Result<Vec<KeyedRow>, TableError> {
        let partition = key::executions(job, region);
        let query = self.between(partition, key::question(from), key::question(until));
        let mut rows = Vec::new();
        Query::new(query, "read executions")
            .whole(|item| {
                rows.push(keyed_row(item)?);
                Ok(())
            })
            .await?;
        Ok(rows)
    }

    /// Reads the statuses of a region's rows strongly, a page at a time, without their texts.
    pub async fn for_each_status(
        &self,
        job: &JobId,
        region: &Region,
        mut each: impl FnMut(StoredStatus),
    ) -> Result<(), TableError> {
        let query = self.beginning(key::executions(job, region), key::ROWS);
        Query::new(of_status(query), "read executions")
            .whole(|item| {
                each(status_of(item)?);
                Ok(())
            })
            .await
    }

    /// Reads the same of the rows of some questions, from the first to before the second, in key order.
    ///
    /// # Errors
    /// Where the table does not answer, or holds what Beacon did not write.
    pub async fn statuses_between(
        &self,
        job: &JobId,
        region: &Region,
        from: QuestionIndex,
        until: QuestionIndex,
    ) -> Result<Vec<StoredStatus>, TableError> {
        // Of an empty range the table takes no query.
        if from >= until {
            return Ok(Vec::new());
        }
        let partition = key::executions(job, region);
        let query = self.between(partition, key::question(from), key::question(until));
        let mut statuses = Vec::new();
        Query::new(of_status(query), "read executions")
            .whole(|item| {
                statuses.push(status_of(item)?);
                Ok(())
            })
            .await?;
        Ok(statuses)
    }

    /// Reads one row strongly.
    pub async fn row(&self, id: &ExecutionId) -> Result<Option<ExecutionRow>, TableError> {
        let (pk, sk) = key::execution(id);
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(PK, text(pk))
            .key(SK, text(sk))
            .consistent_read(true);
        let get = get.send().await.map_err(|error| request("read an execution", error))?;
        get.item.as_ref().map(row_of).transpose()
    }
}

/// Without the texts, which are most of a row.
fn of_status(query: QueryFluentBuilder) -> QueryFluentBuilder {
    query
        .projection_expression("sk, #run, #status, #outcome, #failure, #simulated")
        .expression_attribute_names("#status", "status")
        .expression_attribute_names("#outcome", "outcome")
        .expression_attribute_names("#failure", "failure")
        .expression_attribute_names("#run", "run")
        .expression_attribute_names("#simulated", "simulated")
}

fn row_item(id: &ExecutionId, row: &ExecutionRow) -> Result<Attributes, TableError> {
    let (pk, sk) = key::execution(id);
    let mut item = Attributes::with_capacity(24);
    let mut put = |name: &str, value: AttributeValue| {
        item.insert(name.to_owned(), value);
    };
    put(PK, text(pk));
    put(SK, text(sk));
    put("run", number(row.run));
    put("holder", text(row.holder.as_str()));
    put("status", text(variant_name(&row.ending.status())));
    put("prompt_sha256", text(&row.prompt_sha256.0));
    put("temperature", number(row.sampling.temperature));
    put("max_tokens", number(row.sampling.max_tokens));
    put("attempts", number(row.attempts));
    put("key_number", number(row.key_number));
    put("started_at", time(row.started_at));
    put("completed_at", time(row.completed_at));
    let mut optional = |name: &str, value: Option<AttributeValue>| {
        if let Some(value) = value {
            put(name, value);
        }
    };
    optional("seed", row.sampling.seed.map(number));
    optional("top_p", row.sampling.top_p.map(number));
    optional("provider_id", row.served.provider_id.as_ref().map(|id| text(id.as_str())));
    optional("served_model", row.served.model.as_ref().map(text));
    optional("served_region", row.served.region.as_ref().map(text));
    let maybe_billed = (row.maybe_billed > 0).then(|| number(row.maybe_billed));
    optional("maybe_billed", maybe_billed);
    optional("cost", row.cost.map(|cost| number(cost.as_f64())));
    optional("simulated", row.served.simulated.then_some(AttributeValue::Bool(true)));
    match &row.ending {
        Ending::Completed(answer) => {
            optional("outcome", Some(text(variant_name(&answer.outcome))));
            optional("response", Some(text(&answer.response)));
            optional("finish_reason", answer.finish_reason.as_ref().map(text));
            optional("input_tokens", answer.input_tokens.map(number));
            optional("output_tokens", answer.output_tokens.map(number));
            put_seal(&mut item, answer.seal.as_ref());
        }
        Ending::Failed(failure) | Ending::TimedOut(failure) | Ending::Cancelled(failure) => {
            let json = serde_json::to_string(failure);
            let json = json.map_err(|error| request("store a failure", error))?;
            optional("failure", Some(text(json)));
        }
    }
    if let Some(receipt) = &row.provider_receipt {
        put_provider_receipt(&mut item, receipt)
            .map_err(|source| TableError::NotStorable { source })?;
    }
    Ok(item)
}

fn keyed_row(attributes: &Attributes) -> Result<KeyedRow, TableError> {
    let item = Item(attributes);
    let at = key::execution_of(&item.text(SK)?).ok_or_else(|| item.corrupt(SK))?;
    Ok((at, row_of(attributes)?))
}

fn status_of(attributes: &Attributes) -> Result<StoredStatus, TableError> {
    let item = Item(attributes);
    let key = key::execution_of(&item.text(SK)?).ok_or_else(|| item.corrupt(SK))?;
    let (question, model, sample) = key;
    let outcome = item.optional_text("outcome")?.map(|_present| item.variant("outcome"));
    let failure = item.optional_text("failure")?.map(|_present| failure_of(item));
    Ok(StoredStatus {
        question,
        model,
        sample,
        counted: Counted {
            run: Run(item.number("run")?),
            status: item.variant("status")?,
            outcome: outcome.transpose()?,
            simulated: attributes.contains_key("simulated"),
            duration_ms: 0,
        },
        failure: failure.transpose()?,
    })
}

fn row_of(attributes: &Attributes) -> Result<ExecutionRow, TableError> {
    let item = Item(attributes);
    let attempts = item.number("attempts")?;
    Ok(ExecutionRow {
        run: Run(item.number("run")?),
        holder: item.required("holder")?,
        ending: ending_of(item)?,
        prompt_sha256: PromptHash(item.text("prompt_sha256")?),
        sampling: Sampling {
            temperature: item.number("temperature")?,
            max_tokens: item.number("max_tokens")?,
            seed: item.optional_number("seed")?,
            top_p: item.optional_number("top_p")?,
        },
        served: Served {
            provider_id: item.optional("provider_id")?,
            model: item.optional_text("served_model")?,
            region: item.optional_text("served_region")?,
            simulated: attributes.contains_key("simulated"),
        },
        attempts,
        // Rows of earlier releases: each attempt had a key of its own.
        key_number: item.optional_number("key_number")?.unwrap_or(attempts),
        maybe_billed: item.optional_number("maybe_billed")?.unwrap_or(0),
        cost: item.optional_dollars("cost")?,
        started_at: item.time("started_at")?,
        completed_at: item.time("completed_at")?,
        provider_receipt: provider_receipt_of(item)?,
    })
}

fn ending_of(item: Item<'_>) -> Result<Ending, TableError> {
    let status: ExecutionStatus = item.variant("status")?;
    Ok(match status {
        ExecutionStatus::Completed => Ending::Completed(Answer {
            outcome: item.variant("outcome")?,
            response: item.text("response")?,
            finish_reason: item.optional_text("finish_reason")?,
            input_tokens: item.optional_number("input_tokens")?,
            output_tokens: item.optional_number("output_tokens")?,
            seal: seal_of(item)?,
        }),
        ExecutionStatus::Failed => Ending::Failed(failure_of(item)?),
        ExecutionStatus::TimedOut => Ending::TimedOut(failure_of(item)?),
        ExecutionStatus::Cancelled => Ending::Cancelled(failure_of(item)?),
        ExecutionStatus::Pending | ExecutionStatus::Running => return Err(item.corrupt("status")),
    })
}

fn failure_of(item: Item<'_>) -> Result<Failure, TableError> {
    serde_json::from_str(&item.text("failure")?).map_err(|_invalid| item.corrupt("failure"))
}
