//! Who is asked: region and model strictly, then price, speed and record; and in which time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::running::{Running, lab, provider, question};
use crate::upstream::{Act, Upstream, refusing};

async fn answering(text: &str) -> Upstream {
    Upstream::json(json!({"success": true, "response": text})).await
}

fn ask(region: &Value) -> Value {
    json!({"model": "m", "prompt": "p", "region_preference": region})
}

#[expect(clippy::disallowed_methods, reason = "a deadline is a time of day")]
fn in_ms(ms: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_millis()).unwrap();
    (now + ms).to_string()
}

#[tokio::test]
async fn a_region_without_the_model_is_never_served_from_another() {
    let us = answering("us").await;
    let router = Running::start(&provider("us", "modal", "us-east", &us.url, "")).await;
    for region in ["eu-west", "EU", "asia-pacific", "us-west", "mars", ""] {
        let told = router.infer(&ask(&json!(region))).await;
        assert_eq!(told["error_code"], "PROVIDER_UNAVAILABLE", "{region}");
        assert_eq!(told["failure"]["stage"], "provider_selection");
        assert_eq!(told["failure"]["attempts"], 0);
        assert_eq!(told["failure"]["maybe_billed"], false);
        assert_eq!(told["provider_used"], "");
        assert_eq!(told["metadata"], json!({"requested_region": region}));
        assert!(told["error"].as_str().unwrap().contains("us-east"), "{told}");
    }
    assert_eq!(us.connections(), 0);
}

#[tokio::test]
async fn a_model_that_nobody_serves_is_told_with_those_that_are_served() {
    let us = answering("us").await;
    let toml = provider("us", "modal", "us-east", &us.url, "")
        + &provider("eu", "modal", "eu-west", &us.url, "").replace("\"m\"", "\"n\"");
    let router = Running::start(&toml).await;
    let told = router.infer(&json!({"model": "n", "prompt": "p", "region_preference": "US"})).await;
    assert_eq!(told["error_code"], "PROVIDER_UNAVAILABLE");
    let expected = "no provider in region `us-east` serves the model `n`; served there: m";
    assert_eq!(told["error"], expected);
    assert_eq!(told["failure"]["region"], "us-east");
    let told = router.infer(&json!({"model": "x", "prompt": "p"})).await;
    assert_eq!(told["error"], "no provider serves the model `x`; served: m, n");
    assert_eq!(told["metadata"]["requested_region"], "unknown");
    assert_eq!(us.connections(), 0);
}

#[tokio::test]
async fn aliases_reach_their_region_and_no_region_reaches_any() {
    let (us, eu) = (answering("us").await, answering("eu").await);
    let toml = provider("us", "modal", "USA", &us.url, "")
        + &provider("eu", "modal", " Europe ", &eu.url, "")
        + &provider("lab", "modal", "lab-1", &eu.url, "");
    let router = Running::start(&toml).await;
    let table = [
        (json!("US"), "us", "us-east"),
        (json!("us-east"), "us", "us-east"),
        (json!("  eu-west  "), "eu", "eu-west"),
        (json!("EUROPE"), "eu", "eu-west"),
        (json!("LAB-1"), "lab", "lab-1"),
    ];
    for (given, name, region) in table {
        let told = router.infer(&ask(&given)).await;
        assert_eq!(told["provider_used"], name, "{given}");
        assert_eq!(told["metadata"]["region"], region, "{given}");
    }
    assert_eq!(router.infer(&ask(&Value::Null)).await["success"], true);
}

#[tokio::test]
async fn the_cheapest_of_the_region_is_asked() {
    let (dear, cheap) = (answering("dear").await, answering("cheap").await);
    let toml = provider("dear", "modal", "us-east", &dear.url, "price = { per_second = 0.02 }")
        + &provider("cheap", "modal", "us-east", &cheap.url, "price = { per_second = 0.01 }");
    let router = Running::start(&toml).await;
    assert_eq!(router.infer(&question()).await["response"], "cheap");
    assert_eq!(dear.connections(), 0);
}

#[tokio::test]
async fn a_refused_connection_moves_to_the_next_of_the_region_and_no_further() {
    let (us, eu) = (answering("us").await, answering("eu").await);
    let down = refusing().await;
    let toml = provider("first", "modal", "us-east", &down, "")
        + &provider("second", "modal", "us-east", &us.url, "")
        + &provider("asia-1", "modal", "asia-pacific", &down, "")
        + &provider("asia-2", "modal", "asia-pacific", &down, "")
        + &provider("eu", "modal", "eu-west", &eu.url, "");
    let router = Running::start(&toml).await;
    assert_eq!(router.infer(&ask(&json!("US"))).await["provider_used"], "second");
    let told = router.infer(&ask(&json!("ASIA"))).await;
    assert_eq!(told["error_code"], "PROVIDER_UNREACHABLE");
    assert_eq!(told["provider_used"], "asia-1");
    let asked = |at: usize| told["decision"]["attempts"][at]["provider"].clone();
    assert_eq!([0, 1, 2].map(asked), ["asia-1", "asia-2", "asia-1"]);
    assert_eq!(told["failure"]["attempts"], 3);
    assert_eq!(eu.connections(), 0);
}

#[tokio::test]
async fn a_request_that_may_have_been_read_is_not_sent_to_the_next() {
    let (lost, other) = (Upstream::start(Act::Raw(Vec::new())).await, answering("other").await);
    let toml = provider("lost", "modal", "us-east", &lost.url, "")
        + &provider("other", "modal", "us-east", &other.url, "");
    let router = Running::start(&toml).await;
    assert_eq!(router.infer(&question()).await["error_code"], "PROVIDER_CONNECTION_LOST");
    assert_eq!((lost.connections(), other.connections()), (1, 0));
}

#[tokio::test]
async fn three_failures_put_a_provider_behind_and_lower_what_is_shown_of_it() {
    let (lost, other) = (Upstream::start(Act::Reset).await, answering("other").await);
    let toml = provider("broken", "modal", "us-east", &lost.url, "")
        + &provider("other", "modal", "us-east", &other.url, "");
    let router = Running::start(&toml).await;
    for _time in 0..3 {
        assert_eq!(router.infer(&question()).await["provider_used"], "broken");
    }
    assert_eq!(router.infer(&question()).await["provider_used"], "other");
    let (_, told) = router.get("/providers").await;
    let [broken, other] = [&told["providers"][0], &told["providers"][1]];
    assert!((broken["success_rate"].as_f64().unwrap() - 0.729).abs() < 1e-9, "{broken}");
    assert_eq!((&broken["healthy"], &broken["avg_latency"]), (&json!(false), &json!(0.0)));
    assert_eq!(broken["last_health_check"], 0.0);
    assert_eq!(broken["routes"][0]["last_error"]["code"], "PROVIDER_CONNECTION_LOST");
    assert_eq!((&other["healthy"], &other["success_rate"]), (&json!(true), &json!(1.0)));
    assert!(other["avg_latency"].as_f64().unwrap() > 0.0);
    assert!(other["last_health_check"].as_f64().unwrap() > 1_700_000_000.0);
}

#[tokio::test]
async fn what_was_asked_wrongly_does_not_speak_against_the_provider() {
    let upstream = Upstream::start(Act::Reply(400, "{}".to_owned())).await;
    let router = Running::start(&lab("openai", &upstream.url, "")).await;
    assert_eq!(router.infer(&question()).await["error_code"], "PROVIDER_HTTP_400");
    assert_eq!(router.get("/providers").await.1["providers"][0]["success_rate"], 1.0);
}

#[tokio::test]
async fn a_call_that_cannot_finish_in_time_is_not_started() {
    let upstream = answering("late").await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    for ms in [-1_000, 0, 400] {
        let request = router.post("/inference").header("x-beacon-deadline-ms", in_ms(ms));
        let (_, told) = router.send(request.json(&question())).await;
        let failure = &told["failure"];
        let seen = json!([
            failure["code"],
            failure["stage"],
            failure["retryable"],
            failure["maybe_billed"],
            failure["attempts"]
        ]);
        assert_eq!(seen, json!(["DEADLINE_EXCEEDED", "provider_selection", true, false, 0]));
    }
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn the_deadline_ends_a_call_before_its_own_time_out() {
    let upstream = Upstream::start(Act::Silent).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let request = router.post("/inference").header("x-beacon-deadline-ms", in_ms(1_500));
    let (_, told) = router.send(request.timeout(Duration::from_secs(20)).json(&question())).await;
    assert_eq!(told["error_code"], "PROVIDER_TIMEOUT");
    upstream.closed().await;
}
