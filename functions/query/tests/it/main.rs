//! Query's program, with the runtime API and its secret on loopback.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../../../tests/fakes/lambda.rs"]
mod lambda;

use std::collections::BTreeMap;

use lambda::{Running, Runtime, function, secrets_manager};
use serde_json::{Value, json};

const QUERY: &str = include_str!("../../../../tests/fixtures/query.json");
const QUERY_JWT: &str = include_str!("../../../../tests/fixtures/query-jwt.json");

fn event(text: &str, path: &str) -> Value {
    let mut event: Value = serde_json::from_str(text).unwrap();
    event["rawPath"] = json!(path);
    event["requestContext"]["http"]["path"] = json!(path);
    event
}

/// Status and body.
async fn answer(runtime: &mut Runtime, event: Value) -> (u64, Value) {
    let answer = runtime.invoke(event).await;
    let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    (answer["statusCode"].as_u64().unwrap(), body)
}

/// Query as Lambda starts it.
async fn query() -> (Running, Runtime) {
    query_with("600").await
}

/// The same, with so many requests a minute.
async fn query_with(requests_per_minute: &str) -> (Running, Runtime) {
    let secret = json!({"HYBRID_ROUTER_TOKEN": "hush-hush"});
    let manager = secrets_manager(BTreeMap::from([("beacon/router", secret)])).await;
    let runtime = Runtime::start().await;
    let mut command = function(env!("CARGO_BIN_EXE_beacon-query"), &runtime.address, &manager);
    command
        .env("BEACON_TABLE", "beacon")
        .env("HYBRID_ROUTER_URL", "http://router.example")
        .env("BEACON_REQUESTS_PER_MINUTE", requests_per_minute)
        .env("BEACON_SECRETS", "beacon/router");
    (Running::start(command), runtime)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authorizers_answer_counts_and_a_header_does_not() {
    let (_running, mut runtime) = query().await;
    let admin = event(QUERY, "/debug/executor");
    assert_eq!(answer(&mut runtime, admin.clone()).await.0, 200);

    let mut reader = admin.clone();
    reader["requestContext"]["authorizer"]["lambda"]["role"] = json!("reader");
    let (status, body) = answer(&mut runtime, reader).await;
    assert_eq!((status, &body["error_code"]), (403, &json!("forbidden")));

    // The route has no authorizer: a token in the header was checked by nobody.
    let mut bare = admin;
    bare["requestContext"].as_object_mut().unwrap().remove("authorizer");
    let (status, body) = answer(&mut runtime, bare.clone()).await;
    assert_eq!((status, &body["error_code"]), (401, &json!("unauthorized")));
    bare["rawPath"] = json!("/health/live");
    assert_eq!(answer(&mut runtime, bare).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jwts_scopes_are_its_roles() {
    let (_running, mut runtime) = query().await;
    let mut submitter = event(QUERY_JWT, "/debug/config");
    let (status, body) = answer(&mut runtime, submitter.clone()).await;
    assert_eq!((status, &body["error_code"]), (403, &json!("forbidden")));
    let scope = &mut submitter["requestContext"]["authorizer"]["jwt"]["claims"]["scope"];
    *scope = json!("openid");
    let (status, body) = answer(&mut runtime, submitter.clone()).await;
    assert_eq!((status, &body["error_code"]), (403, &json!("forbidden")));
    assert!(body["error"].as_str().unwrap().contains("beacon/admin"), "{body}");
    let scope = &mut submitter["requestContext"]["authorizer"]["jwt"]["claims"]["scope"];
    *scope = json!("openid beacon/admin");
    assert_eq!(answer(&mut runtime, submitter).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_caller_has_an_allowance() {
    let (_running, mut runtime) = query_with("1").await;
    let one = event(QUERY, "/debug/executor");
    assert_eq!(answer(&mut runtime, one.clone()).await.0, 200);
    assert_eq!(answer(&mut runtime, one.clone()).await.0, 429);
    let mut other = one;
    other["requestContext"]["authorizer"]["lambda"]["caller"] = json!("00000000");
    assert_eq!(answer(&mut runtime, other).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_shows_of_a_secret_its_name_and_length() {
    let (running, mut runtime) = query().await;
    let (status, body) = answer(&mut runtime, event(QUERY, "/debug/config")).await;
    assert_eq!(status, 200);
    let settings = body["settings"].as_array().unwrap();
    let of = |variable: &str| {
        let setting = settings.iter().find(|setting| setting["variable"] == variable).unwrap();
        (setting["value"].clone(), setting["source"].clone())
    };
    let expected = (json!("set, 9 characters"), json!("secret beacon/router"));
    assert_eq!(of("HYBRID_ROUTER_TOKEN"), expected);
    assert_eq!(of("BEACON_SECRETS"), (json!("beacon/router"), json!("BEACON_SECRETS")));
    assert_eq!(of("BEACON_TABLE"), (json!("beacon"), json!("BEACON_TABLE")));
    let log = running.end();
    assert!(!body.to_string().contains("hush") && !log.contains("hush"), "{body} {log}");
}
