//! Schedules of the simulation, and what shows that they see anything.

use beacon_tests::simulation::{Plan, Shape, Verdict, first_bad, run};

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

#[test]
fn a_seed_is_replayed_to_the_millisecond() {
    for seed in [3, 4, 5] {
        let (once, again) = (run(Plan::drawn(seed)), run(Plan::drawn(seed)));
        assert_eq!(once.trace, again.trace, "seed {seed}");
    }
}
