//! The authorizer's program, with the runtime API and its secret on loopback.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../../../tests/fakes/lambda.rs"]
mod lambda;

use std::collections::BTreeMap;
use std::process::Command;

use lambda::{Running, Runtime, function, secrets_manager};
use serde_json::{Value, json};

const EVENT: &str = include_str!("../../../../tests/fixtures/authorizer.json");

fn event(authorization: &str) -> Value {
    let mut event: Value = serde_json::from_str(EVENT).unwrap();
    event["headers"]["authorization"] = json!(authorization);
    event
}

/// The program with this secret, and the runtime that it asks.
async fn authorizer(secret: Value) -> (Command, Runtime) {
    let manager = secrets_manager(BTreeMap::from([("beacon/tokens", secret)])).await;
    let runtime = Runtime::start().await;
    let program = env!("CARGO_BIN_EXE_beacon-authorizer");
    let mut command = function(program, &runtime.address, &manager);
    command.env("BEACON_SECRETS", "beacon/tokens");
    (command, runtime)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_knows_the_tokens_of_its_secret_and_logs_none() {
    let secret = json!({
        "BEACON_ADMIN_TOKENS": "admin-token-01234",
        "BEACON_SUBMITTER_TOKENS": "",
        "BEACON_READER_TOKENS": "reader-token-0123,reader-token-3210",
    });
    let (command, mut runtime) = authorizer(secret).await;
    let running = Running::start(command);
    let context = json!({"role": "admin", "caller": "79e8ef37"});
    let admin = runtime.invoke(event("Bearer admin-token-01234")).await;
    assert_eq!(admin, json!({"isAuthorized": true, "context": context}));
    let reader = runtime.invoke(event("Bearer reader-token-0123")).await;
    assert_eq!(reader["context"]["role"], "reader");
    for refused in ["Bearer token-of-a-stranger", "token-of-a-stranger"] {
        let answer = runtime.invoke(event(refused)).await;
        assert_eq!(answer, json!({"isAuthorized": false}), "{refused}");
    }
    let log = running.end();
    for code in ["invalid_token", "invalid_auth_format"] {
        let lines = log.lines().filter(|line| {
            line.contains("\"credential refused\"") && line.contains(&format!("\"{code}\""))
        });
        assert_eq!(lines.count(), 1, "{log}");
    }
    assert!(!log.contains("token-"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_wrong_secret_it_takes_no_event_and_says_why() {
    for (secret, told) in [
        (json!({}), "BEACON_ADMIN_TOKENS"),
        (json!({"BEACON_ADMIN_TOKENS": "short-hush"}), "BEACON_ADMIN_TOKENS"),
        (json!({"BEACON_ADMIN_TOKENS": ["hush-hush-hush-hush"]}), "beacon/tokens"),
        (json!({"BEACON_TABLE": "hush"}), "BEACON_TABLE"),
        (json!("hush"), "beacon/tokens"),
    ] {
        let (mut command, _runtime) = authorizer(secret.clone()).await;
        let output = command.output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && log.contains(told), "{secret}: {log}");
        assert!(!log.contains("hush"), "{log}");
    }
    let (mut command, _runtime) = authorizer(json!({})).await;
    let output = command.env("BEACON_SECRETS", "beacon/others").output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("beacon/others") && log.contains("ResourceNotFound"), "{log}");
}
