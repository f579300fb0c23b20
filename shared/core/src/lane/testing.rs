//! For tests: a small lane, an ideal table that applies each write or refuses it, and rows.

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::json;

use super::{Holder, Lane, LaneWrite, PairRow, Ticket};
use crate::execution::{Counted, ExecutionStatus, Outcome};
use crate::id::{
    ExecutionId, JobId, LaneId, ModelId, Nonce, Position, QuestionId, QuestionIndex, Run, Sample,
};
use crate::job::{Actor, RunRecord, Selection};
use crate::money::Dollars;
use crate::region::Region;
use crate::spec::{Spec, parse};

/// Questions of the lane.
pub(super) const LENGTH: u32 = 2;
/// Executions of each.
pub(super) const PAIRS: u32 = 3;

/// A takeover by a ticket whose nonce nobody has seen.
pub(crate) fn take_over(ticket: &Ticket, lane: &Lane, seen: &Holder, now: Timestamp) -> LaneWrite {
    super::take_over(&mut ticket.clone(), ticket.nonce.clone(), lane, seen, now)
}

/// The same of a marked lane.
pub(super) fn take_over_marked(ticket: &Ticket, seen: &Holder, now: Timestamp) -> LaneWrite {
    super::take_over_marked(&mut ticket.clone(), ticket.nonce.clone(), seen, now)
}

/// What the table does: the lane before the write, or the lane as it is where it was refused.
pub(super) fn apply(lane: &mut Lane, write: &LaneWrite) -> Result<Lane, Box<Lane>> {
    if !write.condition.holds(lane) {
        return Err(Box::new(lane.clone()));
    }
    let before = lane.clone();
    *lane = write.change.apply(before.clone());
    Ok(before)
}

/// A lane of one model.
pub(super) fn lane() -> Lane {
    let id = LaneId { region: Region::new("us-east").unwrap(), k: 0 };
    Lane::new(id, LENGTH, 1, PAIRS, at(0))
}

pub(super) fn ticket(position: u32, nonce: &str) -> Ticket {
    Ticket {
        run: Run::FIRST,
        position: Position(position),
        question: QuestionIndex(position),
        due: PAIRS,
        nonce: Nonce::new(nonce).unwrap(),
        boot: None,
        sent_at: None,
        received_at: at(0),
    }
}

pub(super) fn row(status: ExecutionStatus) -> Counted {
    let outcome = (status == ExecutionStatus::Completed).then_some(Outcome::Text);
    Counted { run: Run::FIRST, status, outcome, simulated: false, duration_ms: 5 }
}

/// Of the first model, asked by its holder at no known cost.
pub(crate) fn pair(counted: Counted) -> PairRow {
    PairRow {
        model: 0,
        counted,
        spared: false,
        failed_writes: 0,
        maybe_billed: 0,
        cost: None,
        bound: Dollars::ZERO,
    }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Five questions in two lanes, two models.
pub(super) fn spec(samples: u16) -> Spec {
    let questions: Vec<_> =
        (0..5).map(|n| json!({"id": format!("q{n}"), "text": format!("{n}?")})).collect();
    let document = json!({
        "questions": questions,
        "models": ["m", "n"],
        "regions": ["US"],
        "samples": samples,
        "questions_in_flight": 2,
    });
    parse(&document, &[]).unwrap().spec
}

pub(super) fn record(run: Run, selection: Selection) -> RunRecord {
    RunRecord {
        run,
        at: at(0),
        who: Actor::Intake,
        by: None,
        why: None,
        selection,
        executions: 0,
        request: Nonce::new("r").unwrap(),
    }
}

/// A pair of that job.
pub(super) fn id(question: u32, model: &str, sample: u16) -> ExecutionId {
    ExecutionId {
        job: JobId::new("j").unwrap(),
        question: QuestionIndex(question),
        model: ModelId::new(model).unwrap(),
        region: Region::new("us-east").unwrap(),
        sample: Sample(sample),
    }
}

/// Some pairs of that job.
pub(super) fn selections() -> impl Strategy<Value = Selection> {
    let (models, questions) = (vec!["m", "n"], vec!["q0", "q1", "q2", "q3", "q4"]);
    let one = (0..5_u32, prop::sample::select(models.clone()), 0..2_u16)
        .prop_map(|(question, model, sample)| id(question, model, sample));
    let regions = vec!["us-east", "eu-west"];
    (
        prop_oneof![4 => Just(Vec::new()), 1 => subsequence(regions, 0..=2)],
        prop_oneof![Just(Vec::new()), subsequence(models, 0..=2)],
        prop_oneof![Just(Vec::new()), subsequence(questions, 0..=5)],
        prop::option::weighted(0.1, one),
    )
        .prop_map(|(regions, models, questions, execution)| Selection {
            regions: regions.into_iter().map(|id| Region::new(id).unwrap()).collect(),
            models: models.into_iter().map(|id| ModelId::new(id).unwrap()).collect(),
            questions: questions.into_iter().map(|id| QuestionId::new(id).unwrap()).collect(),
            execution,
        })
}
