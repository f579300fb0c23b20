//! Ending a job before its last question: its lanes closed or marked, and the pairs of a question
//! that nobody asks any more recorded.

use beacon_core::bill::{Bill, Fate, call_key};
use beacon_core::execution::{Ending, ExecutionRow, Served};
use beacon_core::job::{Actor, EndCause, end};
use beacon_core::lane::{Closing, Lane, LaneState, PairRow, Ticket, close};
use beacon_core::message::QuestionMessage;
use beacon_core::{ExecutionId, JobId, Run};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;

use crate::table::{JobUpdate, LaneUpdate, Table, TableError};

/// Lanes that are closed at a time.
const LANES: usize = 24;

impl Table {
    /// Decides that a run of a job ends early, unless that was decided before. Returns why it ends;
    /// nothing where the run is over, or another has begun.
    pub async fn end_job(
        &self,
        job: &JobId,
        run: Run,
        cause: &EndCause,
        who: Actor,
        now: Timestamp,
    ) -> Result<Option<EndCause>, TableError> {
        let mut seen = self.job(job).await?;
        while let Some(job) = seen.filter(|job| job.run == run && !job.status.is_final()) {
            if let Some(ending) = job.ending {
                return Ok(Some(ending.cause));
            }
            let write = end(&job, cause.clone(), who, now);
            seen = match self.write_job(&job.id, &write).await? {
                JobUpdate::Applied(job) => Some(*job),
                JobUpdate::Refused(job) => job.map(|job| *job),
            };
        }
        Ok(None)
    }

    /// Closes the lanes of a run, or marks them for their holders. Returns whether all are closed.
    pub async fn close_run(
        &self,
        job: &JobId,
        run: Run,
        cause: &EndCause,
        now: Timestamp,
    ) -> Result<bool, TableError> {
        match self.job_and_lanes(job).await? {
            Some((seen, lanes)) if seen.run == run => {
                self.close_lanes(job, run, cause, lanes, now).await
            }
            Some(_) | None => Ok(true),
        }
    }

    /// Closes each of these lanes of a run, or marks it for its holder. Returns whether all are
    /// closed.
    pub async fn close_lanes(
        &self,
        job: &JobId,
        run: Run,
        cause: &EndCause,
        lanes: Vec<Lane>,
        now: Timestamp,
    ) -> Result<bool, TableError> {
        let closings = lanes.into_iter().map(|lane| self.close_lane(job, run, cause, lane, now));
        let all: Vec<LaneState> = stream::iter(closings).buffered(LANES).try_collect().await?;
        Ok(all.into_iter().all(|state| state == LaneState::Closed))
    }

    /// Closes a lane of a run, or marks it for its holder: the state that it is left in.
    pub async fn close_lane(
        &self,
        job: &JobId,
        run: Run,
        cause: &EndCause,
        mut lane: Lane,
        now: Timestamp,
    ) -> Result<LaneState, TableError> {
        loop {
            let write = match close(&lane, run, cause, now) {
                Closing::Closed => return Ok(LaneState::Closed),
                Closing::Marked => return Ok(LaneState::Open),
                Closing::Write(write) => write,
            };
            lane = match self.write_lane(job, &lane.id, &write).await? {
                LaneUpdate::Applied(before) => write.change.apply(before),
                LaneUpdate::Refused(Some(seen)) => seen,
                // A lane that does not exist has nothing to close.
                LaneUpdate::Refused(None) => return Ok(LaneState::Closed),
            };
        }
    }

    /// Gives each pair of a question that has no row of its run this ending. Returns all the
    /// question's rows, as a finish counts them.
    pub async fn end_missing(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        ending: &Ending,
        now: Timestamp,
    ) -> Result<Vec<PairRow>, TableError> {
        let QuestionMessage { job_id, lane, question, .. } = message;
        let stored = self.rows_of_question(job_id, &lane.region, *question).await?;
        let mut rows = Vec::new();
        for (model, id) in message.pairs() {
            let there = stored.get(&(id.model.clone(), id.sample));
            let pair = |counted, maybe_billed| PairRow {
                model,
                counted,
                spared: false,
                failed_writes: 0,
                maybe_billed,
            };
            rows.push(match there.filter(|row| row.counted.stands_in(ticket.run)) {
                Some(row) if row.counted.run == ticket.run => pair(row.counted, row.maybe_billed),
                Some(row) => pair(row.counted, 0),
                None => {
                    let before = there.map_or(0, |row| row.key_number);
                    let row = ended_row(message, ticket, ending, before, now);
                    let counted = self.put_result(&id, &row).await?.counted();
                    self.bill(&id, &row).await?;
                    pair(counted, row.maybe_billed)
                }
            });
        }
        Ok(rows)
    }

    /// Keeps the call of a row in mind whose fate is not known.
    pub async fn bill(&self, id: &ExecutionId, row: &ExecutionRow) -> Result<(), TableError> {
        if !row.stored().is_open {
            return Ok(());
        }
        let key = call_key(id, row.key_number);
        let bill = Bill { key, run: row.run, at: row.started_at, fate: Fate::Unknown };
        self.put_bill(&id.job, &bill).await
    }
}

/// The row of a pair whose holder is gone. If its call may be under way, it has the next key.
fn ended_row(
    message: &QuestionMessage,
    ticket: &Ticket,
    ending: &Ending,
    key_before: u32,
    now: Timestamp,
) -> ExecutionRow {
    let maybe_billed = ending.failure().is_some_and(|failure| failure.maybe_billed);
    ExecutionRow {
        run: ticket.run,
        holder: ticket.nonce.clone(),
        ending: ending.clone(),
        prompt_sha256: message.prompt().sha256(),
        sampling: message.sampling.clone(),
        served: Served::default(),
        attempts: u32::from(maybe_billed),
        key_number: key_before + u32::from(maybe_billed),
        maybe_billed: u32::from(maybe_billed),
        started_at: now,
        completed_at: now,
    }
}
