//! Writes of a job: from which statuses, and which of several wins.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::id::JobId;
use crate::job::finalise;
use crate::lane::{Lane, LaneState};
use crate::spec::{SpecHash, parse};

const STATUSES: [JobStatus; 7] = [
    JobStatus::Queued,
    JobStatus::Running,
    JobStatus::Cancelling,
    JobStatus::Completed,
    JobStatus::Failed,
    JobStatus::Cancelled,
    JobStatus::TimedOut,
];

#[test]
fn a_cancel_is_for_jobs_underway_and_a_retry_for_those_that_ended() {
    for status in STATUSES {
        let job = Job { status, ..job() };
        let underway = matches!(status, JobStatus::Queued | JobStatus::Running);
        assert_eq!(cancel(&job, None, at(1)).is_some(), underway, "{status}");
        assert_eq!(retry(&job, request(), at(1)).is_some(), status.is_final(), "{status}");
    }
}

#[test]
fn only_a_queued_job_starts() {
    for status in STATUSES {
        let mut job = Job { status, ..job() };
        let queued = status == JobStatus::Queued;
        assert_eq!(apply(&mut job, &start(Run::FIRST, at(1))), queued, "{status}");
        assert_eq!(job.status == JobStatus::Running, queued || status == JobStatus::Running);
        assert_eq!(job.started_at, queued.then(|| at(1)));
    }
    assert!(!apply(&mut job(), &start(Run(2), at(1))));
}

#[test]
fn an_end_leaves_the_status_and_a_cancel_sets_it() {
    let mut job = job();
    let write = end(&job, EndCause::Deadline, Actor::Reconciler, at(1));
    assert!(apply(&mut job, &write));
    assert_eq!(job.status, JobStatus::Queued);
    let ending = job.ending.clone().unwrap();
    assert_eq!((ending.cause, ending.who), (EndCause::Deadline, Actor::Reconciler));
    let mut job = self::job();
    let write = cancel(&job, Some("token".to_owned()), at(1)).unwrap();
    assert!(apply(&mut job, &write));
    assert_eq!(job.status, JobStatus::Cancelling);
    let ending = job.ending.clone().unwrap();
    assert_eq!((ending.cause, ending.by.as_deref()), (EndCause::Cancel, Some("token")));
    assert_eq!(job.transitions.last().unwrap().by.as_deref(), Some("token"));
}

#[test]
fn a_start_in_between_makes_an_end_be_read_again() {
    let mut job = job();
    let (ended, cancelled) =
        (end(&job, EndCause::Deadline, Actor::Reconciler, at(2)), cancel(&job, None, at(2)));
    apply(&mut job, &start(Run::FIRST, at(1)));
    assert!(!apply(&mut job, &ended));
    assert!(!apply(&mut job, &cancelled.unwrap()));
    assert_eq!(job.ending, None);
}

#[test]
fn the_first_ending_decides_the_final_status() {
    let region = crate::region::Region::new("us-east").unwrap();
    let stop = EndCause::RegionFailure { region, questions: 3 };
    let table = [
        (Some(EndCause::Deadline), true, JobStatus::TimedOut),
        (Some(EndCause::Deadline), false, JobStatus::TimedOut),
        (Some(EndCause::RateUnreachable), true, JobStatus::Failed),
        (Some(EndCause::RegionsUnreachable), false, JobStatus::Failed),
        (Some(stop), false, JobStatus::Failed),
        (None, true, JobStatus::Cancelled),
        (None, false, JobStatus::Failed),
    ];
    for (first, cancelled, expected) in table {
        let mut job = job();
        apply(&mut job, &start(Run::FIRST, at(1)));
        if let Some(cause) = &first {
            let write = end(&job, cause.clone(), Actor::Inference, at(2));
            assert!(apply(&mut job, &write));
            let second = end(&job, EndCause::Deadline, Actor::Reconciler, at(3));
            assert!(!apply(&mut job, &second), "{cause}");
        }
        if cancelled {
            let write = cancel(&job, None, at(4)).unwrap();
            assert!(apply(&mut job, &write));
        }
        let cause = job.ending.as_ref().map(|ending| ending.cause.clone());
        assert_eq!(cause, first.or(cancelled.then_some(EndCause::Cancel)));
        let done = finalise(&job, &[lane(job.run)], Actor::Coordinator, at(5)).unwrap();
        assert_eq!(done.write.transition.to, expected);
    }
}

#[test]
fn a_stopped_job_with_enough_answers_is_completed() {
    let mut job = job();
    let write = end(&job, EndCause::RegionsUnreachable, Actor::Reconciler, at(1));
    apply(&mut job, &write);
    let mut lane = lane(job.run);
    lane.tallies.completed = job.expected;
    let done = finalise(&job, &[lane], Actor::Coordinator, at(2)).unwrap();
    assert_eq!(done.write.transition.to, JobStatus::Completed);
}

#[test]
fn a_retry_begins_a_run_with_a_deadline_of_its_own() {
    let mut job = job();
    let cancelled = cancel(&job, None, at(1)).unwrap();
    apply(&mut job, &cancelled);
    let done = finalise(&job, &[lane(job.run)], Actor::Coordinator, at(2)).unwrap();
    apply(&mut job, &done.write);
    assert_eq!((job.status, job.finished_at), (JobStatus::Cancelled, Some(at(2))));
    let write = retry(&job, request(), at(1000)).unwrap();
    assert!(apply(&mut job, &write));
    assert_eq!((job.status, job.run), (JobStatus::Queued, Run(2)));
    assert_eq!(job.deadline, at(1000) + Duration::from_secs(job.timeout_seconds));
    assert_eq!((&job.ending, job.finished_at, job.usage), (&None, None, None));
    let record = job.runs.last().unwrap();
    assert_eq!((record.run, record.executions), (Run(2), 7));
    assert_eq!((record.by.as_deref(), record.why.as_deref()), (Some("token"), Some("again")));
    assert_eq!(job.runs.len(), 2);
    // Its lanes have not come so far.
    assert_eq!(finalise(&job, &[lane(Run::FIRST)], Actor::Coordinator, at(1001)), None);
}

/// Who writes next.
#[derive(Debug, Clone)]
enum Move {
    Start,
    End(EndCause),
    Cancel,
    Retry,
    Finalise,
    /// A request that was made before arrives again, or only now.
    Delayed(prop::sample::Index),
    /// The job is read, and written later by what was read then.
    Read,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        Just(Move::Start),
        Just(Move::End(EndCause::Deadline)),
        Just(Move::End(EndCause::RateUnreachable)),
        Just(Move::Cancel),
        Just(Move::Retry),
        Just(Move::Finalise),
        any::<prop::sample::Index>().prop_map(Move::Delayed),
        Just(Move::Read),
    ];
    prop::collection::vec(one, 0..40)
}

proptest! {
    /// Whatever arrives late or twice: a final status is left only by a retry, the first ending of a
    /// run stands, each run is begun once, and the log is a chain.
    #[test]
    fn a_job_goes_its_way_whatever_arrives_when(moves in moves()) {
        let mut job = job();
        let mut read = job.clone();
        let (mut sent, mut applied): (Vec<JobWrite>, Vec<JobWrite>) = (Vec::new(), Vec::new());
        for (second, next) in (1..).zip(moves) {
            let write = match next {
                Move::Read => {
                    read = job.clone();
                    continue;
                }
                Move::Delayed(_) if sent.is_empty() => continue,
                Move::Delayed(index) => index.get(&sent).clone(),
                Move::Start => start(read.run, at(second)),
                // Who ends a job has read it as underway.
                Move::End(_) if read.status.is_final() => continue,
                Move::End(cause) => end(&read, cause, Actor::Reconciler, at(second)),
                Move::Cancel => {
                    let Some(write) = cancel(&read, None, at(second)) else { continue };
                    write
                }
                Move::Retry => {
                    let Some(write) = retry(&read, request(), at(second)) else { continue };
                    write
                }
                Move::Finalise => {
                    let lane = lane(read.run);
                    let done = finalise(&read, &[lane], Actor::Coordinator, at(second));
                    let Some(done) = done else { continue };
                    done.write
                }
            };
            let before = job.clone();
            let happened = apply(&mut job, &write);
            prop_assert!(!happened || !applied.contains(&write), "twice: {write:?}");
            if job.run == before.run {
                prop_assert!(!before.status.is_final() || job == before);
                prop_assert!(before.ending.is_none() || job.ending == before.ending);
            } else {
                prop_assert!(before.status.is_final() && job.run == before.run.next());
            }
            let runs: Vec<u32> = job.runs.iter().map(|record| record.run.0).collect();
            prop_assert_eq!(runs, (1..=job.run.0).collect::<Vec<u32>>());
            let log = job.transitions.windows(2);
            prop_assert!(log.into_iter().all(|pair| pair[1].from == Some(pair[0].to)));
            if happened {
                applied.push(write.clone());
            }
            sent.push(write);
        }
    }
}

/// What the table does; whether the write happened.
fn apply(job: &mut Job, write: &JobWrite) -> bool {
    let holds = write.condition.holds(job);
    if holds {
        *job = write.apply(job.clone());
    }
    holds
}

fn request() -> RetryRequest {
    RetryRequest {
        selection: Selection::default(),
        executions: 7,
        by: Some("token".to_owned()),
        why: Some("again".to_owned()),
        request: Nonce::new("r").unwrap(),
    }
}

fn job() -> Job {
    let document = json!({"questions": ["math_basic"], "models": ["m"], "regions": ["US"]});
    let spec = parse(&document, &[]).unwrap().spec;
    Job::new(JobId::new("j").unwrap(), &spec, SpecHash(String::new()), 1, at(0))
}

/// The job's lane, closed with nothing completed.
fn lane(run: Run) -> Lane {
    let region = crate::region::Region::new("us-east").unwrap();
    let mut lane = Lane::new(crate::id::LaneId { region, k: 0 }, 1, 1, 1, at(0));
    (lane.run, lane.state) = (run, LaneState::Closed);
    lane.tallies.failed = 1;
    lane
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}
