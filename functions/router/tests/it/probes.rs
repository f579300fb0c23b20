//! What is known of a provider: by asking models that nobody asks, where that is declared, and by
//! what answers say in words.

use serde_json::json;

use crate::running::{Running, lab, provider, question};
use crate::upstream::{Act, Upstream};

#[tokio::test]
async fn a_model_that_nobody_asks_is_asked_for_one_token_where_that_is_declared() {
    let (mut probed, quiet) =
        (Upstream::start(Act::answer("yes")).await, Upstream::start(Act::Silent).await);
    let toml = provider("probed", "modal", "us-east", &probed.url, "probe_seconds = 1\n")
        + &provider("quiet", "modal", "eu-west", &quiet.url, "");
    let router = Running::start(&toml).await;
    for _probe in 0..2 {
        let probe = probed.received().await;
        assert_eq!((&probe.body["model"], &probe.body["max_tokens"]), (&json!("m"), &json!(1)));
    }
    assert_eq!(router.provider("probed").await["routes"][0]["state"], "ready");
    assert_eq!(router.provider("quiet").await["routes"][0]["state"], "unknown");
    assert_eq!(quiet.connections(), 0);
}

#[tokio::test]
async fn wrong_questions_that_are_told_in_a_200_do_not_open_a_breaker() {
    let wrong = json!({"error": {"code": 400, "type": "invalid_request_error", "message": "no"}});
    let upstream = Upstream::start(Act::Reply(200, wrong.to_string())).await;
    let router = Running::start(&lab("openai", &upstream.url, "")).await;
    for asked in 1..=10 {
        assert_eq!(router.infer(&question()).await["error_code"], "PROVIDER_EXECUTION_FAILED");
        assert_eq!(upstream.connections(), asked);
    }
    assert_eq!(router.provider("lab").await["routes"][0]["breaker"], "closed");
}

#[tokio::test]
async fn a_filter_is_an_answer_whatever_its_status_and_nobody_else_is_asked() {
    let openai = json!({"error": {"code": "content_filter", "message": "no"}}).to_string();
    let modal = json!({"success": false, "failure": {"code": "content_filter"}}).to_string();
    for (kind, status, body) in
        [("openai", 500, &openai), ("openai", 403, &openai), ("modal", 403, &modal)]
    {
        let first = Upstream::start(Act::Reply(status, body.clone())).await;
        let second = Upstream::start(Act::answer("4")).await;
        let toml = provider("first", kind, "us-east", &first.url, "")
            + &provider("second", "modal", "us-east", &second.url, "");
        let router = Running::start(&toml).await;
        let told = router.infer(&question()).await;
        assert_eq!((&told["success"], &told["outcome"]), (&json!(true), &json!("content_filter")));
        assert_eq!((first.connections(), second.connections()), (1, 0), "{kind} {status}");
    }
}

#[tokio::test]
async fn words_that_ask_to_wait_are_waited_for_and_open_no_breaker() {
    let fast = json!({"error": {"code": "rate_limit_exceeded", "message": "slower"}});
    let acts = [Act::Reply(200, fast.to_string()), Act::Reply(200, completion())];
    let upstream = Upstream::in_turn(acts).await;
    let router = Running::start(&lab("openai", &upstream.url, "")).await;
    let told = router.infer(&question()).await;
    assert_eq!((&told["response"], upstream.connections()), (&json!("4"), 2), "{told}");
    // What it says that it waited, of the second that it was asked for.
    assert!(told["timings"]["waited_ms"].as_f64().unwrap() >= 900.0, "{told}");
    assert_eq!(router.provider("lab").await["success_rate"], 1.0);
}

fn completion() -> String {
    let choice = json!({"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "4"}});
    json!({"choices": [choice]}).to_string()
}

#[tokio::test]
async fn a_model_that_does_not_wake_in_its_time_is_no_longer_excused() {
    let loading = Act::Reply(503, json!({"error": "loading"}).to_string());
    let upstream = Upstream::start(loading).await;
    let short = "cold_start_seconds = 0.5\ntimeout_seconds = 5\n";
    let router = Running::start(&lab("modal", &upstream.url, short)).await;
    let mut told = router.infer(&question()).await;
    assert_eq!(told["error_code"], "PROVIDER_HTTP_503");
    while told["error_code"] == "PROVIDER_HTTP_503" {
        told = router.infer(&question()).await;
    }
    assert_eq!(told["error_code"], "PROVIDER_UNAVAILABLE", "{told}");
    let lab = router.provider("lab").await;
    assert_eq!((&lab["routes"][0]["state"], &lab["healthy"]), (&json!("down"), &json!(false)));
}

#[tokio::test]
async fn one_model_that_is_down_does_not_hide_another_that_answers() {
    // The first connection is answered, the others are reset.
    let upstream = Upstream::in_turn([Act::answer("4"), Act::Reset]).await;
    let toml =
        provider("lab", "modal", "us-east", &upstream.url, "").replace("[\"m\"]", "[\"m\", \"n\"]");
    let router = Running::start(&toml).await;
    assert_eq!(router.infer(&question()).await["success"], true);
    let other = json!({"model": "n", "prompt": "?", "region_preference": "us-east"});
    assert_eq!(router.infer(&other).await["error_code"], "PROVIDER_CONNECTION_LOST");
    let (status, ready) = router.get("/ready").await;
    assert_eq!((status, &ready["status"]), (200, &json!("ready")));
    let (_, health) = router.get("/health").await;
    assert_eq!((&health["status"], &health["regions"]), (&json!("degraded"), &json!(["us-east"])));
}
