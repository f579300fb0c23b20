//! Health that says what real calls say, and what is counted of them.

use serde_json::{Value, json};

use crate::running::{Running, lab, provider, question};
use crate::upstream::{Act, Upstream};

fn error() -> Act {
    Act::Reply(500, json!({"detail": "x"}).to_string())
}

async fn health(router: &Running) -> Value {
    let (status, body) = router.get("/health").await;
    assert_eq!(status, 200);
    let names = ["status", "providers_ready", "providers_unknown", "providers_down", "regions"];
    json!(names.map(|name| body[name].clone()))
}

async fn ready(router: &Running) -> Value {
    let (status, body) = router.get("/ready").await;
    json!([status, body["status"]])
}

fn ask(region: &str) -> Value {
    json!({"model": "m", "prompt": "p", "region_preference": region})
}

#[tokio::test]
async fn a_router_is_what_its_providers_are() {
    let (us, eu) = (Upstream::start(Act::answer("us")).await, Upstream::start(error()).await);
    let toml = provider("us", "modal", "us-east", &us.url, "")
        + &provider("eu", "modal", "eu-west", &eu.url, "");
    let router = Running::start(&toml).await;
    assert_eq!(health(&router).await, json!(["healthy", 0, 2, 0, ["eu-west", "us-east"]]));
    assert_eq!(ready(&router).await, json!([200, "unknown"]));
    assert_eq!(router.get("/ready").await.1["last_success_age"], Value::Null);

    router.infer(&ask("us-east")).await;
    assert_eq!(health(&router).await, json!(["healthy", 1, 1, 0, ["eu-west", "us-east"]]));
    assert_eq!(ready(&router).await, json!([200, "ready"]));
    let age = router.get("/ready").await.1["last_success_age"].as_f64().unwrap();
    assert!((0.0..20.0).contains(&age), "{age}");

    router.infer(&ask("eu-west")).await;
    assert_eq!(health(&router).await, json!(["degraded", 1, 0, 1, ["us-east"]]));
    assert_eq!(ready(&router).await, json!([200, "ready"]));

    us.turn_to(error());
    router.infer(&ask("us-east")).await;
    assert_eq!(health(&router).await, json!(["down", 0, 0, 2, []]));
    assert_eq!(ready(&router).await, json!([503, "down"]));

    // Nobody but a caller asks the providers: health costs nothing.
    let before = (us.connections(), eu.connections());
    for _time in 0..10 {
        health(&router).await;
        ready(&router).await;
        router.get("/providers").await;
    }
    assert_eq!((us.connections(), eu.connections()), before);

    us.turn_to(Act::answer("us"));
    assert_eq!(router.infer(&ask("us-east")).await["success"], true);
    assert_eq!(health(&router).await, json!(["degraded", 1, 0, 1, ["us-east"]]));
    assert_eq!(ready(&router).await, json!([200, "ready"]));
}

#[tokio::test]
async fn one_model_that_is_down_degrades_and_does_not_take_all_down() {
    let upstream = Upstream::start(error()).await;
    let toml = lab("modal", &upstream.url, "").replace("\"m\"", "\"m\", \"n\"");
    let router = Running::start(&toml).await;
    router.infer(&question()).await;
    assert_eq!(health(&router).await[0], "degraded");
    assert_eq!(ready(&router).await, json!([200, "unknown"]));
    let lab = router.provider("lab").await;
    let states: Vec<&Value> =
        lab["routes"].as_array().unwrap().iter().map(|route| &route["state"]).collect();
    assert_eq!(json!([lab["healthy"], states]), json!([false, ["down", "unknown"]]));
}

#[tokio::test]
async fn a_provider_shows_when_it_last_answered_and_how_it_last_failed() {
    let upstream = Upstream::start(Act::answer("4")).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let route = async || router.provider("lab").await["routes"][0].clone();
    let unknown = json!({"model": "m", "state": "unknown", "breaker": "closed"});
    assert_eq!(route().await, unknown);
    router.infer(&question()).await;
    let seen = route().await;
    assert!((0.0..20.0).contains(&seen["last_success_age"].as_f64().unwrap()), "{seen}");
    assert_eq!(json!([seen["state"], seen["last_error"]]), json!(["ready", null]));

    upstream.turn_to(Act::Reset);
    router.infer(&question()).await;
    router.infer(&question()).await;
    let seen = route().await;
    let code = &seen["last_error"]["code"];
    assert_eq!(json!([seen["state"], code]), json!(["ready", "PROVIDER_CONNECTION_LOST"]));
    assert!((0.0..20.0).contains(&seen["last_error"]["age"].as_f64().unwrap()), "{seen}");

    for _call in 0..3 {
        router.infer(&question()).await;
    }
    let seen = route().await;
    assert_eq!(json!([seen["state"], seen["breaker"]]), json!(["down", "open"]));
    assert!((1..=1_000).contains(&seen["open_ms"].as_u64().unwrap()), "{seen}");
    assert_eq!(ready(&router).await, json!([503, "down"]));
    assert_eq!(upstream.connections(), 6);
}

#[tokio::test]
async fn what_was_asked_wrongly_takes_nobody_down() {
    let upstream = Upstream::start(Act::Reply(400, "{}".to_owned())).await;
    let router = Running::start(&lab("openai", &upstream.url, "")).await;
    for _call in 0..10 {
        router.infer(&question()).await;
    }
    assert_eq!(health(&router).await, json!(["healthy", 0, 1, 0, ["us-east"]]));
}

#[tokio::test]
async fn requests_are_counted_by_how_they_ended() {
    const LABELS: &str = "provider=\"lab\",region=\"us-east\",model=\"m\"";
    let upstream = Upstream::start(Act::answer("4")).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    for _call in 0..3 {
        router.infer(&question()).await;
    }
    upstream.turn_to(Act::answer(""));
    router.infer(&question()).await;
    upstream.turn_to(Act::Reply(400, "{}".to_owned()));
    router.infer(&question()).await;
    upstream.turn_to(Act::Reset);
    router.infer_all(5, &question()).await;
    assert_eq!(router.infer(&question()).await["error_code"], "PROVIDER_UNAVAILABLE");
    router.infer(&ask("mars")).await;
    let outcome =
        |outcome: &str| format!("beacon_router_requests_total{{{LABELS},outcome=\"{outcome}\"}}");
    let state = |name: &str, state: &str| format!("{name}{{{LABELS},state=\"{state}\"}}");
    let of = |name: &str| format!("{name}{{{LABELS}}}");
    let table = [
        (outcome("text"), 3.0),
        (outcome("empty"), 1.0),
        (outcome("PROVIDER_HTTP_400"), 1.0),
        (outcome("PROVIDER_CONNECTION_LOST"), 5.0),
        ("beacon_router_unsent_total{code=\"PROVIDER_UNAVAILABLE\"}".to_owned(), 2.0),
        (of("beacon_router_maybe_billed_total"), 5.0),
        (of("beacon_router_cancelled_total"), 0.0),
        (state("beacon_router_breaker_state", "open"), 1.0),
        (state("beacon_router_breaker_state", "closed"), 0.0),
        (state("beacon_router_breaker_state", "half_open"), 0.0),
        (state("beacon_router_route_state", "down"), 1.0),
        ("beacon_router_queue_depth{provider=\"lab\"}".to_owned(), 0.0),
        ("beacon_router_in_flight{provider=\"lab\"}".to_owned(), 0.0),
        ("beacon_router_overhead_seconds_count".to_owned(), 12.0),
        ("beacon_router_overhead_seconds_bucket{le=\"+Inf\"}".to_owned(), 12.0),
    ];
    for (name, expected) in table {
        let value = router.metric(&name).await;
        assert!((value - expected).abs() < 1e-9, "{name} {value}");
    }
    assert!(router.metric(&of("beacon_router_provider_seconds_total")).await > 0.0);
    assert!(router.metric("beacon_router_overhead_seconds_sum").await > 0.0);
}
