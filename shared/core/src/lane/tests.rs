//! Lanes through several runs: workers, early ends and retries in any order, and requests that
//! arrive twice. What is counted is what is shown.

mod world;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::testing::{at, selections};
use super::*;
use crate::job::Selection;
use world::World;

/// What happens next.
#[derive(Debug, Clone)]
enum Move {
    /// A worker receives the message of a position around the cursor, and comes in if it may.
    Receive { back: u32, ahead: u32 },
    /// A worker that came in, the last or one before, stores the rows of its question that are not there, and finishes.
    Finish { ago: usize, rows: Vec<(ExecutionStatus, bool)> },
    /// The job's end is decided, unless it was already.
    End(EndCause),
    /// Somebody looks what is to be done to close the lane.
    Look,
    /// What was to be done is asked of the table.
    Close,
    /// The lane's messages are sent anew.
    Dispatch { counts: bool },
    /// The job is retried.
    Retry(Selection),
    /// The retry reaches the lane.
    Replan,
    /// A request that the table has answered arrives once more.
    Again(Index),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let ended = prop_oneof![
        2 => Just(ExecutionStatus::Completed),
        1 => Just(ExecutionStatus::Failed),
        1 => Just(ExecutionStatus::TimedOut),
    ];
    let rows = prop::collection::vec((ended, any::<bool>()), 4);
    let ago = prop_oneof![4 => Just(0), 1 => 0..5_usize];
    let finish = (ago, rows).prop_map(|(ago, rows)| Move::Finish { ago, rows });
    let one = prop_oneof![
        6 => Just(Move::Receive { back: 0, ahead: 0 }),
        1 => (0..2_u32, 0..2_u32).prop_map(|(back, ahead)| Move::Receive { back, ahead }),
        8 => finish,
        1 => select(vec![EndCause::Cancel, EndCause::Deadline]).prop_map(Move::End),
        4 => Just(Move::Look),
        4 => Just(Move::Close),
        1 => any::<bool>().prop_map(|counts| Move::Dispatch { counts }),
        2 => selections().prop_map(Move::Retry),
        4 => Just(Move::Replan),
        4 => any::<Index>().prop_map(Move::Again),
    ];
    prop::collection::vec(one, 0..150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// And a request that arrives once more changes nothing.
    #[test]
    fn what_is_counted_is_what_is_shown(k in 0..2_u16, samples in 1..3_u16, moves in moves()) {
        let mut world = World::new(k, samples);
        for (step, next) in (1..).zip(moves) {
            let before = world.lane.clone();
            let again = matches!(next, Move::Again(_));
            world.perform(next, step);
            let lane = &world.lane;
            if again {
                prop_assert_eq!(without_times(lane), without_times(&before));
            }
            if lane.run == before.run {
                prop_assert!(lane.cursor >= before.cursor);
                prop_assert!(before.mark.is_none() || lane.mark.is_some());
                prop_assert!(before.state == LaneState::Open || *lane == before);
            }
            prop_assert!(lane.dispatch_number >= before.dispatch_number);
            world.check()?;
        }
    }

    /// However workers come and go in between, a lane is closed or marked after a few looks.
    #[test]
    fn closing_a_lane_comes_to_an_end(
        k in 0..2_u16, between in prop::collection::vec(moves(), 8), cause in causes(),
    ) {
        let mut world = World::new(k, 1);
        world.ending = Some(cause);
        // Who holds a lane that has no mark finishes one question, so each question costs two looks.
        let mut between = between.into_iter();
        for look in 0.. {
            world.perform(Move::Look, look);
            if matches!(world.closing, Some(Closing::Closed | Closing::Marked)) {
                break;
            }
            prop_assert!(look <= 2 * i64::from(world.lane.length) + 1);
            let held = world.lane.holder.is_some();
            for next in between.next().unwrap_or_default() {
                match next {
                    Move::Receive { .. } | Move::Finish { .. } | Move::Dispatch { .. }
                    | Move::Again(_) => world.perform(next, look),
                    Move::End(_) | Move::Look | Move::Close | Move::Retry(_) | Move::Replan => {}
                }
            }
            let held_now = world.lane.holder.is_some();
            let open = world.lane.state == LaneState::Open;
            world.perform(Move::Close, look);
            if open && held && held_now {
                prop_assert!(world.lane.mark.is_some() && world.lane.state == LaneState::Open);
            }
            world.check()?;
        }
        let closed = world.lane.state == LaneState::Closed;
        prop_assert_eq!(closed, world.lane.holder.is_none());
    }
}

fn causes() -> impl Strategy<Value = EndCause> {
    select(vec![EndCause::Cancel, EndCause::Deadline, EndCause::RateUnreachable])
}

/// A lane but for the times, which a request that arrives twice may set twice.
fn without_times(lane: &Lane) -> Lane {
    let holder = lane.holder.clone().map(|holder| Holder { since: at(0), ..holder });
    Lane { holder, moved_at: at(0), ..lane.clone() }
}

#[test]
fn a_late_request_never_finds_the_nonce_that_it_compares_with_again() {
    let mut lane = testing::lane();
    let mut first = testing::ticket(0, "a");
    let gate_by_a = gate(&first, at(1));
    testing::apply(&mut lane, &gate_by_a).unwrap();
    let held_by_a = lane.holder.clone().unwrap();
    // The answer to that gate is lost; another takes over, and a request of his is late.
    let takeover_by_b = testing::take_over(&testing::ticket(0, "b"), &lane, &held_by_a, at(2));
    testing::apply(&mut lane, &takeover_by_b).unwrap();
    let held_by_b = lane.holder.clone().unwrap();
    // The first one, who does not know that he was in, takes the lane back.
    let fresh = Nonce::new("fresh").unwrap();
    let back = take_over(&mut first, fresh.clone(), &lane, &held_by_b, at(3));
    testing::apply(&mut lane, &back).unwrap();
    assert_eq!(first.nonce, fresh);
    assert!(testing::apply(&mut lane, &takeover_by_b).is_err());
}
