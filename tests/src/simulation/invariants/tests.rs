//! Each check, on what is right and on what violates it.

use std::slice;

use beacon_core::job::{Actor, JobEnding};
use beacon_core::lane::Mark;
use beacon_core::spec::{SpecHash, Stop, parse};
use beacon_core::{DispatchNumber, Position};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::simulation::world::ORIGIN_MS;

const SECOND: Duration = Duration::from_secs(1);

fn row(status: &str, run: u32) -> Value {
    json!({ "status": { "S": status }, "run": { "N": run.to_string() } })
}

fn change(before: Option<Value>, after: Value) -> Change {
    let [before, after] = [before, Some(after)].map(|item| item.map(Item::new));
    Change { pk: "JOB#job#us-east".into(), sk: "Q#000000#m0#000".into(), before, after }
}

#[test]
fn rows() {
    let later = change(Some(row("failed", 1)), row("completed", 2));
    let twice = change(Some(row("failed", 1)), row("failed", 1));
    let over = change(Some(row("completed", 1)), row("completed", 2));
    assert!(completed_row_is_kept(&later).is_ok() && completed_row_is_kept(&over).is_err());
    assert!(row_is_written_once_a_run(&later).is_ok());
    assert!(row_is_written_once_a_run(&twice).is_err());

    let mut failed = row("failed", 1);
    assert!(row_says_how_it_ended(&change(None, failed.clone())).is_err());
    failed["failure"] = json!({ "S": r#"{"code":"ROUTER_DNS"}"# });
    assert!(row_says_how_it_ended(&change(None, failed.clone())).is_ok());
    failed["failure"] = json!({ "S": r#"{"code":""}"# });
    assert!(row_says_how_it_ended(&change(None, failed)).is_err());
    assert!(row_says_how_it_ended(&change(None, row("completed", 1))).is_err());
    assert!(row_says_how_it_ended(&change(None, row("running", 1))).is_err());

    let signed =
        |status: &str| change(None, json!({"status": {"S": status}, "seal": {"B": "AA=="}}));
    let unsigned = |status| change(None, row(status, 1));
    assert!(row_is_signed_if_completed(&signed("completed")).is_ok());
    assert!(row_is_signed_if_completed(&unsigned("failed")).is_ok());
    assert!(row_is_signed_if_completed(&signed("failed")).is_err());
    assert!(row_is_signed_if_completed(&unsigned("completed")).is_err());
}

#[test]
fn stopped_calls() {
    let (mut job, _lanes) = job();
    let failed = |code: &str| {
        let mut row = row("failed", 1);
        row["failure"] = json!({ "S": format!(r#"{{"code":"{code}"}}"#) });
        change(None, row)
    };
    assert!(stopped_call_is_of_an_ended_job(&job, &failed("ROUTER_DNS")).is_ok());
    assert!(stopped_call_is_of_an_ended_job(&job, &failed("CALL_STOPPED")).is_err());
    let (cause, at) = (EndCause::Cancel, Timestamp::UNIX_EPOCH);
    job.ending = Some(JobEnding { cause, at, who: Actor::Intake, by: None });
    assert!(stopped_call_is_of_an_ended_job(&job, &failed("CALL_STOPPED")).is_ok());
}

#[test]
fn the_final_status() {
    let (mut job, mut lanes) = job();
    assert!(final_status_comes_last(&job, &lanes).is_ok());
    let any = change(None, row("failed", 1));
    assert!(nothing_changes_after_the_end(&job, &any).is_ok());
    job.status = JobStatus::Failed;
    assert!(nothing_changes_after_the_end(&job, &any).is_err());
    assert!(final_status_comes_last(&job, &lanes).is_err());
    for lane in &mut lanes {
        lane.state = LaneState::Closed;
    }
    assert!(final_status_comes_last(&job, &lanes).is_ok());
    lanes[1].run = Run(2);
    assert!(final_status_comes_last(&job, &lanes).is_err());
    assert!(final_status_comes_last(&job, &[]).is_err());

    let retried = change(Some(row("failed", 1)), row("queued", 2));
    let undone = change(Some(row("failed", 1)), row("running", 1));
    assert!(final_status_is_kept(&retried).is_ok() && final_status_is_kept(&undone).is_err());
    let job = |analysis: Value| {
        let mut item = json!({"status": {"S": "failed"}, "run": {"N": "1"}});
        item.as_object_mut().unwrap().extend(analysis.as_object().unwrap().clone());
        item
    };
    let analysed = change(
        Some(job(json!({"analysis_since": {"S": "now"}, "open_shard": {"S": "ANALYSE#1"}}))),
        job(json!({})),
    );
    let more = change(Some(job(json!({}))), job(json!({"expected": {"N": "3"}})));
    assert!(final_status_is_kept(&analysed).is_ok() && final_status_is_kept(&more).is_err());
}

#[test]
fn what_the_final_status_says() {
    use JobStatus::{Cancelled, Completed, Failed, Queued, TimedOut};
    let stopped = || Some(EndCause::RateUnreachable);
    let (cancel, deadline) = (|| Some(EndCause::Cancel), || Some(EndCause::Deadline));
    let table = [
        (None, [2, 2], [Queued, Completed]),
        (None, [2, 0], [Queued, Failed]),
        (None, [1, 0], [Queued, Failed]),
        (stopped(), [2, 2], [Queued, Completed]),
        (stopped(), [0, 0], [Queued, Failed]),
        (cancel(), [2, 2], [Queued, Cancelled]),
        (deadline(), [2, 2], [Queued, TimedOut]),
    ];
    for (cause, completed, right) in table {
        let (mut job, mut lanes) = job();
        (job.min_success_rate, job.min_regions) = (0.5, 2);
        let (who, at, by) = (Actor::Reconciler, Timestamp::UNIX_EPOCH, None);
        job.ending = cause.map(|cause| JobEnding { cause, at, who, by });
        for (lane, completed) in lanes.iter_mut().zip(completed) {
            lane.tallies.completed = completed;
        }
        for status in [Queued, Completed, Failed, Cancelled, TimedOut] {
            job.status = status;
            let is_right = final_status_is_right(&job, &lanes).is_ok();
            assert_eq!(is_right, right.contains(&status), "{status} {completed:?}");
        }
    }
}

#[test]
fn deadlines() {
    let kept = |deadline: u32, quiet: u32, now: u32| {
        deadline_is_kept(SECOND * deadline, SECOND * quiet, SECOND * now).is_ok()
    };
    assert!(kept(60, 20, 30) && kept(60, 20, 240) && !kept(60, 20, 241));
    assert!(kept(60, 500, 680) && !kept(60, 500, 681));
}

#[test]
fn counts() {
    let (job, mut lanes) = job();
    let view = |lanes: &[Lane]| JobView::new(&job, lanes, Timestamp::UNIX_EPOCH);
    assert!(every_pair_is_counted(&view(&lanes)).is_ok());
    lanes[0].tallies.failed = 5;
    assert!(every_pair_is_counted(&view(&lanes)).is_err());

    let failed = Tallies { failed: 1, ..Tallies::default() };
    let none = Tallies::default();
    lanes[0].tallies = failed;
    lanes[0].breakdown.models = vec![failed, none];
    assert!(tallies_are_the_pairs(&lanes[0], &[failed, none]).is_ok());
    assert!(tallies_are_the_pairs(&lanes[0], &[none, failed]).is_err());
    assert!(tallies_are_the_pairs(&lanes[0], &[failed, failed]).is_err());
    lanes[0].tallies = none;
    assert!(tallies_are_the_pairs(&lanes[0], &[failed, none]).is_err());
}

#[test]
fn pairs() {
    let (id, at) = (id("m0"), Timestamp::UNIX_EPOCH);
    let ended = Shown::Ended(Mark { run: Run(1), cause: EndCause::Cancel, at });
    assert!(pair_is_accounted_for(&id, &ended, false).is_ok());
    assert!(pair_is_accounted_for(&id, &Shown::AsStored, true).is_ok());
    assert!(pair_is_accounted_for(&id, &Shown::AsStored, false).is_err());
    assert!(pair_is_accounted_for(&id, &Shown::Pending, false).is_err());
    assert!(pair_is_accounted_for(&id, &Shown::Running, true).is_err());
}

#[test]
fn dropped_calls() {
    let (first, second) = (id("m0"), id("m1"));
    let dropped =
        |id: &ExecutionId, run| Call { run: Run(run), ..call(id, 1, Some((3, CallEnd::Dropped))) };
    let row = |billed: u32, run: u32| {
        let mut row = row("failed", run);
        row["maybe_billed"] = json!({ "N": billed.to_string() });
        change(None, row)
    };
    let calls = [dropped(&first, 1), dropped(&first, 1), dropped(&first, 2), dropped(&second, 1)];
    assert!(row_counts_dropped_calls(&calls, &row(1, 1)).is_err());
    assert!(row_counts_dropped_calls(&calls, &row(2, 1)).is_ok());
    assert!(row_counts_dropped_calls(&calls, &row(0, 2)).is_err());
    assert!(row_counts_dropped_calls(&calls, &row(1, 2)).is_ok());
    assert!(row_counts_dropped_calls(&calls, &row(0, 3)).is_ok());
    assert!(row_counts_dropped_calls(&calls, &change(None, self::row("failed", 1))).is_err());

    // It was made before the call began, and stored after the call was dropped.
    let began_later = Call { began: 9 * SECOND, ..dropped(&first, 1) };
    for (made_ms, is_right) in [(5_000, true), (6_000, false)] {
        let mut row = self::row("failed", 1);
        let made = Timestamp::from_millisecond(ORIGIN_MS + made_ms).unwrap();
        row["completed_at"] = json!({ "S": made.to_string() });
        let checked = row_counts_dropped_calls(slice::from_ref(&began_later), &change(None, row));
        assert_eq!(checked.is_ok(), is_right, "{made_ms}");
    }

    let mut rows: BilledRows = [row(2, 1), row(3, 2)].iter().filter_map(billed_of).collect();
    assert!(dropped_calls_are_counted(&calls[..3], &rows).is_ok());
    assert!(dropped_calls_are_counted(&calls, &rows).is_err(), "without a row");
    let (_job, mut lanes) = job();
    lanes[0].breakdown.maybe_billed = 4;
    lanes[1].breakdown.maybe_billed = 1;
    assert!(lanes_count_what_rows_do(&lanes, &rows).is_ok());
    rows.pop_first();
    assert!(lanes_count_what_rows_do(&lanes, &rows).is_err());
    assert!(dropped_calls_are_counted(&calls[..1], &rows).is_err());
}

#[test]
fn calls() {
    let (mine, other) = (id("m0"), id("m1"));
    let running = call(&mine, 1, None);
    let dropped = call(&mine, 1, Some((3, CallEnd::Dropped)));
    let answered = call(&mine, 4, Some((5, CallEnd::Answered)));
    assert!(no_call_overlaps(slice::from_ref(&dropped), &mine).is_ok());
    assert!(no_call_overlaps(slice::from_ref(&running), &other).is_ok());
    assert!(no_call_overlaps(slice::from_ref(&running), &mine).is_err());

    let twice = [answered.clone(), answered.clone()];
    let forgotten = [answered.clone(), Call { router_life: 1, ..answered.clone() }];
    let retried = [answered.clone(), Call { run: Run(2), ..answered.clone() }];
    assert!(calls_are_answered_once(&[dropped.clone(), answered.clone()]).is_ok());
    assert!(calls_are_answered_once(&twice).is_err());
    assert!(calls_are_answered_once(&forgotten).is_ok());
    assert!(calls_are_answered_once(&retried).is_ok());

    assert!(nothing_is_in_flight(&mine.job, &[dropped.clone(), answered.clone()]).is_ok());
    assert!(nothing_is_in_flight(&mine.job, slice::from_ref(&running)).is_err());

    let stopped =
        |calls: &[Call], at: u32| stopped_calls_end(&mine.job, calls, SECOND * at, SECOND * 9);
    assert!(stopped(&[dropped.clone(), answered.clone()], 3).is_ok());
    assert!(stopped(&[answered], 1).is_err(), "it began too late");
    assert!(stopped(&[call(&mine, 1, Some((9, CallEnd::Dropped)))], 3).is_err(), "it ran on");
    assert!(stopped(slice::from_ref(&running), 8).is_ok(), "it may run for a moment");
    assert!(stopped(&[running], 3).is_err(), "it runs still");
}

#[test]
fn questions_after_a_stop() {
    let holder = json!({ "M": { "nonce": { "S": "n" } } });
    let opened = json!({ "holder": holder });
    let marked = json!({ "holder": holder, "mark": { "S": "{}" } });
    assert!(no_question_opens(&change(Some(json!({})), opened.clone())).is_err());
    assert!(no_question_opens(&change(Some(opened.clone()), opened)).is_ok());
    // One that is marked is taken over from its holder, or closed.
    assert!(no_question_opens(&change(Some(marked.clone()), marked.clone())).is_ok());
    let free = json!({ "mark": { "S": "{}" } });
    assert!(no_question_opens(&change(Some(free), marked)).is_err());
}

#[test]
fn retries() {
    for (is_first, existing, is_right) in
        [(true, false, true), (true, true, false), (false, true, true), (false, false, true)]
    {
        assert_eq!(first_retry_is_new(is_first, existing).is_ok(), is_right);
    }
}

#[test]
fn stops_and_finishes() {
    let (mut job, mut lanes) = job();
    job.stop.policy = Stop::RegionFailure;
    assert!(stop_comes_before_its_finish(&job, &lanes[0]).is_ok());
    lanes[0].barren = job.stop.after;
    assert!(stop_comes_before_its_finish(&job, &lanes[0]).is_err());
    assert!(stop_comes_before_its_finish(&job, &lanes[1]).is_ok());
    let cause = EndCause::Cancel;
    let (who, at) = (Actor::Inference, Timestamp::UNIX_EPOCH);
    job.ending = Some(JobEnding { cause, at, who, by: None });
    assert!(stop_comes_before_its_finish(&job, &lanes[0]).is_ok());
}

fn id(model: &str) -> ExecutionId {
    ExecutionId::parse(&format!("job.0.us-east.0.{model}")).unwrap()
}

fn call(id: &ExecutionId, began: u32, ended: Option<(u32, CallEnd)>) -> Call {
    let ended = ended.map(|(at, end)| (SECOND * at, end));
    let (id, key, began) = (id.clone(), format!("{id}:1"), SECOND * began);
    Call { id, key, run: Run(1), router_life: 0, began, ended }
}

/// One question to two models in two regions.
fn job() -> (Job, Vec<Lane>) {
    let document = json!({
        "questions": ["math_basic"], "models": ["m0", "m1"], "regions": ["us-east", "eu-west"],
    });
    let spec = parse(&document, &[]).unwrap().spec;
    let (id, now) = (JobId::new("job").unwrap(), Timestamp::UNIX_EPOCH);
    let lanes = Job::lanes(&spec, now);
    assert_eq!((lanes[0].cursor, lanes[0].dispatch_number), (Position(0), DispatchNumber(0)));
    (Job::new(id, &spec, SpecHash::of(b"spec"), 1, now), lanes)
}
