//! Lanes: one conditional write each, the condition and the change being data of the core.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use beacon_core::lane::{
    Breakdown, Holder, HolderChange, HolderIs, Lane, LaneChange, LaneCondition, LaneWrite,
    MarkChange, MarkIs, NewRun, Outcomes, Tallies,
};
use beacon_core::{DispatchNumber, JobId, LaneId, Nonce, Position, QuestionIndex, Run};
use serde::Serialize;

use super::item::{Attributes, Item, bytes, number, text, time, variant_name};
use super::key::{self, PK, SK};
use super::{Table, TableError, request};

/// What became of a conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaneUpdate {
    /// It happened; the lane as it was before.
    Applied(Lane),
    /// Its condition did not hold; the lane as it is, if there is one.
    Refused(Option<Lane>),
}

impl Table {
    /// Makes a conditional write.
    pub async fn write_lane(
        &self,
        job: &JobId,
        lane: &LaneId,
        write: &LaneWrite,
    ) -> Result<LaneUpdate, TableError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(PK, text(key::job(job)))
            .key(SK, text(key::lane(lane)))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let update = set(condition(update, &write.condition), &write.change)?;
        match update.send().await {
            Ok(done) => {
                self.writes.answered();
                self.wrote(job, done.consumed_capacity());
                Ok(LaneUpdate::Applied(lane_of(&done.attributes.unwrap_or_default())?))
            }
            Err(error) => self.refused(job, error.into_service_error()),
        }
    }

    fn refused(&self, job: &JobId, error: UpdateItemError) -> Result<LaneUpdate, TableError> {
        let UpdateItemError::ConditionalCheckFailedException(refusal) = error else {
            self.writes.failed();
            return Err(request("write a lane", error));
        };
        self.writes.answered();
        // A write that is refused costs what one that happens does.
        self.meter.write(job, 1.0);
        Ok(LaneUpdate::Refused(refusal.item.as_ref().map(lane_of).transpose()?))
    }

    /// Whether this holder has the lane, read strongly.
    pub async fn is_held_by(
        &self,
        job: &JobId,
        lane: &LaneId,
        nonce: &Nonce,
    ) -> Result<bool, TableError> {
        let seen = self.lane(job, lane).await?;
        Ok(seen.and_then(|lane| lane.holder).is_some_and(|holder| holder.nonce == *nonce))
    }

    /// Reads a lane strongly.
    pub async fn lane(&self, job: &JobId, lane: &LaneId) -> Result<Option<Lane>, TableError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(PK, text(key::job(job)))
            .key(SK, text(key::lane(lane)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let get = get.send().await.map_err(|error| request("read a lane", error))?;
        self.read(job, get.consumed_capacity());
        get.item.as_ref().map(lane_of).transpose()
    }
}

fn condition(
    mut update: UpdateItemFluentBuilder,
    condition: &LaneCondition,
) -> UpdateItemFluentBuilder {
    let LaneCondition { run, state, cursor, holder, mark, dispatch_number } = condition;
    let mut clauses = vec!["#run = :run_is", "#state = :state_is"];
    update = update
        .expression_attribute_names("#run", "run")
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":run_is", number(run))
        .expression_attribute_values(":state_is", text(variant_name(state)));
    let mut equals = |update: UpdateItemFluentBuilder, name: &str, clause, value| {
        clauses.push(clause);
        update
            .expression_attribute_names(format!("#{name}"), name)
            .expression_attribute_values(format!(":{name}_is"), value)
    };
    if let Some(cursor) = cursor {
        update = equals(update, "cursor", "#cursor = :cursor_is", number(cursor));
    }
    if let Some(is) = dispatch_number {
        let clause = "#dispatch_number = :dispatch_number_is";
        update = equals(update, "dispatch_number", clause, number(is));
    }
    let (clause, nonce) = match holder {
        HolderIs::Anything => (None, None),
        HolderIs::Absent => (Some("attribute_not_exists(#holder)"), None),
        HolderIs::Present => (Some("attribute_exists(#holder)"), None),
        HolderIs::AbsentOr(nonce) => {
            let clause = "(attribute_not_exists(#holder) OR #holder.#nonce = :nonce_is)";
            (Some(clause), Some(nonce))
        }
        HolderIs::Exactly(nonce) => (Some("#holder.#nonce = :nonce_is"), Some(nonce)),
    };
    if let Some(clause) = clause {
        clauses.push(clause);
        update = update.expression_attribute_names("#holder", "holder");
    }
    if let Some(nonce) = nonce {
        update = update
            .expression_attribute_names("#nonce", "nonce")
            .expression_attribute_values(":nonce_is", text(nonce.as_str()));
    }
    let clause = match mark {
        MarkIs::Anything => None,
        MarkIs::Absent => Some("attribute_not_exists(#mark)"),
        MarkIs::Present => Some("attribute_exists(#mark)"),
    };
    if let Some(clause) = clause {
        clauses.push(clause);
        update = update.expression_attribute_names("#mark", "mark");
    }
    update.condition_expression(clauses.join(" AND "))
}

fn set(
    mut update: UpdateItemFluentBuilder,
    change: &LaneChange,
) -> Result<UpdateItemFluentBuilder, TableError> {
    let LaneChange {
        run,
        holder,
        mark,
        cursor,
        state,
        tallies,
        breakdown,
        dispatch_number,
        takeovers,
        redispatches,
        barren,
        waited_ms,
        moved_at,
    } = change;
    let mut sets: Vec<(&str, AttributeValue)> = vec![("moved_at", time(*moved_at))];
    if let Some(NewRun { run, length }) = run {
        sets.extend([("run", number(run)), ("length", number(length))]);
    }
    sets.extend(cursor.map(|cursor| ("cursor", number(cursor))));
    sets.extend(state.map(|state| ("state", text(variant_name(&state)))));
    sets.extend(tallies.as_ref().map(|tallies| ("tallies", tallies_item(tallies))));
    let encoded = |breakdown: &Breakdown| ("breakdown", bytes(breakdown.encode()));
    sets.extend(breakdown.as_ref().map(encoded));
    sets.extend(dispatch_number.map(|dispatch| ("dispatch_number", number(dispatch))));
    sets.extend(takeovers.map(|count| ("takeovers", number(count))));
    sets.extend(redispatches.map(|count| ("redispatches", number(count))));
    sets.extend(barren.map(|count| ("barren", number(count))));
    sets.extend(waited_ms.map(|waited| ("waited_ms", number(waited))));
    let mut removes = Vec::new();
    match holder {
        HolderChange::Keep => {}
        HolderChange::Set(holder) => sets.push(("holder", holder_item(holder))),
        HolderChange::Remove => removes.push("holder"),
    }
    match mark {
        MarkChange::Keep => {}
        MarkChange::Set(mark) => sets.push(("mark", json_text(mark)?)),
        MarkChange::Shelve(earlier) => {
            removes.push("mark");
            sets.push(("earlier_marks", json_text(earlier)?));
        }
    }
    let mut expression = String::from("SET");
    for (index, (name, value)) in sets.into_iter().enumerate() {
        expression.push_str(if index == 0 { " " } else { ", " });
        expression.extend(["#", name, " = :", name]);
        update = update
            .expression_attribute_names(format!("#{name}"), name)
            .expression_attribute_values(format!(":{name}"), value);
    }
    for (index, name) in removes.into_iter().enumerate() {
        expression.push_str(if index == 0 { " REMOVE " } else { ", " });
        expression.extend(["#", name]);
        update = update.expression_attribute_names(format!("#{name}"), name);
    }
    Ok(update.update_expression(expression))
}

fn json_text<T: Serialize>(value: &T) -> Result<AttributeValue, TableError> {
    let json = serde_json::to_string(value).map_err(|error| request("write a lane", error))?;
    Ok(text(json))
}

/// A lane before its first run: what only a holder, a mark or a retry sets is not there yet.
pub(super) fn lane_item(job: &JobId, lane: &Lane) -> Attributes {
    Attributes::from([
        (PK.to_owned(), text(key::job(job))),
        (SK.to_owned(), text(key::lane(&lane.id))),
        ("run".to_owned(), number(lane.run)),
        ("state".to_owned(), text(variant_name(&lane.state))),
        ("dispatch_number".to_owned(), number(lane.dispatch_number)),
        ("cursor".to_owned(), number(lane.cursor)),
        ("length".to_owned(), number(lane.length)),
        ("questions".to_owned(), number(lane.questions)),
        ("models".to_owned(), number(lane.models)),
        ("pairs_of_question".to_owned(), number(lane.pairs_of_question)),
        ("tallies".to_owned(), tallies_item(&lane.tallies)),
        ("breakdown".to_owned(), bytes(lane.breakdown.encode())),
        ("waited_ms".to_owned(), number(lane.waited_ms)),
        ("moved_at".to_owned(), time(lane.moved_at)),
    ])
}

pub(super) fn lane_of(attributes: &Attributes) -> Result<Lane, TableError> {
    let item = Item(attributes);
    let id = key::lane_of(&item.text(SK)?).ok_or_else(|| item.corrupt(SK))?;
    let tallies = item.map("tallies")?.ok_or_else(|| item.corrupt("tallies"))?;
    // Lanes of the first release have none.
    let breakdown = match attributes.get("breakdown") {
        None => Some(Breakdown::default()),
        Some(value) => value.as_b().ok().and_then(|bytes| Breakdown::decode(bytes.as_ref())),
    };
    let breakdown = breakdown.ok_or_else(|| item.corrupt("breakdown"))?;
    let pairs_of_question = item.number("pairs_of_question")?;
    let length = item.number("length")?;
    // Lanes of earlier releases have neither models nor questions.
    let models = match item.optional_number("models")? {
        Some(models) => models,
        None => u32::try_from(breakdown.models.len()).unwrap_or(u32::MAX),
    };
    Ok(Lane {
        id,
        run: Run(item.number("run")?),
        state: item.variant("state")?,
        dispatch_number: DispatchNumber(item.number("dispatch_number")?),
        cursor: Position(item.number("cursor")?),
        length,
        questions: item.optional_number("questions")?.unwrap_or(length),
        models,
        pairs_of_question,
        holder: item.map("holder")?.map(|map| holder_of(map, pairs_of_question)).transpose()?,
        mark: item.optional_json("mark")?,
        earlier_marks: item.optional_json("earlier_marks")?.unwrap_or_default(),
        takeovers: item.optional_number("takeovers")?.unwrap_or(0),
        redispatches: item.optional_number("redispatches")?.unwrap_or(0),
        barren: item.optional_number("barren")?.unwrap_or(0),
        tallies: tallies_of(tallies)?,
        breakdown,
        waited_ms: item.number("waited_ms")?,
        moved_at: item.time("moved_at")?,
    })
}

fn holder_item(holder: &Holder) -> AttributeValue {
    let mut item = Attributes::from([
        ("nonce".to_owned(), text(holder.nonce.as_str())),
        ("since".to_owned(), time(holder.since)),
        ("question".to_owned(), number(holder.question)),
        ("due".to_owned(), number(holder.due)),
    ]);
    item.extend((holder.before > 0).then(|| ("before".to_owned(), number(holder.before))));
    item.extend(holder.boot.as_ref().map(|boot| ("boot".to_owned(), text(boot.as_str()))));
    AttributeValue::M(item)
}

/// Holders of earlier releases say neither question nor what is due: all of it.
fn holder_of(attributes: &Attributes, all: u32) -> Result<Holder, TableError> {
    let item = Item(attributes);
    Ok(Holder {
        nonce: item.required("nonce")?,
        boot: item.optional("boot")?,
        since: item.time("since")?,
        question: QuestionIndex(item.optional_number("question")?.unwrap_or(u32::MAX)),
        due: item.optional_number("due")?.unwrap_or(all),
        before: item.optional_number("before")?.unwrap_or(0),
    })
}

fn tallies_item(tallies: &Tallies) -> AttributeValue {
    let Tallies { completed, failed, timed_out, cancelled, outcomes, simulated } = tallies;
    let Outcomes { text, empty, blocked, truncated } = outcomes;
    let entry = |name: &str, count: &u64| (name.to_owned(), number(count));
    AttributeValue::M(Attributes::from([
        entry("completed", completed),
        entry("failed", failed),
        entry("timed_out", timed_out),
        entry("cancelled", cancelled),
        entry("text", text),
        entry("empty", empty),
        entry("blocked", blocked),
        entry("truncated", truncated),
        entry("simulated", simulated),
    ]))
}

fn tallies_of(attributes: &Attributes) -> Result<Tallies, TableError> {
    let item = Item(attributes);
    Ok(Tallies {
        completed: item.number("completed")?,
        failed: item.number("failed")?,
        timed_out: item.number("timed_out")?,
        cancelled: item.number("cancelled")?,
        outcomes: Outcomes {
            text: item.number("text")?,
            empty: item.number("empty")?,
            blocked: item.number("blocked")?,
            truncated: item.number("truncated")?,
        },
        simulated: item.number("simulated")?,
    })
}
