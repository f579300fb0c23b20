//! What only the reconciler sees: lanes that do not move, executions that nobody works at or that are
//! out of time, and for how long no answer has come.

use std::time::Duration;

use jiff::Timestamp;

use super::is_over;
use crate::cloudwatch::Figure;
use crate::job::{Job, JobStatus};
use crate::lane::{Lane, LaneState};
use crate::time_budget;

/// A lane stalls when its cursor stays where it is for longer.
pub const STALLED: Duration = Duration::from_secs(time_budget::FUNCTION.as_secs() + 180);
/// Executions are missing when nobody holds their lane, and its cursor stays for longer.
pub const MISSING: Duration = Duration::from_secs(300);

/// What is wrong with jobs without a final status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Survey {
    /// Open lanes without a mark whose cursor has not moved for longer than [`STALLED`], and lanes
    /// that a retry has not reached for so long.
    pub stalled_lanes: u64,
    /// Executions left in open lanes that nobody holds and whose cursor has not moved for longer than
    /// [`MISSING`].
    pub missing: u64,
    /// Executions of questions that their holder has had for longer than its function may run.
    pub over_time: u64,
    /// How long ago a question with an answer was finished; where none was, how long ago the first
    /// lane was dispatched. None while no job runs.
    pub since_answer: Option<Duration>,
}

impl Survey {
    /// Of these jobs with their lanes.
    pub fn new(open: &[(Job, Vec<Lane>)], now: Timestamp) -> Self {
        let mut survey = Self { since_answer: since_answer(open, now), ..Self::default() };
        for (job, lanes) in open {
            for lane in lanes {
                survey.add(job, lane, now);
            }
        }
        survey
    }

    fn add(&mut self, job: &Job, lane: &Lane, now: Timestamp) {
        let asked = job.runs.last().map_or(job.created_at, |record| record.at);
        if lane.run < job.run {
            self.stalled_lanes += u64::from(is_over(asked, STALLED, now));
            return;
        }
        if lane.state == LaneState::Closed {
            return;
        }
        let since = lane.breakdown.advanced_at.map_or(asked, |at| at.max(asked));
        self.stalled_lanes += u64::from(lane.mark.is_none() && is_over(since, STALLED, now));
        match &lane.holder {
            None if is_over(since, MISSING, now) => {
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

fn since_answer(open: &[(Job, Vec<Lane>)], now: Timestamp) -> Option<Duration> {
    let runs = |job: &Job| job.status == JobStatus::Running && job.ending.is_none();
    let running = || open.iter().filter(|(job, _)| runs(job));
    let begun = running().filter_map(|(job, _)| run_began(job)).min()?;
    let lanes = running().flat_map(|(_, lanes)| lanes);
    let answered = lanes.filter_map(|lane| lane.breakdown.answered_at).max();
    let since = answered.map_or(begun, |answered| answered.max(begun));
    Some(Duration::try_from(now.duration_since(since)).unwrap_or_default())
}

/// When the job's run can have had its first answer: a run's lanes may be answered from then on.
fn run_began(job: &Job) -> Option<Timestamp> {
    let asked = job.runs.last().map(|record| record.at);
    job.started_at.map(|started| asked.map_or(started, |asked| asked.max(started)))
}
