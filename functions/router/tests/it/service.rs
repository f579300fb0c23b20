//! The HTTP service: its other endpoints, requests that are none, and how connections end.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::running::{KEY, Running, lab, provider, question};
use crate::upstream::{Act, Upstream, refusing, within};

const SIMULATED: &str = r#"
[[providers]]
name = "sim-eu"
kind = "simulated"
region = "eu-west"
models = ["b", "a"]
"#;

async fn two() -> Running {
    let more = "api_key_env = \"LAB_KEY\"\nprice = { per_second = 0.00005 }";
    Running::start(&(lab("modal", &refusing().await, more) + SIMULATED)).await
}

#[tokio::test]
async fn health_and_readiness_have_the_predecessors_shape() {
    let (status, mut health) = two().await.get("/health").await;
    assert!(health["timestamp"].as_f64().unwrap() > 1_700_000_000.0);
    health["timestamp"] = json!(0);
    let expected = json!({"status": "healthy", "timestamp": 0,
        "version": env!("CARGO_PKG_VERSION"), "providers_total": 2, "providers_healthy": 2,
        "providers_ready": 0, "providers_unknown": 2, "providers_down": 0, "regions": ["eu-west", "us-east"]});
    assert_eq!((status, health), (200, expected));
    let (status, ready) = two().await.get("/ready").await;
    assert_eq!((status, &ready["status"]), (200, &json!("unknown")));
    assert!(ready["timestamp"].is_f64());
}

#[tokio::test]
async fn providers_are_shown_and_filtered_by_region_or_alias() {
    let router = two().await;
    let us = json!({"name": "lab", "type": "modal", "region": "us-east", "healthy": true,
        "models": ["m"], "simulated": false, "cost_per_second": 0.00005,
        "price": {"per_second": 0.00005}, "avg_latency": 0.0,
        "success_rate": 1.0, "last_health_check": 0.0, "in_flight": 0, "queued": 0,
        "routes": [{"model": "m", "state": "unknown", "breaker": "closed"}]});
    let eu = json!({"name": "sim-eu", "type": "simulated", "region": "eu-west", "healthy": true,
        "models": ["b", "a"], "simulated": true, "cost_per_second": 0.0, "avg_latency": 0.0,
        "success_rate": 1.0, "last_health_check": 0.0, "in_flight": 0, "queued": 0,
        "routes": [{"model": "b", "state": "unknown", "breaker": "closed"},
            {"model": "a", "state": "unknown", "breaker": "closed"}]});
    let table = [
        ("/providers", json!([us, eu])),
        ("/providers?region=us-east", json!([us])),
        ("/providers?region=EU", json!([eu])),
        ("/providers?region=asia", json!([])),
        ("/providers?region=mars", json!([])),
    ];
    for (path, expected) in table {
        assert_eq!(router.get(path).await, (200, json!({"providers": expected})), "{path}");
    }
}

#[tokio::test]
async fn the_key_is_sent_to_the_provider_and_shown_to_nobody() {
    let mut upstream = Upstream::start(Act::Reply(401, json!({"error": KEY}).to_string())).await;
    let router = Running::start(&lab("openai", &upstream.url, "api_key_env = \"LAB_KEY\"")).await;
    let told = router.infer(&question()).await;
    assert_eq!(upstream.received().await.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(told["error_code"], "PROVIDER_HTTP_401");
    let shown = [told, router.get("/providers").await.1, router.get("/health").await.1];
    assert!(!json!(shown).to_string().contains(KEY), "{shown:?}");
    let debug = format!(
        "{:?}",
        crate::running::router(&lab("openai", &upstream.url, "api_key_env = \"K\""))
    );
    assert!(!debug.contains(KEY), "{debug}");
}

#[tokio::test]
async fn requests_that_are_none_are_told_so() {
    let router = two().await;
    let not_allowed = json!({"detail": "Method Not Allowed"});
    assert_eq!(router.get("/inference").await, (405, not_allowed.clone()));
    assert_eq!(router.get("/v1/inference").await, (405, not_allowed));
    assert_eq!(router.get("/nowhere").await, (404, json!({"detail": "Not Found"})));

    let missing = json!({"detail": [{"type": "missing", "loc": ["body", "prompt"],
        "msg": "Field required", "input": {"model": "m"}}]});
    let request = router.post("/inference").json(&json!({"model": "m"}));
    assert_eq!(router.send(request).await, (422, missing));

    let (status, told) = router.send(json_text(&router, "{ not-json }")).await;
    assert_eq!((status, &told["detail"][0]["type"]), (422, &json!("json_invalid")));

    let request = router.post("/inference").header("x-beacon-deadline-ms", "soon");
    let (status, told) = router.send(request.json(&question())).await;
    let loc = json!(["header", "x-beacon-deadline-ms"]);
    assert_eq!((status, &told["detail"][0]["loc"]), (422, &loc));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_one_at_the_limit_is_not() {
    let router = Running::start(SIMULATED).await;
    let around = json!({"model": "none", "prompt": ""}).to_string().len();
    let at_limit = json!({"model": "none", "prompt": "x".repeat(2 * 1024 * 1024 - around)});
    assert_eq!(router.infer(&at_limit).await["error_code"], "PROVIDER_UNAVAILABLE");
    let over = json!({"model": "none", "prompt": "x".repeat(2 * 1024 * 1024 - around + 1)});
    let (status, told) = router.send(router.post("/inference").json(&over)).await;
    assert_eq!(status, 413);
    assert!(told["detail"].is_string(), "{told}");
}

#[tokio::test]
async fn the_call_is_dropped_when_its_caller_goes_away() {
    let mut upstream = Upstream::start(Act::Silent).await;
    let router = Running::start(&lab("openai", &upstream.url, "")).await;
    let mut caller = TcpStream::connect(&router.address).await.unwrap();
    let body = question().to_string();
    let head = format!(
        "POST /inference HTTP/1.1\r\nhost: router\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    caller.write_all((head + &body).as_bytes()).await.unwrap();
    upstream.received().await;
    drop(caller);
    upstream.closed().await;
}

#[tokio::test]
async fn a_stopping_router_finishes_the_calls_in_flight() {
    let go = Arc::new(Notify::new());
    let answer = json!({"success": true, "response": "still here"}).to_string();
    let mut upstream = Upstream::start(Act::Held(go.clone(), answer)).await;
    let router = Running::start(&provider("lab", "modal", "us-east", &upstream.url, "")).await;
    let request = router.post("/inference").json(&question());
    let call = tokio::spawn(async move { request.send().await.unwrap().json::<Value>().await });
    upstream.received().await;
    let address = router.address.clone();
    let stopping = tokio::spawn(router.stop());
    // The listener is closed first: then a new connection is refused or cut, and the call is not.
    let turned_away = async {
        loop {
            let Ok(mut stream) = TcpStream::connect(&address).await else { break };
            let asked = stream.write_all(b"GET /ready HTTP/1.1\r\nhost: r\r\n\r\n").await;
            let mut byte = [0];
            if asked.is_err() || !matches!(stream.read(&mut byte).await, Ok(1)) {
                break;
            }
        }
    };
    within(turned_away).await;
    go.notify_one();
    assert_eq!(within(call).await.unwrap().unwrap()["response"], "still here");
    within(stopping).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let router = two().await;
    let request = router.post("/inference").header("content-type", "text/plain");
    let (status, _told) = router.send(request.body(question().to_string())).await;
    assert_eq!(status, 415);
}

fn json_text(router: &Running, text: &'static str) -> reqwest::RequestBuilder {
    router.post("/inference").header("content-type", "application/json").body(text)
}
