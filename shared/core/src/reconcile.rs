//! What the reconciler does for a job, from the tables alone.

mod pass;
mod survey;

use std::time::Duration;

use jiff::Timestamp;

use crate::id::{DispatchNumber, JobId, Position, Run};
use crate::job::{Actor, EndCause, Job, JobWrite, end, finalise, unreachable};
use crate::lane::{Closing, Lane, LaneState, LaneWrite, close, dispatch_anew};
use crate::message::DispatchMessage;
use crate::time_budget;

pub use pass::Pass;
pub use survey::{MISSING, STALLED, Survey, stalled_since};

/// A lane is idle when nothing moved it for longer than this and than the longest wait in the queue
/// of the lanes looked at in the same pass.
pub const IDLE: Duration = Duration::from_secs(180);
/// Dispatches anew at one question that count; at the next its missing pairs are given up.
const REDISPATCHES: u32 = 4;

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Make the write; if it happened, send the message.
    Dispatch(Box<LaneWrite>, Box<DispatchMessage>),
    /// Send the message: a retry did not reach the lane.
    Replan(Box<DispatchMessage>),
    /// Record the job's early end; then close its lanes as it says.
    End(Box<JobWrite>),
    /// Close the lanes, or mark them, as the early end that is recorded says.
    Close(EndCause),
    /// Close a marked lane in place of its holder.
    TakeOver(Box<Lane>),
    /// Give up the question at a lane's cursor, and let the lane go on.
    GiveUp(Box<Lane>),
    /// Give the job its final status.
    Finalise,
}

/// Which lanes count as idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The schedule fired: those idle for longer than [`IDLE`] and than the longest wait.
    Schedule,
    /// The local stack started, with empty queues: all of them.
    Start,
}

/// What the reconciler saw besides the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// The longest wait of the messages of all lanes looked at in this pass.
    pub longest_wait: Duration,
    /// The question queue has no message that waits.
    pub queue_is_empty: bool,
    /// Why it looks.
    pub occasion: Occasion,
    /// When.
    pub now: Timestamp,
}

/// Plans for a job without a final status. Running the plan twice, or two of them at once, is
/// harmless: every write is conditional on what was seen.
pub fn plan(job: &Job, lanes: &[Lane], sight: Sight) -> Vec<Step> {
    if job.status.is_final() {
        return Vec::new();
    }
    if finalise(job, lanes, Actor::Reconciler, sight.now).is_some() {
        return vec![Step::Finalise];
    }
    if let Some(ending) = &job.ending {
        return to_close(lanes, job.run, &ending.cause, sight.now);
    }
    let up = (sight.now >= job.deadline).then_some(EndCause::Deadline);
    let mut reached = lanes.iter().filter(|lane| lane.run == job.run);
    let stopped = || reached.find_map(|lane| job.stop.region_failed(lane));
    if let Some(cause) = up.or_else(stopped).or_else(|| unreachable(job, lanes)) {
        return vec![Step::End(Box::new(end(job, cause, Actor::Reconciler, sight.now)))];
    }
    lanes.iter().filter_map(|lane| to_go_on(job, lane, sight)).collect()
}

fn to_close(lanes: &[Lane], run: Run, cause: &EndCause, now: Timestamp) -> Vec<Step> {
    let step = |lane: &Lane| match close(lane, run, cause, now) {
        Closing::Closed => None,
        Closing::Marked => Some(Step::TakeOver(Box::new(lane.clone()))),
        Closing::Write(_) => Some(Step::Close(cause.clone())),
    };
    let mut steps: Vec<Step> = lanes.iter().filter_map(step).collect();
    // Closing is for all lanes at once.
    let mut closes = false;
    steps.retain(|step| !matches!(step, Step::Close(_)) || !std::mem::replace(&mut closes, true));
    steps
}

fn to_go_on(job: &Job, lane: &Lane, sight: Sight) -> Option<Step> {
    if lane.run < job.run {
        let asked = job.runs.last().map_or(job.created_at, |record| record.at);
        let lost = sight.occasion == Occasion::Start || is_over(asked, IDLE, sight.now);
        let message = || DispatchMessage::of_run(job.id.clone(), job.run, lane);
        return lost.then(|| Step::Replan(Box::new(message())));
    }
    if lane.state == LaneState::Closed || !is_idle(lane, sight) {
        return None;
    }
    let counts = sight.occasion == Occasion::Schedule && sight.queue_is_empty;
    if counts && lane.redispatches >= REDISPATCHES {
        return Some(Step::GiveUp(Box::new(lane.clone())));
    }
    let (write, message) = anew(&job.id, lane, counts, sight.now);
    Some(Step::Dispatch(Box::new(write), Box::new(message)))
}

/// The messages of a lane from its cursor on, sent anew: make the write; if it happened, send this.
pub fn anew(
    job: &JobId,
    lane: &Lane,
    counts: bool,
    now: Timestamp,
) -> (LaneWrite, DispatchMessage) {
    let (write, dispatch_number) = dispatch_anew(lane, counts, now);
    let message = DispatchMessage::of_run(job.clone(), lane.run, lane);
    (write, DispatchMessage { dispatch_number, from: lane.cursor, ..message })
}

/// What to do about a message that the queue gave up.
#[derive(Debug, Clone, PartialEq)]
pub enum DeadLetter {
    /// Make the write; if it happened, send the message.
    Dispatch(Box<LaneWrite>, Box<DispatchMessage>),
    /// Give up the question.
    GiveUp,
    /// Nothing: it says nothing of the lane as it is.
    Stale,
}

/// A question's message, of this run, dispatch and position, was given up by the queue. While nobody
/// holds its lane the lane is dispatched anew, as after a lost message: how often a message was
/// received says nothing of its question, because the receives may have failed for the table's sake.
/// A holder goes on, or its lane becomes idle.
pub fn dead_letter(
    job: &Job,
    lane: &Lane,
    letter: (Run, DispatchNumber, Position),
    now: Timestamp,
) -> DeadLetter {
    let stands = lane.state == LaneState::Open && lane.mark.is_none() && lane.holder.is_none();
    let seen = (lane.run, lane.dispatch_number, lane.cursor);
    if job.status.is_final() || job.ending.is_some() || !stands || seen != letter {
        return DeadLetter::Stale;
    }
    if lane.redispatches >= REDISPATCHES {
        return DeadLetter::GiveUp;
    }
    let (write, message) = anew(&job.id, lane, true, now);
    DeadLetter::Dispatch(Box::new(write), Box::new(message))
}

/// The longest wait of these lanes' messages.
pub fn longest_wait<'a>(lanes: impl IntoIterator<Item = &'a Lane>) -> Duration {
    let waited = lanes.into_iter().map(|lane| lane.waited_ms).max();
    Duration::from_millis(waited.unwrap_or(0))
}

/// Whether some lane is idle, so that the queue must be asked before a plan.
pub fn has_idle(job: &Job, lanes: &[Lane], longest_wait: Duration, now: Timestamp) -> bool {
    let occasion = Occasion::Schedule;
    let sight = Sight { longest_wait, queue_is_empty: false, occasion, now };
    let open = |lane: &&Lane| lane.run == job.run && lane.state == LaneState::Open;
    !job.status.is_final() && lanes.iter().filter(open).any(|lane| is_idle(lane, sight))
}

fn is_idle(lane: &Lane, sight: Sight) -> bool {
    let limit = IDLE.max(sight.longest_wait);
    // Until a holder is surely dead, the queue's redelivery is the only way to take over from it.
    let limit = if lane.holder.is_some() { limit.max(time_budget::HOLDER) } else { limit };
    match sight.occasion {
        Occasion::Start => true,
        Occasion::Schedule => is_over(lane.moved_at, limit, sight.now),
    }
}

fn is_over(since: Timestamp, limit: Duration, now: Timestamp) -> bool {
    now > since && now.duration_since(since).unsigned_abs() > limit
}

#[cfg(test)]
mod tests;
