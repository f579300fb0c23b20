//! Workers that come and go at a lane.

use proptest::prelude::*;

use super::*;
use crate::execution::Counted;
use crate::lane::testing::{
    LENGTH, PAIRS, apply, at, lane, pair, row, take_over, take_over_marked, ticket,
};
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

/// A lane in which everything stands in the way, cleared in the order in which it is read.
#[test]
fn rejections_are_read_in_order() {
    let mine = ticket(1, "a");
    let holder = holder("b");
    let mark = Mark { run: Run::FIRST, cause: EndCause::Deadline, at: at(1) };
    let mut lane = Lane {
        run: Run(2),
        state: LaneState::Closed,
        cursor: Position(2),
        holder: Some(holder.clone()),
        mark: Some(mark.clone()),
        ..lane()
    };
    assert_eq!(rejected(&mine, None), GateRejection::OtherRun);
    assert_eq!(rejected(&mine, Some(&lane)), GateRejection::OtherRun);
    lane.run = Run::FIRST;
    assert_eq!(rejected(&mine, Some(&lane)), GateRejection::Closed);
    lane.cursor = Position(1);
    assert_eq!(rejected(&mine, Some(&lane)), GateRejection::Closed);
    lane.cursor = Position(0);
    assert_eq!(rejected(&mine, Some(&lane)), GateRejection::ClosedBefore);
    lane.cursor = Position(2);
    lane.state = LaneState::Open;
    assert_eq!(rejected(&mine, Some(&lane)), GateRejection::Passed);
    lane.cursor = Position(0);
    assert_eq!(rejected(&mine, Some(&lane)), GateRejection::PredecessorLost);
    lane.cursor = Position(1);
    let held = GateRejection::Marked(mark.clone(), Some(holder.clone()));
    assert_eq!(rejected(&mine, Some(&lane)), held);
    lane.holder = None;
    assert_eq!(rejected(&mine, Some(&lane)), GateRejection::Marked(mark, None));
    (lane.mark, lane.holder) = (None, Some(holder.clone()));
    assert_eq!(rejected(&mine, Some(&lane)), GateRejection::Held(holder));
    lane.holder = None;
    assert_eq!(rejected(&mine, Some(&lane)), GateRejection::Free);
}

#[test]
fn a_mark_stops_even_the_one_who_is_in() {
    let mut lane = lane();
    let mine = ticket(0, "a");
    apply(&mut lane, &gate(&mine, at(1))).unwrap();
    let holder = lane.holder.clone().unwrap();
    assert!(apply(&mut lane, &take_over_marked(&ticket(0, "b"), &holder, at(2))).is_err());
    let mark = Mark { run: Run::FIRST, cause: EndCause::Cancel, at: at(2) };
    lane.mark = Some(mark.clone());
    let seen = apply(&mut lane, &gate(&mine, at(3))).unwrap_err();
    let marked = GateRejection::Marked(mark, Some(holder.clone()));
    assert_eq!(rejected(&mine, Some(&seen)), marked);
    assert!(apply(&mut lane, &take_over(&mine, &seen, &holder, at(3))).is_err());
    let other = Holder { nonce: Nonce::new("c").unwrap(), ..holder.clone() };
    assert!(apply(&mut lane, &take_over_marked(&ticket(0, "b"), &other, at(4))).is_err());
    apply(&mut lane, &take_over_marked(&ticket(0, "b"), &holder, at(4))).unwrap();
    let holder = lane.holder.unwrap();
    assert_eq!((lane.takeovers, holder.nonce.as_str(), holder.before), (0, "b", 1));
}

#[test]
fn a_question_is_given_up_at_the_fifth_takeover() {
    let mut lane = lane();
    apply(&mut lane, &gate(&ticket(0, "n0"), at(0))).unwrap();
    let mut last = ticket(0, "n0");
    for n in 1..=5 {
        assert!(!gave_up(&lane), "after {} takeovers", lane.takeovers);
        last = ticket(0, &format!("n{n}"));
        let holder = lane.holder.clone().unwrap();
        let write = take_over(&last, &lane, &holder, at(n));
        apply(&mut lane, &write).unwrap();
        let before = lane.holder.as_ref().map(|holder| i64::from(holder.before));
        assert_eq!((i64::from(lane.takeovers), before), (n, Some(n)));
    }
    assert!(gave_up(&lane));
    let held = lane.clone();
    apply(&mut lane, &finish(&last, &held, 0, &[], None, at(9))).unwrap();
    assert_eq!(lane.takeovers, 0);
}

#[test]
fn a_takeover_from_an_earlier_start_or_from_oneself_is_not_counted() {
    let boot = |id: &str| Some(BootId::new(id).unwrap());
    // The holder's start and nonce; by a worker `b` of the start `two`, and whether it counts.
    let table = [
        (boot("one"), "a", false),
        (boot("two"), "a", true),
        (boot("two"), "b", false),
        (None, "a", true),
    ];
    for (of, nonce, counts) in table {
        let mut lane = lane();
        lane.takeovers = 3;
        let first = Ticket { boot: of, ..ticket(0, nonce) };
        apply(&mut lane, &gate(&first, at(1))).unwrap();
        let holder = lane.holder.clone().unwrap();
        let second = Ticket { boot: boot("two"), ..ticket(0, "b") };
        let write = take_over(&second, &lane, &holder, at(2));
        apply(&mut lane, &write).unwrap();
        assert_eq!(lane.takeovers, 3 + u32::from(counts), "{holder:?}");
        // It may have called all the same, unless it was this one.
        let before = lane.holder.as_ref().unwrap().before;
        assert_eq!(before, u32::from(nonce != "b"), "{holder:?}");
    }
    // On AWS there are no starts: every holder may be alive.
    let mut lane = lane();
    apply(&mut lane, &gate(&Ticket { boot: boot("one"), ..ticket(0, "a") }, at(1))).unwrap();
    let holder = lane.holder.clone().unwrap();
    assert_eq!(take_over(&ticket(0, "b"), &lane, &holder, at(2)).change.takeovers, Some(1));
}

#[test]
fn questions_without_a_completed_execution_are_counted_in_a_row() {
    let mut lane = Lane { length: 5, questions: 5, ..lane() };
    let rows = |statuses: &[ExecutionStatus]| {
        statuses.iter().map(|status| pair(row(*status))).collect::<Vec<PairRow>>()
    };
    let (completed, failed) = (ExecutionStatus::Completed, ExecutionStatus::Failed);
    let table = [
        (vec![failed, ExecutionStatus::TimedOut], 1),
        (vec![failed, failed], 2),
        (vec![failed, completed], 0),
        (vec![failed], 1),
    ];
    for (position, (statuses, barren)) in (0..).zip(table) {
        let ticket = ticket(position, "a");
        apply(&mut lane, &gate(&ticket, at(1))).unwrap();
        let write = finish(&ticket, &lane, 0, &rows(&statuses), None, at(2));
        apply(&mut lane, &write).unwrap();
        assert_eq!(lane.barren, barren, "{statuses:?}");
    }
}

#[test]
fn messages_sent_anew_count_only_if_none_was_left_and_not_in_a_marked_lane() {
    let mut lane = lane();
    for (counts, redispatches) in [(true, 1), (false, 1), (true, 2)] {
        let (write, number) = dispatch_anew(&lane, counts, at(1));
        apply(&mut lane, &write).unwrap();
        assert_eq!((lane.redispatches, lane.dispatch_number), (redispatches, number));
        assert!(apply(&mut lane, &write).is_err(), "a duplicate");
    }
    let mine = ticket(0, "a");
    let (delayed, _) = dispatch_anew(&lane, true, at(2));
    apply(&mut lane, &gate(&mine, at(2))).unwrap();
    let held = lane.clone();
    apply(&mut lane, &finish(&mine, &held, 0, &[], None, at(3))).unwrap();
    assert_eq!(lane.redispatches, 0);
    assert!(apply(&mut lane, &delayed).is_err(), "the cursor has moved");
    let (write, _) = dispatch_anew(&lane, true, at(4));
    lane.mark = Some(Mark { run: Run::FIRST, cause: EndCause::Cancel, at: at(4) });
    assert!(apply(&mut lane, &write).is_err(), "the lane is to be closed");
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
fn who_stops_the_job_closes_the_lane_and_leaves_a_mark_for_what_is_left() {
    let mut lane = lane();
    let mine = ticket(0, "a");
    apply(&mut lane, &gate(&mine, at(1))).unwrap();
    let rows = vec![pair(row(ExecutionStatus::Failed)); 3];
    let write = finish(&mine, &lane, 0, &rows, Some(&EndCause::RateUnreachable), at(2));
    apply(&mut lane, &write).unwrap();
    assert_eq!((lane.state, lane.holder.is_none()), (LaneState::Closed, true));
    assert_eq!((lane.tallies.failed, lane.tallies.cancelled), (3, 3));
    let mark = Mark { run: Run::FIRST, cause: EndCause::RateUnreachable, at: at(2) };
    assert_eq!(lane.mark, Some(mark));
}

#[test]
fn closing_a_marked_lane_leaves_the_mark_as_it_is() {
    let mut lane = lane();
    let mine = ticket(0, "a");
    apply(&mut lane, &gate(&mine, at(1))).unwrap();
    lane.mark = Some(Mark { run: Run::FIRST, cause: EndCause::Deadline, at: at(1) });
    let rows = vec![pair(row(ExecutionStatus::TimedOut)); 3];
    let write = finish(&mine, &lane, 0, &rows, Some(&EndCause::Deadline), at(2));
    apply(&mut lane, &write).unwrap();
    assert_eq!((lane.state, lane.tallies.timed_out), (LaneState::Closed, 6));
    assert_eq!(lane.mark.map(|mark| mark.at), Some(at(1)));
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

#[test]
fn who_was_taken_over_from_finishes_nothing() {
    let mut lane = lane();
    let (first, second) = (ticket(0, "a"), ticket(0, "b"));
    apply(&mut lane, &gate(&first, at(1))).unwrap();
    let held = lane.clone();
    let holder = lane.holder.clone().unwrap();
    apply(&mut lane, &take_over(&second, &held, &holder, at(2))).unwrap();
    assert!(apply(&mut lane, &finish(&first, &held, 0, &[], None, at(3))).is_err());
    assert_eq!(finish_refused(&first, Some(&lane)), Finished::Leave);
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

fn holder(nonce: &str) -> Holder {
    let nonce = Nonce::new(nonce).unwrap();
    Holder { nonce, boot: None, since: at(0), question: QuestionIndex(0), due: PAIRS, before: 0 }
}
