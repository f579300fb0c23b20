//! What is told of lanes that do not move and of answers that do not come.

use super::*;
use crate::cloudwatch::Figure;
use crate::execution::{Counted, ExecutionStatus, Outcome};
use crate::lane::{Ticket, dispatch_anew, finish, gate, testing};

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
fn behind_busy_workers_none_are_missing_for_longer() {
    let (job, mut lanes) = job();
    lanes[0].waited_ms = 600_000;
    let missing = |lanes: &[Lane], now| Survey::new(&[(job.clone(), lanes.to_vec())], now).missing;
    assert_eq!([missing(&lanes, after(900)), missing(&lanes, after(901))], [0, 4]);
    // Of a lane that is held, its turn has just come; the other one's is near.
    lanes[0].waited_ms = 0;
    lanes[0].holder = Some(Holder { since: after(400), ..holder() });
    assert_eq!([missing(&lanes, after(700)), missing(&lanes, after(701))], [0, 2]);
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
fn a_lane_in_the_queue_awaits_no_answer() {
    let (mut job, mut lanes) = job();
    job.status = JobStatus::Running;
    job.started_at = Some(after(5));
    let seen = |lanes: &[Lane], now| {
        Survey::new(&[(job.clone(), lanes.to_vec())], now).since_answer.map(|age| age.as_secs())
    };
    assert_eq!(seen(&lanes, after(2000)), None);
    // Its turn has come.
    lanes[0].holder = Some(Holder { since: after(1990), ..holder() });
    assert_eq!(seen(&lanes, after(2000)), Some(10));
    lanes[0].holder = None;
    lanes[0] = finished(&lanes[0], ExecutionStatus::Completed, after(2001));
    assert_eq!(seen(&lanes, after(4000)), None);
    lanes[0].holder = Some(Holder { since: after(3990), ..holder() });
    assert_eq!(seen(&lanes, after(4000)), Some(10));
}

#[test]
fn an_answer_of_any_open_job_shows_that_the_router_answers() {
    let (mut first, mut failing) = job();
    first.status = JobStatus::Running;
    first.started_at = Some(after(5));
    failing[0] = finished(&failing[0], ExecutionStatus::Failed, after(100));
    let (mut second, mut answered) = job();
    second.status = JobStatus::Cancelling;
    let seen = |answered: &[Lane]| {
        let open = [(first.clone(), failing.clone()), (second.clone(), answered.to_vec())];
        Survey::new(&open, after(2000)).since_answer.map(|age| age.as_secs())
    };
    assert_eq!(seen(&answered), Some(1995));
    answered[0] = finished(&answered[0], ExecutionStatus::Completed, after(1970));
    assert_eq!(seen(&answered), Some(30));
}

#[test]
fn an_answer_of_an_earlier_run_is_none_of_this_one() {
    let (mut job, mut lanes) = retried();
    job.status = JobStatus::Running;
    job.started_at = Some(after(1010));
    (lanes[0].run, lanes[0].state, lanes[0].cursor) = (Run(2), LaneState::Open, Position(1));
    lanes[0].breakdown.advanced_at = Some(after(1050));
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
    finish(&ticket, &held, 0, &[testing::pair(counted)], None, now).change.apply(held)
}
