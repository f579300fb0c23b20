//! Sums of a job whose parts are known.

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::execution::Counted;
use crate::id::{JobId, Nonce, Position, QuestionIndex, Run};
use crate::lane::{Holder, LaneState, PairRow, testing};
use crate::spec::{Spec, SpecHash, parse};

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn spec() -> Spec {
    let document = json!({
        "questions": ["math_basic", "identity_basic"],
        "models": ["a", "b"],
        "regions": ["US"],
        "samples": 2,
    });
    parse(&document, &[]).unwrap().spec
}

/// Two questions, two models, two samples: the first question ended, the second is open.
fn job() -> (Job, Lane) {
    let spec = spec();
    let job = Job::new(JobId::new("j").unwrap(), &spec, SpecHash(String::new()), 1, now());
    let mut lane = Job::lanes(&spec, now()).remove(0);
    for model in 0..2 {
        for completed in [true, false] {
            let counted = Counted {
                run: Run::FIRST,
                status: if completed {
                    ExecutionStatus::Completed
                } else {
                    ExecutionStatus::Failed
                },
                outcome: completed.then_some(Outcome::Empty),
                simulated: false,
                duration_ms: 1000,
            };
            let spared = !completed;
            let pair = testing::pair(counted);
            let pair = PairRow { model, spared, failed_writes: 1, maybe_billed: 2, ..pair };
            lane.tallies = lane.tallies.with(counted);
            lane.breakdown.add(&pair, true);
        }
    }
    lane.cursor = Position(1);
    let nonce = Nonce::new("n").unwrap();
    lane.holder = Some(Holder {
        nonce,
        boot: None,
        since: now(),
        question: QuestionIndex(1),
        due: 4,
        before: 0,
    });
    (job, lane)
}

fn printed(job: &Job, lane: &Lane) -> String {
    let mut metrics = Metrics::default();
    metrics.add(job, std::slice::from_ref(lane), 3);
    let pass = Pass { duration_ms: 1250, jobs: 4, given_up: 2, troubles: 1, ..Pass::begin(now()) };
    metrics.print("all jobs", None, Some(&pass))
}

#[test]
fn executions_are_counted_by_status_outcome_region_and_model() {
    let (job, lane) = job();
    let text = printed(&job, &lane);
    for line in [
        "beacon_jobs{status=\"queued\"} 1",
        "beacon_executions{status=\"completed\",outcome=\"empty\",region=\"us-east\",model=\"a\"} 1",
        "beacon_executions{status=\"completed\",outcome=\"text\",region=\"us-east\",model=\"a\"} 0",
        "beacon_executions{status=\"failed\",outcome=\"\",region=\"us-east\",model=\"b\"} 1",
        "beacon_executions{status=\"running\",outcome=\"\",region=\"us-east\",model=\"b\"} 2",
        "beacon_executions{status=\"pending\",outcome=\"\",region=\"us-east\",model=\"b\"} 0",
        "beacon_duplicates_prevented 2",
        "beacon_late_results_dropped 3",
        "beacon_status_mismatch 0",
        "beacon_table_writes{result=\"ok\"} 4",
        "beacon_table_writes{result=\"failed\"} 4",
        "beacon_maybe_billed 8",
        "beacon_router_up 0",
        "beacon_reconciler_last_pass_timestamp_seconds 1800000000",
        "beacon_reconciler_last_pass_duration_seconds 1.250",
        "beacon_reconciler_last_pass_jobs 4",
        "beacon_reconciler_last_pass_steps{step=\"given_up\"} 2",
        "beacon_reconciler_last_pass_steps{step=\"closed\"} 0",
        "beacon_reconciler_last_pass_troubles 1",
    ] {
        assert!(text.lines().any(|there| there == line), "{line}\n{text}");
    }
    let quantile = "beacon_execution_duration_seconds{region=\"us-east\",quantile=\"0.99\"} ";
    let found = text.lines().find_map(|line| line.strip_prefix(quantile)).unwrap();
    assert!((found.parse::<f64>().unwrap() - 1.0).abs() < 0.07, "{found}");
    let executions = text.lines().filter(|line| line.starts_with("beacon_executions{"));
    let sum: u64 =
        executions.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(sum, job.expected);
}

#[test]
fn a_final_job_with_an_open_lane_is_a_mismatch() {
    let (mut job, mut lane) = job();
    job.status = JobStatus::Completed;
    assert!(printed(&job, &lane).contains("beacon_status_mismatch 1"));
    lane.state = LaneState::Closed;
    assert!(printed(&job, &lane).contains("beacon_status_mismatch 1"));
    lane.tallies.completed += 4;
    assert!(printed(&job, &lane).contains("beacon_status_mismatch 0"));
}

#[test]
fn what_a_retry_asks_anew_is_running_or_pending_again() {
    let (mut job, mut lane) = job();
    // The first question's failed executions, one a model, are asked anew; the second was cancelled.
    (job.run, lane.run, lane.length, lane.cursor) = (Run(2), Run(2), 1, Position(0));
    lane.tallies = Tallies { failed: 0, cancelled: 4, ..lane.tallies };
    for tallies in &mut lane.breakdown.models {
        *tallies = Tallies { failed: 0, cancelled: 2, ..*tallies };
    }
    let count = |lane: &Lane, status: &str, model: &str| {
        let start = format!(
            "beacon_executions{{status=\"{status}\",outcome=\"\",region=\"us-east\",model=\"{model}\"}} "
        );
        let text = printed(&job, lane);
        let found = text.lines().find_map(|line| line.strip_prefix(start.as_str()));
        found.unwrap().parse::<u64>().unwrap()
    };
    for model in ["a", "b"] {
        assert_eq!(count(&lane, "cancelled", model), 2);
        assert_eq!((count(&lane, "running", model), count(&lane, "pending", model)), (1, 0));
    }
    lane.holder = None;
    assert_eq!((count(&lane, "running", "a"), count(&lane, "pending", "a")), (0, 1));
}

#[test]
fn labels_are_escaped() {
    assert_eq!(label("m", "a\"b\\c\nd"), "m=\"a\\\"b\\\\c\\nd\"");
}
