//! The states of a call, and what is forgotten.

use beacon_core::wire::ResponseMetadata;
use proptest::prelude::*;

use super::*;

const WIDE: Bounds = Bounds { age_ms: 1000, calls: 100, bytes: 10_000 };
const ONE: Digest = [1; 32];
const OTHER: Digest = [2; 32];

type TestMemory = Memory<&'static str>;

fn key(text: &str) -> CallKey {
    CallKey::new(text).unwrap()
}

fn response() -> Arc<InferenceResponse> {
    Arc::new(InferenceResponse {
        success: true,
        response: Some("4".to_owned()),
        outcome: None,
        error: None,
        error_code: None,
        failure: None,
        provider_used: "lab".to_owned(),
        inference_time: 0.5,
        cost_estimate: 0.0,
        finish_reason: None,
        usage: None,
        served_region: None,
        served_model: None,
        metadata: ResponseMetadata::default(),
        earlier_maybe_billed: 0,
        timings: None,
        decision: None,
    })
}

/// A call that came at this time and runs.
fn running(memory: &mut TestMemory, text: &str, at_ms: u64) {
    assert!(matches!(memory.arrive(&key(text), ONE, at_ms), Arrival::New { .. }));
    memory.begin(&key(text), ONE, at_ms, "flight");
}

fn state(memory: &mut TestMemory, text: &str, at_ms: u64) -> CallState {
    memory.look(&key(text), at_ms).state
}

#[test]
fn a_call_that_runs_is_joined_and_one_that_is_done_repeated() {
    let mut memory = TestMemory::new(WIDE, 0);
    running(&mut memory, "k", 5);
    assert_eq!(memory.arrive(&key("k"), ONE, 6), Arrival::Running("flight"));
    assert_eq!(memory.arrive(&key("k"), OTHER, 6), Arrival::Conflict);
    memory.finish(&key("k"), response(), 1, 7);
    assert_eq!(memory.arrive(&key("k"), ONE, 8), Arrival::Done(response()));
    assert_eq!(memory.arrive(&key("k"), OTHER, 8), Arrival::Conflict);
    let view = memory.look(&key("k"), 9);
    assert_eq!((view.begun_ms, view.ended_ms, view.maybe_billed), (Some(5), Some(7), 0));
    assert_eq!(view.response.as_ref(), Some(response().as_ref()));
}

#[test]
fn attempts_that_were_dropped_are_counted_where_they_may_be_billed() {
    let mut memory = TestMemory::new(WIDE, 0);
    for (earlier, maybe_billed) in [(0, true), (1, false), (1, true)] {
        let arrival = memory.arrive(&key("k"), ONE, 1);
        assert_eq!(arrival, Arrival::New { earlier_maybe_billed: earlier });
        memory.begin(&key("k"), ONE, 1, "flight");
        assert_eq!(memory.look(&key("k"), 1).maybe_billed, earlier);
        memory.give_up(&key("k"), maybe_billed, 2);
        assert_eq!(state(&mut memory, "k", 2), CallState::Dropped);
    }
    assert_eq!(memory.arrive(&key("k"), OTHER, 3), Arrival::Conflict);
    memory.stop(&key("k"), 3);
    let expected = Arrival::Stopped { maybe_billed: true, earlier_maybe_billed: 1 };
    assert_eq!(memory.arrive(&key("k"), ONE, 3), expected);
    assert_eq!(memory.look(&key("k"), 3).maybe_billed, 2);
}

#[test]
fn a_call_that_is_to_stop_is_stopped_whoever_gives_it_up() {
    let mut memory = TestMemory::new(WIDE, 0);
    running(&mut memory, "k", 1);
    assert_eq!(memory.stop(&key("k"), 2), Some("flight"));
    assert_eq!(state(&mut memory, "k", 2), CallState::Running);
    memory.give_up(&key("k"), false, 3);
    let expected = Arrival::Stopped { maybe_billed: false, earlier_maybe_billed: 0 };
    assert_eq!(memory.arrive(&key("k"), ONE, 4), expected);
    assert_eq!(memory.stop(&key("k"), 5), None);
    assert_eq!(memory.look(&key("k"), 5).ended_ms, Some(3));
}

#[test]
fn an_answer_that_came_before_the_stop_took_hold_is_kept() {
    let mut memory = TestMemory::new(WIDE, 0);
    running(&mut memory, "k", 1);
    memory.stop(&key("k"), 2);
    memory.finish(&key("k"), response(), 1, 2);
    assert_eq!(state(&mut memory, "k", 3), CallState::Done);
    assert_eq!(memory.stop(&key("k"), 3), None);
    assert_eq!(state(&mut memory, "k", 3), CallState::Done);
}

#[test]
fn a_stop_that_comes_first_refuses_any_body() {
    let mut memory = TestMemory::new(WIDE, 0);
    assert_eq!(memory.stop(&key("k"), 1), None);
    for digest in [ONE, OTHER] {
        let expected = Arrival::Stopped { maybe_billed: false, earlier_maybe_billed: 0 };
        assert_eq!(memory.arrive(&key("k"), digest, 2), expected);
    }
    assert_eq!(memory.look(&key("k"), 2).begun_ms, None);
}

#[test]
fn the_first_to_end_is_forgotten_first_and_what_runs_never() {
    let bounds = Bounds { calls: 2, ..WIDE };
    let mut memory = TestMemory::new(bounds, 0);
    for (number, text) in ["runs", "second", "first", "third"].into_iter().enumerate() {
        running(&mut memory, text, 10 + u64::try_from(number).unwrap());
    }
    for (text, at_ms) in [("first", 20), ("second", 21), ("third", 22)] {
        memory.give_up(&key(text), false, at_ms);
    }
    assert_eq!(state(&mut memory, "first", 22), CallState::Unknown);
    assert_eq!(state(&mut memory, "second", 22), CallState::Dropped);
    assert_eq!(state(&mut memory, "third", 22), CallState::Dropped);
    // The one that began before the one forgotten is known all the same.
    assert_eq!(memory.look(&key("runs"), 22).remembers_since_ms, 13);
    assert_eq!(state(&mut memory, "runs", 5000), CallState::Running);
    assert_eq!(state(&mut memory, "third", 5000), CallState::Unknown);
    assert_eq!(memory.look(&key("runs"), 5000).remembers_since_ms, 14);
}

#[test]
fn a_call_is_kept_until_it_is_too_old() {
    let mut memory = TestMemory::new(WIDE, 0);
    running(&mut memory, "k", 5);
    memory.give_up(&key("k"), false, 10);
    assert_eq!(state(&mut memory, "k", 1009), CallState::Dropped);
    assert_eq!(state(&mut memory, "k", 1010), CallState::Unknown);
    let found = memory.arrive(&key("k"), OTHER, 1010);
    assert_eq!(found, Arrival::New { earlier_maybe_billed: 0 });
}

#[test]
fn answers_are_kept_up_to_so_many_bytes() {
    let mut memory = TestMemory::new(Bounds { bytes: 100, ..WIDE }, 0);
    for (text, bytes) in [("a", 49), ("b", 49), ("c", 1), ("d", 100)] {
        running(&mut memory, text, 1);
        memory.finish(&key(text), response(), bytes, 2);
        let kept = ["a", "b", "c", "d"].map(|text| state(&mut memory, text, 2) == CallState::Done);
        let expected = match text {
            "a" => [true, false, false, false],
            "b" => [true, true, false, false],
            "c" => [false, true, true, false],
            _ => [false; 4],
        };
        assert_eq!(kept, expected, "{text}");
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Ask(u8),
    Finish(u8),
    GiveUp(u8),
    Stop(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..6_u8;
    prop_oneof![
        key.clone().prop_map(Step::Ask),
        key.clone().prop_map(Step::Finish),
        key.clone().prop_map(Step::GiveUp),
        key.prop_map(Step::Stop),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_bounds_hold_and_what_is_unknown_is_accounted_for(
        steps in proptest::collection::vec((step(), 0..40_u64), 0..60),
    ) {
        let bounds = Bounds { age_ms: 200, calls: 3, bytes: 60 };
        let mut memory = TestMemory::new(bounds, 0);
        let mut begun = BTreeMap::new();
        let mut now_ms = 0;
        for (step, later) in steps {
            now_ms += later;
            let name = |number: u8| key(&format!("k{number}"));
            match step {
                Step::Ask(number) => {
                    let arrival = memory.arrive(&name(number), ONE, now_ms);
                    if matches!(arrival, Arrival::New { .. }) {
                        memory.begin(&name(number), ONE, now_ms, "flight");
                        begun.insert(number, now_ms);
                    }
                }
                Step::Finish(number) => {
                    if memory.look(&name(number), now_ms).state == CallState::Running {
                        memory.finish(&name(number), response(), 20, now_ms);
                    }
                }
                Step::GiveUp(number) => memory.give_up(&name(number), true, now_ms),
                Step::Stop(number) => drop(memory.stop(&name(number), now_ms)),
            }
            let views: Vec<_> = (0..6).map(|number| memory.look(&name(number), now_ms)).collect();
            for (number, view) in (0..).zip(&views) {
                if let Some(at_ms) = begun.get(&number) {
                    let known = view.state != CallState::Unknown;
                    prop_assert!(known || *at_ms < view.remembers_since_ms, "{view:?}");
                }
            }
            let ended = memory.calls.values().filter_map(|call| match &call.state {
                State::Ended { bytes, at_ms, .. } => Some((*bytes, *at_ms)),
                State::Running { .. } => None,
            });
            let ended: Vec<_> = ended.collect();
            prop_assert_eq!(ended.len(), memory.ended.len());
            prop_assert_eq!(ended.iter().map(|(bytes, _)| bytes).sum::<usize>(), memory.bytes);
            prop_assert!(ended.len() <= bounds.calls && memory.bytes <= bounds.bytes);
            prop_assert!(ended.iter().all(|(_, at_ms)| now_ms - at_ms < bounds.age_ms));
        }
    }
}
