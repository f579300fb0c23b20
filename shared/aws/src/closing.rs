//! Ending a job before its last question: its lanes closed or marked, and the pairs of a question
//! that nobody asks any more recorded.

use std::time::Duration;

use beacon_core::bill::{Bill, Fate, call_key, fate, remembers};
use beacon_core::cloudwatch::counted;
use beacon_core::execution::{Ending, ExecutionRow, Served, StoredRow};
use beacon_core::job::{Actor, EndCause, end};
use beacon_core::lane::{Closing, Lane, LaneState, PairRow, Ticket, close};
use beacon_core::message::QuestionMessage;
use beacon_core::wire::CallState;
use beacon_core::{ExecutionId, JobId, Run};
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use tracing::warn;

use crate::link::{Link, Request, call_view};
use crate::table::{JobUpdate, LaneUpdate, ResultWrite, Table, TableError};

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
                LaneUpdate::Applied(before) => {
                    let after = write.change.apply(before.clone());
                    self.metrics().tell(&counted(&before, &after, &[]), now);
                    after
                }
                LaneUpdate::Refused(Some(seen)) => seen,
                // A lane that does not exist has nothing to close.
                LaneUpdate::Refused(None) => return Ok(LaneState::Closed),
            };
        }
    }

    /// Gives each pair of a question that has no row of its run this ending. What calls of theirs
    /// may be out the router is told to stop; it also tells how many may be billed. Returns all the
    /// question's rows, as a finish counts them.
    pub async fn end_missing(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        ending: &Ending,
        calls: Calls<'_>,
        now: Timestamp,
    ) -> Result<Vec<PairRow>, TableError> {
        let QuestionMessage { job_id, lane, question, .. } = message;
        let stored = self.rows_of_question(job_id, &lane.region, *question).await?;
        let pairs = message.pairs().map(|(model, id)| {
            let there = stored.get(&(id.model.clone(), id.sample)).copied();
            async move {
                if let Some(row) = there.filter(|row| row.counted.stands_in(ticket.run)) {
                    return Ok(PairRow::of(model, &row, ticket.run, message.bound(model)));
                }
                let key_before = there.map_or(0, |row| row.key_number);
                let may_be_out = ending.failure().is_some_and(|failure| failure.maybe_billed);
                let stopped =
                    if may_be_out { Some(calls.stop(&id, key_before + 1).await) } else { None };
                let row = ended_row(message, ticket, ending, there, stopped, now);
                let write = self.put_result(&id, &row).await?;
                if let ResultWrite::Stored(_) = write {
                    self.bill(&id, &row).await?;
                }
                Ok(PairRow::of(model, &write.stored(), ticket.run, message.bound(model)))
            }
        });
        try_join_all(pairs).await
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

/// Calls that somebody may have made who is gone.
#[derive(Debug, Clone, Copy)]
pub struct Calls<'a> {
    /// The way to the router.
    pub link: &'a dyn Link,
    /// When the first of them may have begun; none where that is not known.
    pub since: Option<Timestamp>,
    /// Who may have made one each; that many may be billed where the router does not tell.
    pub holders: u32,
}

/// How long the router may take to stop a call.
const STOP: Duration = Duration::from_secs(1);

impl Calls<'_> {
    /// Stops the call with this key, if there is one. Returns how many calls under the key may be
    /// billed.
    pub async fn stop(self, id: &ExecutionId, key_number: u32) -> u32 {
        let key = call_key(id, key_number);
        let view = match call_view(self.link, Request::Stop { key: key.as_str() }, STOP).await {
            Ok(Some(view)) => view,
            Ok(None) => return self.holders,
            Err(lost) => {
                warn!(execution_id = %id, %key, reason = ?lost, "what became of a call was not told");
                return self.holders;
            }
        };
        let since = self.since.unwrap_or(Timestamp::MIN);
        let told = match fate(&view, since) {
            // What a call that is done may have cost is not in the count.
            Some(Fate::GivenUp) if view.state == CallState::Done => view.maybe_billed + 1,
            Some(Fate::NotSent | Fate::GivenUp) => view.maybe_billed,
            Some(Fate::Answered) | None => view.maybe_billed + 1,
            Some(Fate::Unknown | Fate::Forgotten) => view.maybe_billed,
        };
        if remembers(&view, since) { told } else { told.max(self.holders) }
    }
}

/// The row of a pair that its holder did not ask. `earlier` is its row of an earlier run. Where the
/// calls of holders before were stopped, so many of them may be billed, and their key, which follows
/// the earlier row's, is the row's: the router does not take it any more. Where none was, a call of
/// the earlier row whose fate is not known stays the one to look for.
pub fn ended_row(
    message: &QuestionMessage,
    ticket: &Ticket,
    ending: &Ending,
    earlier: Option<StoredRow>,
    stopped: Option<u32>,
    now: Timestamp,
) -> ExecutionRow {
    let maybe_billed = stopped.unwrap_or(0);
    let attempts = u32::from(maybe_billed > 0);
    let is_open = attempts > 0 || (stopped.is_none() && earlier.is_some_and(|row| row.is_open));
    ExecutionRow {
        run: ticket.run,
        holder: ticket.nonce.clone(),
        ending: ending.clone().billed(is_open).after(attempts),
        prompt_sha256: message.prompt().sha256(),
        sampling: message.sampling.clone(),
        served: Served::default(),
        attempts,
        key_number: earlier.map_or(0, |row| row.key_number) + u32::from(stopped.is_some()),
        maybe_billed,
        cost: None,
        started_at: now,
        completed_at: now,
        provider_receipt: None,
    }
}
