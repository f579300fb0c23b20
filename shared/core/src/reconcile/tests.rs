//! What is done for a job, lane by lane.

mod alone;
mod survey;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::id::{JobId, Nonce, Position, QuestionIndex};
use crate::job::{Cause, JobStatus, RetryRequest, Selection, cancel, retry};
use crate::lane::{Holder, Mark};
use crate::spec::{Spec, SpecHash, Stop, parse};

#[test]
fn a_lane_that_moved_lately_is_left_alone() {
    let (job, lanes) = job();
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(180))), []);
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(181))).len(), 2);
}

#[test]
fn a_longer_wait_in_the_queue_means_a_longer_patience() {
    let (job, mut lanes) = job();
    lanes[0].waited_ms = 600_000;
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(599))), []);
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(601))).len(), 2);
}

#[test]
fn a_held_lane_is_left_to_the_queue_until_its_holder_is_surely_dead() {
    let (job, mut lanes) = job();
    lanes[0].holder = Some(holder());
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(700))).len(), 1);
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(721))).len(), 2);
}

#[test]
fn a_start_dispatches_every_open_lane_from_its_cursor() {
    let (job, mut lanes) = job();
    lanes[0].cursor = Position(1);
    let steps = plan(&job, &lanes, sight(&lanes, Occasion::Start, start()));
    let Some(Step::Dispatch(write, message)) = steps.first() else { panic!("{steps:?}") };
    assert_eq!(message.from, Position(1));
    assert_eq!(message.dispatch_number, lanes[0].dispatch_number.next());
    assert!(write.condition.holds(&lanes[0]));
    assert_eq!(write.change.apply(lanes[0].clone()).dispatch_number, message.dispatch_number);
}

#[test]
fn a_job_whose_lanes_are_closed_is_finalised_and_a_final_one_is_left() {
    let (mut job, mut lanes) = job();
    for lane in &mut lanes {
        lane.state = LaneState::Closed;
    }
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(1))), [Step::Finalise]);
    job.status = JobStatus::Completed;
    assert_eq!(plan(&job, &lanes, sight(&lanes, Occasion::Start, after(1))), []);
}

#[test]
fn the_deadline_ends_a_job_and_the_end_closes_its_lanes() {
    let (mut job, mut lanes) = job();
    job.deadline = after(100);
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(99))), []);
    let steps = plan(&job, &lanes, schedule(&lanes, after(100)));
    let [Step::End(write)] = &steps[..] else { panic!("{steps:?}") };
    assert!(write.condition.holds(&job));
    job = write.apply(job);
    assert!(!write.condition.holds(&job), "a duplicate");
    // For all lanes at once.
    let closes = [Step::Close(EndCause::Deadline)];
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(100))), closes);
    lanes[0].state = LaneState::Closed;
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(100))), closes);
    lanes[1].state = LaneState::Closed;
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(100))), [Step::Finalise]);
}

#[test]
fn thresholds_out_of_reach_end_a_job_that_wants_it() {
    let (mut job, mut lanes) = job();
    lanes[0].tallies.failed = 2;
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(1))), []);
    job.stop.policy = Stop::Unreachable;
    let steps = plan(&job, &lanes, schedule(&lanes, after(1)));
    let [Step::End(write)] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!(write.transition.why, Cause::Ended(EndCause::RateUnreachable));
    assert_eq!(write.transition.who, Actor::Reconciler);
}

#[test]
fn a_region_that_brought_nothing_back_ends_a_job_whoever_moved_its_lane() {
    let (mut job, mut lanes) = job();
    lanes[0].barren = job.stop.after;
    job.stop.policy = Stop::Never;
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(1))), []);
    job.stop.policy = Stop::RegionFailure;
    let steps = plan(&job, &lanes, schedule(&lanes, after(1)));
    let [Step::End(write)] = &steps[..] else { panic!("{steps:?}") };
    let region = lanes[0].id.region.clone();
    let cause = EndCause::RegionFailure { region, questions: job.stop.after };
    assert_eq!(write.transition.why, Cause::Ended(cause));
    // What a lane knows of the run before says nothing of this one.
    job.run = job.run.next();
    let steps = plan(&job, &lanes, schedule(&lanes, after(1)));
    assert!(!steps.iter().any(|step| matches!(step, Step::End(_))), "{steps:?}");
}

#[test]
fn a_marked_lane_is_taken_over_at_once_and_others_are_closed() {
    let (mut job, mut lanes) = job();
    let write = cancel(&job, None, after(1)).unwrap();
    job = write.apply(job);
    lanes[0].holder = Some(holder());
    // Held, and not marked yet.
    let closes = [Step::Close(EndCause::Cancel)];
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(1))), closes);
    let [close] = closes;
    lanes[0].mark = Some(Mark { run: Run::FIRST, cause: EndCause::Cancel, at: after(1) });
    let take_over = Step::TakeOver(Box::new(lanes[0].clone()));
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(1))), [take_over.clone(), close]);
    lanes[1].state = LaneState::Closed;
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(1))), [take_over]);
}

#[test]
fn a_retry_that_did_not_reach_a_lane_is_sent_anew() {
    let (job, lanes) = retried();
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(1180))), []);
    let sights = [schedule(&lanes, after(1181)), sight(&lanes, Occasion::Start, after(1001))];
    for sight in sights {
        let steps = plan(&job, &lanes, sight);
        let [Step::Replan(message), Step::Replan(_)] = &steps[..] else { panic!("{steps:?}") };
        assert_eq!((message.run, message.from, &message.lane), (Run(2), Position(0), &lanes[0].id));
        assert_eq!(message.dispatch_number, lanes[0].dispatch_number);
    }
}

#[test]
fn a_lane_that_a_retry_has_reached_goes_on_beside_one_that_it_has_not() {
    let (job, mut lanes) = retried();
    (lanes[0].run, lanes[0].moved_at) = (Run(2), after(1001));
    lanes[1].run = Run(2);
    lanes[1].state = LaneState::Open;
    let steps = plan(&job, &lanes, schedule(&lanes, after(1100)));
    let [Step::Dispatch(write, message)] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!((message.run, &message.lane), (Run(2), &lanes[1].id));
    assert!(write.condition.holds(&lanes[1]));
}

#[test]
fn a_retry_that_ends_before_it_reached_a_lane_passes_it_over() {
    let (mut job, lanes) = retried();
    let write = cancel(&job, None, after(1001)).unwrap();
    job = write.apply(job);
    let closes = [Step::Close(EndCause::Cancel)];
    assert_eq!(plan(&job, &lanes, schedule(&lanes, after(1002))), closes);
}

#[test]
fn sending_anew_counts_only_while_the_queue_is_empty() {
    let (job, mut lanes) = job();
    lanes.truncate(1);
    let mut sight = schedule(&lanes, after(200));
    for (queue_is_empty, occasion, counts) in [
        (true, Occasion::Schedule, true),
        (false, Occasion::Schedule, false),
        (true, Occasion::Start, false),
    ] {
        (sight.queue_is_empty, sight.occasion) = (queue_is_empty, occasion);
        let steps = plan(&job, &lanes, sight);
        let [Step::Dispatch(write, _)] = &steps[..] else { panic!("{steps:?}") };
        assert_eq!(write.change.redispatches, counts.then_some(1), "{queue_is_empty} {occasion:?}");
    }
}

#[test]
fn a_message_that_was_given_up_is_sent_anew_while_nobody_holds_its_lane() {
    let (job, lanes) = job();
    let lane = &lanes[0];
    let letter = (lane.run, lane.dispatch_number, lane.cursor);
    let DeadLetter::Dispatch(write, message) = dead_letter(&job, lane, letter, after(9)) else {
        panic!("nobody holds it")
    };
    assert_eq!(write.change.redispatches, Some(1));
    assert_eq!((message.dispatch_number, message.from), (letter.1.next(), Position(0)));
    let lane = Lane { redispatches: 4, ..lane.clone() };
    assert_eq!(dead_letter(&job, &lane, letter, after(9)), DeadLetter::GiveUp);

    let (run, number, cursor) = letter;
    for stale in
        [(run.next(), number, cursor), (run, number.next(), cursor), (run, number, Position(1))]
    {
        assert_eq!(dead_letter(&job, &lane, stale, after(9)), DeadLetter::Stale, "{stale:?}");
    }
    let held = Lane { holder: Some(holder()), ..lane.clone() };
    let mark = Mark { run, cause: EndCause::Cancel, at: start() };
    let marked = Lane { mark: Some(mark), ..lane.clone() };
    let closed = Lane { state: LaneState::Closed, ..lane.clone() };
    for lane in [held, marked, closed] {
        assert_eq!(dead_letter(&job, &lane, letter, after(9)), DeadLetter::Stale, "{lane:?}");
    }
    let ended = end(&job, EndCause::Deadline, Actor::Reconciler, after(9)).apply(job);
    assert_eq!(dead_letter(&ended, &lane, letter, after(9)), DeadLetter::Stale);
}

#[test]
fn a_question_sent_in_vain_for_the_fifth_time_is_given_up() {
    let (job, mut lanes) = job();
    lanes.truncate(1);
    let mut now = 0;
    for _time in 0..4 {
        now += 200;
        let steps = plan(&job, &lanes, empty(&lanes, after(now)));
        let [Step::Dispatch(write, _)] = &steps[..] else { panic!("{steps:?}") };
        assert!(write.condition.holds(&lanes[0]));
        lanes[0] = write.change.apply(lanes[0].clone());
        assert!(!write.condition.holds(&lanes[0]), "a duplicate");
        assert_eq!(plan(&job, &lanes, empty(&lanes, after(now))), []);
    }
    now += 200;
    let gives_up = [Step::GiveUp(Box::new(lanes[0].clone()))];
    assert_eq!(plan(&job, &lanes, empty(&lanes, after(now))), gives_up);
    // Its messages may only be slow, or the stack has just started.
    for sight in [schedule(&lanes, after(now)), sight(&lanes, Occasion::Start, after(now))] {
        let steps = plan(&job, &lanes, sight);
        let [Step::Dispatch(write, _)] = &steps[..] else { panic!("{steps:?}") };
        assert_eq!(write.change.redispatches, None);
    }
}

#[test]
fn nothing_is_done_for_a_final_job_whatever_its_lanes_say() {
    let (mut job, mut lanes) = job();
    lanes[0].holder = Some(holder());
    lanes[0].mark = Some(Mark { run: Run::FIRST, cause: EndCause::Cancel, at: start() });
    lanes[1].run = Run(2);
    for status in
        [JobStatus::Completed, JobStatus::Failed, JobStatus::Cancelled, JobStatus::TimedOut]
    {
        job.status = status;
        for occasion in [Occasion::Schedule, Occasion::Start] {
            assert_eq!(plan(&job, &lanes, sight(&lanes, occasion, after(1_000_000))), []);
        }
        assert!(!has_idle(&job, &lanes, Duration::ZERO, after(1_000_000)));
    }
}

#[test]
fn the_queue_is_asked_only_where_a_lane_is_idle() {
    let (job, mut lanes) = job();
    let idle = |lanes: &[Lane], seconds| has_idle(&job, lanes, longest_wait(lanes), after(seconds));
    assert!(!idle(&lanes, 180));
    assert!(idle(&lanes, 181));
    lanes[0].state = LaneState::Closed;
    assert!(idle(&lanes, 181));
    lanes[1].waited_ms = 300_000;
    assert!(!idle(&lanes, 300));
    lanes[1].waited_ms = 0;
    lanes[1].run = Run(2);
    assert!(!idle(&lanes, 181), "of another run");
}

/// A job of two lanes that failed and was retried at 1000 s, of which its lanes know nothing.
fn retried() -> (Job, Vec<Lane>) {
    let (mut job, mut lanes) = job();
    for lane in &mut lanes {
        lane.state = LaneState::Closed;
        lane.tallies.failed = 2;
    }
    let done = finalise(&job, &lanes, Actor::Coordinator, after(10)).unwrap();
    job = done.write.apply(job);
    let request = RetryRequest {
        selection: Selection::default(),
        executions: 4,
        by: None,
        why: None,
        request: Nonce::new("r").unwrap(),
    };
    let write = retry(&job, request, after(1000)).unwrap();
    (write.apply(job), lanes)
}

fn holder() -> Holder {
    let nonce = Nonce::new("n").unwrap();
    Holder { nonce, boot: None, since: start(), question: QuestionIndex(0), due: 1, before: 0 }
}

fn job() -> (Job, Vec<Lane>) {
    let (spec, hash) = (spec(), SpecHash(String::new()));
    let job = Job::new(JobId::new("j").unwrap(), &spec, hash, 1, start());
    (job, Job::lanes(&spec, start()))
}

/// Two questions in two regions.
fn spec() -> Spec {
    let document = json!({
        "questions": ["math_basic", "geography_basic"],
        "models": ["m"],
        "regions": ["US", "EU"],
        "timeout": 3600,
    });
    parse(&document, &[]).unwrap().spec
}

fn sight(lanes: &[Lane], occasion: Occasion, now: Timestamp) -> Sight {
    Sight { longest_wait: longest_wait(lanes), queue_is_empty: false, occasion, now }
}

/// On schedule, with messages in the queue.
fn schedule(lanes: &[Lane], now: Timestamp) -> Sight {
    sight(lanes, Occasion::Schedule, now)
}

/// On schedule, with none.
fn empty(lanes: &[Lane], now: Timestamp) -> Sight {
    Sight { queue_is_empty: true, ..schedule(lanes, now) }
}

fn start() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn after(seconds: u64) -> Timestamp {
    start() + Duration::from_secs(seconds)
}
