//! A caller's connection that goes takes everything with it that was for it.

use std::time::Duration;

use serde_json::json;
use tokio::net::TcpStream;

use crate::running::{Running, lab, question};
use crate::upstream::{Act, Upstream, answer};

const LABELS: &str = "{provider=\"lab\",region=\"us-east\",model=\"m\"}";

async fn start(act: Act, more: &str) -> (Upstream, Running) {
    let upstream = Upstream::start(act).await;
    let router = Running::start(&lab("modal", &upstream.url, more)).await;
    (upstream, router)
}

async fn callers(router: &Running, count: usize) -> Vec<TcpStream> {
    let mut callers = Vec::with_capacity(count);
    for _caller in 0..count {
        callers.push(router.anybody(&question()).await);
    }
    callers
}

/// A hundred at a time: each has four ends of connections, and not every machine allows thousands.
#[tokio::test]
async fn a_thousand_who_go_leave_no_request_behind() {
    let (upstream, router) = start(Act::Silent, "").await;
    for _hundred in 0..10 {
        let callers = callers(&router, 100).await;
        upstream.until(|traffic| traffic.open == 100).await;
        assert_eq!(router.provider("lab").await["in_flight"], 100);
        drop(callers);
        upstream.until(|traffic| traffic.open == 0).await;
    }
    assert_eq!(upstream.connections(), 1_000);
    let lab = router.provider_when("lab", |lab| lab["in_flight"] == 0).await;
    let route = &lab["routes"][0];
    let seen = json!([lab["success_rate"], route["breaker"], route["state"]]);
    assert_eq!(seen, json!([1.0, "closed", "unknown"]));
    let cancelled = router.metric(&format!("beacon_router_cancelled_total{LABELS}")).await;
    assert!((cancelled - 1_000.0).abs() < 0.5, "{cancelled}");
}

#[tokio::test]
async fn half_an_answer_is_dropped_too() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{".to_vec();
    let (upstream, router) = start(Act::Stall(half), "").await;
    let caller = router.anybody(&question()).await;
    upstream.until(|traffic| traffic.open == 1).await;
    drop(caller);
    upstream.closed().await;
    upstream.until(|traffic| traffic.open == 0).await;
}

#[tokio::test]
async fn who_goes_while_waiting_for_a_place_sends_nothing() {
    let (upstream, router) = start(Act::Silent, "concurrency = 1\n").await;
    let first = router.anybody(&question()).await;
    upstream.until(|traffic| traffic.open == 1).await;
    let waiting = callers(&router, 50).await;
    router.provider_when("lab", |lab| lab["queued"] == 50).await;
    drop(waiting);
    router.provider_when("lab", |lab| lab["queued"] == 0).await;
    drop(first);
    router.provider_when("lab", |lab| lab["in_flight"] == 0).await;
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn who_goes_while_waiting_for_the_rate_sends_nothing() {
    let held = Act::http(429, "retry-after: 3\r\n", "{}");
    let (upstream, router) = start(held, "").await;
    let callers = callers(&router, 20).await;
    let throttled = |lab: &serde_json::Value| lab["routes"][0].get("throttled_ms").is_some();
    router.provider_when("lab", throttled).await;
    router.provider_when("lab", |lab| lab["in_flight"] == 0).await;
    let before = upstream.connections();
    upstream.turn_to(Act::answer("4"));
    drop(callers);
    // Whoever still waited would have gone before this one.
    assert_eq!(router.infer(&question()).await["response"], "4");
    assert_eq!(upstream.connections(), before + 1);
}

#[tokio::test]
async fn who_goes_while_the_model_wakes_sends_nothing() {
    let (upstream, router) = start(Act::Silent, "cold_start_seconds = 100\n").await;
    let mut all = callers(&router, 20).await;
    upstream.until(|traffic| traffic.open == 1).await;
    let wakes = all.remove(0);
    drop(all);
    // Each answer of the router's is a turn in which it sees who has gone.
    for _turn in 0..20 {
        router.get("/health").await;
    }
    upstream.turn_to(Act::answer("awake"));
    drop(wakes);
    assert_eq!(router.infer(&question()).await["response"], "awake");
    assert!(upstream.connections() <= 3, "{}", upstream.connections());
}

#[tokio::test]
async fn who_goes_between_two_requests_for_a_result_asks_no_more() {
    let taken = Act::http(303, "location: /result\r\n", "");
    let (upstream, router) = start(taken, "").await;
    let caller = router.anybody(&question()).await;
    upstream.until(|traffic| traffic.connections == 2 && traffic.open == 0).await;
    drop(caller);
    router.provider_when("lab", |lab| lab["in_flight"] == 0).await;
    // This takes longer than the pause between two requests.
    upstream.turn_to(Act::Late(Duration::from_millis(1_500), 200, answer("later")));
    assert_eq!(router.infer(&question()).await["response"], "later");
    assert_eq!(upstream.connections(), 3);
}

#[tokio::test]
async fn the_call_that_was_to_find_out_may_go_and_the_next_one_does() {
    let more = "first_byte_timeout_seconds = 0.2\n";
    let (upstream, router) = start(Act::Reset, more).await;
    router.infer_all(5, &question()).await;
    let breaker =
        |state: &'static str| move |lab: &serde_json::Value| lab["routes"][0]["breaker"] == state;
    router.provider_when("lab", breaker("open")).await;
    router.provider_when("lab", |lab| lab["routes"][0].get("open_ms").is_none()).await;
    let before = upstream.connections();
    upstream.turn_to(Act::Silent);
    for probe in 1..=5 {
        let caller = router.anybody(&question()).await;
        upstream.until(|traffic| traffic.connections == before + probe).await;
        router.provider_when("lab", breaker("half_open")).await;
        // It is found out once at a time.
        let told = router.infer(&question()).await;
        assert_eq!(told["error_code"], "PROVIDER_UNAVAILABLE", "{told}");
        assert!(told["error"].as_str().unwrap().contains("just being tried again"), "{told}");
        drop(caller);
        router.provider_when("lab", |lab| lab["in_flight"] == 0).await;
    }
    upstream.turn_to(Act::answer("4"));
    assert_eq!(router.infer(&question()).await["response"], "4");
    router.provider_when("lab", breaker("closed")).await;
    assert_eq!(upstream.connections(), before + 6);
}
