//! Models that have to be loaded first: one call wakes them.

use std::sync::Arc;
use std::time::Duration;

use beacon_core::wire::InferenceRequest;
use beacon_router::CallContext;
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::Notify;

use crate::running::{Running, lab, provider, question};
use crate::upstream::{Act, Upstream, answer, within};

const SLEEPS: &str = "first_byte_timeout_seconds = 0.3\ncold_start_seconds = 100\n";

async fn held(more: &str) -> (Upstream, Arc<Notify>, Running) {
    let go = Arc::new(Notify::new());
    let upstream = Upstream::start(Act::Held(go.clone(), answer("awake"))).await;
    let router = Running::start(&lab("modal", &upstream.url, more)).await;
    (upstream, go, router)
}

async fn warmth(router: &Running, expected: &str) {
    let so = |lab: &serde_json::Value| lab["routes"][0]["warmth"] == expected;
    router.provider_when("lab", so).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_wake_a_model_with_one_request() {
    let (upstream, go, router) =
        held("cold_start_seconds = 100\nconcurrency = 50\nqueue = 2000\n").await;
    warmth(&router, "cold").await;
    let callers = (0..1_000).map(|_| {
        let router = router.router.clone();
        tokio::spawn(async move {
            let request: InferenceRequest = serde_json::from_value(question()).unwrap();
            router.infer(&request, &CallContext::default()).await.unwrap()
        })
    });
    let callers: Vec<_> = callers.collect();
    upstream.until(|traffic| traffic.open == 1).await;
    warmth(&router, "waking").await;
    // Over HTTP too; each answer of the router shows that those before it have begun to wait.
    let over_http = router.infer_all(100, &question());
    let release = async {
        for _time in 0..100 {
            assert_eq!(router.provider("lab").await["in_flight"], 1);
        }
        let traffic = upstream.traffic();
        assert_eq!((traffic.connections, traffic.open), (1, 1));
        upstream.turn_to(Act::answer("warm"));
        go.notify_one();
    };
    let (over_http, ()) = tokio::join!(over_http, release);
    let told = within(join_all(callers)).await;
    let texts = || told.iter().map(|told| told.as_ref().unwrap().response.as_deref().unwrap());
    assert_eq!(texts().filter(|text| *text == "awake").count(), 1);
    assert_eq!(texts().filter(|text| *text == "warm").count(), 999);
    assert!(over_http.iter().all(|told| told["response"] == "warm"), "{over_http:?}");
    assert_eq!(upstream.connections(), 1_100);
    assert!(upstream.traffic().most_open <= 50);
    warmth(&router, "warm").await;
}

#[tokio::test]
async fn loading_is_not_held_against_the_first_byte() {
    let late = Act::Late(Duration::from_millis(600), 200, answer("awake"));
    let upstream = Upstream::start(late).await;
    let router = Running::start(&lab("modal", &upstream.url, SLEEPS)).await;
    assert_eq!(router.infer(&question()).await["response"], "awake");
    // Awake it has no such excuse.
    assert_eq!(router.infer(&question()).await["error_code"], "PROVIDER_TIMEOUT");
    assert_eq!(upstream.connections(), 2);
}

#[tokio::test]
async fn a_server_that_says_that_it_loads_is_asked_until_it_answers() {
    let loading = Act::Reply(503, json!({"error": "loading"}).to_string());
    let acts = [loading.clone(), loading.clone(), loading.clone(), loading, Act::answer("awake")];
    let upstream = Upstream::in_turn(acts).await;
    let patient = "cold_start_seconds = 60\ntimeout_seconds = 90\n";
    let router = Running::start(&lab("modal", &upstream.url, patient)).await;
    let told = router.infer(&question()).await;
    assert_eq!(told["response"], "awake", "{told}");
    assert_eq!(told["decision"]["attempts"].as_array().unwrap().len(), 5);
    assert_eq!(upstream.connections(), 5);
}

#[tokio::test]
async fn a_model_that_wakes_does_not_open_its_breaker() {
    let loading = Act::Reply(503, json!({"error": "loading"}).to_string());
    let upstream = Upstream::start(loading).await;
    let router = Running::start(&lab("modal", &upstream.url, SLEEPS)).await;
    for _call in 0..2 {
        let told = router.infer_in_ms(2_500, &question()).await;
        assert_eq!(told["error_code"], "PROVIDER_HTTP_503");
        assert_eq!(told["failure"]["maybe_billed"], false);
    }
    let lab = router.provider("lab").await;
    let route = &lab["routes"][0];
    let seen = json!([route["breaker"], route["state"], lab["success_rate"]]);
    assert_eq!(seen, json!(["closed", "unknown", 1.0]));
    upstream.turn_to(Act::answer("awake"));
    assert_eq!(router.infer(&question()).await["response"], "awake");
}

#[tokio::test]
async fn those_who_wait_do_not_ask_in_turns_whether_it_is_awake() {
    let loading = Act::Reply(503, json!({"error": "loading"}).to_string());
    let upstream = Upstream::start(loading).await;
    let router = Running::start(&lab("modal", &upstream.url, SLEEPS)).await;
    let asked = (0..200).map(|_| router.infer_in_ms(3_500, &question()));
    let told = join_all(asked).await;
    assert!(told.iter().all(|told| told["success"] == false), "{told:?}");
    // About one a second.
    assert!((2..=5).contains(&upstream.connections()), "{}", upstream.connections());
}

#[tokio::test]
async fn when_the_one_who_wakes_it_goes_the_next_one_does() {
    let (upstream, go, router) = held("cold_start_seconds = 100\n").await;
    let first = router.anybody(&question()).await;
    upstream.until(|traffic| traffic.open == 1).await;
    let others = router.infer_all(5, &question());
    let leave = async {
        warmth(&router, "waking").await;
        drop(first);
        let traffic = upstream.until(|traffic| traffic.connections == 2).await;
        assert_eq!(traffic.most_open, 1);
        upstream.turn_to(Act::answer("warm"));
        go.notify_one();
    };
    let (told, ()) = tokio::join!(others, leave);
    assert_eq!(told.iter().filter(|told| told["response"] == "awake").count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|told| told["response"] == "warm").count(), 4, "{told:?}");
    assert_eq!(upstream.connections(), 6);
}

#[tokio::test]
async fn a_model_that_does_not_wake_in_its_time_is_given_up_and_woken_anew() {
    let upstream = Upstream::start(Act::Silent).await;
    let more = "first_byte_timeout_seconds = 0.2\ncold_start_seconds = 0.4\n";
    let router = Running::start(&lab("modal", &upstream.url, more)).await;
    let told = router.infer(&question()).await;
    let seen = json!([told["error_code"], told["failure"]["maybe_billed"], told["error"]]);
    assert_eq!(seen, json!(["PROVIDER_TIMEOUT", true, "no first byte within 600 ms"]));
    warmth(&router, "cold").await;
    assert_eq!(router.provider("lab").await["routes"][0]["state"], "down");
    upstream.turn_to(Act::answer("awake"));
    assert_eq!(router.infer(&question()).await["response"], "awake");
    assert_eq!(upstream.connections(), 2);
}

#[tokio::test]
async fn a_model_that_is_not_asked_falls_asleep() {
    let upstream = Upstream::start(Act::answer("4")).await;
    let more = format!("{SLEEPS}sleeps_after_seconds = 0.3\n");
    let router = Running::start(&lab("modal", &upstream.url, &more)).await;
    router.infer(&question()).await;
    warmth(&router, "warm").await;
    warmth(&router, "cold").await;
}

#[tokio::test]
async fn the_time_that_loading_takes_is_counted_in() {
    let (cold, warm) =
        (Upstream::start(Act::answer("cold")).await, Upstream::start(Act::answer("warm")).await);
    let price = "price = { per_second = 0.001 }\n";
    let toml = provider("cold", "modal", "us-east", &cold.url, &format!("{SLEEPS}{price}"))
        + &provider("warm", "modal", "us-east", &warm.url, price);
    let router = Running::start(&toml).await;
    for cost_priority in [true, false] {
        let mut body = question();
        body["cost_priority"] = json!(cost_priority);
        let told = router.infer(&body).await;
        assert_eq!(told["response"], "warm", "{told}");
        let considered = &told["decision"]["candidates"][1];
        let seen = json!([considered["provider"], considered["standing"]]);
        assert_eq!(seen, json!(["cold", "cold"]), "{told}");
        assert!((considered["expected_seconds"].as_f64().unwrap() - 100.0).abs() < 1e-6);
    }
    assert_eq!((cold.connections(), warm.connections()), (0, 2));
}
