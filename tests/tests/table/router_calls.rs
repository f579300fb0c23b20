//! What routers share: calls with a key, and models that are not to be asked.

use std::time::Duration;

use beacon_aws::{
    BreakerUpdate, CallUpdate, Claimed, OpenRoute, Renewed, SharedCalls, Table, TableError,
};
use beacon_core::shared_call::{
    CallWrite, RequestDigest, SharedBounds, SharedCall, SharedEnding, SharedState,
};
use beacon_core::wire::{CallKey, CallState, InferenceResponse};
use beacon_core::{ModelId, Nonce, ProviderId};

use super::World;

const BODY: RequestDigest = [1; 32];
const AGE: Duration = Duration::from_secs(1);

fn key(text: &str) -> CallKey {
    CallKey::new(text).unwrap()
}

fn answer(text: &str) -> Box<InferenceResponse> {
    let answer = serde_json::json!({"success": true, "response": text, "cost_estimate": 0.1});
    Box::new(serde_json::from_value(answer).unwrap())
}

fn states() -> Vec<SharedState> {
    let ended = |ending| SharedState::Ended { at_ms: 7, ending };
    vec![
        SharedState::Running { lease_until_ms: 5, stop_asked: true },
        SharedState::Running { lease_until_ms: 5, stop_asked: false },
        ended(SharedEnding::Done(answer("四川 \u{0}\""))),
        ended(SharedEnding::Dropped { maybe_billed: true }),
        ended(SharedEnding::Stopped { maybe_billed: false }),
    ]
}

fn call(state: SharedState) -> SharedCall {
    SharedCall {
        version: 0,
        digest: Some(BODY),
        owner: Some(Nonce::new("a").unwrap()),
        begun_ms: 3,
        earlier_maybe_billed: 2,
        result_url: Some("http://lab/7".to_owned()),
        state,
    }
}

#[tokio::test]
async fn a_call_is_written_exactly_when_the_core_says_so_and_reads_back() {
    let world = World::new().await;
    let longest = key(&"k".repeat(1024));
    assert_eq!(world.table.call(&longest, true).await.unwrap(), None);
    let mut stored: Option<SharedCall> = None;
    for state in states() {
        let before = stored.as_ref();
        for seen in [None, Some(0), Some(1), Some(2), Some(3), Some(4), Some(5)] {
            let write = CallWrite { seen, call: call(state.clone()) };
            let write = CallWrite { seen, ..CallWrite::after(before, write.call) };
            if write.holds(before) {
                continue;
            }
            let told = world.table.write_call(&longest, &write, AGE).await.unwrap();
            assert_eq!(told, CallUpdate::Refused(before.cloned().map(Box::new)));
        }
        let write = CallWrite::after(before, call(state));
        let told = world.table.write_call(&longest, &write, AGE).await.unwrap();
        assert_eq!(told, CallUpdate::Applied);
        stored = world.table.call(&longest, true).await.unwrap();
        assert_eq!(stored.as_ref(), Some(&write.call));
    }
    let bare =
        SharedCall { digest: None, owner: None, result_url: None, ..stored.clone().unwrap() };
    let write = CallWrite::after(stored.as_ref(), bare);
    world.table.write_call(&longest, &write, AGE).await.unwrap();
    assert_eq!(world.table.call(&longest, true).await.unwrap(), Some(write.call));
    world.stop().await;
}

#[tokio::test]
async fn an_answer_that_no_item_holds_is_told_from_a_request_that_failed() {
    let world = World::new().await;
    // Hexadecimal digits at random are half their size at best.
    let hashes = (0..16_000).map(|n: u32| beacon_core::spec::SpecHash::of(&n.to_be_bytes()).0);
    let done = SharedEnding::Done(answer(&hashes.collect::<String>()));
    let large = call(SharedState::Ended { at_ms: 7, ending: done });
    let write = CallWrite::after(None, large);
    let error = world.table.write_call(&key("large"), &write, AGE).await.unwrap_err();
    assert!(matches!(error, TableError::NotStorable { .. }), "{error:?}");
    world.stop().await;
}

/// With leases of six seconds, a second for the clocks, and a memory of a hundred.
fn two(table: &Table) -> (SharedCalls, SharedCalls) {
    let bounds = SharedBounds::of_lease(Duration::from_secs(6));
    let bounds = SharedBounds { age: Duration::from_secs(100), ..bounds };
    let router = || SharedCalls::with_bounds(table.clone(), bounds);
    (router(), router())
}

fn mine(earlier_maybe_billed: u32, result_url: Option<&str>) -> Claimed {
    Claimed::Mine { earlier_maybe_billed, result_url: result_url.map(str::to_owned) }
}

#[tokio::test]
async fn one_router_makes_a_call_until_it_is_taken_for_dead() {
    let world = World::new().await;
    let ((a, b), k) = (two(&world.table), key("k"));
    assert_eq!(a.claim(&k, BODY, false, 1000).await.unwrap(), mine(0, None));
    assert_eq!(b.claim(&k, BODY, false, 1001).await.unwrap(), Claimed::Elsewhere);
    assert_eq!(b.claim(&k, [2; 32], false, 1001).await.unwrap(), Claimed::Conflict);
    assert_eq!(a.renew(&k, 4000).await.unwrap(), Renewed::Mine);
    assert_eq!(b.renew(&k, 4000).await.unwrap(), Renewed::Lost);
    assert!(b.runs(&k, 10_999).await.unwrap());
    assert_eq!(b.claim(&k, BODY, false, 10_999).await.unwrap(), Claimed::Elsewhere);
    assert_eq!(b.claim(&k, BODY, false, 11_000).await.unwrap(), mine(1, None));
    assert_eq!(a.watch(&k, 11_000).await.unwrap(), Renewed::Lost);
    let done = || SharedEnding::Done(answer("4"));
    assert!(!a.end(&k, done(), 11_001).await.unwrap());
    assert!(b.end(&k, done(), 11_001).await.unwrap());
    assert_eq!(a.claim(&k, BODY, false, 11_002).await.unwrap(), Claimed::Done(answer("4")));
    let view = a.look(&k, 11_002).await.unwrap();
    assert_eq!((view.state, view.maybe_billed), (CallState::Done, 1));
    assert_eq!(a.claim(&k, BODY, false, 111_001).await.unwrap(), mine(0, None));
    world.stop().await;
}

#[tokio::test]
async fn who_takes_a_call_over_gets_the_address_of_its_answer() {
    let world = World::new().await;
    let ((a, b), k) = (two(&world.table), key("k"));
    a.claim(&k, BODY, false, 1000).await.unwrap();
    assert!(!b.set_result_url(&k, "http://lab/other").await.unwrap());
    assert!(a.set_result_url(&k, "http://lab/7").await.unwrap());
    assert_eq!(a.renew(&k, 2000).await.unwrap(), Renewed::Mine);
    assert_eq!(b.claim(&k, BODY, false, 9000).await.unwrap(), mine(0, Some("http://lab/7")));
    world.stop().await;
}

#[tokio::test]
async fn a_stop_is_seen_by_the_owner_and_holds_for_all() {
    let world = World::new().await;
    let ((a, b), k) = (two(&world.table), key("k"));
    a.claim(&k, BODY, false, 1000).await.unwrap();
    b.stop(&k, 1500).await.unwrap();
    for found in [a.watch(&k, 1501).await.unwrap(), a.renew(&k, 1501).await.unwrap()] {
        assert_eq!(found, Renewed::StopAsked);
    }
    assert!(a.end(&k, SharedEnding::Dropped { maybe_billed: true }, 1502).await.unwrap());
    let stopped = |maybe_billed| Claimed::Stopped { maybe_billed, earlier_maybe_billed: 0 };
    assert_eq!(b.claim(&k, BODY, false, 1503).await.unwrap(), stopped(true));
    let unknown = key("unknown");
    b.stop(&unknown, 1500).await.unwrap();
    assert_eq!(a.claim(&unknown, BODY, false, 1501).await.unwrap(), stopped(false));
    world.stop().await;
}

#[tokio::test]
async fn routers_remember_a_day_back_but_not_to_before_they_shared() {
    let world = World::new().await;
    let ((a, b), k) = (two(&world.table), key("k"));
    assert_eq!(a.look(&k, 5000).await.unwrap().remembers_since_ms, 5000);
    // A router that is started later knows as much.
    assert_eq!(b.look(&k, 9000).await.unwrap().remembers_since_ms, 5000);
    assert_eq!(b.look(&k, 205_000).await.unwrap().remembers_since_ms, 105_000);
    world.stop().await;
}

#[tokio::test]
async fn an_open_route_is_tried_by_one_at_a_time_and_closed_by_who_saw_it() {
    let world = World::new().await;
    let table = &world.table;
    let (lab, model) = (ProviderId::new("lab").unwrap(), ModelId::new("m:1/b").unwrap());
    let open = |open_until_ms, level| OpenRoute { open_until_ms, level, probe_until_ms: None };
    let refused = |route| BreakerUpdate::Refused(route);
    let applied = BreakerUpdate::Applied;
    assert_eq!(table.route(&lab, &model).await.unwrap(), None);
    assert_eq!(table.claim_probe(&lab, &model, 0, 10).await.unwrap(), refused(None));
    assert_eq!(table.open_route(&lab, &model, open(1000, 1)).await.unwrap(), applied);
    let earlier = table.open_route(&lab, &model, open(900, 1)).await.unwrap();
    assert_eq!(earlier, refused(Some(open(1000, 1))));
    let early = table.claim_probe(&lab, &model, 999, 1500).await.unwrap();
    assert_eq!(early, refused(Some(open(1000, 1))));
    assert_eq!(table.claim_probe(&lab, &model, 1000, 1500).await.unwrap(), applied);
    let tried = OpenRoute { probe_until_ms: Some(1500), ..open(1000, 1) };
    let second = table.claim_probe(&lab, &model, 1499, 1999).await.unwrap();
    assert_eq!(second, refused(Some(tried)));
    assert_eq!(table.release_probe(&lab, &model, 1999).await.unwrap(), refused(Some(tried)));
    assert_eq!(table.release_probe(&lab, &model, 1500).await.unwrap(), applied);
    assert_eq!(table.route(&lab, &model).await.unwrap(), Some(open(1000, 1)));
    // A probe whose router died is nobody's after its time.
    assert_eq!(table.claim_probe(&lab, &model, 1100, 1600).await.unwrap(), applied);
    assert_eq!(table.claim_probe(&lab, &model, 1600, 2100).await.unwrap(), applied);
    assert_eq!(table.open_route(&lab, &model, open(3000, 2)).await.unwrap(), applied);
    assert_eq!(table.route(&lab, &model).await.unwrap(), Some(open(3000, 2)));
    let stale = table.close_route(&lab, &model, 1000).await.unwrap();
    assert_eq!(stale, refused(Some(open(3000, 2))));
    assert_eq!(table.close_route(&lab, &model, 3000).await.unwrap(), applied);
    assert_eq!(table.route(&lab, &model).await.unwrap(), None);
    assert_eq!(table.close_route(&lab, &model, 3000).await.unwrap(), refused(None));
    world.stop().await;
}
