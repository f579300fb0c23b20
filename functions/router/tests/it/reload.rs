//! Another configuration while the router runs.

use std::sync::Arc;

use beacon_router::Config;
use serde_json::json;
use tokio::sync::Notify;

use crate::running::{Running, lab, provider, question};
use crate::upstream::{Act, Upstream, answer, refusing};

fn reload(router: &Running, toml: &str) {
    let config = Config::from_toml_with(toml, |_| None).unwrap();
    router.router.reload(config).unwrap();
}

#[tokio::test]
async fn what_is_known_of_a_provider_stays_known() {
    let upstream = Upstream::start(Act::Reset).await;
    let toml = lab("modal", &upstream.url, "");
    let router = Running::start(&toml).await;
    router.infer_all(5, &question()).await;
    assert_eq!(router.provider("lab").await["routes"][0]["breaker"], "open");
    upstream.turn_to(Act::answer("4"));
    reload(&router, &(toml.clone() + "price = { per_second = 1 }\n"));
    let told = router.infer(&question()).await;
    assert_eq!(told["error_code"], "PROVIDER_UNAVAILABLE", "{told}");
    assert_eq!(upstream.connections(), 5);
    let route = router.provider("lab").await["routes"][0].clone();
    let seen = json!([route["breaker"], route["last_error"]["code"]]);
    assert_eq!(seen, json!(["open", "PROVIDER_CONNECTION_LOST"]));
    // One of the same name elsewhere is another.
    reload(&router, &toml.replace("us-east", "eu-west"));
    assert_eq!(router.provider("lab").await["routes"][0]["breaker"], "closed");
}

#[tokio::test]
async fn a_rate_counts_what_was_sent_before() {
    let upstream = Upstream::start(Act::answer("4")).await;
    let toml = |rate: &str| lab("modal", &upstream.url, rate);
    let router = Running::start(&toml("requests_per_minute = 2\n")).await;
    for _call in 0..2 {
        assert_eq!(router.infer(&question()).await["success"], true);
    }
    reload(&router, &toml("requests_per_minute = 3\n"));
    assert_eq!(router.infer_in_ms(3_000, &question()).await["success"], true);
    let told = router.infer_in_ms(3_000, &question()).await;
    assert_eq!(told["error_code"], "PROVIDER_RATE_LIMITED", "{told}");
    reload(&router, &toml(""));
    assert_eq!(router.infer_in_ms(3_000, &question()).await["success"], true);
    assert_eq!(upstream.connections(), 4);
}

#[tokio::test]
async fn providers_come_and_go_and_calls_in_flight_end_as_they_began() {
    let go = Arc::new(Notify::new());
    let old = Upstream::start(Act::Held(go.clone(), answer("old"))).await;
    let new = Upstream::start(Act::answer("new")).await;
    let router = Running::start(&provider("old", "modal", "us-east", &old.url, "")).await;
    let begun = router.infer(&question());
    let change = async {
        old.until(|traffic| traffic.open == 1).await;
        reload(&router, &provider("new", "modal", "us-east", &new.url, ""));
        let told = router.infer(&question()).await;
        go.notify_one();
        told
    };
    let (begun, told) = tokio::join!(begun, change);
    assert_eq!(json!([begun["provider_used"], begun["response"]]), json!(["old", "old"]));
    assert_eq!(told["response"], "new");
    assert_eq!((old.connections(), new.connections()), (1, 1));
    let (_, shown) = router.get("/providers").await;
    assert_eq!(shown["providers"].as_array().unwrap().len(), 1);
    assert_eq!(router.get("/health").await.1["providers_total"], 1);
}

#[tokio::test]
async fn a_probe_under_way_keeps_others_out_across_a_reload() {
    let upstream = Upstream::start(Act::Reset).await;
    let toml = lab("modal", &upstream.url, "");
    let router = Running::start(&toml).await;
    router.infer_all(5, &question()).await;
    router.provider_when("lab", |lab| lab["routes"][0].get("open_ms").is_none()).await;
    let go = Arc::new(Notify::new());
    upstream.turn_to(Act::Held(go.clone(), answer("4")));
    let probe = router.infer(&question());
    let change = async {
        upstream.until(|traffic| traffic.connections == 6).await;
        reload(&router, &toml);
        let told = router.infer(&question()).await;
        assert_eq!(told["error_code"], "PROVIDER_UNAVAILABLE", "{told}");
        go.notify_one();
    };
    let (told, ()) = tokio::join!(probe, change);
    assert_eq!(told["response"], "4");
    assert_eq!(router.provider("lab").await["routes"][0]["breaker"], "closed");
    assert_eq!(upstream.connections(), 6);
}

#[tokio::test]
async fn breakers_and_waits_are_reset_by_name() {
    let upstream = Upstream::start(Act::Reset).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    router.infer_all(5, &question()).await;
    upstream.turn_to(Act::answer("4"));
    assert_eq!(router.router.reset_breakers(Some("other"), None).await, 0);
    assert_eq!(router.infer(&question()).await["error_code"], "PROVIDER_UNAVAILABLE");
    assert_eq!(router.router.reset_breakers(Some("lab"), Some("m")).await, 1);
    assert_eq!(router.infer(&question()).await["response"], "4");
    assert_eq!(upstream.connections(), 6);
}

#[tokio::test]
async fn at_another_address_nothing_is_known_of_a_provider() {
    let (dead, alive) = (refusing().await, Upstream::start(Act::answer("4")).await);
    let router = Running::start(&lab("modal", &dead, "")).await;
    router.infer(&question()).await;
    assert_eq!(router.provider("lab").await["routes"][0]["state"], "down");
    reload(&router, &lab("modal", &alive.url, ""));
    assert_eq!(router.provider("lab").await["routes"][0]["state"], "unknown");
    assert_eq!(router.infer(&question()).await["response"], "4");
}
