//! Without a worker, and with every message lost, the reconciler alone brings a job to its end.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::execution::{Counted, ExecutionStatus};
use crate::job::cancel;
use crate::lane::testing;
use crate::lane::{
    PairRow, StoredRows, Ticket, close, finish, gate, replan, take_over, take_over_marked,
};
use crate::message::question_at;
use crate::spec::Spec;

/// How the reconciler finds a job.
#[derive(Debug, Clone)]
struct Found {
    /// Of each lane: questions that are done, whether somebody is in, how often it was sent anew.
    lanes: Vec<(u32, bool, u32)>,
    end: Option<EndCause>,
    is_marked: bool,
    timeout: u64,
    is_retried: bool,
}

fn found() -> impl Strategy<Value = Found> {
    let lane = (0..=2_u32, any::<bool>(), 0..5_u32);
    let end = select(vec![EndCause::Cancel, EndCause::Deadline, EndCause::RateUnreachable]);
    (
        prop::collection::vec(lane, 2),
        prop::option::of(end),
        any::<bool>(),
        select(vec![300, 86_400]),
        any::<bool>(),
    )
        .prop_map(|(lanes, end, is_marked, timeout, is_retried)| Found {
            lanes,
            end,
            is_marked,
            timeout,
            is_retried,
        })
}

proptest! {
    #[test]
    fn a_job_comes_to_its_end(found in found()) {
        let (spec, mut job, mut lanes) = world(&found);
        let mut seconds = if found.is_retried { 1000 } else { 0 };
        let mut passes = 0;
        while !job.status.is_final() {
            passes += 1;
            prop_assert!(passes < 60, "{job:?} {lanes:?}");
            // Longer than a holder may live.
            seconds += 800;
            for step in plan(&job, &lanes, empty(&lanes, after(seconds))) {
                perform(&spec, &mut job, &mut lanes, step, after(seconds));
            }
            let counted: u64 = lanes.iter().map(|lane| lane.tallies.ended()).sum();
            prop_assert!(counted <= job.expected);
        }
        let counted: u64 = lanes.iter().map(|lane| lane.tallies.ended()).sum();
        prop_assert_eq!(counted, job.expected);
        prop_assert!(lanes.iter().all(|lane| lane.run == job.run));
        prop_assert_eq!(plan(&job, &lanes, empty(&lanes, after(seconds + 800))), []);
    }
}

fn world(found: &Found) -> (Spec, Job, Vec<Lane>) {
    let spec = spec();
    let (mut job, mut lanes) = if found.is_retried { retried() } else { job() };
    job.deadline = job.runs.last().unwrap().at + Duration::from_secs(found.timeout);
    if !found.is_retried {
        for (lane, (done, is_held, redispatches)) in lanes.iter_mut().zip(&found.lanes) {
            lane.cursor = Position(*done);
            lane.tallies.failed = u64::from(*done);
            lane.breakdown.models = vec![lane.tallies];
            lane.redispatches = *redispatches;
            if *done == lane.length {
                lane.state = LaneState::Closed;
            } else if *is_held {
                lane.holder = Some(holder());
            }
        }
    }
    match found.end.clone() {
        None => {}
        Some(EndCause::Cancel) => job = cancel(&job, None, start()).unwrap().apply(job),
        Some(cause) => job = end(&job, cause, Actor::Inference, start()).apply(job),
    }
    let held = lanes.iter_mut().filter(|lane| lane.holder.is_some());
    if let Some(ending) = job.ending.as_ref().filter(|_| found.is_marked) {
        held.for_each(|lane| {
            lane.mark = Some(Mark { run: lane.run, cause: ending.cause.clone(), at: start() });
        });
    }
    (spec, job, lanes)
}

/// What the reconciler's function does for a step; messages are lost.
fn perform(spec: &Spec, job: &mut Job, lanes: &mut [Lane], step: Step, now: Timestamp) {
    match step {
        Step::Dispatch(write, message) => write_lane(lanes, &message.lane, &write),
        Step::Replan(message) => {
            // Two of three such messages are lost.
            let lane = lanes.iter().find(|lane| lane.id == message.lane).unwrap();
            if now.as_second() % 3 == 0 {
                let rows = StoredRows::new();
                let planned = replan(&job.id, lane, &job.runs, spec, &rows, now);
                write_lane(lanes, &message.lane, &planned.write);
            }
        }
        Step::End(write) => *job = write.apply(job.clone()),
        Step::Close(cause) => {
            for lane in lanes {
                while let Closing::Write(write) = close(lane, job.run, &cause, now) {
                    assert!(write.condition.holds(lane));
                    *lane = write.change.apply(lane.clone());
                }
            }
        }
        Step::TakeOver(lane) => {
            let cause = lane.mark.as_ref().map(|mark| mark.cause.clone());
            give_up(spec, lanes, &lane, cause.as_ref(), now);
        }
        Step::GiveUp(lane) => give_up(spec, lanes, &lane, None, now),
        Step::Finalise => {
            let done = finalise(job, lanes, Actor::Reconciler, now).unwrap();
            *job = done.write.apply(job.clone());
        }
    }
}

/// Comes in, makes rows of the missing pairs, and finishes.
fn give_up(
    spec: &Spec,
    lanes: &mut [Lane],
    lane: &Lane,
    closing: Option<&EndCause>,
    now: Timestamp,
) {
    let ticket = Ticket {
        run: lane.run,
        position: lane.cursor,
        question: question_at(spec, &lane.id, lane.cursor),
        due: lane.pairs_of_question,
        nonce: Nonce::new(format!("reconciler-{now}").replace([':', '.'], "-")).unwrap(),
        boot: None,
        sent_at: None,
        received_at: now,
    };
    let enters = match (&lane.holder, closing) {
        (None, _) => gate(&ticket, now),
        (Some(holder), None) => {
            take_over(&mut ticket.clone(), ticket.nonce.clone(), lane, holder, now)
        }
        (Some(holder), Some(_)) => {
            take_over_marked(&mut ticket.clone(), ticket.nonce.clone(), holder, now)
        }
    };
    write_lane(lanes, &lane.id, &enters);
    let status = closing.map_or(ExecutionStatus::Failed, EndCause::status);
    let counted =
        Counted { run: lane.run, status, outcome: None, simulated: false, duration_ms: 0 };
    let pair = PairRow { maybe_billed: 1, ..testing::pair(counted) };
    write_lane(lanes, &lane.id, &finish(&ticket, lane, 0, &[pair], closing, now));
}

fn write_lane(lanes: &mut [Lane], id: &crate::id::LaneId, write: &LaneWrite) {
    let lane = lanes.iter_mut().find(|lane| lane.id == *id).unwrap();
    assert!(write.condition.holds(lane));
    *lane = write.change.apply(lane.clone());
}
