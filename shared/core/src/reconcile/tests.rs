//! What is done for a job, lane by lane.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::id::{JobId, Nonce, Position, QuestionIndex};
use crate::lane::Holder;
use crate::spec::{SpecHash, parse};

#[test]
fn a_lane_that_moved_lately_is_left_alone() {
    let (job, lanes) = job();
    assert_eq!(plan(&job, &lanes, sight(&lanes, Occasion::Schedule, after(180))), []);
    assert_eq!(plan(&job, &lanes, sight(&lanes, Occasion::Schedule, after(181))).len(), 2);
}

#[test]
fn a_longer_wait_in_the_queue_means_a_longer_patience() {
    let (job, mut lanes) = job();
    lanes[0].waited_ms = 600_000;
    assert_eq!(plan(&job, &lanes, sight(&lanes, Occasion::Schedule, after(599))), []);
    assert_eq!(plan(&job, &lanes, sight(&lanes, Occasion::Schedule, after(601))).len(), 2);
}

#[test]
fn a_held_lane_is_left_to_the_queue_until_its_holder_is_surely_dead() {
    let (job, mut lanes) = job();
    let nonce = Nonce::new("n").unwrap();
    lanes[0].holder =
        Some(Holder { nonce, boot: None, since: start(), question: QuestionIndex(0), due: 1 });
    assert_eq!(plan(&job, &lanes, sight(&lanes, Occasion::Schedule, after(700))).len(), 1);
    assert_eq!(plan(&job, &lanes, sight(&lanes, Occasion::Schedule, after(721))).len(), 2);
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
    assert_eq!(plan(&job, &lanes, sight(&lanes, Occasion::Schedule, after(1))), [Step::Finalise]);
    job.status = crate::job::JobStatus::Completed;
    assert_eq!(plan(&job, &lanes, sight(&lanes, Occasion::Start, after(1))), []);
}

fn job() -> (Job, Vec<Lane>) {
    let document = json!({
        "questions": ["math_basic", "geography_basic"],
        "models": ["m"],
        "regions": ["US", "EU"],
        "timeout": 3600,
    });
    let spec = parse(&document, &[]).unwrap().spec;
    let hash = SpecHash(String::new());
    let job = Job::new(JobId::new("j").unwrap(), &spec, hash, 1, start());
    (job, Job::lanes(&spec, start()))
}

fn sight(lanes: &[Lane], occasion: Occasion, now: Timestamp) -> Sight {
    Sight { longest_wait: longest_wait(lanes), queue_is_empty: false, occasion, now }
}

fn start() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn after(seconds: u64) -> Timestamp {
    start() + Duration::from_secs(seconds)
}
