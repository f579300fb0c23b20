//! The portal's program, with the runtime API and its secret on loopback.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../../../tests/fakes/lambda.rs"]
mod lambda;

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use lambda::{Running, Runtime, function, secrets_manager};
use serde_json::{Value, json};

const EVENT: &str = include_str!("../../../../tests/fixtures/portal.json");
const QUEUES: [&str; 3] =
    ["BEACON_DISPATCH_QUEUE_URL", "BEACON_QUESTION_QUEUE_URL", "BEACON_COMPLETION_QUEUE_URL"];

fn event(method: &str, path: &str) -> Value {
    let mut event: Value = serde_json::from_str(EVENT).unwrap();
    event["rawPath"] = json!(path);
    event["requestContext"]["http"]["path"] = json!(path);
    event["requestContext"]["http"]["method"] = json!(method);
    event
}

/// The portal as Lambda starts it.
async fn portal() -> (Running, Runtime) {
    let secret = json!({"BEACON_ADMIN_TOKENS": "hush-hush-hush-hush"});
    let manager = secrets_manager(BTreeMap::from([("beacon/tokens", secret)])).await;
    let runtime = Runtime::start().await;
    let mut command = function(env!("CARGO_BIN_EXE_beacon-portal"), &runtime.address, &manager);
    command
        .env("BEACON_STACK", "beacon")
        .env("BEACON_TABLE", "beacon")
        .env("HYBRID_ROUTER_URL", "http://router.example")
        .env("BEACON_SECRETS", "beacon/tokens")
        .envs(QUEUES.map(|name| (name, "http://127.0.0.1:9/000000000000/queue")));
    (Running::start(command), runtime)
}

/// What a browser makes of an answer that travels as bytes.
fn page(answer: &Value) -> String {
    assert_eq!(answer["isBase64Encoded"], true, "{answer}");
    assert_eq!(answer["headers"]["content-encoding"], "gzip", "{answer}");
    let bytes = STANDARD.decode(answer["body"].as_str().unwrap()).unwrap();
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    text
}

/// The pairs of the cookies that an answer gives.
fn cookies(answer: &Value) -> Vec<&str> {
    let given = answer["cookies"].as_array().unwrap().iter();
    given.map(|cookie| cookie.as_str().unwrap().split(';').next().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_session_is_led_to_the_form() {
    let (_running, mut runtime) = portal().await;
    let led = runtime.invoke(event("GET", "/")).await;
    assert_eq!(
        (&led["statusCode"], &led["headers"]["location"]),
        (&json!(303), &json!("/sign-in"))
    );
    let form = runtime.invoke(event("GET", "/sign-in")).await;
    assert_eq!(form["statusCode"], 200, "{form}");
    assert!(page(&form).contains("<h1>Sign in</h1>"), "{form}");
    assert!(cookies(&form)[0].starts_with("__Host-beacon-form="), "{form}");
    let style = runtime.invoke(event("GET", "/assets/portal.css")).await;
    assert!(page(&style).contains(".badge"), "{style}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_read_as_the_gateway_sends_it_and_a_token_is_not_logged() {
    let (running, mut runtime) = portal().await;
    let form = runtime.invoke(event("GET", "/sign-in")).await;
    let text = page(&form);
    let (_, rest) = text.split_once("name=\"form_token\" value=\"").unwrap();
    let form_token = rest.split('"').next().unwrap();
    let mut sent = event("POST", "/sign-in");
    sent["cookies"] = json!(cookies(&form));
    sent["headers"]["content-type"] = json!("application/x-www-form-urlencoded");
    let body = format!("form_token={form_token}&token=mum-mum-mum-mum-mum");
    (sent["body"], sent["isBase64Encoded"]) = (json!(STANDARD.encode(body)), json!(true));
    let refused = runtime.invoke(sent).await;
    assert_eq!(refused["statusCode"], 401, "{refused}");
    assert!(page(&refused).contains("The token is not accepted here."), "{refused}");
    let log = running.end();
    let lines = log.lines().filter(|line| line.contains("\"credential refused\""));
    assert_eq!(lines.count(), 1, "{log}");
    assert!(!log.contains("hush") && !log.contains("mum"), "{log}");
}
