//! What only the reconciler sees: lanes that do not move, executions that nobody works at or that are
//! out of time, and for how long no answer has come.

use std::time::Duration;

use jiff::Timestamp;

use super::{is_over, longest_wait};
use crate::cloudwatch::Figure;
use crate::id::Position;
use crate::job::{Job, JobStatus};
use crate::lane::{Lane, LaneState};
use crate::time_budget;

/// A lane stalls when its cursor stays where it is for longer.
pub const STALLED: Duration = Duration::from_secs(time_budget::FUNCTION.as_secs() + 180);
/// Executions are missing when nobody holds their lane, and its cursor stays for longer than this
/// beyond the longest wait of the lanes looked at in the same pass: behind busy workers a lane waits
/// that long for its turn.
pub const MISSING: Duration = Duration::from_secs(300);

/// What is wrong with jobs without a final status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Survey {
    /// Open lanes without a mark whose cursor has not moved for longer than [`STALLED`], and lanes
    /// that a retry has not reached for so long.
    pub stalled_lanes: u64,
    /// Executions left in open lanes that nobody holds and whose cursor has not moved for longer than
    /// [`MISSING`] beyond the longest wait.
    pub missing: u64,
    /// Executions of questions that their holder has had for longer than its function may run.
    pub over_time: u64,
    /// How long ago a question with an answer was finished, but no longer than some lane has been
    /// waiting for one. None while no lane is.
    pub since_answer: Option<Duration>,
}

impl Survey {
    /// Of these jobs with their lanes.
    pub fn new(open: &[(Job, Vec<Lane>)], now: Timestamp) -> Self {
        let mut survey = Self { since_answer: since_answer(open, now), ..Self::default() };
        let missing = MISSING + longest_turn(open);
        for (job, lanes) in open {
            for lane in lanes {
                survey.add(job, lane, missing, now);
            }
        }
        survey
    }

    fn add(&mut self, job: &Job, lane: &Lane, missing: Duration, now: Timestamp) {
        self.stalled_lanes += u64::from(stalled_since(job, lane, now).is_some());
        if lane.run < job.run || lane.state == LaneState::Closed {
            return;
        }
        let since = stands_since(job, lane);
        match &lane.holder {
            None if is_over(since, missing, now) => {
                self.missing += lane.expected().saturating_sub(lane.tallies.ended());
            }
            None => {}
            Some(holder) if is_over(holder.since, time_budget::FUNCTION, now) => {
                self.over_time += u64::from(holder.due);
            }
            Some(_) => {}
        }
    }

    /// For `CloudWatch`.
    pub fn figures(&self) -> Vec<Figure> {
        let Self { stalled_lanes, missing, over_time, since_answer } = *self;
        let mut figures = vec![
            Figure::StalledLanes(stalled_lanes),
            Figure::ExecutionsMissing(missing),
            Figure::ExecutionsOverTime(over_time),
        ];
        figures.extend(since_answer.map(Figure::RouterSuccessAge));
        figures
    }
}

/// Since when a lane of a job without a final status has stalled, if it has: see
/// [`Survey::stalled_lanes`].
pub fn stalled_since(job: &Job, lane: &Lane, now: Timestamp) -> Option<Timestamp> {
    let since = if lane.run < job.run {
        asked_at(job)
    } else if lane.state == LaneState::Closed || lane.mark.is_some() {
        return None;
    } else {
        stands_since(job, lane)
    };
    is_over(since, STALLED, now).then_some(since)
}

/// When the job's run was asked for.
fn asked_at(job: &Job) -> Timestamp {
    job.runs.last().map_or(job.created_at, |record| record.at)
}

/// Since when the lane's cursor has been where it is.
fn stands_since(job: &Job, lane: &Lane) -> Timestamp {
    let asked = asked_at(job);
    lane.breakdown.advanced_at.map_or(asked, |at| at.max(asked))
}

/// The longest wait for a turn: of messages, and of the lanes that are held now from when their cursor
/// moved. The latter is the longer one where lanes were dispatched anew meanwhile.
fn longest_turn(open: &[(Job, Vec<Lane>)]) -> Duration {
    let held = open.iter().flat_map(|(job, lanes)| {
        lanes.iter().filter_map(move |lane| {
            let entered = lane.holder.as_ref()?.since;
            Duration::try_from(entered.duration_since(stands_since(job, lane))).ok()
        })
    });
    let messages = longest_wait(open.iter().flat_map(|(_, lanes)| lanes));
    held.max().unwrap_or_default().max(messages)
}

/// A job that ends takes its answers with it, so that a lane in the queue says nothing of the router:
/// only one that was asked counts.
fn since_answer(open: &[(Job, Vec<Lane>)], now: Timestamp) -> Option<Duration> {
    let runs = |job: &Job| job.status == JobStatus::Running && job.ending.is_none();
    let running = open.iter().filter(|(job, _)| runs(job));
    let waiting = running
        .flat_map(|(job, lanes)| lanes.iter().filter_map(move |lane| waits_since(job, lane)));
    let begun = waiting.min()?;
    let lanes = open.iter().flat_map(|(_, lanes)| lanes);
    let answered = lanes.filter_map(|lane| lane.breakdown.answered_at).max();
    let since = answered.map_or(begun, |answered| answered.max(begun));
    Some(Duration::try_from(now.duration_since(since)).unwrap_or_default())
}

/// Since when the lane has been waiting for an answer. One whose last question had an answer, and one
/// before its first, waits while it is held; one whose last question had none waits since its run
/// began.
fn waits_since(job: &Job, lane: &Lane) -> Option<Timestamp> {
    if lane.run != job.run || lane.state == LaneState::Closed {
        return None;
    }
    let answered = lane.breakdown.answered_at;
    if lane.cursor == Position(0) || (answered.is_some() && answered == lane.breakdown.advanced_at)
    {
        lane.holder.as_ref().map(|holder| holder.since)
    } else {
        run_began(job)
    }
}

/// When the job's run can have had its first answer: a run's lanes may be answered from then on.
fn run_began(job: &Job) -> Option<Timestamp> {
    let asked = job.runs.last().map(|record| record.at);
    job.started_at.map(|started| asked.map_or(started, |asked| asked.max(started)))
}
