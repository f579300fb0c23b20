//! Workers that come and go at a lane.

use proptest::prelude::*;

use super::*;
use crate::execution::Counted;
use crate::lane::testing::{LENGTH, PAIRS, apply, at, lane, pair, row, ticket};
use crate::lane::{Outcomes, Tallies};

#[test]
fn the_first_worker_enters_a_free_lane_without_looking_at_rows() {
    let mut lane = lane();
    let ticket = ticket(0, "a");
    let before = apply(&mut lane, &gate(&ticket, at(1))).unwrap();
    assert_eq!(enter(&ticket, &before, &[]), Entry { wait: None, check_rows: false, waited_ms: 0 });
    assert_eq!(lane.holder.unwrap().nonce, ticket.nonce);
}

#[test]
fn a_second_worker_takes_over_by_the_nonce_seen_waits_and_looks_at_rows() {
    let mut lane = lane();
    apply(&mut lane, &gate(&ticket(0, "a"), at(1))).unwrap();
    let second = ticket(0, "b");
    let seen = apply(&mut lane, &gate(&second, at(2))).unwrap_err();
    let GateRejection::Held(holder) = rejected(&second, Some(&seen)) else { panic!("not held") };
    let before = apply(&mut lane, &take_over(&second, &seen, &holder, at(3))).unwrap();
    let entry = enter(&second, &before, &[]);
    assert_eq!(
        entry,
        Entry { wait: Some(time_budget::TAKEOVER_WAIT), check_rows: true, waited_ms: 0 }
    );
}

#[test]
fn a_delayed_duplicate_of_a_takeover_never_steals_the_lane_back() {
    let mut lane = lane();
    apply(&mut lane, &gate(&ticket(0, "a"), at(1))).unwrap();
    let holder_a = lane.holder.clone().unwrap();
    let takeover_by_b = take_over(&ticket(0, "b"), &lane, &holder_a, at(2));
    apply(&mut lane, &takeover_by_b).unwrap();
    let holder_b = lane.holder.clone().unwrap();
    let takeover_by_c = take_over(&ticket(0, "c"), &lane, &holder_b, at(3));
    apply(&mut lane, &takeover_by_c).unwrap();
    assert!(apply(&mut lane, &takeover_by_b).is_err());
}

#[test]
fn a_holder_of_an_earlier_start_is_dead_at_once() {
    let mut lane = lane();
    let boot = |id: &str| Some(BootId::new(id).unwrap());
    let first = Ticket { boot: boot("one"), ..ticket(0, "a") };
    apply(&mut lane, &gate(&first, at(1))).unwrap();
    let same = Ticket { boot: boot("one"), ..ticket(0, "b") };
    assert_eq!(enter(&same, &lane, &[]).wait, Some(time_budget::TAKEOVER_WAIT));
    let next = Ticket { boot: boot("two"), ..ticket(0, "b") };
    assert_eq!(enter(&next, &lane, &[]), Entry { wait: None, check_rows: true, waited_ms: 0 });
}

#[test]
fn my_own_nonce_found_at_the_gate_means_looking_at_rows_without_waiting() {
    let mut lane = lane();
    let ticket = ticket(0, "a");
    apply(&mut lane, &gate(&ticket, at(1))).unwrap();
    let before = apply(&mut lane, &gate(&ticket, at(2))).unwrap();
    assert_eq!(enter(&ticket, &before, &[]), Entry { wait: None, check_rows: true, waited_ms: 0 });
}

#[test]
fn a_takeover_whose_answer_was_lost_still_waits() {
    let mut lane = lane();
    apply(&mut lane, &gate(&ticket(0, "a"), at(1))).unwrap();
    let holder_a = lane.holder.clone().unwrap();
    let second = ticket(0, "b");
    let first = take_over(&second, &lane, &holder_a, at(2));
    apply(&mut lane, &first).unwrap();
    // The repeated request is refused by the own nonce; the next one takes over from that.
    let holder_b = lane.holder.clone().unwrap();
    let again = take_over(&second, &lane, &holder_b, at(3));
    let before = apply(&mut lane, &again).unwrap();
    let entry = enter(&second, &before, &[holder_a, holder_b]);
    assert_eq!(entry.wait, Some(time_budget::TAKEOVER_WAIT));
}

#[test]
fn a_wait_counts_from_when_the_message_stood_first() {
    let mut lane = lane();
    lane.moved_at = at(100);
    let entry = |sent, received| {
        let (sent_at, received_at) = (Some(at(sent)), at(received));
        enter(&Ticket { sent_at, received_at, ..ticket(0, "a") }, &lane, &[]).waited_ms
    };
    assert_eq!(entry(10, 130), 30_000);
    assert_eq!(entry(120, 130), 10_000);
}

#[test]
fn rejections_are_read_in_order() {
    let mut lane = lane();
    lane.cursor = Position(1);
    assert_eq!(rejected(&ticket(0, "a"), None), GateRejection::OtherRun);
    let other_run = Ticket { run: Run(2), ..ticket(1, "a") };
    assert_eq!(rejected(&other_run, Some(&lane)), GateRejection::OtherRun);
    assert_eq!(rejected(&ticket(0, "a"), Some(&lane)), GateRejection::Passed);
    assert_eq!(rejected(&ticket(2, "a"), Some(&lane)), GateRejection::PredecessorLost);
    assert_eq!(rejected(&ticket(1, "a"), Some(&lane)), GateRejection::Free);
    lane.state = LaneState::Closed;
    assert_eq!(rejected(&ticket(0, "a"), Some(&lane)), GateRejection::Closed);
}

#[test]
fn finishing_counts_only_rows_of_this_run_and_closes_at_the_end() {
    let mut lane = lane();
    lane.cursor = Position(1);
    let ticket = ticket(1, "a");
    apply(&mut lane, &gate(&ticket, at(1))).unwrap();
    let earlier = Counted { run: Run(0), ..row(ExecutionStatus::Failed) };
    let rows = [row(ExecutionStatus::Completed), row(ExecutionStatus::TimedOut), earlier].map(pair);
    let held = lane.clone();
    apply(&mut lane, &finish(&ticket, &held, 0, &rows, None, at(2))).unwrap();
    assert_eq!(lane.state, LaneState::Closed);
    assert_eq!(lane.holder, None);
    let outcomes = Outcomes { text: 1, ..Outcomes::default() };
    let expected = Tallies { completed: 1, timed_out: 1, outcomes, ..Tallies::default() };
    assert_eq!(lane.tallies, expected);
    assert_eq!(lane.breakdown.models, [expected]);
}

#[test]
fn a_finish_that_is_refused_says_what_to_do_with_the_message() {
    let mut lane = lane();
    let mine = ticket(0, "a");
    apply(&mut lane, &gate(&mine, at(1))).unwrap();
    let seen = lane.clone();
    assert_eq!(finish_refused(&ticket(0, "b"), Some(&seen)), Finished::Leave);
    apply(&mut lane, &finish(&mine, &seen, 0, &[], None, at(2))).unwrap();
    assert_eq!(finish_refused(&mine, Some(&lane)), Finished::Acknowledge);
    lane.state = LaneState::Closed;
    assert_eq!(finish_refused(&mine, Some(&lane)), Finished::Complete);
    assert_eq!(finish_refused(&mine, None), Finished::Acknowledge);
}

/// What the world does next.
#[derive(Debug, Clone)]
enum Move {
    /// A worker receives the message of a position; its gate request is sent this often.
    Receive { position: u32, sent: u32 },
    /// A worker that is in finishes; its request is sent this often.
    Finish { worker: usize, sent: u32 },
    /// The lane is dispatched anew.
    Dispatch,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        (0..LENGTH, 1..3_u32).prop_map(|(position, sent)| Move::Receive { position, sent }),
        (0..8_usize, 1..3_u32).prop_map(|(worker, sent)| Move::Finish { worker, sent }),
        Just(Move::Dispatch),
    ];
    prop::collection::vec(one, 0..40)
}

proptest! {
    /// Whatever is delivered, duplicated or finished late: the cursor only grows, every position is
    /// counted exactly once, and a closed lane never changes.
    #[test]
    fn every_position_is_counted_exactly_once(moves in moves()) {
        let mut lane = lane();
        let mut workers: Vec<(Ticket, Lane)> = Vec::new();
        for (step, next) in (1..).zip(moves) {
            let before = lane.clone();
            perform(&mut lane, &mut workers, &next, step);
            prop_assert!(lane.cursor >= before.cursor);
            prop_assert!(lane.dispatch_number >= before.dispatch_number);
            prop_assert_eq!(lane.tallies.ended(), u64::from(lane.cursor.0 * PAIRS));
            let by_model = lane.breakdown.models.iter().map(Tallies::ended).sum::<u64>();
            prop_assert_eq!(by_model, lane.tallies.ended());
            prop_assert_eq!(lane.state == LaneState::Closed, lane.cursor.0 == LENGTH);
            if before.state == LaneState::Closed {
                prop_assert_eq!(&lane, &before);
            }
        }
    }
}

fn perform(lane: &mut Lane, workers: &mut Vec<(Ticket, Lane)>, next: &Move, step: i64) {
    match next {
        Move::Receive { position, sent } => {
            let ticket = ticket(*position, &format!("n{step}"));
            let mut write = gate(&ticket, at(step));
            if let Err(seen) = apply(lane, &write)
                && let GateRejection::Held(holder) = rejected(&ticket, Some(&seen))
            {
                write = take_over(&ticket, &seen, &holder, at(step));
            }
            for _sent in 0..*sent {
                let _refused_as_duplicate = apply(lane, &write);
            }
            if lane.holder.as_ref().is_some_and(|holder| holder.nonce == ticket.nonce) {
                workers.push((ticket, lane.clone()));
            }
        }
        Move::Finish { worker, sent } => {
            let Some((ticket, held)) = workers.get(*worker) else { return };
            let rows = vec![pair(row(ExecutionStatus::Completed)); PAIRS as usize];
            let write = finish(ticket, held, 0, &rows, None, at(step));
            for _sent in 0..*sent {
                let _refused_as_duplicate = apply(lane, &write);
            }
        }
        Move::Dispatch => {
            let (write, _) = dispatch_anew(lane, false, at(step));
            let _closed = apply(lane, &write);
        }
    }
}
