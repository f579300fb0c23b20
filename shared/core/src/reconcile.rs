//! What the reconciler does for a job, from the tables alone.

use std::time::Duration;

use jiff::Timestamp;

use crate::job::{Actor, Job, finalise};
use crate::lane::{Lane, LaneState, LaneWrite, dispatch_anew};
use crate::message::DispatchMessage;
use crate::time_budget;

/// A lane is idle when nothing moved it for longer than this and than the longest wait in the queue
/// of the lanes looked at in the same pass.
pub const IDLE: Duration = Duration::from_secs(180);

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Make the write; if it happened, send the message.
    Dispatch(Box<LaneWrite>, Box<DispatchMessage>),
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

/// Plans for a job without a final status. Running the plan twice, or two of them at once, is
/// harmless: every write is conditional on what was seen.
pub fn plan(
    job: &Job,
    lanes: &[Lane],
    longest_wait: Duration,
    occasion: Occasion,
    now: Timestamp,
) -> Vec<Step> {
    if job.status.is_final() {
        return Vec::new();
    }
    if finalise(job, lanes, Actor::Reconciler, now).is_some() {
        return vec![Step::Finalise];
    }
    let limit = IDLE.max(longest_wait);
    let lost = lanes.iter().filter(|lane| lane.run == job.run && lane.state == LaneState::Open);
    lost.filter(|lane| is_idle(lane, limit, occasion, now))
        .map(|lane| {
            let (write, dispatch_number) = dispatch_anew(lane, now);
            let message = DispatchMessage {
                job_id: job.id.clone(),
                run: job.run,
                lane: lane.id.clone(),
                dispatch_number,
                from: lane.cursor,
                hop: 0,
            };
            Step::Dispatch(Box::new(write), Box::new(message))
        })
        .collect()
}

/// The longest wait of these lanes' messages.
pub fn longest_wait<'a>(lanes: impl IntoIterator<Item = &'a Lane>) -> Duration {
    let waited = lanes.into_iter().map(|lane| lane.waited_ms).max();
    Duration::from_millis(waited.unwrap_or(0))
}

fn is_idle(lane: &Lane, limit: Duration, occasion: Occasion, now: Timestamp) -> bool {
    // Until a holder is surely dead, the queue's redelivery is the only way to take over from it.
    let limit = if lane.holder.is_some() { limit.max(time_budget::HOLDER) } else { limit };
    match occasion {
        Occasion::Start => true,
        Occasion::Schedule => {
            now > lane.moved_at && now.duration_since(lane.moved_at).unsigned_abs() > limit
        }
    }
}

#[cfg(test)]
mod tests;
