//! The invariants of `docs/ARCHITECTURE.md`, each a function of what is seen that says what was
//! violated. Their numbers are those of the table there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use beacon_core::job::{EndCause, Job, JobStatus};
use beacon_core::lane::{Lane, LaneState, Shown, Tallies};
use beacon_core::view::JobView;
use beacon_core::{ExecutionId, JobId, Run, time_budget};

pub use self::billing::{
    Billed, BilledRows, RowOfRun, billed_of, dropped_calls_are_counted, lanes_count_what_rows_do,
    row_counts_dropped_calls,
};
pub use super::router::{Call, CallEnd};
pub use super::tables::{Change, Item};

/// Which invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invariant {
    /// One execution per pair.
    OneExecution,
    /// The final status comes last.
    StatusLast,
    /// Every pair is accounted for.
    PairsAccountedFor,
    /// No silent failure.
    NoSilentFailure,
    /// No zombies.
    NoZombies,
    /// Losing a queue loses nothing: every job ends.
    EveryJobEnds,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneExecution => "1, one execution per pair",
            Self::StatusLast => "2, the final status comes last",
            Self::PairsAccountedFor => "3, every pair is accounted for",
            Self::NoSilentFailure => "4, no silent failure",
            Self::NoZombies => "6, no zombies",
            Self::EveryJobEnds => "9, every job ends",
        })
    }
}

/// What was violated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant.
    pub invariant: Invariant,
    /// How, with ids.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// What a check comes to.
pub type Checked = Result<(), Violation>;

fn holds(holds: bool, invariant: Invariant, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Violation { invariant, what: what() }) }
}

/// A completed row never changes.
pub fn completed_row_is_kept(change: &Change) -> Checked {
    let completed = |item: &Item| item.text("status") == Some("completed");
    holds(!change.before.as_ref().is_some_and(completed), Invariant::OneExecution, || {
        format!("completed row {} {} became {:?}", change.pk, change.sk, change.after)
    })
}

/// A row of a run is written once; a later run may replace it.
pub fn row_is_written_once_a_run(change: &Change) -> Checked {
    let run = |item: &Option<Item>| item.as_ref().and_then(|item| item.number("run"));
    let grows = change.before.is_none() || run(&change.before) < run(&change.after);
    holds(grows, Invariant::StatusLast, || {
        let Change { pk, sk, before, after } = change;
        format!("row {pk} {sk} of run {:?} became {before:?}, then {after:?}", run(before))
    })
}

/// A row that is not completed has a failure with a code; a completed one has an outcome.
pub fn row_says_how_it_ended(change: &Change) -> Checked {
    let Some(row) = &change.after else { return Ok(()) };
    let code = || {
        let failure: serde_json::Value = serde_json::from_str(row.text("failure")?).ok()?;
        failure["code"].as_str().map(|code| !code.is_empty())
    };
    let said = match row.text("status") {
        Some("completed") => row.text("outcome").is_some(),
        Some("failed" | "timed_out" | "cancelled") => code() == Some(true),
        Some(_) | None => false,
    };
    holds(said, Invariant::NoSilentFailure, || {
        format!("row {} {} does not say how it ended: {row:?}", change.pk, change.sk)
    })
}

/// A completed row is a receipt, and nothing else is one.
pub fn row_is_signed_if_completed(change: &Change) -> Checked {
    let Some(row) = &change.after else { return Ok(()) };
    let is_completed = row.text("status") == Some("completed");
    holds(row.has_bytes("seal") == is_completed, Invariant::OneExecution, || {
        format!("row {} {} is signed, or not, against its status: {row:?}", change.pk, change.sk)
    })
}

/// A row tells of a stopped call only where its job ends: nobody else asks for a call to be stopped
/// whose answer is wanted.
pub fn stopped_call_is_of_an_ended_job(job: &Job, change: &Change) -> Checked {
    let failure = change.after.as_ref().and_then(|row| row.text("failure"));
    let stopped = failure.is_some_and(|failure| failure.contains("CALL_STOPPED"));
    holds(!stopped || job.ending.is_some(), Invariant::NoSilentFailure, || {
        let Change { pk, sk, .. } = change;
        format!("the call of {pk} {sk} was stopped, but its job goes on: {failure:?}")
    })
}

/// Once a job has its final status, no row and no lane of it changes until the next run.
pub fn nothing_changes_after_the_end(job: &Job, change: &Change) -> Checked {
    holds(!job.status.is_final(), Invariant::StatusLast, || {
        let (status, run) = (job.status, job.run);
        let Change { pk, sk, before, after } = change;
        format!("job is {status} in run {run}, but {pk} {sk} became {after:?}, was {before:?}")
    })
}

/// Whether a write of a job's item is for its analysis alone.
pub fn is_of_analysis(change: &Change) -> bool {
    let rest = |item: &Option<Item>| item.as_ref().map(Item::without_analysis);
    change.before.is_some() && rest(&change.before) == rest(&change.after)
}

/// A final status is replaced by the next run alone, and the rest of its job by nothing else.
pub fn final_status_is_kept(change: &Change) -> Checked {
    let Some(before) = &change.before else { return Ok(()) };
    let is_final =
        matches!(before.text("status"), Some("completed" | "failed" | "cancelled" | "timed_out"));
    let next_run =
        change.after.as_ref().and_then(|after| after.number("run")) > before.number("run");
    holds(!is_final || next_run || is_of_analysis(change), Invariant::StatusLast, || {
        format!("job {} had its final status and became {:?}", change.pk, change.after)
    })
}

/// With a final status every lane is closed at the job's run.
pub fn final_status_comes_last(job: &Job, lanes: &[Lane]) -> Checked {
    if !job.status.is_final() {
        return Ok(());
    }
    let open = lanes.iter().find(|lane| lane.run != job.run || lane.state != LaneState::Closed);
    holds(open.is_none() && !lanes.is_empty(), Invariant::StatusLast, || {
        format!("job {} is {} in run {}, but a lane is {open:?}", job.id, job.status, job.run)
    })
}

/// A final status says how the job ended: a cancel and a deadline those, anything else whether enough
/// executions of enough regions completed.
pub fn final_status_is_right(job: &Job, lanes: &[Lane]) -> Checked {
    let has_any = |lane: &&Lane| lane.tallies.completed > 0;
    let regions: BTreeSet<_> = lanes.iter().filter(has_any).map(|lane| &lane.id.region).collect();
    let completed: u64 = lanes.iter().map(|lane| lane.tallies.completed).sum();
    #[expect(clippy::cast_precision_loss, reason = "a job of the simulation is small")]
    let rate = completed as f64 / job.expected as f64;
    let enough = rate >= job.min_success_rate && regions.len() >= job.min_regions.into();
    let cause = job.ending.as_ref().map(|ending| &ending.cause);
    let right = match job.status {
        JobStatus::Queued | JobStatus::Running | JobStatus::Cancelling => true,
        JobStatus::Cancelled => cause == Some(&EndCause::Cancel),
        JobStatus::TimedOut => cause == Some(&EndCause::Deadline),
        JobStatus::Completed => enough && !is_outside(cause),
        JobStatus::Failed => !enough && !is_outside(cause),
    };
    holds(right, Invariant::StatusLast, || {
        let (id, status) = (&job.id, job.status);
        format!("job {id} is {status} after {cause:?}, {completed} completed in {regions:?}")
    })
}

/// Whether a job was ended by something else than what came of its executions.
fn is_outside(cause: Option<&EndCause>) -> bool {
    matches!(cause, Some(EndCause::Cancel | EndCause::Deadline))
}

/// After a job's deadline, or after faults that outlast it.
const GRACE: Duration = Duration::from_secs(180);

/// A job that gets its final status gets it in time. Its deadline is in virtual time, and so is the
/// moment from which on nothing goes wrong: before, the reconciler's passes may be lost, and so may the
/// writes that they rest on. How slow a provider is does not matter, since its calls are dropped.
pub fn deadline_is_kept(deadline: Duration, quiet: Duration, now: Duration) -> Checked {
    holds(now <= deadline.max(quiet) + GRACE, Invariant::EveryJobEnds, || {
        format!("deadline {deadline:?}, no more faults from {quiet:?}, but it ended at {now:?}")
    })
}

/// The executions by status add up to the expected number.
pub fn every_pair_is_counted(view: &JobView) -> Checked {
    let counts = view.counts;
    let ended = counts.completed + counts.failed + counts.timed_out + counts.cancelled;
    let sum = ended + counts.pending + counts.running;
    holds(sum == view.expected, Invariant::PairsAccountedFor, || {
        format!("job {}: {counts:?} are {sum}, expected are {}", view.job_id, view.expected)
    })
}

/// A lane's tallies, and its breakdown by model, are what its pairs are shown as.
pub fn tallies_are_the_pairs(lane: &Lane, by_model: &[Tallies]) -> Checked {
    let counted = by_model.iter().fold(Tallies::default(), Tallies::plus);
    let right = counted == lane.tallies && *by_model == lane.breakdown.models;
    holds(right, Invariant::StatusLast, || {
        let (tallies, models) = (lane.tallies, &lane.breakdown.models);
        format!("lane {} has {tallies:?}, {models:?}; its pairs are {by_model:?}", lane.id)
    })
}

/// A pair of a job that has ended has a row of the run that was for it last, or its job ended first.
pub fn pair_is_accounted_for(id: &ExecutionId, shown: &Shown, has_row: bool) -> Checked {
    let accounted = match shown {
        Shown::AsStored => has_row,
        Shown::Ended(_) => true,
        Shown::Pending | Shown::Running => false,
    };
    holds(accounted, Invariant::PairsAccountedFor, || {
        format!("{id} is {shown:?} when its job has ended, with a row: {has_row}")
    })
}

/// No call of an execution begins while another one of it runs.
pub fn no_call_overlaps(calls: &[Call], id: &ExecutionId) -> Checked {
    let running = calls.iter().find(|call| call.ended.is_none() && call.id == *id);
    holds(running.is_none(), Invariant::OneExecution, || {
        format!("{id} is asked while an earlier call runs: {running:?}")
    })
}

/// A provider answers once for an execution and run; more calls of it are those that were dropped.
/// A router that began anew may have forgotten an answer that nobody stored yet.
pub fn calls_are_answered_once(calls: &[Call]) -> Checked {
    let mut answered: BTreeMap<(&ExecutionId, Run, u32), u32> = BTreeMap::new();
    let ended = |call: &&Call| call.ended.is_some_and(|(_, end)| end == CallEnd::Answered);
    for Call { id, run, router_life, .. } in calls.iter().filter(ended) {
        *answered.entry((id, *run, *router_life)).or_default() += 1;
    }
    let twice = answered.into_iter().find(|(_, times)| *times > 1);
    holds(twice.is_none(), Invariant::OneExecution, || {
        format!("an execution was answered more than once in a run: {twice:?}")
    })
}

/// No call of a job runs when its final status is there to be seen.
pub fn nothing_is_in_flight(job: &JobId, calls: &[Call]) -> Checked {
    let running = calls.iter().find(|call| call.ended.is_none() && call.id.job == *job);
    holds(running.is_none(), Invariant::NoZombies, || {
        format!("job {job} has its final status while a call runs: {running:?}")
    })
}

/// No call of a job begins or runs after its stop was acknowledged, but for the time that a worker
/// may take to see it.
pub fn stopped_calls_end(
    job: &JobId,
    calls: &[Call],
    acknowledged: Duration,
    now: Duration,
) -> Checked {
    let until = acknowledged + time_budget::FENCE;
    let ended = |call: &Call| call.ended.map_or(now, |(ended, _)| ended);
    let late = calls.iter().find(|call| call.id.job == *job && ended(call) > until);
    holds(late.is_none(), Invariant::NoZombies, || {
        format!("job {job} was stopped at {acknowledged:?}, but a call ran: {late:?}")
    })
}

/// No question is opened once a stop of its job was acknowledged.
pub fn no_question_opens(change: &Change) -> Checked {
    let holder = |item: &Option<Item>| {
        item.as_ref().and_then(|item| item.text_in("holder", "nonce").map(str::to_owned))
    };
    let opened = holder(&change.before).is_none() && holder(&change.after).is_some();
    holds(!opened, Invariant::NoZombies, || {
        let Change { pk, sk, after, .. } = change;
        format!("{pk} {sk} was opened after its job's stop was acknowledged: {after:?}")
    })
}

/// The finish that makes a region failed comes after the stop that it leads to, so that a worker's
/// death in between cannot lose the stop. Where a question is given up, the next pass stops the job.
pub fn stop_comes_before_its_finish(job: &Job, lane: &Lane) -> Checked {
    let failed = if lane.run == job.run { job.stop.region_failed(lane) } else { None };
    holds(failed.is_none() || job.ending.is_some(), Invariant::NoZombies, || {
        format!("lane {} was finished: {failed:?}, but job {} goes on", lane.id, job.id)
    })
}

mod billing;
/// A request for a new run that nobody made before is not told that it was, whatever answers of the
/// table were lost on the way: who is told so believes that another request runs the job.
pub fn first_retry_is_new(is_first: bool, existing: bool) -> Checked {
    holds(!is_first || !existing, Invariant::NoSilentFailure, || {
        "the first request for a run was told that it is a repeat".to_owned()
    })
}

#[cfg(test)]
mod tests;
