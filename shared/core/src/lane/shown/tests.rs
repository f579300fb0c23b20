//! How pairs are shown, with and without a row, in lanes of one run and of several.

use super::*;
use crate::id::{ModelId, Nonce, QuestionIndex};
use crate::job::{EndCause, Selection};
use crate::lane::Holder;
use crate::lane::testing::{at, id, lane, record};

#[test]
fn a_pair_of_an_open_lane_is_pending_until_its_question_is_opened() {
    let mut lane = lane();
    assert_eq!(at_question(&lane, 0, None), Shown::Pending);
    lane.holder = Some(holder(0));
    assert_eq!(at_question(&lane, 0, None), Shown::Running);
    assert_eq!(at_question(&lane, 1, None), Shown::Pending);
    assert_eq!(at_question(&lane, 0, failed(1)), Shown::AsStored);
    // A mark stops what was not opened, but it has not ended yet.
    lane.mark = Some(mark(1, EndCause::Cancel));
    assert_eq!(at_question(&lane, 0, None), Shown::Running);
    assert_eq!(at_question(&lane, 1, None), Shown::Pending);
}

#[test]
fn what_an_early_end_left_is_shown_as_its_mark_says() {
    for cause in [EndCause::Cancel, EndCause::Deadline] {
        let mark = mark(1, cause.clone());
        let lane = Lane { mark: Some(mark.clone()), ..closed(1) };
        assert_eq!(at_question(&lane, 0, None), Shown::Ended(mark));
        assert_eq!(at_question(&lane, 0, None).status(None), cause.status());
        assert_eq!(at_question(&lane, 0, failed(1)), Shown::AsStored);
    }
}

#[test]
fn a_completed_row_is_shown_whatever_comes_later() {
    let completed = Some((Run::FIRST, ExecutionStatus::Completed));
    let mut lane = Lane { run: Run(2), holder: Some(holder(0)), ..lane() };
    assert_eq!(at_question(&lane, 0, completed), Shown::AsStored);
    (lane.state, lane.holder) = (LaneState::Closed, None);
    lane.mark = Some(mark(2, EndCause::Cancel));
    assert_eq!(at_question(&lane, 0, completed), Shown::AsStored);
}

#[test]
fn what_a_retry_asks_anew_is_pending_though_it_has_a_row() {
    let mut lane = Lane { run: Run(2), ..lane() };
    assert_eq!(at_question(&lane, 0, failed(1)), Shown::Pending);
    lane.holder = Some(holder(0));
    assert_eq!(at_question(&lane, 0, failed(1)), Shown::Running);
    assert_eq!(at_question(&lane, 0, failed(2)), Shown::AsStored);
    // Run 3 is for the other model alone.
    lane.run = Run(3);
    assert_eq!(at_question(&lane, 0, failed(1)), Shown::AsStored);
}

#[test]
fn a_retry_that_ended_early_hides_the_row_before_it() {
    let of_run_2 = mark(2, EndCause::Deadline);
    let lane = Lane { mark: Some(of_run_2.clone()), ..closed(2) };
    let shown = at_question(&lane, 0, failed(1));
    assert_eq!(shown, Shown::Ended(of_run_2.clone()));
    assert_eq!(shown.status(Some(ExecutionStatus::Failed)), ExecutionStatus::TimedOut);
    // Run 3 was not for the pair.
    let lane = Lane { earlier_marks: vec![of_run_2.clone()], ..closed(3) };
    assert_eq!(at_question(&lane, 0, failed(1)), Shown::Ended(of_run_2));
}

#[test]
fn a_retry_that_passed_the_lane_over_left_its_pairs_as_they_were() {
    let of_run_1 = mark(1, EndCause::Cancel);
    let lane = Lane { earlier_marks: vec![of_run_1.clone()], ..closed(2) };
    assert_eq!(at_question(&lane, 0, None), Shown::Ended(of_run_1));
    assert_eq!(at_question(&lane, 0, failed(1)), Shown::AsStored);
}

#[test]
fn a_row_of_a_run_of_which_nothing_is_known_is_shown() {
    let entry = QuestionId::new("q0").unwrap();
    assert_eq!(shown(&closed(2), &[], &id(0, "m", 0), &entry, failed(2)), Shown::AsStored);
    assert_eq!(shown(&closed(2), &[], &id(0, "m", 0), &entry, None), Shown::Pending);
}

#[test]
fn the_status_is_the_rows_or_that_of_the_lane() {
    let failed = Some(ExecutionStatus::Failed);
    assert_eq!(Shown::AsStored.status(failed), ExecutionStatus::Failed);
    assert_eq!(Shown::AsStored.status(None), ExecutionStatus::Pending);
    assert_eq!(Shown::Pending.status(failed), ExecutionStatus::Pending);
    assert_eq!(Shown::Running.status(failed), ExecutionStatus::Running);
}

/// How the pair of model `m` is shown. Run 2 is for everything, run 3 for model `n` alone.
fn at_question(lane: &Lane, question: u32, row: Option<(Run, ExecutionStatus)>) -> Shown {
    let of_n = Selection { models: vec![ModelId::new("n").unwrap()], ..Selection::default() };
    let everything = Selection::default();
    let runs =
        [record(Run::FIRST, everything.clone()), record(Run(2), everything), record(Run(3), of_n)];
    let entry = QuestionId::new(format!("q{question}")).unwrap();
    shown(lane, &runs, &id(question, "m", 0), &entry, row)
}

#[expect(clippy::unnecessary_wraps, reason = "where a row is meant there may be none")]
fn failed(run: u32) -> Option<(Run, ExecutionStatus)> {
    Some((Run(run), ExecutionStatus::Failed))
}

fn closed(run: u32) -> Lane {
    Lane { run: Run(run), state: LaneState::Closed, ..lane() }
}

fn mark(run: u32, cause: EndCause) -> Mark {
    Mark { run: Run(run), cause, at: at(1) }
}

fn holder(question: u32) -> Holder {
    let (nonce, question) = (Nonce::new("a").unwrap(), QuestionIndex(question));
    Holder { nonce, boot: None, since: at(1), question, due: 2, before: 0 }
}
