//! Early ends: what they make of pairs, and when a job stops by itself.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::execution::Counted;
use crate::id::{JobId, LaneId, Nonce, Position, Run};
use crate::job::{JobStatus, RunRecord, Selection, finalise};
use crate::lane::{LaneState, Mark, PairRow};
use crate::spec::{SpecHash, parse};

#[test]
fn what_a_pair_becomes_agrees_with_its_status_and_code() {
    let table = [
        (EndCause::Cancel, ExecutionStatus::Cancelled, "JOB_CANCELLED"),
        (EndCause::Deadline, ExecutionStatus::TimedOut, "JOB_DEADLINE"),
        (region_failure(3), ExecutionStatus::Cancelled, "JOB_STOPPED"),
        (EndCause::RateUnreachable, ExecutionStatus::Cancelled, "JOB_STOPPED"),
        (EndCause::RegionsUnreachable, ExecutionStatus::Cancelled, "JOB_STOPPED"),
        (EndCause::CostLimit, ExecutionStatus::Cancelled, "JOB_STOPPED"),
    ];
    for (cause, status, code) in table {
        let ending = cause.ending(2, true);
        assert_eq!((cause.status(), ending.status()), (status, status));
        let failure = ending.failure().unwrap();
        assert_eq!((failure.code.clone(), failure.code.to_string()), (cause.code(), code.into()));
        assert_eq!((failure.attempts, failure.maybe_billed), (2, true));
        assert_eq!(failure.message, cause.to_string());
        assert_eq!(failure.stage, Stage::Job);
    }
}

#[test]
fn an_ending_is_stored_flat_beside_its_time() {
    let ending = JobEnding { cause: region_failure(3), at: now(), who: Actor::Inference, by: None };
    let document = json!({
        "cause": "region_failure",
        "region": "us-east",
        "questions": 3,
        "at": "1970-01-01T00:00:00Z",
        "who": "inference",
    });
    assert_eq!(serde_json::to_value(&ending).unwrap(), document);
    assert_eq!(serde_json::from_value::<JobEnding>(document).unwrap(), ending);
    let mark = Mark { run: Run(2), cause: EndCause::Deadline, at: now() };
    let document = json!({"run": 2, "cause": "deadline", "at": "1970-01-01T00:00:00Z"});
    assert_eq!(serde_json::to_value(&mark).unwrap(), document);
    assert_eq!(serde_json::from_value::<Mark>(document).unwrap(), mark);
}

#[test]
fn a_region_fails_at_the_last_of_so_many_questions_in_a_row() {
    // Questions in a row, cursor, completed before; of a lane of five, after three.
    let table = [
        ((2, 2, 0), false),
        ((3, 3, 0), true),
        ((4, 4, 0), true),
        ((3, 4, 1), true),
        ((2, 4, 1), false),
        // All there are: nothing came back at all.
        ((2, 5, 0), true),
        ((2, 5, 1), false),
        // The last one brought something back.
        ((0, 5, 1), false),
        // A run in which nothing is left to ask ends nothing.
        ((0, 5, 0), false),
    ];
    for ((barren, cursor, completed), failed) in table {
        let mut lane = lane("us-east", 5);
        (lane.barren, lane.cursor, lane.tallies.completed) = (barren, Position(cursor), completed);
        let rule = StopRule { policy: Stop::RegionFailure, after: 3 };
        let cause = failed.then(|| region_failure(barren));
        assert_eq!(rule.region_failed(&lane), cause, "{barren} {cursor} {completed}");
        for policy in [Stop::Unreachable, Stop::Never] {
            assert_eq!(StopRule { policy, ..rule }.region_failed(&lane), None);
        }
    }
}

#[test]
fn a_rate_is_out_of_reach_as_soon_as_it_cannot_be_met_exactly() {
    // Lowest rate, failed of ten executions.
    let table = [(0.7, 3, false), (0.7, 4, true), (0.71, 3, true), (1.0, 0, false), (1.0, 1, true)];
    for (min_success_rate, failed, out_of_reach) in table {
        let job = Job { min_success_rate, ..job() };
        let mut lanes = [lane("us-east", 5), lane("eu-west", 5)];
        lanes[0].tallies.failed = failed;
        let cause = out_of_reach.then_some(EndCause::RateUnreachable);
        assert_eq!(unreachable(&job, &lanes), cause, "{min_success_rate} {failed}");
    }
}

#[test]
fn regions_are_out_of_reach_when_too_few_have_or_may_get_an_answer() {
    let job = Job { min_success_rate: 0.0, min_regions: 2, ..job() };
    let mut lanes = [lane("us-east", 5), lane("eu-west", 5)];
    lanes[0].tallies.cancelled = 4;
    assert_eq!(unreachable(&job, &lanes), None);
    lanes[0].tallies.timed_out = 1;
    assert_eq!(unreachable(&job, &lanes), Some(EndCause::RegionsUnreachable));
    lanes[0].tallies.timed_out = 0;
    lanes[0].tallies.completed = 1;
    assert_eq!(unreachable(&job, &lanes), None);
    // Another lane of the region may still bring an answer.
    let mut lanes = [lane("us-east", 5), lane("us-east", 5), lane("eu-west", 5)];
    lanes[0].tallies.failed = 5;
    assert_eq!(unreachable(&job, &lanes), None);
}

#[test]
fn what_a_retry_has_not_reached_is_not_lost() {
    let job = Job { run: Run(2), min_regions: 2, ..job() };
    let mut lanes = [lane("us-east", 5), lane("eu-west", 5)];
    for lane in &mut lanes {
        (lane.run, lane.state) = (Run::FIRST, LaneState::Closed);
        (lane.tallies.failed, lane.tallies.cancelled) = (1, 4);
    }
    assert_eq!(unreachable(&job, &lanes), None);
    // Its part of the retry asked everything again, and nothing came back.
    lanes[0].run = Run(2);
    assert_eq!(unreachable(&job, &lanes), Some(EndCause::RateUnreachable));
    let job = Job { min_success_rate: 0.5, ..job };
    assert_eq!(unreachable(&job, &lanes), Some(EndCause::RegionsUnreachable));
}

#[test]
fn a_retry_of_some_is_not_judged_by_the_others() {
    let mut job = Job { run: Run(2), ..job() };
    let mut lanes = [lane("us-east", 5), lane("eu-west", 5)];
    for lane in &mut lanes {
        (lane.run, lane.tallies.failed) = (Run(2), 5);
    }
    for (regions, cause) in
        [(vec![], Some(EndCause::RateUnreachable)), (vec![lanes[0].id.region.clone()], None)]
    {
        let selection = Selection { regions, ..Selection::default() };
        let request = Nonce::new("r").unwrap();
        let (run, at, who, by, why) = (Run(2), now(), Actor::Intake, None, None);
        let record = RunRecord { run, at, who, by, why, selection, executions: 1, request };
        job.runs = vec![record];
        assert_eq!(unreachable(&job, &lanes), cause);
    }
}

#[test]
fn only_one_policy_asks_what_is_out_of_reach() {
    let mut lanes = [lane("us-east", 5), lane("eu-west", 5)];
    lanes[0].tallies.failed = 5;
    lanes[1].tallies.failed = 5;
    for policy in [Stop::RegionFailure, Stop::Never] {
        let job = Job { stop: StopRule { policy, after: 3 }, ..job() };
        assert_eq!(unreachable(&job, &lanes), None);
    }
}

proptest! {
    /// What is out of reach is what fails though all that has not ended completes.
    #[test]
    fn out_of_reach_is_what_the_best_end_fails(
        ended in prop::collection::vec((0_u64..=5, 0_u64..=5), 1..4),
        min_success_rate in prop_oneof![0.0..1.0, (0_u32..=20).prop_map(|n| f64::from(n) / 20.0)],
        min_regions in 1_u16..3,
    ) {
        let regions = ["us-east", "eu-west", "us-east"];
        let lanes: Vec<Lane> = ended
            .iter()
            .zip(regions)
            .map(|((completed, failed), region)| {
                let mut lane = lane(region, 5);
                lane.tallies.completed = *completed;
                lane.tallies.failed = (*failed).min(5 - completed);
                lane
            })
            .collect();
        let expected = lanes.iter().map(Lane::expected).sum();
        let job = Job { expected, min_success_rate, min_regions, ..job() };
        let best: Vec<Lane> = lanes
            .iter()
            .cloned()
            .map(|mut lane| {
                lane.tallies.completed += lane.expected() - lane.tallies.ended();
                lane.state = LaneState::Closed;
                lane
            })
            .collect();
        let at_best = finalise(&job, &best, Actor::Coordinator, now()).unwrap();
        let fails = at_best.write.transition.to == JobStatus::Failed;
        prop_assert_eq!(unreachable(&job, &lanes).is_some(), fails);
    }
}

/// What a question's executions cost, and what of it is told: all, nothing, or that it may have been
/// charged for.
#[derive(Debug, Clone, Copy)]
struct Charged {
    cost: u64,
    is_told: bool,
    status: ExecutionStatus,
    lost: u32,
}

const BOUND: u64 = 50;

fn charged() -> impl Strategy<Value = Charged> {
    let status = prop::sample::select(vec![ExecutionStatus::Completed, ExecutionStatus::Failed]);
    (0..=BOUND, any::<bool>(), status, 0..2_u32).prop_map(|(cost, is_told, status, lost)| Charged {
        cost,
        is_told,
        status,
        lost,
    })
}

impl Charged {
    fn row(self) -> PairRow {
        let counted = Counted {
            run: Run::FIRST,
            status: self.status,
            outcome: None,
            simulated: false,
            duration_ms: 0,
        };
        PairRow {
            model: 0,
            counted,
            spared: false,
            failed_writes: 0,
            maybe_billed: self.lost,
            cost: self.is_told.then_some(Dollars::from_nanos(self.cost)),
            bound: Dollars::from_nanos(BOUND),
        }
    }

    /// What the provider took: of an answer, told or not, and of calls that were lost.
    fn true_cost(self) -> u64 {
        let completed = self.is_told || self.status == ExecutionStatus::Completed;
        u64::from(completed) * self.cost + u64::from(self.lost) * BOUND
    }
}

proptest! {
    /// Whatever is told, and in whichever order lanes look and count: what a job costs is at most its
    /// limit and one question of every lane.
    #[test]
    fn a_job_exceeds_its_limit_by_what_is_in_flight_at_most(
        max_cost in 1_u64..2000,
        lanes in 1_usize..6,
        steps in prop::collection::vec((0_usize..6, charged()), 0..300),
    ) {
        let max_cost = Dollars::from_nanos(max_cost);
        let mut lanes: Vec<Lane> = (0..lanes).map(|_| lane("us-east", 9)).collect();
        let mut out: Vec<Option<Charged>> = vec![None; lanes.len()];
        let (mut cost, mut dearest) = (0, 0);
        for (index, charged) in steps {
            let index = index % lanes.len();
            match out[index].take() {
                Some(charged) => {
                    lanes[index].breakdown.add(&charged.row(), true);
                    cost += charged.true_cost();
                }
                None if cost_limit(max_cost, &lanes).is_none() => {
                    dearest = dearest.max(charged.true_cost());
                    out[index] = Some(charged);
                }
                None => {}
            }
            let in_flight = lanes.len() as u64 * dearest;
            prop_assert!(cost < max_cost.nanos() + in_flight || cost == 0);
            // Nothing that was charged is left out.
            prop_assert!(spent(&lanes).at_most().nanos() >= cost);
        }
    }
}

fn job() -> Job {
    let document = json!({"questions": ["math_basic"], "models": ["m"], "regions": ["US"]});
    let spec = parse(&document, &[]).unwrap().spec;
    let new = Job::new(JobId::new("j").unwrap(), &spec, SpecHash(String::new()), 1, now());
    let stop = StopRule { policy: Stop::Unreachable, after: 3 };
    Job { status: JobStatus::Running, expected: 10, stop, ..new }
}

fn lane(region: &str, questions: u32) -> Lane {
    let id = LaneId { region: Region::new(region).unwrap(), k: 0 };
    Lane::new(id, questions, 1, 1, now())
}

fn region_failure(questions: u32) -> EndCause {
    EndCause::RegionFailure { region: Region::new("us-east").unwrap(), questions }
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}
