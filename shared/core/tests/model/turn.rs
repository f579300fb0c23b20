//! One step of somebody: the table as the one place where conditions are judged, and what must
//! never happen, where only the step shows it.

use beacon_core::execution::{ExecutionStatus, may_replace};
use beacon_core::job::{Job, JobWrite};
use beacon_core::lane::{Lane, LaneWrite};

use super::action::Sent;
use super::pool::Ref;
use super::scope::Kind;
use super::state::{Broken, Delayed, Row, State};
use super::world::World;

/// Why a step goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It cannot be taken.
    Disabled,
    /// The answer to a request was lost: what follows has not happened.
    Unanswered,
}

/// What a step came to.
pub(crate) type Taken<T = ()> = Result<T, Stop>;

/// The table's answer to a write of a lane.
pub(crate) enum LaneAnswer {
    Applied { before: Ref<Lane>, after: Ref<Lane> },
    Refused(Ref<Lane>),
}

pub(crate) enum JobAnswer {
    Applied(Ref<Job>),
    Refused,
}

pub(crate) struct Turn<'a> {
    pub(crate) world: &'a World,
    pub(crate) state: State,
    /// How its request is sent.
    pub(crate) sent: Sent,
    /// It made a request that writes.
    pub(crate) wrote: bool,
}

impl Turn<'_> {
    /// A fault occurs, if there may be another.
    pub(crate) fn fault(&mut self, kind: Kind) -> Taken {
        let is_over = self.state.is_over();
        if is_over || self.state.faults == 0 || !self.world.scope.kinds.contains(&kind) {
            return Err(Stop::Disabled);
        }
        self.state.faults -= 1;
        Ok(())
    }

    /// What becomes of a request beside being judged: whether its answer arrives.
    fn send(&mut self, copy: impl FnOnce(&World) -> Delayed) -> Taken<bool> {
        self.wrote = true;
        match self.sent {
            Sent::Once => Ok(true),
            Sent::AnswerLost => self.fault(Kind::AnswerLost).map(|()| false),
            Sent::Twice => {
                self.fault(Kind::Twice)?;
                let copy = copy(self.world);
                self.state.delayed.push(copy);
                Ok(true)
            }
        }
    }

    pub(crate) fn write_lane(
        &mut self,
        lane: usize,
        write: &LaneWrite,
        opens: bool,
    ) -> Taken<LaneAnswer> {
        let copy = |world: &World| {
            let write = world.keep_lane_write(write.clone());
            Delayed::Lane { lane, write, opens }
        };
        let answered = self.send(copy)?;
        let answer = self.judge_lane(lane, write, opens);
        answered.then_some(answer).ok_or(Stop::Unanswered)
    }

    pub(crate) fn judge_lane(&mut self, lane: usize, write: &LaneWrite, opens: bool) -> LaneAnswer {
        let before = self.state.lanes[lane];
        if !write.condition.holds(&before) {
            return LaneAnswer::Refused(before);
        }
        let after = self.world.keep_lane(write.change.apply((*before).clone()));
        let job = self.state.job;
        if opens && self.state.acknowledged == Some(before.run) {
            self.break_(Broken::OpenedAfterCancel);
        }
        let is_over = before.run < job.run || job.status.is_final();
        if is_over && after.run == before.run && after.tallies != before.tallies {
            self.break_(Broken::ChangedAfterFinal);
        }
        self.state.lanes[lane] = after;
        LaneAnswer::Applied { before, after }
    }

    pub(crate) fn write_job(&mut self, write: &JobWrite) -> Taken<JobAnswer> {
        let answered = self.send(|world| Delayed::Job(world.keep_job_write(write.clone())))?;
        let answer = self.judge_job(write);
        answered.then_some(answer).ok_or(Stop::Unanswered)
    }

    pub(crate) fn judge_job(&mut self, write: &JobWrite) -> JobAnswer {
        let before = self.state.job;
        if !write.condition.holds(&before) {
            return JobAnswer::Refused;
        }
        let after = self.world.keep_job(write.apply((*before).clone()));
        if after.run != before.run {
            self.state.late = false;
        }
        self.state.job = after;
        JobAnswer::Applied(after)
    }

    /// Stores a row, unless one stands: the row that is there then.
    pub(crate) fn write_row(&mut self, pair: usize, row: Row) -> Taken<Row> {
        let answered = self.send(|_| Delayed::Row { pair, row })?;
        let stored = self.judge_row(pair, row);
        answered.then_some(stored).ok_or(Stop::Unanswered)
    }

    pub(crate) fn judge_row(&mut self, pair: usize, row: Row) -> Row {
        let before = self.state.rows[pair];
        if let Some(stored) = before.filter(|_| !replaces(before, row)) {
            return stored;
        }
        if before.is_some_and(|before| before.status == ExecutionStatus::Completed) {
            self.break_(Broken::CompletedRowChanged);
        }
        let job = self.state.job;
        if row.run < job.run || job.status.is_final() {
            self.break_(Broken::ChangedAfterFinal);
        }
        self.state.rows[pair] = Some(row);
        row
    }

    /// The first violation is the one that is reported.
    pub(crate) fn break_(&mut self, broken: Broken) {
        self.state.broken.get_or_insert(broken);
    }
}

/// Whether the condition of a row's write holds.
pub(crate) fn replaces(stored: Option<Row>, row: Row) -> bool {
    may_replace(stored.map(|stored| (stored.run, stored.status)), row.run)
}
