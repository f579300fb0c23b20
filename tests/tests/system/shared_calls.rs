//! Routers in this process that share a table.

use std::time::Duration;

use beacon_aws::SharedCalls;
use beacon_core::shared_call::SharedBounds;
use beacon_core::wire::{CallKey, CallState, InferenceRequest, InferenceResponse};
use beacon_router::{CallContext, Config, HybridRouter, KeyRefused};
use futures_util::future::join_all;
use serde_json::json;

use crate::here::{Here, eventually, within};
use crate::upstream::Upstream;

fn router(here: &Here, upstream: &Upstream, lease: Duration) -> HybridRouter {
    let config = Config::from_toml(&upstream.providers()).unwrap();
    let bounds = SharedBounds::of_lease(lease);
    let calls = SharedCalls::with_bounds(here.table(), bounds);
    HybridRouter::new(config).unwrap().with_shared_calls(calls)
}

const LONG: Duration = Duration::from_secs(600);

fn key(text: &str) -> CallKey {
    CallKey::new(text).unwrap()
}

async fn ask(router: HybridRouter, key: CallKey) -> Result<InferenceResponse, KeyRefused> {
    asked(router, key, false).await
}

/// As one who makes no call.
async fn join(router: HybridRouter, key: CallKey) -> Result<InferenceResponse, KeyRefused> {
    asked(router, key, true).await
}

async fn asked(
    router: HybridRouter,
    key: CallKey,
    joins: bool,
) -> Result<InferenceResponse, KeyRefused> {
    let request = json!({"model": "m", "prompt": "?", "region_preference": "us-east"});
    let request: InferenceRequest = serde_json::from_value(request).unwrap();
    let context = CallContext { idempotency_key: Some(key), joins, ..CallContext::default() };
    router.infer(&request, &context).await
}

#[tokio::test]
async fn however_many_ask_however_many_routers_each_key_is_one_request() {
    let (here, upstream) = (Here::idle().await, Upstream::start().await);
    let routers: Vec<_> = (0..4).map(|_| router(&here, &upstream, LONG)).collect();
    let keys: Vec<_> = (0..16).map(|n| key(&format!("k:{n}"))).collect();
    for _ in &keys {
        upstream.answer();
    }
    let asked = (0..3)
        .flat_map(|_| &routers)
        .flat_map(|router| keys.iter().map(|key| tokio::spawn(ask(router.clone(), key.clone()))));
    let told = within(join_all(asked.collect::<Vec<_>>())).await;
    assert_eq!(upstream.connections(), keys.len());
    let told: Vec<_> = told.into_iter().map(|told| told.unwrap().unwrap()).collect();
    assert!(told.iter().all(|told| told.success && told.earlier_maybe_billed == 0), "{told:?}");
    for of_one_key in 0..keys.len() {
        let mut texts = told.iter().skip(of_one_key).step_by(keys.len()).map(|told| &told.response);
        let first = texts.next().unwrap();
        assert_eq!(texts.filter(|other| *other == first).count(), 11);
    }
}

#[tokio::test]
async fn those_who_wait_at_another_router_are_told_of_a_stop_at_a_third() {
    let (here, upstream) = (Here::idle().await, Upstream::start().await);
    let routers = [(); 3].map(|()| router(&here, &upstream, Duration::from_secs(60)));
    let k = key("k:1");
    let asked = [0, 1].map(|at: usize| tokio::spawn(ask(routers[at].clone(), k.clone())));
    within(upstream.arrived()).await;
    let view = within(routers[2].stop(&k)).await;
    assert_eq!((view.state, view.maybe_billed), (CallState::Stopped, 1));
    within(upstream.closed()).await;
    for told in asked {
        let told = within(told).await.unwrap().unwrap();
        assert_eq!(told.error_code.as_deref(), Some("CALL_STOPPED"));
    }
    for router in &routers {
        assert_eq!(within(router.look(&k)).await.state, CallState::Stopped);
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_call_that_everybody_left_is_told_as_dropped_and_counted_when_it_is_made_again() {
    let (here, upstream) = (Here::idle().await, Upstream::start().await);
    let [a, b] = [(); 2].map(|()| router(&here, &upstream, LONG));
    let k = key("k:1");
    let first = tokio::spawn(ask(a.clone(), k.clone()));
    within(upstream.arrived()).await;
    first.abort();
    within(upstream.closed()).await;
    let dropped = async || {
        let view = b.look(&k).await;
        (view.state == CallState::Dropped).then_some(view)
    };
    let view = eventually("the call was dropped", dropped).await;
    assert_eq!(view.maybe_billed, 1);
    assert_eq!(within(join(b.clone(), k.clone())).await, Err(KeyRefused::NothingToJoin));
    assert_eq!(upstream.connections(), 1);
    upstream.answer();
    let told = within(ask(b, k.clone())).await.unwrap();
    assert_eq!((told.success, told.earlier_maybe_billed), (true, 1));
    // The one who dropped it is told what the other got.
    let again = within(ask(a, k)).await.unwrap();
    assert_eq!(again, told);
    assert_eq!(upstream.connections(), 2);
}

#[tokio::test]
async fn a_router_that_can_give_no_sign_of_life_drops_its_call_before_another_may_make_it() {
    let (here, upstream) = (Here::idle().await, Upstream::start().await);
    let router = router(&here, &upstream, Duration::from_secs(2));
    let asked = tokio::spawn(ask(router, key("k:1")));
    within(upstream.arrived()).await;
    here.killed();
    within(upstream.closed()).await;
    let told = within(asked).await.unwrap().unwrap();
    let failure = told.failure.unwrap();
    assert_eq!(failure.code, "ROUTER_TABLE_UNAVAILABLE");
    assert_eq!(failure.maybe_billed, Some(true));
}
