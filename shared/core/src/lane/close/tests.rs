//! Lanes that are closed early, and what comes in between.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::id::LaneId;
use crate::lane::testing::{PAIRS, apply, at, lane, pair, row, take_over, ticket};
use crate::lane::{PairRow, finish, gate};
use crate::region::Region;

#[test]
fn a_free_lane_is_closed_at_once_and_what_is_left_is_counted() {
    let causes = [
        (EndCause::Cancel, ExecutionStatus::Cancelled),
        (EndCause::RegionsUnreachable, ExecutionStatus::Cancelled),
        (EndCause::Deadline, ExecutionStatus::TimedOut),
    ];
    for (cause, status) in causes {
        let mut lane = half_done();
        let write = to_write(&lane, &cause);
        apply(&mut lane, &write).unwrap();
        assert_eq!(lane.state, LaneState::Closed);
        assert_eq!(lane.mark, Some(Mark { run: Run::FIRST, cause: cause.clone(), at: at(5) }));
        let left = if status == ExecutionStatus::TimedOut {
            lane.tallies.timed_out
        } else {
            lane.tallies.cancelled
        };
        assert_eq!((lane.tallies.completed, left), (u64::from(PAIRS), u64::from(PAIRS)));
        assert_eq!(lane.breakdown.models, [lane.tallies]);
        assert_eq!(close(&lane, Run::FIRST, &cause, at(6)), Closing::Closed);
        assert!(apply(&mut lane, &write).is_err(), "a duplicate");
    }
}

#[test]
fn a_held_lane_is_marked_once_and_left_to_its_holder() {
    let mut lane = lane();
    apply(&mut lane, &gate(&ticket(0, "a"), at(1))).unwrap();
    let write = to_write(&lane, &EndCause::Cancel);
    apply(&mut lane, &write).unwrap();
    assert_eq!(lane.mark, Some(Mark { run: Run::FIRST, cause: EndCause::Cancel, at: at(5) }));
    assert_eq!((lane.state, lane.tallies.ended()), (LaneState::Open, 0));
    assert!(lane.holder.is_some());
    assert_eq!(close(&lane, Run::FIRST, &EndCause::Deadline, at(6)), Closing::Marked);
    assert!(apply(&mut lane, &write).is_err(), "a duplicate");
}

#[test]
fn a_holder_that_comes_or_goes_in_between_is_noticed() {
    let mut lane = lane();
    let free = to_write(&lane, &EndCause::Cancel);
    apply(&mut lane, &gate(&ticket(0, "a"), at(1))).unwrap();
    assert!(apply(&mut lane, &free).is_err(), "somebody came in");
    let held = to_write(&lane, &EndCause::Cancel);
    let write = finish(&ticket(0, "a"), &lane, 0, &[], None, at(2));
    apply(&mut lane, &write).unwrap();
    assert!(apply(&mut lane, &held).is_err(), "he has left");
    assert!(apply(&mut lane, &free).is_err(), "what was left is counted since");
    // Whoever is in now obeys a mark as well.
    apply(&mut lane, &gate(&ticket(1, "b"), at(3))).unwrap();
    let holder = lane.holder.clone().unwrap();
    let write = take_over(&ticket(1, "c"), &lane, &holder, at(4));
    apply(&mut lane, &write).unwrap();
    apply(&mut lane, &held).unwrap();
    assert_eq!(close(&lane, Run::FIRST, &EndCause::Cancel, at(5)), Closing::Marked);
}

#[test]
fn a_marked_lane_that_its_holder_left_is_closed_as_the_mark_says() {
    let mark = Mark { run: Run::FIRST, cause: EndCause::Deadline, at: at(2) };
    let mut lane = Lane { mark: Some(mark.clone()), ..half_done() };
    let write = to_write(&lane, &EndCause::Cancel);
    apply(&mut lane, &write).unwrap();
    assert_eq!((lane.tallies.timed_out, lane.tallies.cancelled), (u64::from(PAIRS), 0));
    assert_eq!(lane.mark, Some(mark));
}

#[test]
fn a_lane_that_a_retry_did_not_reach_passes_it_over_as_it_ended() {
    let mut lane = half_done();
    let write = to_write(&lane, &EndCause::Deadline);
    apply(&mut lane, &write).unwrap();
    lane.barren = 3;
    let (before, mark) = (lane.clone(), lane.mark.clone().unwrap());
    let Closing::Write(write) = close(&lane, Run(2), &EndCause::Cancel, at(9)) else {
        panic!("it is of another run")
    };
    apply(&mut lane, &write).unwrap();
    assert_eq!((lane.run, lane.state, lane.barren), (Run(2), LaneState::Closed, 0));
    assert_eq!((lane.tallies, &lane.breakdown), (before.tallies, &before.breakdown));
    assert_eq!((&lane.mark, lane.mark_of(Run::FIRST)), (&None, Some(&mark)));
    assert_eq!(close(&lane, Run(2), &EndCause::Cancel, at(9)), Closing::Closed);
    assert!(apply(&mut lane, &write).is_err(), "a duplicate");
}

#[test]
fn a_lane_of_a_later_run_is_left_alone() {
    let lane = Lane { run: Run(2), ..lane() };
    assert_eq!(close(&lane, Run::FIRST, &EndCause::Cancel, at(1)), Closing::Closed);
}

proptest! {
    /// Wherever a lane is, and whoever closes it: every execution is counted once, in all and by
    /// model.
    #[test]
    fn closing_counts_every_execution(
        questions in 1_u32..5,
        models in 1_u32..4,
        samples in 1_u32..3,
        ended in prop::collection::vec(status(), 24),
        at_cursor in 0_u32..5,
        held in any::<bool>(),
        cause in select(vec![EndCause::Cancel, EndCause::Deadline, EndCause::RateUnreachable]),
    ) {
        let id = LaneId { region: Region::new("us-east").unwrap(), k: 0 };
        let mut lane = Lane::new(id, questions, models, models * samples, at(0));
        let mut rows = ended.into_iter();
        let mut question = |lane: &mut Lane, closing: Option<&EndCause>| {
            let mine = ticket(lane.cursor.0, "a");
            apply(lane, &gate(&mine, at(1))).unwrap();
            let pairs: Vec<PairRow> = (0..models * samples)
                .map(|n| PairRow {
                    model: usize::try_from(n % models).unwrap(),
                    ..pair(row(rows.next().unwrap_or(ExecutionStatus::Failed)))
                })
                .collect();
            let write = finish(&mine, lane, 0, &pairs, closing, at(2));
            apply(lane, &write).unwrap();
        };
        for _passed in 0..at_cursor.min(questions - 1) {
            question(&mut lane, None);
        }
        if held {
            question(&mut lane, Some(&cause));
        } else {
            let write = to_write(&lane, &cause);
            apply(&mut lane, &write).unwrap();
        }
        prop_assert_eq!(lane.state, LaneState::Closed);
        prop_assert_eq!(lane.tallies.ended(), lane.expected());
        prop_assert_eq!(lane.breakdown.models.len(), usize::try_from(models).unwrap());
        let each = u64::from(questions * samples);
        prop_assert!(lane.breakdown.models.iter().all(|tallies| tallies.ended() == each));
        let sum = lane.breakdown.models.iter().fold(Tallies::default(), Tallies::plus);
        prop_assert_eq!(sum, lane.tallies);
    }
}

fn status() -> impl Strategy<Value = ExecutionStatus> {
    select(vec![
        ExecutionStatus::Completed,
        ExecutionStatus::Failed,
        ExecutionStatus::TimedOut,
        ExecutionStatus::Cancelled,
    ])
}

/// The write that comes next.
fn to_write(lane: &Lane, cause: &EndCause) -> LaneWrite {
    match close(lane, lane.run, cause, at(5)) {
        Closing::Write(write) => *write,
        Closing::Closed | Closing::Marked => panic!("nothing to write"),
    }
}

/// The first of two questions is done.
fn half_done() -> Lane {
    let mut lane = lane();
    apply(&mut lane, &gate(&ticket(0, "a"), at(1))).unwrap();
    let rows = vec![pair(row(ExecutionStatus::Completed)); 3];
    let write = finish(&ticket(0, "a"), &lane, 0, &rows, None, at(2));
    apply(&mut lane, &write).unwrap();
    lane
}
