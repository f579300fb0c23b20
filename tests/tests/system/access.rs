//! Who may do what, and how often.

use beacon_aws::Tokens;
use beacon_core::access::Role;
use beacon_infra::AccessSettings;

use crate::here::{Here, answered, main_job};

const READER: &str = "reader-token-0123456";
const SUBMITTER: &str = "submitter-token-0123";

fn access(requests_per_minute: u32) -> AccessSettings {
    let mut tokens = Tokens::default();
    tokens.add(Role::Reader, READER).unwrap();
    tokens.add(Role::Submitter, SUBMITTER).unwrap();
    let requests_per_minute = Some(requests_per_minute);
    AccessSettings { tokens, requests_per_minute, trusted_keys: None }
}

#[tokio::test]
async fn each_token_allows_what_its_role_does_and_no_more() {
    let here = Here::with_access(access(1_000_000)).await;
    let job = main_job("roles");
    let as_role =
        |token: &str, method: &str, path: &str| here.api.open(method, path).bearer_auth(token);

    let submit = as_role(READER, "POST", "/api/v1/jobs").json(&job);
    assert_eq!(answered(submit).await.refusal(), (403, "forbidden".into()));
    let wrapped = as_role(READER, "POST", "/api/v1/jobs/cross-region").json(&job);
    assert_eq!(answered(wrapped).await.refusal(), (403, "forbidden".into()));
    let submit = as_role(SUBMITTER, "POST", "/api/v1/jobs").json(&job);
    assert_eq!(answered(submit).await.status, 202);
    let refused = serde_json::json!({ "verdict": "refused" });
    for path in ["jobs/roles/classify", "executions/roles.0.us-east.0.mistral-7b/label"] {
        let change = as_role(READER, "POST", &format!("/api/v1/{path}")).json(&refused);
        assert_eq!(answered(change).await.refusal(), (403, "forbidden".into()), "{path}");
    }
    let path = "/api/v1/executions/roles/cross-region-diff";
    let diff = as_role(READER, "POST", path).json(&serde_json::json!({}));
    assert_eq!(answered(diff).await.status, 200, "it only reads");

    for (token, path, status) in [
        (READER, "/api/v1/jobs/roles", 200),
        (READER, "/metrics", 200),
        (READER, "/debug/config", 403),
        (SUBMITTER, "/api/v1/jobs/roles", 200),
        (SUBMITTER, "/debug/jobs/roles", 403),
    ] {
        assert_eq!(answered(as_role(token, "GET", path)).await.status, status, "{path}");
    }
    assert_eq!(answered(here.api.request("GET", "/debug/config")).await.status, 200);
}

#[tokio::test]
async fn nothing_that_changes_or_shows_anything_is_open() {
    let here = Here::simulated("[0, 0]").await;
    for (method, path) in [
        ("POST", "/api/v1/jobs"),
        ("POST", "/api/v1/jobs/cross-region"),
        ("GET", "/api/v1/jobs"),
        ("GET", "/api/v1/jobs/j"),
        ("GET", "/api/v1/jobs/j/summary"),
        ("GET", "/api/v1/jobs/j/executions/all"),
        ("GET", "/api/v1/executions?jobspec_id=j"),
        ("GET", "/api/v1/executions/j.0.us-east.0.m"),
        ("POST", "/api/v1/jobs/j/classify"),
        ("POST", "/api/v1/executions/j.0.us-east.0.m/label"),
        ("GET", "/api/v1/jobs/j/findings"),
        ("GET", "/api/v1/jobs/j/aggregates"),
        ("GET", "/api/v1/jobs/j/manifest"),
        ("GET", "/api/v2/jobs/j/bias-analysis"),
        ("GET", "/api/v1/executions/j/cross-region"),
        ("POST", "/api/v1/executions/j/cross-region-diff"),
        ("GET", "/metrics"),
        ("GET", "/api/v1/metrics"),
        ("GET", "/debug/config"),
        ("GET", "/debug/executor"),
        ("GET", "/debug/jobs/j"),
    ] {
        let nobody = answered(here.api.open(method, path).json(&main_job("open"))).await;
        assert_eq!(nobody.refusal(), (401, "unauthorized".into()), "{path}");
        assert!(nobody.header("www-authenticate").starts_with("Bearer"));
        let stranger = here.api.open(method, path).bearer_auth("token-of-a-stranger");
        let stranger = answered(stranger.json(&main_job("open"))).await;
        assert_eq!(stranger.refusal(), (401, "invalid_token".into()), "{path}");
        let garbled = here.api.open(method, path).header("authorization", "Token x");
        assert_eq!(answered(garbled).await.refusal(), (401, "invalid_auth_format".into()));
    }
    assert_eq!(here.api.get("jobs").await["jobs"], serde_json::json!([]));
    for open in ["/health", "/health/live", "/health/ready", "/openapi.json", "/api/v1/questions"] {
        assert_eq!(answered(here.api.open("GET", open)).await.status, 200, "{open}");
    }
}

#[tokio::test]
async fn a_token_has_its_own_allowance_and_strangers_share_that_of_their_address() {
    let here = Here::with_access(access(20)).await;
    let reader = || here.api.open("GET", "/api/v1/jobs").bearer_auth(READER);
    for used in 1..=20 {
        let answer = answered(reader()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("x-ratelimit-limit"), "20");
        if used == 1 {
            assert_eq!(answer.header("x-ratelimit-remaining"), "19");
        }
    }
    let refused = loop {
        // Requests come back one by one while this goes on.
        let answer = answered(reader()).await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!(refused.refusal(), (429, "rate_limited".into()));
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!(refused.header("x-ratelimit-reset").parse::<u64>().unwrap() >= 1);

    let other = here.api.open("GET", "/api/v1/jobs").bearer_auth(SUBMITTER);
    assert_eq!(answered(other).await.status, 200);
    // The predecessor's check, with the limit of here.
    let mut statuses = Vec::new();
    for _request in 0..40 {
        statuses.push(answered(here.api.open("GET", "/health")).await.status);
    }
    assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
    // Whoever guesses tokens is slowed down with the strangers.
    let mut guessed = Vec::new();
    for guess in 0..10 {
        let guess = here.api.open("GET", "/api/v1/jobs").bearer_auth(format!("guess-{guess}"));
        guessed.push(answered(guess).await.status);
    }
    assert!(guessed.contains(&429), "{guessed:?}");
}
