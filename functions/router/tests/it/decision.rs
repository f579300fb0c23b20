//! What each answer tells of how it came about.

use std::time::Duration;

use serde_json::{Value, json};

use crate::running::{Running, provider, question};
use crate::upstream::{Act, Upstream, answer, refusing};

fn standings(told: &Value) -> Value {
    let candidates = told["decision"]["candidates"].as_array().unwrap();
    let shown = |one: &Value| json!([one["provider"], one["standing"]]);
    candidates.iter().map(shown).collect()
}

fn attempts(told: &Value) -> Value {
    let attempts = told["decision"]["attempts"].as_array().unwrap();
    let shown = |one: &Value| json!([one["provider"], one["code"]]);
    attempts.iter().map(shown).collect()
}

#[tokio::test]
async fn an_answer_tells_who_was_considered_and_what_became_of_it() {
    let error = Act::Reply(503, "{}".to_owned());
    let (first, second) = (Upstream::start(error).await, Upstream::start(Act::answer("4")).await);
    let toml = provider("dear", "modal", "us-east", &second.url, "price = { per_second = 1 }")
        + &provider("cheap", "modal", "us-east", &first.url, "price = { per_second = 0.5 }")
        + &provider("eu", "modal", "eu-west", &refusing().await, "");
    let router = Running::start(&toml).await;
    let told = router.infer(&question()).await;
    assert_eq!(told["response"], "4");
    assert_eq!(told["decision"]["order"], "cost");
    assert_eq!(standings(&told), json!([["cheap", "available"], ["dear", "available"]]));
    assert_eq!(attempts(&told), json!([["cheap", "PROVIDER_HTTP_503"], ["dear", null]]));
    let [cheap, dear] = [0, 1].map(|at| told["decision"]["attempts"][at].clone());
    assert_eq!(cheap["http_status"], 503);
    assert!(dear.get("http_status").is_none() && dear.get("maybe_billed").is_none(), "{dear}");
    let seconds = dear["seconds"].as_f64().unwrap();
    assert!((dear["cost"].as_f64().unwrap() - seconds).abs() < 1e-9, "{dear}");
    assert!((seconds - told["inference_time"].as_f64().unwrap()).abs() < 1e-9);

    // What was seen is expected the next time.
    let told = router.infer(&question()).await;
    let dear = &told["decision"]["candidates"];
    let dear = dear.as_array().unwrap().iter().find(|one| one["provider"] == "dear").unwrap();
    assert!((dear["expected_seconds"].as_f64().unwrap() - seconds).abs() < 1e-9, "{dear}");
    assert!((dear["expected_cost"].as_f64().unwrap() - seconds).abs() < 1e-9, "{dear}");
}

#[tokio::test]
async fn a_refusal_to_ask_tells_why_each_provider_was_not() {
    let upstream = Upstream::start(Act::Reset).await;
    let toml = provider("us", "modal", "us-east", &upstream.url, "")
        + &provider("eu", "modal", "eu-west", &upstream.url, "");
    let router = Running::start(&toml).await;
    let ask = |model: &str, region: &str| {
        router.infer(&json!({"model": model, "prompt": "p", "region_preference": region}))
    };
    let told = ask("x", "us-east").await;
    assert_eq!(standings(&told), json!([["us", "other_model"], ["eu", "other_region"]]));
    let told = ask("m", "asia-pacific").await;
    assert_eq!(standings(&told), json!([["us", "other_region"], ["eu", "other_region"]]));
    assert_eq!(told["error_code"], "PROVIDER_UNAVAILABLE");
    assert_eq!(upstream.connections(), 0);

    router.infer_all(5, &question()).await;
    let told = router.infer(&question()).await;
    assert_eq!(told["error_code"], "PROVIDER_UNAVAILABLE");
    assert_eq!(standings(&told), json!([["us", "breaker_open"]]));
    assert!(told["decision"]["candidates"][0]["wait_ms"].as_u64().unwrap() <= 1_000, "{told}");
    assert_eq!(attempts(&told), json!([]));
    assert_eq!(upstream.connections(), 5);
}

#[tokio::test]
async fn the_time_of_a_call_is_told_in_its_parts() {
    let late = |status| Act::Late(Duration::from_millis(100), status, answer("4"));
    let upstream = Upstream::in_turn([late(503), late(200)]).await;
    let router = Running::start(&provider("lab", "modal", "us-east", &upstream.url, "")).await;
    let told = router.infer(&question()).await;
    let part = |name: &str| told["timings"][name].as_f64().unwrap();
    assert!(part("provider_ms") >= 200.0, "{told}");
    assert!(part("waited_ms") >= 200.0, "{told}");
    assert!(part("first_byte_ms") >= 100.0 && part("first_byte_ms") <= part("provider_ms"));
    let parts = part("provider_ms") + part("waited_ms") + part("overhead_ms");
    assert!((part("total_ms") - parts).abs() < 0.01, "{told}");
    let attempts = told["decision"]["attempts"].as_array().unwrap();
    let seconds: f64 = attempts.iter().map(|one| one["seconds"].as_f64().unwrap()).sum();
    assert!((seconds * 1_000.0 - part("provider_ms")).abs() < 0.01, "{told}");
}

#[tokio::test]
async fn a_failure_that_may_be_charged_for_is_told_in_the_decision_too() {
    let upstream = Upstream::start(Act::Reset).await;
    let router = Running::start(&provider("lab", "modal", "us-east", &upstream.url, "")).await;
    let told = router.infer(&question()).await;
    assert_eq!(told["decision"]["attempts"][0]["maybe_billed"], true, "{told}");
    assert_eq!(attempts(&told), json!([["lab", "PROVIDER_CONNECTION_LOST"]]));
}
