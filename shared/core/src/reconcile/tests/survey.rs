//! What is told of lanes that do not move and of answers that do not come.

use super::*;
use crate::cloudwatch::Figure;
use crate::execution::{Counted, ExecutionStatus, Outcome};
use crate::lane::{PairRow, Ticket, dispatch_anew, finish, gate};
use crate::money::Dollars;

#[test]
fn executions_are_missing_when_nobody_has_had_their_lane_for_five_minutes() {
    let (job, lanes) = job();
    let open = [(job, lanes)];
    assert_eq!(Survey::new(&open, after(300)).missing, 0);
    assert_eq!(Survey::new(&open, after(301)).missing, 4);
    assert_eq!(Survey::new(&open, after(301)).stalled_lanes, 0);
    assert_eq!(Survey::new(&open, after(841)).stalled_lanes, 2);
}

#[test]
fn a_dispatch_anew_moves_no_cursor() {
    let (job, mut lanes) = job();
    let (write, _) = dispatch_anew(&lanes[0], true, after(290));
    lanes[0] = write.change.apply(lanes[0].clone());
    assert_eq!(Survey::new(&[(job, lanes)], after(301)).missing, 4);
}

#[test]
fn a_finish_moves_it_and_tells_of_an_answer() {
    let (mut job, mut lanes) = job();
    job.status = JobStatus::Running;
    job.started_at = Some(after(5));
    lanes[0] = finished(&lanes[0], ExecutionStatus::Failed, after(100));
    let mut open = [(job, lanes)];
    let survey = Survey::new(&open, after(310));
    // The other lane's two; this one has one left and moved lately.
    assert_eq!((survey.missing, survey.since_answer), (2, Some(Duration::from_secs(305))));
    open[0].1[1] = finished(&open[0].1[1], ExecutionStatus::Completed, after(200));
    let survey = Survey::new(&open, after(310));
    assert_eq!((survey.missing, survey.since_answer), (0, Some(Duration::from_secs(110))));
}

#[test]
fn a_holder_is_out_of_time_when_its_function_is() {
    let (job, mut lanes) = job();
    lanes[0].holder = Some(Holder { due: 3, ..holder() });
    let open = [(job, lanes)];
    let seen = |now| {
        let Survey { over_time, stalled_lanes, .. } = Survey::new(&open, now);
        (over_time, stalled_lanes)
    };
    assert_eq!([seen(after(660)), seen(after(661))], [(0, 0), (3, 0)]);
    // Held, its cursor stays all the same.
    assert_eq!(seen(after(841)), (3, 2));
}

#[test]
fn of_a_lane_that_ends_nothing_stalls() {
    let (job, mut lanes) = job();
    lanes[0].mark = Some(Mark { run: Run::FIRST, cause: EndCause::Cancel, at: after(1) });
    lanes[1].state = LaneState::Closed;
    let survey = Survey::new(&[(job, lanes)], after(3000));
    assert_eq!(survey.stalled_lanes, 0);
}

#[test]
fn a_retry_that_did_not_reach_its_lanes_stalls_them() {
    let (job, lanes) = retried();
    let at = |seconds| Survey::new(&[(job.clone(), lanes.clone())], after(seconds));
    assert_eq!((at(1840).stalled_lanes, at(1841).stalled_lanes), (0, 2));
    assert_eq!(at(1841).missing, 0);
}

#[test]
fn where_no_job_runs_no_answer_is_awaited() {
    let (job, lanes) = job();
    let survey = Survey::new(&[(job, lanes)], after(9000));
    assert_eq!(survey.since_answer, None);
    let told = survey.figures();
    assert!(told.iter().all(|figure| !matches!(figure, Figure::RouterSuccessAge(_))), "{told:?}");
    assert_eq!(Survey::new(&[], after(1)), Survey::default());
}

#[test]
fn an_answer_of_an_earlier_run_is_none_of_this_one() {
    let (mut job, mut lanes) = retried();
    job.status = JobStatus::Running;
    job.started_at = Some(after(1010));
    lanes[0].breakdown.answered_at = Some(after(3));
    let survey = Survey::new(&[(job, lanes)], after(1100));
    assert_eq!(survey.since_answer, Some(Duration::from_secs(90)));
}

/// The lane after its question was asked and every pair ended so.
fn finished(lane: &Lane, status: ExecutionStatus, now: Timestamp) -> Lane {
    let ticket = Ticket {
        run: lane.run,
        position: lane.cursor,
        question: QuestionIndex(0),
        due: 1,
        nonce: Nonce::new("n").unwrap(),
        boot: None,
        sent_at: None,
        received_at: start(),
    };
    let held = gate(&ticket, start()).change.apply(lane.clone());
    let outcome = (status == ExecutionStatus::Completed).then_some(Outcome::Text);
    let counted = Counted { run: lane.run, status, outcome, simulated: false, duration_ms: 1 };
    let pair = PairRow {
        model: 0,
        counted,
        spared: false,
        failed_writes: 0,
        maybe_billed: 0,
        cost: None,
        bound: Dollars::ZERO,
    };
    finish(&ticket, &held, 0, &[pair], None, now).change.apply(held)
}
