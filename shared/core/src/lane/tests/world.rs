//! A lane with the job, the rows and the workers around it.

use proptest::prelude::*;

use super::Move;
use crate::execution::{Counted, ExecutionStatus};
use crate::id::{ExecutionId, JobId, Nonce, Position, QuestionIndex, Run, Sample};
use crate::job::{EndCause, Job, RunRecord, Selection, StopRule, is_for};
use crate::lane::testing::{self, apply, at, record, spec, take_over, take_over_marked};
use crate::lane::*;
use crate::message::question_at;
use crate::spec::{Spec, Stop};

/// A job's lane with what is around it.
pub(super) struct World {
    job: JobId,
    spec: Spec,
    runs: Vec<RunRecord>,
    /// The end of the job's run, once it is decided.
    pub(super) ending: Option<EndCause>,
    pub(super) lane: Lane,
    work: Option<WorkList>,
    rows: StoredRows,
    /// Those that are or were in, with the lane as they found it.
    workers: Vec<(Ticket, Lane)>,
    /// What the last look said is to be done.
    pub(super) closing: Option<Closing>,
    happened: Vec<LaneWrite>,
}

impl World {
    pub(super) fn new(k: u16, samples: u16) -> Self {
        let spec = spec(samples);
        let lane = Job::lanes(&spec, at(0)).remove(usize::from(k));
        Self {
            job: JobId::new("j").unwrap(),
            spec,
            runs: vec![record(Run::FIRST, Selection::default())],
            ending: None,
            lane,
            work: None,
            rows: StoredRows::new(),
            workers: Vec::new(),
            closing: None,
            happened: Vec::new(),
        }
    }

    fn run(&self) -> Run {
        self.runs.last().unwrap().run
    }

    fn write(&mut self, write: &LaneWrite) -> Result<Lane, Box<Lane>> {
        let result = apply(&mut self.lane, write);
        if result.is_ok() {
            self.happened.push(write.clone());
        }
        result
    }

    pub(super) fn perform(&mut self, next: Move, step: i64) {
        match next {
            Move::Receive { back, ahead } => {
                let position = (self.lane.cursor.0 + ahead).saturating_sub(back);
                self.receive(Position(position), step);
            }
            Move::Finish { ago, rows } => {
                if let Some((ticket, held)) = self.workers.iter().rev().nth(ago).cloned() {
                    self.finish(&ticket, &held, &rows, step);
                }
            }
            Move::End(cause) => {
                // A run whose lanes are all closed gets its final status first.
                if self.lane.run < self.run() || self.lane.state == LaneState::Open {
                    self.ending.get_or_insert(cause);
                }
            }
            Move::Look => {
                let Some(cause) = &self.ending else { return };
                self.closing = Some(close(&self.lane, self.run(), cause, at(step)));
            }
            Move::Close => {
                if let Some(Closing::Write(write)) = self.closing.take() {
                    let _refused = self.write(&write);
                }
            }
            Move::Dispatch { counts } => {
                let (write, _) = dispatch_anew(&self.lane, counts, at(step));
                let _refused = self.write(&write);
            }
            Move::Retry(selection) => {
                let ended = self.lane.run == self.run() && self.lane.state == LaneState::Closed;
                if ended {
                    self.runs.push(record(self.run().next(), selection));
                    (self.ending, self.closing) = (None, None);
                }
            }
            Move::Replan => {
                let closed = self.lane.run < self.run() && self.lane.state == LaneState::Closed;
                if closed && self.ending.is_none() {
                    let Replanned { work, write } =
                        replan(&self.job, &self.lane, &self.runs, &self.spec, &self.rows, at(step));
                    self.work = Some(work);
                    self.write(&write).unwrap();
                }
            }
            Move::Again(index) => {
                if !self.happened.is_empty() {
                    let write = index.get(&self.happened).clone();
                    let _refused_or_repeated = apply(&mut self.lane, &write);
                }
            }
        }
    }

    fn receive(&mut self, position: Position, step: i64) {
        let Some(WorkItem { question, due }) = self.item(position) else { return };
        let ticket = Ticket {
            run: self.lane.run,
            position,
            question,
            due,
            nonce: Nonce::new(format!("n{step}")).unwrap(),
            boot: None,
            sent_at: None,
            received_at: at(step),
        };
        let Err(seen) = self.write(&gate(&ticket, at(step))) else {
            self.workers.push((ticket, self.lane.clone()));
            return;
        };
        let write = match rejected(&ticket, Some(&seen)) {
            GateRejection::Held(holder) => take_over(&ticket, &seen, &holder, at(step)),
            GateRejection::Marked(_, Some(holder)) => take_over_marked(&ticket, &holder, at(step)),
            GateRejection::Marked(mark, None) => {
                let Closing::Write(write) = close(&seen, ticket.run, &mark.cause, at(step)) else {
                    panic!("nobody holds it")
                };
                self.write(&write).unwrap();
                return;
            }
            GateRejection::OtherRun
            | GateRejection::Closed
            | GateRejection::ClosedBefore
            | GateRejection::Passed
            | GateRejection::PredecessorLost
            | GateRejection::Free => return,
        };
        self.write(&write).unwrap();
        self.workers.push((ticket, self.lane.clone()));
    }

    fn item(&self, position: Position) -> Option<WorkItem> {
        match &self.work {
            Some(work) => work.at(position),
            None if position.0 < self.lane.length => Some(WorkItem {
                question: question_at(&self.spec, &self.lane.id, position),
                due: self.lane.pairs_of_question,
            }),
            None => None,
        }
    }

    fn finish(
        &mut self,
        ticket: &Ticket,
        held: &Lane,
        rows: &[(ExecutionStatus, bool)],
        step: i64,
    ) {
        let marked = held.mark.as_ref().map(|mark| mark.cause.clone());
        let mut pairs = Vec::new();
        for (pair, (status, simulated)) in self.pairs(ticket.question).into_iter().zip(rows) {
            if !self.takes(ticket.run, &pair) {
                continue;
            }
            let key = (pair.question, pair.model.clone(), pair.sample);
            let stored = self.rows.get(&key).copied();
            let is_free = stored
                .is_none_or(|row| row.status != ExecutionStatus::Completed && row.run < ticket.run);
            if is_free {
                let status = marked.as_ref().map_or(*status, EndCause::status);
                let simulated = *simulated;
                let row = Counted { run: ticket.run, simulated, ..testing::row(status) };
                self.rows.insert(key.clone(), row);
            }
            let model = self.spec.models.iter().position(|model| *model == pair.model).unwrap();
            let counted = self.rows.get(&key).copied().unwrap();
            pairs.push(PairRow { model, ..testing::pair(counted) });
        }
        let goes_on = finish(ticket, held, 0, &pairs, None, at(step)).change.apply(held.clone());
        let rule = StopRule { policy: Stop::RegionFailure, after: 1 };
        let failed = rule.region_failed(&goes_on).filter(|_| marked.is_none());
        if let Some(cause) = &failed
            && ticket.run == self.run()
        {
            self.ending.get_or_insert_with(|| cause.clone());
        }
        let closing = marked.or(failed);
        let _refused = self.write(&finish(ticket, held, 0, &pairs, closing.as_ref(), at(step)));
    }

    fn takes(&self, run: Run, pair: &ExecutionId) -> bool {
        is_for(&self.runs, run, pair, &self.spec.question(pair.question).unwrap().id)
    }

    fn pairs(&self, question: QuestionIndex) -> Vec<ExecutionId> {
        let samples = (0..self.spec.samples).map(Sample);
        let cells = samples
            .flat_map(|sample| self.spec.models.iter().map(move |model| (model.clone(), sample)));
        let pair = |(model, sample)| {
            let (job, region) = (self.job.clone(), self.lane.id.region.clone());
            ExecutionId { job, question, model, region, sample }
        };
        cells.map(pair).collect()
    }

    /// Each pair's row, and how it is shown, added up.
    pub(super) fn check(&self) -> Result<(), TestCaseError> {
        let lane = &self.lane;
        let open = (lane.state == LaneState::Open).then(|| self.item(lane.cursor)).flatten();
        let (mut tallies, mut models) = (Tallies::default(), [Tallies::default(); 2]);
        let mut left = 0;
        for position in (0..lane.questions).map(Position) {
            let question = question_at(&self.spec, &lane.id, position);
            for pair in self.pairs(question) {
                let row = self.rows.get(&(question, pair.model.clone(), pair.sample)).copied();
                // Rows of the open question are counted when it is finished.
                let not_yet = open.is_some_and(|item| item.question == question)
                    && row.is_some_and(|row| row.run == lane.run);
                let entry = &self.spec.question(question).unwrap().id;
                let stands = row.map(|row| (row.run, row.status));
                let shown = shown(lane, &self.runs, &pair, entry, stands);
                let status = shown.status(row.map(|row| row.status));
                let ended = !matches!(status, ExecutionStatus::Pending | ExecutionStatus::Running);
                if not_yet || !ended {
                    left += 1;
                    continue;
                }
                let stored = row.filter(|_| shown == Shown::AsStored);
                let counted = stored.unwrap_or(Counted::without_row(lane.run));
                let counted = Counted { status, ..counted };
                tallies = tallies.with(counted);
                let index = self.spec.models.iter().position(|model| *model == pair.model).unwrap();
                models[index] = models[index].with(counted);
            }
        }
        prop_assert_eq!(lane.tallies, tallies);
        prop_assert_eq!(tallies.ended() + left, lane.expected());
        let mut breakdown = lane.breakdown.models.clone();
        breakdown.resize(models.len(), Tallies::default());
        prop_assert_eq!(breakdown, models.to_vec());
        prop_assert_eq!(lane.breakdown.durations.count(), tallies.completed);
        prop_assert!(lane.state == LaneState::Open || left == 0);
        prop_assert!(lane.state == LaneState::Open || lane.holder.is_none());
        Ok(())
    }
}
