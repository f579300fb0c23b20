//! Calls with an idempotency key: one request to the provider, however often it is asked for.

use std::pin::pin;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use beacon_core::wire::{CallState, InferenceRequest};
use beacon_router::{CallContext, KeyRefused};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::running::{Running, keyed, lab, question, router};
use crate::upstream::{Act, Upstream, refusing, within};

const KEY: &str = "job.0.us-east.0.llama3~2E2-1b:1";

fn answer(text: &str) -> String {
    json!({"success": true, "response": text}).to_string()
}

fn request() -> InferenceRequest {
    serde_json::from_value(question()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a deadline is a time of day")]
fn in_ms(ms: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap() + ms
}

#[tokio::test]
async fn two_who_ask_the_same_share_one_request() {
    let go = Arc::new(Notify::new());
    let mut upstream = Upstream::start(Act::Held(go.clone(), answer("shared"))).await;
    let router = router(&lab("modal", &upstream.url, ""));
    let (request, context) = (request(), keyed(KEY));
    let mut first = pin!(router.infer(&request, &context));
    let mut second = pin!(router.infer(&request, &context));
    assert!((&mut first).now_or_never().is_none());
    assert!((&mut second).now_or_never().is_none());
    go.notify_one();
    let (first, second) = within(async { tokio::join!(first, second) }).await;
    assert_eq!(first.as_ref().unwrap().response.as_deref(), Some("shared"));
    assert_eq!(first, second);
    assert_eq!(upstream.received().await.headers["idempotency-key"], KEY);
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn callers_share_a_request_over_http_too() {
    let go = Arc::new(Notify::new());
    let mut upstream = Upstream::start(Act::Held(go.clone(), answer("shared"))).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let asked = || router.post("/v1/inference").header("idempotency-key", KEY).json(&question());
    let callers: Vec<_> = (0..50).map(|_| tokio::spawn(asked().send())).collect();
    upstream.received().await;
    go.notify_one();
    for caller in callers {
        let told: Value = within(caller).await.unwrap().unwrap().json().await.unwrap();
        assert_eq!(told["response"], "shared");
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_who_ask_the_same_share_one_request() {
    let go = Arc::new(Notify::new());
    let mut upstream = Upstream::start(Act::Held(go.clone(), answer("one"))).await;
    let router = router(&lab("modal", &upstream.url, ""));
    let callers = (0..1000).map(|_| {
        let router = router.clone();
        tokio::spawn(async move { router.infer(&request(), &keyed(KEY)).await })
    });
    let callers: Vec<_> = callers.collect();
    upstream.received().await;
    go.notify_one();
    let told = within(join_all(callers)).await;
    assert_eq!(told.len(), 1000);
    for told in told {
        assert_eq!(told.unwrap().unwrap().response.as_deref(), Some("one"));
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn answers_failures_and_nothing_are_repeated_without_a_request() {
    let table = [
        (Act::Reply(200, answer("4")), 1, json!([true, "4", null])),
        (Act::Reply(200, answer("")), 1, json!([true, "", null])),
        (Act::Reply(503, String::new()), 3, json!([false, null, "PROVIDER_HTTP_503"])),
        (Act::Reset, 1, json!([false, null, "PROVIDER_CONNECTION_LOST"])),
    ];
    for (act, requests, expected) in table {
        let upstream = Upstream::start(act).await;
        let router = Running::start(&lab("modal", &upstream.url, "")).await;
        let (_, told) = router.infer_with(KEY, &question()).await;
        assert_eq!(json!([told["success"], told["response"], told["error_code"]]), expected);
        assert_eq!(router.infer_with(KEY, &question()).await, (200, told), "{expected}");
        assert_eq!(upstream.connections(), requests, "{expected}");
    }
}

#[tokio::test]
async fn without_a_key_every_call_is_made() {
    let upstream = Upstream::start(Act::Reply(200, answer("4"))).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    router.infer(&question()).await;
    router.infer(&question()).await;
    assert_eq!(upstream.connections(), 2);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_a_conflict() {
    let upstream = Upstream::start(Act::Reply(200, answer("4"))).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let (_, first) = router.infer_with(KEY, &question()).await;
    let mut other = question();
    other["prompt"] = json!("SECRET-TEXT");
    let (status, told) = router.infer_with(KEY, &other).await;
    let detail = json!([{"type": "key_conflict", "loc": ["header", "idempotency-key"],
        "msg": "The key belongs to a call with another body; another call needs another key"}]);
    assert_eq!((status, told), (409, json!({"detail": detail})));
    let other: InferenceRequest = serde_json::from_value(other).unwrap();
    assert_eq!(router.router.infer(&other, &keyed(KEY)).await, Err(KeyRefused::Conflict));
    assert_eq!(router.infer_with(KEY, &question()).await, (200, first));
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn one_who_only_joins_gets_what_there_is_and_makes_nothing() {
    let go = Arc::new(Notify::new());
    let mut upstream = Upstream::start(Act::Held(go.clone(), answer("one"))).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let join = || {
        let asked = router.post("/inference").header("idempotency-key", KEY);
        asked.header("if-match", "*").json(&question()).send()
    };
    let told = within(join()).await.unwrap();
    assert_eq!(told.status(), 412);
    let told: Value = told.json().await.unwrap();
    assert_eq!(told["detail"][0]["type"], "nothing_to_join");
    let first = tokio::spawn({
        let router = router.router.clone();
        async move { router.infer(&request(), &keyed(KEY)).await }
    });
    upstream.received().await;
    let joined = tokio::spawn(join());
    go.notify_one();
    let told: Value = within(joined).await.unwrap().unwrap().json().await.unwrap();
    assert_eq!((&told["success"], &told["response"]), (&json!(true), &json!("one")));
    within(first).await.unwrap().unwrap();
    // It has its answer.
    assert_eq!(within(join()).await.unwrap().status(), 200);
    assert_eq!(upstream.connections(), 1);
    let other = router.post("/inference").header("if-match", "\"v1\"").json(&question());
    assert_eq!(within(other.send()).await.unwrap().status(), 422);
}

#[tokio::test]
async fn a_key_that_is_none_is_told_so() {
    let router = Running::start(&lab("modal", &refusing().await, "")).await;
    let problem = |loc: Value| {
        json!({"detail": [{"type": "value_error", "loc": loc,
            "msg": "Input should be a valid idempotency key",
            "ctx": {"allowed": "1 to 1024 characters of [A-Za-z0-9._~:-]"}}]})
    };
    let header = problem(json!(["header", "idempotency-key"]));
    for bad in ["", "a b", "a/b", "a%20b", &"x".repeat(1025)] {
        assert_eq!(router.infer_with(bad, &question()).await, (422, header.clone()), "{bad}");
    }
    let path = problem(json!(["path", "key"]));
    for bad in ["a%20b", "a%2Fb", "%FF", &"x".repeat(1025)] {
        let at = format!("/inference/{bad}");
        assert_eq!(router.get(&at).await, (422, path.clone()), "{bad}");
        assert_eq!(router.delete(&at).await, (422, path.clone()), "{bad}");
    }
    assert_eq!(router.infer_with(&"x".repeat(1024), &question()).await.0, 200);
}

#[tokio::test]
async fn a_call_ends_with_the_last_who_waits_and_is_made_anew_when_asked_again() {
    let acts = [Act::Silent, Act::Silent, Act::Reply(200, answer("at last"))];
    let mut upstream = Upstream::in_turn(acts).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    for time in 1..=2 {
        let caller = router.caller(KEY, &question()).await;
        upstream.received().await;
        drop(caller);
        upstream.closed().await;
        let view = router.ended(KEY).await;
        let seen = json!([view["state"], view["maybe_billed"], view["response"]]);
        assert_eq!(seen, json!(["dropped", time, null]), "{view}");
        assert!(view["ended_ms"].as_u64() >= view["begun_ms"].as_u64(), "{view}");
    }
    let (_, told) = router.infer_with(KEY, &question()).await;
    assert_eq!((&told["response"], &told["earlier_maybe_billed"]), (&json!("at last"), &json!(2)));
    assert_eq!(router.infer_with(KEY, &question()).await, (200, told.clone()));
    assert_eq!(upstream.connections(), 3);
    let view = router.ended(KEY).await;
    assert_eq!((&view["state"], &view["maybe_billed"]), (&json!("done"), &json!(2)));
    assert_eq!(view["response"], told);
}

#[tokio::test]
async fn a_call_that_was_dropped_while_it_connects_was_certainly_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let router = Running::start(&lab("modal", &url, "")).await;
    let caller = router.caller(KEY, &question()).await;
    let (mut stream, _) = within(listener.accept()).await.unwrap();
    assert_eq!(within(stream.read(&mut [0])).await.unwrap(), 1, "no TLS begins");
    drop(caller);
    within(stream.read_to_end(&mut Vec::new())).await.unwrap();
    let view = router.ended(KEY).await;
    assert_eq!((&view["state"], &view["maybe_billed"]), (&json!("dropped"), &json!(0)));
}

#[tokio::test]
async fn the_first_who_asked_may_go_while_another_waits() {
    let go = Arc::new(Notify::new());
    let mut upstream = Upstream::start(Act::Held(go.clone(), answer("for the second"))).await;
    let router = router(&lab("modal", &upstream.url, ""));
    let (request, context) = (request(), keyed(KEY));
    let mut first = Box::pin(router.infer(&request, &context));
    let mut second = Box::pin(router.infer(&request, &context));
    tokio::select! {
        biased;
        told = &mut first => panic!("{told:?}"),
        told = &mut second => panic!("{told:?}"),
        _sent = upstream.received() => {}
    }
    drop(first);
    go.notify_one();
    let told = within(second).await.unwrap();
    assert_eq!(told.response.as_deref(), Some("for the second"));
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn each_waits_until_the_deadline_of_its_own() {
    let go = Arc::new(Notify::new());
    let upstream = Upstream::start(Act::Held(go.clone(), answer("late"))).await;
    let router = router(&lab("modal", &upstream.url, ""));
    let (request, hasty) =
        (request(), CallContext { deadline_ms: Some(in_ms(1_000)), ..keyed(KEY) });
    let patient = keyed(KEY);
    let mut first = Box::pin(router.infer(&request, &hasty));
    assert!((&mut first).now_or_never().is_none());
    let mut second = Box::pin(router.infer(&request, &patient));
    assert!((&mut second).now_or_never().is_none());
    let told = tokio::select! {
        told = within(first) => told.unwrap(),
        told = &mut second => panic!("{told:?}"),
    };
    let failure = told.failure.unwrap();
    assert_eq!((failure.code.as_str(), failure.maybe_billed), ("PROVIDER_TIMEOUT", Some(true)));
    go.notify_one();
    assert_eq!(within(second).await.unwrap().response.as_deref(), Some("late"));
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_longer_times_out_for_good() {
    let upstream = Upstream::start(Act::Silent).await;
    let router = router(&lab("modal", &upstream.url, ""));
    let hasty = CallContext { deadline_ms: Some(in_ms(900)), ..keyed(KEY) };
    let told = within(router.infer(&request(), &hasty)).await.unwrap();
    assert_eq!(told.error_code.as_deref(), Some("PROVIDER_TIMEOUT"));
    let view = router.look(&keyed(KEY).idempotency_key.unwrap()).await;
    assert_eq!((view.state, view.response.as_ref()), (CallState::Done, Some(&told)));
    assert_eq!(within(router.infer(&request(), &keyed(KEY))).await.unwrap(), told);
}
