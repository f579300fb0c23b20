//! Lanes: one conditional write each, the condition and the change being data of the core.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use beacon_core::lane::{
    Breakdown, Holder, HolderChange, HolderIs, Lane, LaneChange, LaneCondition, LaneWrite,
    Outcomes, Tallies,
};
use beacon_core::{DispatchNumber, JobId, LaneId, Position, Run};

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
        let update = set(condition(update, &write.condition), &write.change);
        match update.send().await {
            Ok(done) => {
                self.wrote(job, done.consumed_capacity());
                Ok(LaneUpdate::Applied(lane_of(&done.attributes.unwrap_or_default())?))
            }
            Err(error) => self.refused(job, error.into_service_error()),
        }
    }

    fn refused(&self, job: &JobId, error: UpdateItemError) -> Result<LaneUpdate, TableError> {
        let UpdateItemError::ConditionalCheckFailedException(refusal) = error else {
            return Err(request("write a lane", error));
        };
        // A write that is refused costs what one that happens does.
        self.meter.write(job, 1.0);
        Ok(LaneUpdate::Refused(refusal.item.as_ref().map(lane_of).transpose()?))
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
    update: UpdateItemFluentBuilder,
    condition: &LaneCondition,
) -> UpdateItemFluentBuilder {
    let LaneCondition { run, state, cursor, holder, dispatch_number } = condition;
    let mut update = update
        .expression_attribute_names("#run", "run")
        .expression_attribute_names("#state", "state")
        .expression_attribute_names("#cursor", "cursor")
        .expression_attribute_values(":run_is", number(run))
        .expression_attribute_values(":state_is", text(variant_name(state)))
        .expression_attribute_values(":cursor_is", number(cursor));
    let mut base = "#run = :run_is AND #state = :state_is AND #cursor = :cursor_is".to_owned();
    if let Some(number_is) = dispatch_number {
        base.push_str(" AND #dispatch_number = :dispatch_number_is");
        update = update
            .expression_attribute_names("#dispatch_number", "dispatch_number")
            .expression_attribute_values(":dispatch_number_is", number(number_is));
    }
    let (nonce, clause) = match holder {
        HolderIs::Anything => return update.condition_expression(base),
        HolderIs::AbsentOr(nonce) => {
            (nonce, "(attribute_not_exists(#holder) OR #holder.#nonce = :nonce_is)")
        }
        HolderIs::Exactly(nonce) => (nonce, "#holder.#nonce = :nonce_is"),
    };
    update
        .expression_attribute_names("#holder", "holder")
        .expression_attribute_names("#nonce", "nonce")
        .expression_attribute_values(":nonce_is", text(nonce.as_str()))
        .condition_expression(format!("{base} AND {clause}"))
}

fn set(mut update: UpdateItemFluentBuilder, change: &LaneChange) -> UpdateItemFluentBuilder {
    let LaneChange {
        holder,
        cursor,
        state,
        tallies,
        breakdown,
        dispatch_number,
        waited_ms,
        moved_at,
    } = change;
    let mut sets: Vec<(&str, AttributeValue)> = vec![("moved_at", time(*moved_at))];
    sets.extend(cursor.map(|cursor| ("cursor", number(cursor))));
    sets.extend(state.map(|state| ("state", text(variant_name(&state)))));
    sets.extend(tallies.as_ref().map(|tallies| ("tallies", tallies_item(tallies))));
    let encoded = |breakdown: &Breakdown| ("breakdown", bytes(breakdown.encode()));
    sets.extend(breakdown.as_ref().map(encoded));
    sets.extend(dispatch_number.map(|dispatch| ("dispatch_number", number(dispatch))));
    sets.extend(waited_ms.map(|waited| ("waited_ms", number(waited))));
    let mut remove = "";
    match holder {
        HolderChange::Keep => {}
        HolderChange::Set(holder) => sets.push(("holder", holder_item(holder))),
        HolderChange::Remove => {
            update = update.expression_attribute_names("#holder", "holder");
            remove = " REMOVE #holder";
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
    expression.push_str(remove);
    update.update_expression(expression)
}

pub(super) fn lane_item(job: &JobId, lane: &Lane) -> Attributes {
    let mut item = Attributes::from([
        (PK.to_owned(), text(key::job(job))),
        (SK.to_owned(), text(key::lane(&lane.id))),
        ("run".to_owned(), number(lane.run)),
        ("state".to_owned(), text(variant_name(&lane.state))),
        ("dispatch_number".to_owned(), number(lane.dispatch_number)),
        ("cursor".to_owned(), number(lane.cursor)),
        ("length".to_owned(), number(lane.length)),
        ("pairs_of_question".to_owned(), number(lane.pairs_of_question)),
        ("tallies".to_owned(), tallies_item(&lane.tallies)),
        ("breakdown".to_owned(), bytes(lane.breakdown.encode())),
        ("waited_ms".to_owned(), number(lane.waited_ms)),
        ("moved_at".to_owned(), time(lane.moved_at)),
    ]);
    item.extend(lane.holder.as_ref().map(|holder| ("holder".to_owned(), holder_item(holder))));
    item
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
    Ok(Lane {
        id,
        run: Run(item.number("run")?),
        state: item.variant("state")?,
        dispatch_number: DispatchNumber(item.number("dispatch_number")?),
        cursor: Position(item.number("cursor")?),
        length: item.number("length")?,
        pairs_of_question: item.number("pairs_of_question")?,
        holder: item.map("holder")?.map(holder_of).transpose()?,
        tallies: tallies_of(tallies)?,
        breakdown: breakdown.ok_or_else(|| item.corrupt("breakdown"))?,
        waited_ms: item.number("waited_ms")?,
        moved_at: item.time("moved_at")?,
    })
}

fn holder_item(holder: &Holder) -> AttributeValue {
    let mut item = Attributes::from([
        ("nonce".to_owned(), text(holder.nonce.as_str())),
        ("since".to_owned(), time(holder.since)),
    ]);
    item.extend(holder.boot.as_ref().map(|boot| ("boot".to_owned(), text(boot.as_str()))));
    AttributeValue::M(item)
}

fn holder_of(attributes: &Attributes) -> Result<Holder, TableError> {
    let item = Item(attributes);
    Ok(Holder {
        nonce: item.required("nonce")?,
        boot: item.optional("boot")?,
        since: item.time("since")?,
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
