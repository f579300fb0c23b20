//! Why a job is where it is, in sentences.

use jiff::Timestamp;

use crate::job::{Actor, Job, JobEnding, total};
use crate::lane::{Lane, LaneState};
use crate::reconcile;
use crate::view::milliseconds;

/// How the job ends or ended, and what keeps each lane.
pub(super) fn why(job: &Job, lanes: &[Lane], now: Timestamp) -> Vec<String> {
    let mut why: Vec<String> = job.ending.iter().map(why_ending).collect();
    if job.status.is_final() {
        let (tallies, expected) = (total(lanes), job.expected);
        why.push(format!(
            "ended: {} of {expected} completed, {} were needed, and in {} regions",
            tallies.completed,
            needed(job),
            job.min_regions
        ));
        return why;
    }
    let before = why.len();
    why.extend(lanes.iter().filter_map(|lane| why_lane(job, lane, now)));
    if why.len() == before {
        why.push(
            "every lane is closed: the coordinator, or the reconciler within a minute, gives the \
             final status"
                .to_owned(),
        );
    }
    why
}

/// Who decided that, and when.
fn why_ending(ending: &JobEnding) -> String {
    let asked = match &ending.by {
        Some(token) => format!("asked for with the token {token}"),
        None => format!("decided by {}", function(ending.who)),
    };
    format!("{} at {}, {asked}", ending.cause, ending.at)
}

fn function(who: Actor) -> &'static str {
    match who {
        Actor::Intake => "intake",
        Actor::Dispatch => "dispatch",
        Actor::Inference => "inference",
        Actor::Coordinator => "the coordinator",
        Actor::Reconciler => "the reconciler",
    }
}

/// Completed executions of a completed job, rounded up.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of at most a million"
)]
fn needed(job: &Job) -> u64 {
    (job.min_success_rate * job.expected as f64).ceil() as u64
}

/// What keeps a lane; none where it is done.
fn why_lane(job: &Job, lane: &Lane, now: Timestamp) -> Option<String> {
    let idle = milliseconds(lane.moved_at, now) / 1000;
    let (id, limit) = (&lane.id, reconcile::IDLE.as_secs());
    if lane.run < job.run {
        return Some(format!(
            "{id} is still at run {}: what is to be asked in run {} is not planned yet; its message \
             waits in the queue, and after {limit} s it is sent anew",
            lane.run, job.run
        ));
    }
    if lane.state == LaneState::Closed {
        return None;
    }
    let at = format!("{id} is at question {} of {}", lane.cursor.0 + 1, lane.length);
    Some(match (&lane.holder, &lane.mark) {
        (Some(holder), Some(mark)) => format!(
            "{at} and marked, because {}: {} drops its calls within 2.5 s and closes it, or the \
             reconciler does within a minute",
            mark.cause, holder.nonce
        ),
        (Some(holder), None) => format!(
            "{at}: {} has asked it for {} s",
            holder.nonce,
            milliseconds(holder.since, now) / 1000
        ),
        (None, Some(mark)) => format!(
            "{at} and marked, because {}: nobody has it, the reconciler closes it within a minute",
            mark.cause
        ),
        (None, None) => format!(
            "{at}: nobody has it for {idle} s; its message waits in the queue, and after {limit} s \
             it is dispatched anew"
        ),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::id::{JobId, Nonce, QuestionIndex, Run};
    use crate::job::{EndCause, JobStatus, cancel};
    use crate::lane::{Holder, Mark};
    use crate::spec::{SpecHash, parse};

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn job() -> (Job, Vec<Lane>) {
        let document = json!({"questions": ["math_basic"], "models": ["m"], "regions": ["US"]});
        let spec = parse(&document, &[]).unwrap().spec;
        let job = Job::new(JobId::new("j").unwrap(), &spec, SpecHash(String::new()), 1, now());
        (job, Job::lanes(&spec, now()))
    }

    fn holder() -> Holder {
        let (nonce, question) = (Nonce::new("n1").unwrap(), QuestionIndex(0));
        Holder { nonce, boot: None, since: now(), question, due: 1, before: 0 }
    }

    #[test]
    fn a_cancelled_job_tells_who_asked_for_it_and_what_still_runs() {
        let (job, mut lanes) = job();
        let job = cancel(&job, Some("abcd".to_owned()), now()).unwrap().apply(job);
        lanes[0].holder = Some(holder());
        lanes[0].mark = Some(Mark { run: Run::FIRST, cause: EndCause::Cancel, at: now() });
        let told = why(&job, &lanes, now());
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("the job was cancelled at 2027-01-15"), "{told:?}");
        assert!(told[0].ends_with("asked for with the token abcd"), "{told:?}");
        assert!(told[1].contains("marked") && told[1].contains("n1 drops its calls"), "{told:?}");
        lanes[0].holder = None;
        assert!(why(&job, &lanes, now())[1].contains("nobody has it"));
    }

    #[test]
    fn a_job_that_ended_early_tells_why_and_how() {
        let (mut job, mut lanes) = job();
        let (cause, who) = (EndCause::RateUnreachable, Actor::Reconciler);
        job.ending = Some(JobEnding { cause, at: now(), who, by: None });
        job.status = JobStatus::Failed;
        lanes[0].state = LaneState::Closed;
        let told = why(&job, &lanes, now());
        assert!(told[0].contains("min_success_rate was out of reach"), "{told:?}");
        assert!(told[0].ends_with("decided by the reconciler"), "{told:?}");
        assert_eq!(told[1], "ended: 0 of 1 completed, 1 were needed, and in 1 regions");
    }

    #[test]
    fn a_lane_that_a_retry_has_not_reached_is_told_from_one_that_is_done() {
        let (mut job, mut lanes) = job();
        lanes[0].state = LaneState::Closed;
        assert!(why(&job, &lanes, now())[0].starts_with("every lane is closed"));
        job.run = Run(2);
        let told = why(&job, &lanes, now());
        assert!(told[0].starts_with("us-east#0 is still at run 1"), "{told:?}");
    }
}
