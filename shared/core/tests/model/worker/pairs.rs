//! Asking what is missing, storing what came back, and out.

use beacon_core::execution::ExecutionStatus;
use beacon_core::job::{Actor, Job, JobStatus, end};
use beacon_core::lane::{Finished, LaneState, LaneWrite, PairRow, finish, finish_refused};
use beacon_core::money::Dollars;

use super::super::pool::Ref;
use super::super::state::{At, Broken, Duty, Inside, Pair, Row, Stage, Task};
use super::super::turn::{JobAnswer, LaneAnswer, Stop, Taken, Turn};
use super::super::world::NOW;
use super::Next;

impl Turn<'_> {
    /// Every missing pair's call goes out; where nothing is open any more, the question is finished.
    pub(crate) fn call_or_finish(
        &mut self,
        task: &Task,
        inside: &Inside,
        pairs: &[Pair],
    ) -> Taken<Next> {
        if pairs.contains(&Pair::Missing) {
            return self.call(task, inside, pairs);
        }
        if pairs.iter().any(|pair| matches!(pair, Pair::Out | Pair::Got(_))) {
            return Err(Stop::Disabled);
        }
        let finished = self.finish_write(task, inside, pairs).change.apply((*inside.held).clone());
        let stops =
            inside.duty == Duty::Ask && task.message.stop.region_failed(&finished).is_some();
        if stops {
            return Ok(inside.at(At::Stop(pairs.to_vec(), self.state.job)));
        }
        self.finish(task, inside, pairs)
    }

    fn call(&mut self, task: &Task, inside: &Inside, pairs: &[Pair]) -> Taken<Next> {
        if inside.fenced {
            return Err(Stop::Disabled);
        }
        let mut called = pairs.to_vec();
        for (pair, place) in called.iter_mut().zip(&task.message.places) {
            if *pair != Pair::Missing {
                continue;
            }
            *pair = Pair::Out;
            if self.state.calls(*place) > 0 {
                self.break_(Broken::TwoCalls);
            }
            let stored = self.state.rows[*place];
            let completed = |row: Row| row.status == ExecutionStatus::Completed;
            if stored.is_some_and(|row| completed(row) && row.run < task.message.run) {
                self.break_(Broken::CompletedAskedAgain);
            }
        }
        Ok(inside.at(At::Pairs(called)))
    }

    /// A holder reads its lane while it waits: another's nonce, and it drops its calls; a mark, and
    /// it drops them to close the lane.
    pub(crate) fn look(&mut self, task: &Task) -> Taken<Next> {
        let Stage::Inside(inside @ Inside { at: At::Pairs(pairs), .. }) = &task.stage else {
            return Err(Stop::Disabled);
        };
        let Some(seen) = self.looked(task) else {
            let answers = pairs.iter().filter(|pair| matches!(pair, Pair::Got(_))).count();
            let dropped = pairs.iter().map(|pair| match pair {
                Pair::Out => Pair::Missing,
                Pair::Missing | Pair::Got(_) | Pair::Stored(_) => *pair,
            });
            let lost = inside.at(At::Lost(dropped.collect()));
            return Ok(if answers > 0 { lost } else { Next::Leave });
        };
        let mut inside = Inside { fenced: false, ..inside.clone() };
        if let (Some(mark), Duty::Ask) = (&seen.mark, &inside.duty) {
            inside.close(mark.cause.clone());
        }
        Ok(Next::Stage(Stage::Inside(inside)))
    }

    /// Stores an answer that is there, whoever holds the lane now.
    pub(crate) fn store(&mut self, task: &Task, index: usize) -> Taken<Next> {
        let Stage::Inside(inside) = &task.stage else { return Err(Stop::Disabled) };
        let (At::Pairs(pairs) | At::Lost(pairs)) = &inside.at else { return Err(Stop::Disabled) };
        let Some(Pair::Got(status)) = pairs.get(index).copied() else { return Err(Stop::Disabled) };
        let mut pairs = pairs.clone();
        let row = Row { run: task.message.run, status };
        pairs[index] = Pair::Stored(self.write_row(task.message.places[index], row)?);
        let is_lost = matches!(inside.at, At::Lost(_));
        let has_answers = pairs.iter().any(|pair| matches!(pair, Pair::Got(_)));
        Ok(match (is_lost, has_answers) {
            (true, false) => Next::Leave,
            (true, true) => inside.at(At::Lost(pairs)),
            (false, _) => inside.at(At::Pairs(pairs)),
        })
    }

    /// The stop is written to the job before the question is finished: a worker that dies in between
    /// would otherwise take it with it.
    pub(crate) fn write_stop(
        &mut self,
        task: &Task,
        inside: &Inside,
        pairs: &[Pair],
        job: Ref<Job>,
    ) -> Taken<Next> {
        let decided = inside.at(At::Finish(pairs.to_vec()));
        let underway = matches!(job.status, JobStatus::Queued | JobStatus::Running);
        if job.run != task.message.run || !underway || job.ending.is_some() {
            return Ok(decided);
        }
        let finished = self.finish_write(task, inside, pairs).change.apply((*inside.held).clone());
        let cause = task.message.stop.region_failed(&finished).ok_or(Stop::Disabled)?;
        match self.write_job(&end(&job, cause, Actor::Inference, NOW))? {
            JobAnswer::Applied(_) => Ok(decided),
            JobAnswer::Refused => Ok(inside.at(At::Stop(pairs.to_vec(), self.state.job))),
        }
    }

    pub(crate) fn finish(&mut self, task: &Task, inside: &Inside, pairs: &[Pair]) -> Taken<Next> {
        let write = self.finish_write(task, inside, pairs);
        let finished = match self.write_lane(task.message.lane, &write, false)? {
            LaneAnswer::Applied { after, .. } if after.state == LaneState::Closed => {
                Finished::Complete
            }
            LaneAnswer::Applied { after, .. } if after.mark.is_some() => {
                return Ok(Next::Stage(Stage::Close(after)));
            }
            LaneAnswer::Applied { .. } => Finished::Acknowledge,
            LaneAnswer::Refused(seen) => finish_refused(&self.ticket(task), Some(&seen)),
        };
        Ok(Next::Stage(Stage::Done(finished)))
    }

    fn finish_write(&self, task: &Task, inside: &Inside, pairs: &[Pair]) -> LaneWrite {
        let stored =
            pairs.iter().zip(&task.message.models).filter_map(|(pair, model)| match pair {
                Pair::Stored(row) => Some((*model, row)),
                Pair::Missing | Pair::Out | Pair::Got(_) => None,
            });
        let rows: Vec<PairRow> = stored
            .map(|(model, row)| PairRow {
                model,
                counted: row.counted(),
                spared: false,
                failed_writes: 0,
                maybe_billed: 0,
                cost: None,
                bound: Dollars::ZERO,
            })
            .collect();
        let closing = match &inside.duty {
            Duty::Close(cause) => Some(cause),
            Duty::Ask | Duty::GiveUp => None,
        };
        finish(&self.ticket(task), &inside.held, 0, &rows, closing, NOW)
    }
}
