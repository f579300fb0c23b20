//! What a lane adds up, and how it reads back.

use proptest::prelude::*;

use super::*;
use crate::execution::Outcome;
use crate::id::Run;
use crate::lane::testing;

fn pair(model: usize, status: ExecutionStatus, duration_ms: u64) -> PairRow {
    let outcome = (status == ExecutionStatus::Completed).then_some(Outcome::Empty);
    let counted = Counted { run: Run::FIRST, status, outcome, simulated: false, duration_ms };
    PairRow { model, ..testing::pair(counted) }
}

#[test]
fn pairs_are_counted_by_model_and_only_completed_ones_have_a_duration() {
    let mut breakdown = Breakdown::default();
    breakdown.add(&pair(1, ExecutionStatus::Completed, 100), true);
    breakdown.add(&pair(0, ExecutionStatus::Failed, 9), true);
    let spared = PairRow { spared: true, ..pair(0, ExecutionStatus::Completed, 100) };
    breakdown.add(&spared, false);
    assert_eq!(breakdown.models[1].outcomes.empty, 1);
    assert_eq!((breakdown.models[0].failed, breakdown.models[0].completed), (1, 0));
    assert_eq!((breakdown.durations.count(), breakdown.spared), (1, 1));
}

#[test]
fn quantiles_of_a_hundred_known_durations() {
    let mut durations = Durations::default();
    (1..=100).for_each(|n| durations.add(n * 10));
    for (asked, exact) in [(50, 500), (95, 950), (99, 990), (100, 1000)] {
        let found = durations.quantile(asked).unwrap();
        assert!(found.abs_diff(exact) * 100 <= exact * 7, "p{asked}: {found} for {exact}");
    }
    assert_eq!(Durations::default().quantile(50), None);
}

proptest! {
    #[test]
    fn a_number_lies_in_its_bucket(ms in 0_u64..(1 << 40)) {
        let bucket = bucket(ms);
        prop_assert!(lowest(bucket) <= ms && ms < lowest(bucket + 1), "{ms} in {bucket}");
    }

    #[test]
    fn what_is_encoded_reads_back(
        pairs in prop::collection::vec((0..50_usize, 0_u64..10_000_000, any::<bool>()), 0..300),
        spared in any::<u64>(),
    ) {
        let spent = Spent {
            known: Dollars::from_nanos(spared / 3),
            unknown: spared / 5,
            assumed: Dollars::from_nanos(spared / 7),
        };
        let mut breakdown = Breakdown { spared, spent, ..Breakdown::default() };
        for (model, ms, completed) in pairs {
            let status =
                if completed { ExecutionStatus::Completed } else { ExecutionStatus::TimedOut };
            breakdown.add(&pair(model, status, ms), true);
        }
        prop_assert_eq!(Breakdown::decode(&breakdown.encode()), Some(breakdown));
    }

    #[test]
    fn reading_any_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _read = Breakdown::decode(&bytes);
    }
}

#[test]
fn what_was_stored_before_maybe_billed_was_counted_reads_as_none() {
    let mut breakdown = Breakdown { spared: 7, failed_writes: 300, ..Breakdown::default() };
    breakdown.add(&pair(1, ExecutionStatus::Completed, 100), true);
    breakdown.spent = Spent::default();
    let mut bytes = breakdown.encode();
    // What was spent came later still.
    assert_eq!([bytes.pop(), bytes.pop(), bytes.pop()], [Some(0); 3]);
    // When it moved last came between.
    assert_eq!([bytes.pop(), bytes.pop()], [Some(0); 2]);
    assert_eq!(Breakdown::decode(&bytes), Some(breakdown.clone()));
    assert_eq!(bytes.pop(), Some(0));
    assert_eq!(Breakdown::decode(&bytes), Some(breakdown.clone()));
    bytes.pop();
    assert_eq!(Breakdown::decode(&bytes), None);
    breakdown.maybe_billed = 1000;
    assert_eq!(Breakdown::decode(&breakdown.encode()), Some(breakdown));
}

#[test]
fn what_may_have_been_charged_counts_of_every_run() {
    let mut breakdown = Breakdown::default();
    for of_this_run in [true, false] {
        let pair = PairRow { maybe_billed: 2, ..pair(0, ExecutionStatus::Failed, 1) };
        breakdown.add(&pair, of_this_run);
    }
    assert_eq!((breakdown.maybe_billed, breakdown.models[0].failed), (4, 1));
}

#[test]
fn numbers_that_no_lane_can_have_are_not_read() {
    // One model with two outcomes, of which each counts as many as there can be.
    let mut bytes = vec![1, 0b1001];
    put(&mut bytes, u64::MAX);
    put(&mut bytes, u64::MAX);
    bytes.extend([0, 0, 0]);
    assert_eq!(Breakdown::decode(&bytes), None);
}

#[test]
fn a_lane_of_fifty_models_is_small() {
    let mut breakdown = Breakdown::default();
    for question in 0..1000_u64 {
        for model in 0..50 {
            let status = match (question + model as u64) % 10 {
                0 => ExecutionStatus::Failed,
                1 => ExecutionStatus::TimedOut,
                _ => ExecutionStatus::Completed,
            };
            // From 0.1 to 400 seconds.
            let ms = 100 + question * question * 2 / 5;
            breakdown.add(&pair(model, status, ms), true);
        }
    }
    assert!(breakdown.encode().len() < 620, "{}", breakdown.encode().len());
}
