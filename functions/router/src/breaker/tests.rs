//! The breaker, call by call and through a million random schedules.

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

const NOW: u64 = 1_795_000_000_000;

fn permit(breaker: &mut Breaker, now_ms: u64) -> Permit {
    breaker.admit(now_ms).unwrap()
}

fn call(breaker: &mut Breaker, verdict: Verdict, now_ms: u64) {
    let permit = permit(breaker, now_ms);
    breaker.settle(permit, verdict, now_ms);
}

fn opened(now_ms: u64) -> Breaker {
    let mut breaker = Breaker::default();
    for _failure in 0..FAILURES_IN_A_ROW {
        call(&mut breaker, Verdict::Bad, now_ms);
    }
    breaker
}

#[test]
fn five_failures_in_a_row_open_it_and_four_do_not() {
    let mut breaker = Breaker::default();
    for _failure in 1..FAILURES_IN_A_ROW {
        call(&mut breaker, Verdict::Bad, NOW);
    }
    call(&mut breaker, Verdict::Good, NOW);
    assert_eq!(breaker.shown(), BreakerState::Closed);
    assert_eq!(opened(NOW).admit(NOW), Err(Refusal::Open { until_ms: NOW + SHORTEST_OPEN_MS }));
}

#[test]
fn half_of_twenty_failures_open_it_within_the_window_only() {
    let alternate = |gap_ms: u64| {
        let mut breaker = Breaker::default();
        for number in 0..u64::from(CALLS_IN_WINDOW) {
            let verdict = if number % 2 == 0 { Verdict::Good } else { Verdict::Bad };
            call(&mut breaker, verdict, NOW + number * gap_ms);
        }
        breaker.shown()
    };
    assert_eq!(alternate(100), BreakerState::Open);
    assert_eq!(alternate(2_000), BreakerState::Closed);
}

#[test]
fn what_says_nothing_neither_opens_nor_closes_it() {
    let mut breaker = Breaker::default();
    for _call in 0..1_000 {
        call(&mut breaker, Verdict::Nothing, NOW);
    }
    assert_eq!(breaker.shown(), BreakerState::Closed);
    let (mut breaker, later) = (opened(NOW), NOW + SHORTEST_OPEN_MS);
    call(&mut breaker, Verdict::Nothing, later);
    assert_eq!(breaker.shown(), BreakerState::HalfOpen);
    call(&mut breaker, Verdict::Good, later);
    assert_eq!(breaker.shown(), BreakerState::Closed);
}

#[test]
fn what_says_nothing_does_not_reset_the_count_of_failures() {
    let mut breaker = Breaker::default();
    for _pair in 0..FAILURES_IN_A_ROW {
        call(&mut breaker, Verdict::Nothing, NOW);
        call(&mut breaker, Verdict::Bad, NOW);
    }
    assert_eq!(breaker.shown(), BreakerState::Open);
}

#[test]
fn one_call_at_a_time_finds_out() {
    let (mut breaker, later) = (opened(NOW), NOW + SHORTEST_OPEN_MS);
    let probe = permit(&mut breaker, later);
    assert_eq!(breaker.admit(later), Err(Refusal::Probing));
    breaker.settle(probe, Verdict::Nothing, later);
    let next = permit(&mut breaker, later);
    breaker.settle(next, Verdict::Good, later);
    assert_eq!(breaker.shown(), BreakerState::Closed);
}

#[test]
fn it_stays_open_twice_as_long_each_time_and_a_minute_at_most() {
    let (mut breaker, mut now) = (opened(NOW), NOW);
    let mut stayed = Vec::new();
    for _time in 0..8 {
        let Err(Refusal::Open { until_ms }) = breaker.admit(now) else { panic!("{breaker:?}") };
        stayed.push((until_ms - now) / 1_000);
        now = until_ms;
        call(&mut breaker, Verdict::Bad, now);
    }
    assert_eq!(stayed, [1, 2, 4, 8, 16, 32, 60, 60]);
}

#[test]
fn a_steady_time_lets_it_begin_anew_and_a_short_one_does_not() {
    for (closed_for_ms, open_ms) in [(STEADY_MS - 1, 2_000), (STEADY_MS, 1_000)] {
        let (mut breaker, closed) = (opened(NOW), NOW + SHORTEST_OPEN_MS);
        call(&mut breaker, Verdict::Good, closed);
        let again = closed + closed_for_ms;
        for _failure in 0..FAILURES_IN_A_ROW {
            call(&mut breaker, Verdict::Bad, again);
        }
        assert_eq!(breaker.admit(again), Err(Refusal::Open { until_ms: again + open_ms }));
    }
}

#[test]
fn old_news_does_not_count() {
    let mut breaker = Breaker::default();
    let old = permit(&mut breaker, NOW);
    for _failure in 0..FAILURES_IN_A_ROW {
        call(&mut breaker, Verdict::Bad, NOW);
    }
    breaker.settle(old, Verdict::Good, NOW);
    assert_eq!(breaker.shown(), BreakerState::Open);
    let later = NOW + SHORTEST_OPEN_MS;
    let probe = permit(&mut breaker, later);
    breaker.settle(old, Verdict::Nothing, later);
    assert_eq!(breaker.admit(later), Err(Refusal::Probing));
    breaker.settle(probe, Verdict::Good, later);
    assert_eq!(breaker.shown(), BreakerState::Closed);
}

#[test]
fn a_clock_that_was_set_back_does_not_keep_it_open() {
    let mut breaker = opened(NOW);
    let before = NOW - 24 * 60 * 60 * 1_000;
    call(&mut breaker, Verdict::Good, before);
    assert_eq!(breaker.shown(), BreakerState::Closed);
}

#[test]
fn another_routers_opening_is_adopted_and_a_reset_ends_it() {
    let mut breaker = Breaker::default();
    breaker.adopt(NOW + 8_000, 4, NOW);
    assert_eq!(breaker.admit(NOW), Err(Refusal::Open { until_ms: NOW + 8_000 }));
    assert_eq!((breaker.shown(), breaker.level), (BreakerState::Open, 4));
    breaker.reset();
    call(&mut breaker, Verdict::Good, NOW);
    assert_eq!(breaker.shown(), BreakerState::Closed);
}

/// One random schedule of twenty to forty steps; afterwards the provider answers, and must be used.
fn schedule(seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let (mut breaker, mut now) = (Breaker::default(), NOW);
    let mut out: Vec<Permit> = Vec::new();
    for _step in 0..random.random_range(20..40) {
        match random.random_range(0..12) {
            0..4 => {
                if let Ok(permit) = breaker.admit(now) {
                    out.push(permit);
                }
            }
            4..9 if !out.is_empty() => {
                let permit = out.swap_remove(random.random_range(0..out.len()));
                let verdict = [Verdict::Bad, Verdict::Bad, Verdict::Good, Verdict::Nothing];
                breaker.settle(permit, verdict[random.random_range(0..4)], now);
            }
            9 => now += random.random_range(0..3_000),
            10 => {
                let day = 24 * 60 * 60 * 1_000;
                now = if random.random() { now + day } else { now.saturating_sub(day) };
            }
            11 => match random.random_range(0..3) {
                0 => breaker.reset(),
                1 if random.random() => {
                    breaker.adopt(now + random.random_range(0..200_000), 9, now);
                }
                1 if random.random() => {
                    breaker.yield_until(now + random.random_range(0..200_000), now);
                }
                1 => breaker.try_now(now),
                // What a reload does: the state is taken over, and the calls go on.
                _ => breaker = breaker.clone(),
            },
            _ => now += 1,
        }
        let probes = out.iter().filter(|permit| permit.is_probe);
        let live = probes.filter(|permit| permit.generation == breaker.generation).count();
        assert!(live <= 1, "seed {seed}: {live} probes at once");
    }
    for permit in out {
        breaker.settle(permit, Verdict::Nothing, now);
    }
    now += LONGEST_OPEN_MS;
    let stuck = |breaker: &Breaker| format!("seed {seed}: stuck, {breaker:?}");
    let permit = breaker.admit(now).unwrap_or_else(|_refused| panic!("{}", stuck(&breaker)));
    breaker.settle(permit, Verdict::Good, now);
    assert!(breaker.admit(now).is_ok(), "{}", stuck(&breaker));
    assert_eq!(breaker.shown(), BreakerState::Closed, "{}", stuck(&breaker));
}

#[test]
fn a_million_random_schedules_find_none_stuck() {
    for seed in 0..1_000_000 {
        schedule(seed);
    }
}
