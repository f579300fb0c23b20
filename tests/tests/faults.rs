//! Schedules of the simulation, and what shows that they see anything.

use std::time::Duration;

use beacon_tests::simulation::{Faults, Plan, Shape, Stops, Verdict, first_bad, run};

/// At a time; the machines that run this have at least so many processors.
const THREADS: usize = 2;

fn assert_good(verdict: &Verdict) {
    assert!(verdict.is_good(), "{verdict}");
}

#[test]
fn nothing_is_asked_twice_where_nothing_goes_wrong() {
    for seed in 0..10 {
        let verdict = run(Plan::calm(seed, Shape::SMALL));
        assert_good(&verdict);
        assert_eq!(verdict.calls, 8, "{verdict}");
    }
}

#[test]
fn no_fault_breaks_an_invariant() {
    if let Some(verdict) = first_bad((0..300).map(Plan::drawn), THREADS) {
        panic!("{verdict}");
    }
}

#[test]
fn a_worker_may_die_at_any_of_its_awaits() {
    let whole = run(Plan::killed_at(0, u32::MAX));
    assert_good(&whole);
    let polls = whole.polls_of_first_question.unwrap();
    assert!(polls > 15, "{whole}");
    let kills = (1..=polls).map(|poll| Plan::killed_at(0, poll));
    if let Some(verdict) = first_bad(kills, THREADS) {
        panic!("{verdict}");
    }
}

/// Whatever happened until then, and though its provider takes minutes: the check of its end is one
/// of the invariants, but few jobs that are drawn come to their deadline.
#[test]
fn a_job_ends_soon_after_its_deadline() {
    let minute = Duration::from_secs(60);
    let plans = (0..60).map(|seed| Plan {
        stops: Stops { timeout: Some(minute), ..Stops::NEVER },
        faults: Faults { slow: 1.0, ..Plan::drawn(seed).faults },
        faults_end: minute,
        ..Plan::calm(seed, Shape::SMALL)
    });
    if let Some(verdict) = first_bad(plans, THREADS) {
        panic!("{verdict}");
    }
}

#[test]
fn a_seed_is_replayed_to_the_millisecond() {
    for seed in [3, 4, 5] {
        let (once, again) = (run(Plan::drawn(seed)), run(Plan::drawn(seed)));
        assert_eq!(once.trace, again.trace, "seed {seed}");
    }
}
