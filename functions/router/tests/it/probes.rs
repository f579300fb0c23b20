//! Models that nobody asks, asked where that is declared, and what answers in words show of a
//! provider.

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
