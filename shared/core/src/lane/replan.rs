//! A closed lane's next run: which questions it asks, and what it carries over.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Breakdown, Lane, LaneChange, LaneCondition, LaneState, LaneWrite, MarkChange, NewRun, Shown,
    Tallies, WorkItem, WorkList, shown,
};
use crate::execution::{Counted, ExecutionStatus};
use crate::id::{ExecutionId, JobId, ModelId, Position, QuestionIndex, Run, Sample};
use crate::job::{RunRecord, is_for};
use crate::message::question_at;
use crate::spec::Spec;

/// The rows of a lane's region, by pair.
pub type StoredRows = BTreeMap<(QuestionIndex, ModelId, Sample), Counted>;

/// A lane's next run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replanned {
    /// Stored before the lane goes over.
    pub work: WorkList,
    /// The lane goes over. Where nothing is to be asked it stays closed.
    pub write: LaneWrite,
}

/// Plans a closed lane's next run from one pass over its rows: the questions with a selected pair
/// that is not completed, and the tallies of all other pairs as they stand. `runs` are the job's.
pub fn replan(
    job: &JobId,
    lane: &Lane,
    runs: &[RunRecord],
    spec: &Spec,
    rows: &StoredRows,
    now: Timestamp,
) -> Replanned {
    let run = lane.run.next();
    let pass = Pass { job, lane, runs, spec, rows };
    let mut carried = Carried {
        tallies: Tallies::default(),
        models: vec![Tallies::default(); spec.models.len()],
    };
    let positions =
        (0..lane.questions).map(|position| question_at(spec, &lane.id, Position(position)));
    let asked = positions
        .map(|question| WorkItem { question, due: pass.count(run, question, &mut carried) });
    let work = WorkList::new(asked.filter(|item| item.due > 0).collect());
    let mut breakdown = Breakdown { models: carried.models, ..lane.breakdown.clone() };
    breakdown.begin(now);
    let length = work.length();
    let write = LaneWrite {
        condition: LaneCondition::closed_at(lane.run),
        change: LaneChange {
            run: Some(NewRun { run, length }),
            mark: MarkChange::Shelve(lane.marks_to_shelve()),
            cursor: Some(Position(0)),
            state: (length > 0).then_some(LaneState::Open),
            tallies: Some(carried.tallies),
            breakdown: Some(breakdown),
            takeovers: Some(0),
            redispatches: Some(0),
            barren: Some(0),
            ..LaneChange::at(now)
        },
    };
    Replanned { work, write }
}

/// What a plan is made from.
struct Pass<'a> {
    job: &'a JobId,
    lane: &'a Lane,
    runs: &'a [RunRecord],
    spec: &'a Spec,
    rows: &'a StoredRows,
}

/// The pairs that are not asked again.
struct Carried {
    tallies: Tallies,
    models: Vec<Tallies>,
}

impl Pass<'_> {
    /// Counts a question's pairs that stay as they are; the number of the others.
    fn count(&self, run: Run, question: QuestionIndex, carried: &mut Carried) -> u32 {
        let Some(entry) = self.spec.question(question) else { return 0 };
        let mut due = 0;
        for (model, tallies) in self.spec.models.iter().zip(&mut carried.models) {
            for sample in (0..self.spec.samples).map(Sample) {
                let id = ExecutionId {
                    job: self.job.clone(),
                    question,
                    model: model.clone(),
                    region: self.lane.id.region.clone(),
                    sample,
                };
                let row = self.rows.get(&(question, model.clone(), sample)).copied();
                let is_completed = row.is_some_and(|row| row.status == ExecutionStatus::Completed);
                if !is_completed && is_for(self.runs, run, &id, &entry.id) {
                    due += 1;
                    continue;
                }
                let stands = row.map(|row| (row.run, row.status));
                let shown = shown(self.lane, self.runs, &id, &entry.id, stands);
                let status = shown.status(row.map(|row| row.status));
                // What another run made of the pair hides its row.
                let row = row.filter(|_| shown == Shown::AsStored);
                let row = row.unwrap_or(Counted::without_row(self.lane.run));
                let counted = Counted { status, ..row };
                *tallies = tallies.with(counted);
                carried.tallies = carried.tallies.with(counted);
            }
        }
        due
    }
}

#[cfg(test)]
mod tests;
