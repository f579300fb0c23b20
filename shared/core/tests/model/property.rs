//! What must hold in every state, and what must occur in some.

use std::collections::HashSet;

use beacon_core::execution::ExecutionStatus;
use beacon_core::job::{EndCause, JobStatus, is_for};
use beacon_core::lane::{Lane, LaneState, Tallies, shown};
use beacon_core::message::position_of;
use beacon_core::view::JobView;
use beacon_core::{Position, QuestionIndex, Run};
use stateright::{Model, Property};

use super::action::Action;
use super::scope::{Retry, Scope};
use super::state::{At, Broken, Duty, Row, Stage, State, Task};
use super::system::System;
use super::world::{NOW, hash};

/// What a judgement about a lane rests on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Judged {
    job: usize,
    lane: usize,
    work: Option<usize>,
    rows: Vec<Option<Row>>,
}

type Condition = fn(&System, &State) -> bool;

pub(crate) fn properties(scope: &Scope) -> Vec<Property<System>> {
    let always: [(&str, Condition); 10] = [
        ("a completed row never changes", |_, state| {
            state.broken != Some(Broken::CompletedRowChanged)
        }),
        ("a job is final only when all its lanes are closed at its run", final_when_closed),
        ("a final status says how the job ended", final_status_is_right),
        ("after the final status no row and no tally of its run changes", |_, state| {
            state.broken != Some(Broken::ChangedAfterFinal)
        }),
        ("every pair is accounted for", |system, state| accounted_for(system, state)),
        ("tallies are those of the rows", |system, state| tallies_of_rows(system, state)),
        ("no question is opened after a cancel was acknowledged", |_, state| {
            state.broken != Some(Broken::OpenedAfterCancel)
        }),
        ("no call is out in a final state", |_, state| {
            !(state.job.status.is_final() && state.has_calls())
        }),
        ("a pair has one call at a time", |_, state| state.broken != Some(Broken::TwoCalls)),
        ("what an earlier run completed is not asked again", |_, state| {
            state.broken != Some(Broken::CompletedAskedAgain)
        }),
    ];
    let mut properties: Vec<Property<System>> =
        always.into_iter().map(|(name, holds)| Property::always(name, holds)).collect();
    properties.push(Property::always("without further faults the job ends", |system, state| {
        ends(system, state)
    }));
    let occurs = |is: bool, name, holds: Condition| is.then(|| Property::sometimes(name, holds));
    properties.extend(
        [
            occurs(true, "a job completes", |_, state| state.job.status == JobStatus::Completed),
            occurs(scope.cancel, "a job is cancelled", |_, state| {
                state.job.status == JobStatus::Cancelled && state.acknowledged.is_some()
            }),
            occurs(scope.deadline, "a job's time is up", |_, state| {
                state.job.status == JobStatus::TimedOut
            }),
            occurs(scope.stops, "a job is stopped", |_, state| {
                state.job.status == JobStatus::Failed && state.job.ending.is_some()
            }),
            occurs(
                scope.takeovers + scope.redispatches > 0,
                "a question is given up",
                |_, state| {
                    // No call of these scopes fails.
                    state.rows.iter().flatten().any(|row| row.status == ExecutionStatus::Failed)
                },
            ),
            occurs(scope.faults > 0, "a lane is taken over", |system, state| {
                state.lanes.iter().any(|lane| lane.takeovers > system.world.scope.takeovers)
            }),
            occurs(
                scope.cancel && scope.faults > 0,
                "a lane is closed in its holder's place",
                |_, s| {
                    let inside = |task: &Task| match &task.stage {
                        Stage::Inside(inside) => {
                            matches!(inside.duty, Duty::Close(_)) && inside.at == At::Wait
                        }
                        Stage::Outside(..) | Stage::Close(_) | Stage::Done(_) => false,
                    };
                    s.tasks.iter().flatten().any(inside)
                },
            ),
            occurs(scope.retry != Retry::Never, "a retry ends", |_, state| {
                state.job.status.is_final() && state.job.run > Run::FIRST
            }),
        ]
        .into_iter()
        .flatten(),
    );
    properties
}

fn final_when_closed(_: &System, state: &State) -> bool {
    let closed = |lane: &Lane| lane.run == state.job.run && lane.state == LaneState::Closed;
    !state.job.status.is_final() || state.lanes.iter().all(|lane| closed(lane))
}

/// A cancel and a deadline are told as those; anything else by what completed, of how many regions.
fn final_status_is_right(_: &System, state: &State) -> bool {
    let with_any = || state.lanes.iter().filter(|lane| lane.tallies.completed > 0);
    let regions: HashSet<_> = with_any().map(|lane| &lane.id.region).collect();
    let completed: u64 = with_any().map(|lane| lane.tallies.completed).sum();
    let job = &state.job;
    #[expect(clippy::cast_precision_loss, reason = "a job of the model is small")]
    let rate = completed as f64 / job.expected as f64;
    let enough = rate >= job.min_success_rate && regions.len() >= job.min_regions.into();
    let cause = job.ending.as_ref().map(|ending| &ending.cause);
    let from_outside = matches!(cause, Some(EndCause::Cancel | EndCause::Deadline));
    match job.status {
        JobStatus::Queued | JobStatus::Running | JobStatus::Cancelling => true,
        JobStatus::Cancelled => cause == Some(&EndCause::Cancel),
        JobStatus::TimedOut => cause == Some(&EndCause::Deadline),
        JobStatus::Completed => enough && !from_outside,
        JobStatus::Failed => !enough && !from_outside,
    }
}

/// The sum of what the API shows is what was asked for.
fn accounted_for(system: &System, state: &State) -> bool {
    let lanes = state.lanes.iter().map(|lane| lane.address()).collect::<Vec<_>>();
    let judged = Judged {
        job: state.job.address(),
        lane: hash(lanes) as usize,
        work: None,
        rows: Vec::new(),
    };
    system.world.judged.or(judged, || {
        let lanes: Vec<Lane> = state.lanes.iter().map(|lane| (**lane).clone()).collect();
        let counts = JobView::new(&state.job, &lanes, NOW).counts;
        let ended = counts.completed + counts.failed + counts.timed_out + counts.cancelled;
        ended + counts.pending + counts.running == state.job.expected
    })
}

fn tallies_of_rows(system: &System, state: &State) -> bool {
    (0..state.lanes.len()).all(|lane| {
        let places = state.rows.len() / state.lanes.len();
        let rows = state.rows[lane * places..][..places].to_vec();
        let work = state.works[lane].map(super::pool::Ref::address);
        let (job, at) = (state.job.address(), state.lanes[lane].address());
        let judged = Judged { job, lane: at, work, rows };
        system.world.judged.or(judged, || tallies_of_lane(system, state, lane))
    })
}

/// A lane's tallies, and those by model, are its pairs as they are shown, but those that its run has
/// not come to.
fn tallies_of_lane(system: &System, state: &State, index: usize) -> bool {
    let (lane, runs) = (state.lanes[index], &state.job.runs);
    let mut all = Tallies::default();
    let mut models = vec![Tallies::default(); system.world.scope.models];
    for (place, model, id, question) in system.world.pairs(index) {
        let row = state.rows[place];
        let before = |row: Row| row.status == ExecutionStatus::Completed && row.run < lane.run;
        let is_due = is_for(runs, lane.run, &id, &question) && !row.is_some_and(before);
        if is_due && lane.state == LaneState::Open && !is_passed(system, state, index, id.question)
        {
            continue;
        }
        let stored = row.map(|row| row.status);
        let status = shown(&lane, runs, &id, &question, row.map(|row| (row.run, row.status)));
        let counted = Row { run: lane.run, status: status.status(stored) }.counted();
        all = all.with(counted);
        models[model] = models[model].with(counted);
    }
    let mut by_model = lane.breakdown.models.clone();
    by_model.resize(models.len(), Tallies::default());
    all == lane.tallies && models == by_model
}

/// Whether an open lane's cursor has passed a question.
fn is_passed(system: &System, state: &State, lane: usize, question: QuestionIndex) -> bool {
    let cursor = state.lanes[lane].cursor;
    if state.lanes[lane].run == Run::FIRST {
        return position_of(&system.world.spec, question).1 < cursor;
    }
    let work = state.works[lane];
    let mut asked = (0..cursor.0).filter_map(|position| work.as_ref()?.at(Position(position)));
    asked.any(|item| item.question == question)
}

/// Far more steps than any way to the end takes.
const STEPS: usize = 2000;

/// Whether the job ends when from now on everybody does what comes next, nothing goes wrong, and the
/// client is gone.
fn ends(system: &System, state: &State) -> bool {
    let (mut way, mut state) = (Vec::new(), state.clone());
    for _step in 0..STEPS {
        let here = hash(&state);
        if state.job.status.is_final() || system.world.is_known_to_end(here) {
            system.world.knows_to_end(way);
            return true;
        }
        way.push(here);
        match next(system, &state) {
            Some((_, next)) => state = next,
            None => return false,
        }
    }
    false
}

/// What comes next.
pub(crate) fn next(system: &System, state: &State) -> Option<(Action, State)> {
    let mut actions = Vec::new();
    system.progress(state, &mut actions);
    actions.into_iter().find_map(|action| Some((action, system.next_state(state, action)?)))
}
