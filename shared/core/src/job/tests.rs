//! The final status, from lanes in every state.

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::id::LaneId;
use crate::spec::parse;

#[test]
fn no_status_is_final_while_a_lane_is_open() {
    let job = job();
    let mut lanes = lanes([8, 8]);
    lanes[1].state = LaneState::Open;
    assert_eq!(finalise(&job, &lanes, Actor::Coordinator, now()), None);
    lanes[1].state = LaneState::Closed;
    lanes[1].run = Run(2);
    assert_eq!(finalise(&job, &lanes, Actor::Coordinator, now()), None);
    assert_eq!(finalise(&job, &[], Actor::Coordinator, now()), None);
}

#[test]
fn a_final_status_is_given_once() {
    let job = Job { status: JobStatus::Completed, ..job() };
    assert_eq!(finalise(&job, &lanes([8, 8]), Actor::Coordinator, now()), None);
}

#[test]
fn an_early_end_that_was_not_seen_is_not_passed_by() {
    let done = finalise(&job(), &lanes([8, 8]), Actor::Coordinator, now()).unwrap();
    assert!(done.write.condition.holds(&job()));
    let ended = end(&job(), EndCause::Deadline, Actor::Inference, now()).apply(job());
    assert!(!done.write.condition.holds(&ended));
    let done = finalise(&ended, &lanes([8, 8]), Actor::Coordinator, now()).unwrap();
    assert_eq!(done.write.transition.to, JobStatus::TimedOut);
    assert!(done.write.condition.holds(&ended));
}

#[test]
fn success_rate_and_regions_decide() {
    let table = [
        (0.5, 1, [8, 0], JobStatus::Completed),
        (0.51, 1, [8, 0], JobStatus::Failed),
        (0.5, 2, [8, 0], JobStatus::Failed),
        (0.5, 2, [7, 1], JobStatus::Completed),
        (0.0, 1, [0, 0], JobStatus::Failed),
        (1.0, 2, [8, 8], JobStatus::Completed),
    ];
    for (min_success_rate, min_regions, completed, expected) in table {
        let job = Job { min_success_rate, min_regions, ..job() };
        let done = finalise(&job, &lanes(completed), Actor::Coordinator, now()).unwrap();
        assert_eq!(done.write.transition.to, expected, "{completed:?}");
        assert_eq!(done.write.transition.from, Some(JobStatus::Running));
        assert_eq!(done.tallies.ended(), 16);
    }
}

#[test]
fn a_job_is_run_again_when_it_has_ended_and_may_cost_more_and_not_too_often() {
    let (lanes, ended) = (lanes([8, 5]), Job { status: JobStatus::Completed, ..job() });
    assert_eq!(may_run_again(&ended, &lanes), Ok(3));
    assert_eq!(may_run_again(&ended, &self::lanes([8, 8])), Ok(0));
    let most = Dollars::from_nanos(10);
    let dear = |known| {
        let mut lanes = lanes.clone();
        lanes[0].breakdown.spent.known = Dollars::from_nanos(known);
        lanes
    };
    let limited = |job| Job { max_cost: Some(most), ..job };
    assert_eq!(may_run_again(&limited(ended.clone()), &dear(9)), Ok(3));
    let spent = Err(NoRun::CostSpent(most));
    assert_eq!(may_run_again(&limited(ended.clone()), &dear(10)), spent);
    let last = Job { run: Run(MAX_RUNS), ..ended };
    assert_eq!(may_run_again(&Job { run: Run(MAX_RUNS - 1), ..last.clone() }, &lanes), Ok(3));
    assert_eq!(may_run_again(&limited(last.clone()), &dear(10)), Err(NoRun::TooMany));
    for status in [JobStatus::Queued, JobStatus::Running, JobStatus::Cancelling] {
        let open = limited(Job { status, ..last.clone() });
        assert_eq!(may_run_again(&open, &dear(10)), Err(NoRun::NotFinal(status)));
    }
}

#[test]
fn an_execution_is_retried_by_itself_if_it_failed_and_not_too_often() {
    use crate::execution::ExecutionStatus as Is;
    for failed in [Is::Failed, Is::TimedOut] {
        assert_eq!(may_retry(failed, MAX_RETRIES - 1), Ok(()));
        assert_eq!(may_retry(failed, MAX_RETRIES), Err(NoRetry::TooOften));
    }
    for (status, why) in [
        (Is::Completed, NoRetry::Completed),
        (Is::Cancelled, NoRetry::Cancelled),
        (Is::Pending, NoRetry::OnItsWay),
        (Is::Running, NoRetry::OnItsWay),
    ] {
        for retries in [0, MAX_RETRIES] {
            assert_eq!(may_retry(status, retries), Err(why));
        }
    }
}

fn job() -> Job {
    let document = json!({"questions": ["math_basic"], "models": ["m"], "regions": ["US"]});
    let spec = parse(&document, &[]).unwrap().spec;
    let new = Job::new(JobId::new("j").unwrap(), &spec, SpecHash(String::new()), 1, now());
    Job { status: JobStatus::Running, expected: 16, ..new }
}

/// Two closed lanes of eight executions, in two regions, with so many completed.
fn lanes(completed: [u64; 2]) -> Vec<Lane> {
    ["us-east", "eu-west"]
        .into_iter()
        .zip(completed)
        .map(|(region, completed)| {
            let id = LaneId { region: Region::new(region).unwrap(), k: 0 };
            let mut lane = Lane::new(id, 8, 1, 1, now());
            lane.state = LaneState::Closed;
            lane.tallies.completed = completed;
            lane.tallies.failed = 8 - completed;
            lane
        })
        .collect()
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}
