//! Signed specifications: what a trusted key signed is taken, once, and nothing else where that is asked for.

use std::sync::Arc;

use beacon_aws::{Clock, Door, RouterProbe, Tokens, clock};
use beacon_core::JobId;
use beacon_core::access::Role;
use beacon_evidence::key::SecretKey;
use beacon_evidence::signed::sign;
use beacon_evidence::trust::TrustList;
use beacon_infra::AccessSettings;
use beacon_intake::{Intake, Signing};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::faulty::{Fault, faulty};
use crate::here::{Answered, Here, answered};

/// Signed by the predecessor's portal.
const PORTAL: &str = include_str!("../../../shared/core/tests/portal.json");
const TOKEN: &str = "submitter-token-0123";

fn key(secret: u8) -> SecretKey {
    SecretKey::new(&[secret; 32])
}

fn now(seconds: i64) -> Timestamp {
    clock::now() + SignedDuration::from_secs(seconds)
}

/// Key 1 and key 2 are good, 3 is revoked, 4 was good and 5 will be.
fn trusted() -> TrustList {
    let entry = |secret: u8, status: &str, not_before: Timestamp, not_after: Timestamp| {
        let key = key(secret).public();
        json!({"kid": key.id(), "public_key": key, "status": status,
            "not_before": not_before, "not_after": not_after})
    };
    let list = json!([
        entry(1, "active", now(-3600), now(3600)),
        entry(2, "active", now(-3600), now(3600)),
        entry(3, "revoked", now(-3600), now(3600)),
        entry(4, "active", now(-3600), now(-60)),
        entry(5, "active", now(3600), now(7200)),
    ]);
    TrustList::read(list.to_string().as_bytes()).unwrap()
}

async fn required() -> Here {
    let (tokens, requests_per_minute) = (Tokens::default(), Some(1_000_000));
    let trusted_keys = Some(trusted());
    Here::with_access(AccessSettings { tokens, requests_per_minute, trusted_keys }).await
}

/// With numbers and characters that somebody might write otherwise.
fn spec() -> Value {
    json!({"questions": ["math_basic", {"id": "q", "text": "Is 1 < 2 & 3 > 2? \u{2028}\u{1f30d}é"}],
        "models": ["mistral-7b"], "regions": ["US"], "temperature": 0.7, "top_p": 1e-6, "seed": 1_u64 << 53})
}

fn jobspec() -> Value {
    json!({"benchmark": {"name": "n", "container": {"image": "i"}, "input": {"hash": "h"}},
        "constraints": {"regions": ["US"], "timeout": 600_000_000_000_u64},
        "models": ["mistral-7b"], "questions": ["math_basic"]})
}

fn stamped(mut document: Value, at: Timestamp, nonce: &str) -> Value {
    document["metadata"] = json!({"timestamp": at.to_string(), "nonce": nonce});
    document
}

fn signed(mut document: Value, secret: u8) -> Value {
    sign(document.as_object_mut().unwrap(), &key(secret)).unwrap();
    document
}

fn fresh(document: Value, secret: u8, nonce: &str) -> Value {
    signed(stamped(document, now(0), nonce), secret)
}

fn submit(here: &Here, path: &str, document: &Value) -> RequestBuilder {
    here.api.request("POST", path).json(document)
}

async fn sent(here: &Here, document: &Value) -> Answered {
    answered(submit(here, "/api/v1/jobs", document)).await
}

async fn keyed(here: &Here, document: &Value, key: &str) -> Answered {
    answered(submit(here, "/api/v1/jobs", document).header("idempotency-key", key)).await
}

/// Status and code of a refusal as the predecessor writes it.
fn refusal(answer: &Answered) -> (u16, String) {
    let body = answer.json();
    assert_eq!(body.as_object().unwrap().len(), 2, "{answer:?}");
    assert!(!body["error"].as_str().unwrap().is_empty(), "{answer:?}");
    (answer.status, body["error_code"].as_str().unwrap().to_owned())
}

async fn jobs(here: &Here) -> usize {
    here.api.get("jobs").await["jobs"].as_array().unwrap().len()
}

#[tokio::test]
async fn what_a_trusted_key_signed_runs_and_nothing_else_does() {
    let here = required().await;
    let good = fresh(spec(), 1, "first");
    let job = sent(&here, &good).await;
    assert_eq!(job.status, 202, "{job:?}");
    assert_eq!(job.json()["warnings"], json!([]));
    let view = here.api.final_job(job.json()["job_id"].as_str().unwrap()).await;
    assert_eq!((&view["status"], &view["expected"]), (&json!("completed"), &json!(2)));

    let unknown = sent(&here, &fresh(spec(), 9, "n")).await;
    let golden = json!({"error": "untrusted signing key: no match in allowlist",
        "error_code": "trust_violation:unknown"});
    assert_eq!((unknown.status, unknown.json()), (400, golden));
    let without = |field: &str| {
        let mut document = fresh(spec(), 2, "without");
        document.as_object_mut().unwrap().remove(field);
        document
    };
    let restamped = |field: &str, value: Value| {
        let mut document = stamped(spec(), now(0), "n");
        document["metadata"][field] = value;
        signed(document, 2)
    };
    let mut tampered = fresh(spec(), 2, "tampered");
    tampered["samples"] = json!(2);
    for (document, code) in [
        (spec(), "missing_field:signature"),
        (without("signature"), "missing_field:signature"),
        (without("public_key"), "missing_field:public_key"),
        (fresh(spec(), 3, "n"), "trust_violation:revoked"),
        (fresh(spec(), 4, "n"), "trust_violation:expired"),
        (fresh(spec(), 5, "n"), "trust_violation:not_yet_valid"),
        (signed(spec(), 2), "missing_field:metadata"),
        (restamped("timestamp", Value::Null), "missing_field:timestamp"),
        (restamped("timestamp", json!(1)), "invalid_field:timestamp"),
        (restamped("nonce", json!("")), "missing_field:nonce"),
        (tampered, "signature_mismatch"),
        // What is wrong with it is not looked at before.
        (json!({"questions": 7}), "missing_field:signature"),
    ] {
        let answer = sent(&here, &document).await;
        assert_eq!(refusal(&answer), (400, code.to_owned()), "{document}");
    }
    let times = [("too_old", now(-601).to_string()), ("too_far_in_future", now(360).to_string())];
    for (reason, at) in times.into_iter().chain([("format_invalid", "yesterday".to_owned())]) {
        let answer = sent(&here, &restamped("timestamp", json!(at))).await;
        let body = answer.json();
        assert_eq!((answer.status, &body["error_code"]), (400, &json!("timestamp_invalid")));
        assert_eq!(body["details"], json!({ "reason": reason }));
    }
    // What is signed is validated as ever.
    let mut wrong = spec();
    wrong["samples"] = json!(0);
    let answer = sent(&here, &fresh(wrong, 1, "wrong")).await;
    assert_eq!(
        (answer.refusal(), answer.fields()),
        ((400, "validation_error".into()), vec!["samples".into()])
    );
    assert_eq!(jobs(&here).await, 1);
}

#[tokio::test]
async fn a_nonce_is_taken_once_of_each_key_and_a_repeated_request_is_the_same_job() {
    let here = required().await;
    let replay = (400, "replay_detected".to_owned());
    let first = fresh(spec(), 1, "once");
    assert_eq!(sent(&here, &first).await.status, 202);
    assert_eq!(refusal(&sent(&here, &first).await), replay);
    assert_eq!(refusal(&keyed(&here, &first, "later").await), replay);
    let mut renamed = first.clone();
    renamed["id"] = json!("another");
    assert_eq!(refusal(&sent(&here, &renamed).await), replay);
    let mut other = spec();
    other["samples"] = json!(2);
    assert_eq!(refusal(&sent(&here, &fresh(other.clone(), 1, "once")).await), replay);
    assert_eq!(sent(&here, &fresh(other, 2, "once")).await.status, 202);
    assert_eq!(jobs(&here).await, 2);

    // Whoever saw no answer sends the same again.
    let repeated = fresh(spec(), 1, "repeated");
    let (one, two) = (keyed(&here, &repeated, "k").await, keyed(&here, &repeated, "k").await);
    assert_eq!((one.status, two.status), (202, 200), "{two:?}");
    assert_eq!(one.json()["job_id"], two.json()["job_id"]);
    let mut renamed = repeated.clone();
    renamed["id"] = json!("another");
    assert_eq!(refusal(&keyed(&here, &renamed, "k").await), replay);
    assert_eq!(refusal(&keyed(&here, &repeated, "other").await), replay);
    assert_eq!(jobs(&here).await, 3);

    let contested = fresh(spec(), 1, "contested");
    let answers = join_all((0..8).map(|_| sent(&here, &contested))).await;
    let (taken, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 202);
    assert_eq!(taken.len(), 1, "{answers:?}");
    assert!(refused.into_iter().all(|answer| refusal(answer) == replay), "{answers:?}");
    let contested = fresh(spec(), 1, "contested, with a key");
    let answers = join_all((0..8).map(|_| keyed(&here, &contested, "c"))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 202], "{answers:?}");
    assert_eq!(jobs(&here).await, 5);
}

#[tokio::test]
async fn of_a_wrapper_what_it_wraps_is_signed() {
    let here = required().await;
    let path = "/api/v1/jobs/cross-region";
    let within =
        |jobspec: Value, regions: &[&str]| json!({"jobspec": jobspec, "target_regions": regions});
    let wrapped = |jobspec: Value| within(jobspec, &["us-east"]);
    let job = answered(submit(&here, path, &wrapped(fresh(jobspec(), 1, "a")))).await;
    assert_eq!((job.status, &job.json()["total_regions"]), (202, &json!(1)), "{job:?}");
    for (nonce, regions) in [("r", &["EU"][..]), ("s", &["US", "EU"])] {
        let elsewhere = within(fresh(jobspec(), 1, nonce), regions);
        let answer = answered(submit(&here, path, &elsewhere)).await;
        let told = answer.json();
        assert_eq!(answer.status, 400, "{told}");
        assert_eq!(told["details"][0]["field"], "target_regions", "{told}");
    }
    let mut tampered = fresh(jobspec(), 1, "b");
    tampered["runs"] = json!(2);
    for (document, code) in [
        (wrapped(tampered), "signature_mismatch"),
        (wrapped(jobspec()), "missing_field:signature"),
        (fresh(wrapped(jobspec()), 1, "c"), "missing_field:signature"),
        (json!({"target_regions": ["EU"]}), "missing_field:signature"),
        (json!([]), "missing_field:signature"),
    ] {
        let answer = answered(submit(&here, path, &document)).await;
        assert_eq!(refusal(&answer), (400, code.to_owned()), "{document}");
    }
    // The predecessor's own answers hold fields that say nothing.
    let mut stored = fresh(jobspec(), 1, "d");
    stored["id"] = json!("stored");
    stored["created_at"] = json!("2026-01-31T12:00:00Z");
    stored["benchmark"]["scoring"] = json!({"method": "", "parameters": null});
    assert_eq!(sent(&here, &stored).await.status, 202);
    let mut own = fresh(spec(), 1, "e");
    own["min_success_rate"] = json!(0);
    assert_eq!(refusal(&sent(&here, &own).await), (400, "signature_mismatch".to_owned()));
}

#[tokio::test]
async fn where_nothing_need_be_signed_what_is_signed_must_hold() {
    let here = Here::simulated("[0, 0]").await;
    let portal: Value = serde_json::from_str(PORTAL).unwrap();
    let mut tampered = portal.clone();
    tampered["runs"] = json!(2);
    for (document, expected) in [
        (spec(), None),
        (jobspec(), None),
        (portal.clone(), None),
        // Nobody looks when it was signed, or how often it was sent.
        (portal, None),
        (signed(spec(), 9), None),
        (tampered, Some("signature_mismatch")),
        (json!({"signature": "x", "public_key": "y"}), Some("invalid_encoding:public_key")),
        (json!({"signature": "x"}), Some("missing_field:public_key")),
        (json!({"public_key": "y"}), Some("missing_field:signature")),
    ] {
        let answer = sent(&here, &document).await;
        match expected {
            None => assert_eq!(answer.status, 202, "{document}"),
            Some(code) => assert_eq!(refusal(&answer), (400, code.to_owned()), "{document}"),
        }
    }
    assert_eq!(jobs(&here).await, 5);
}

#[tokio::test]
async fn whoever_sends_signatures_that_do_not_hold_waits() {
    let here = Here::simulated("[0, 0]").await;
    let mut tampered = signed(spec(), 1);
    tampered["samples"] = json!(2);
    let mut limited = sent(&here, &tampered).await;
    // Tries come back one by one while this goes on.
    for _try in 0..100 {
        if limited.status != 400 {
            break;
        }
        assert_eq!(refusal(&limited), (400, "signature_mismatch".to_owned()));
        limited = sent(&here, &tampered).await;
    }
    assert_eq!(refusal(&limited), (429, "rate_limit_exceeded".to_owned()));
    assert!(limited.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(sent(&here, &signed(spec(), 2)).await.status, 202, "of another key");
    assert_eq!(sent(&here, &spec()).await.status, 202);
}

#[tokio::test]
async fn what_cannot_be_told_from_a_replay_is_refused() {
    let here = Here::idle().await;
    let mut tokens = Tokens::default();
    tokens.add(Role::Submitter, TOKEN).unwrap();
    let mut document = fresh(spec(), 1, "once");
    document["id"] = json!("j");
    let headers = json!({"host": "api.example", "content-type": "application/json",
        "authorization": format!("Bearer {TOKEN}")});
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/api/v1/jobs", "rawQueryString": "",
        "headers": headers, "body": document.to_string(), "isBase64Encoded": false,
        "requestContext": {"stage": "$default", "timeEpoch": 0, "http": {"method": "POST",
            "path": "/api/v1/jobs", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": ""}},
    });
    let intake = Intake {
        door: Arc::new(Door::new(tokens, 100)),
        table: faulty(&here.local(), Fault::dead_after(0)),
        queues: here.queues().await,
        router: RouterProbe::embedded(Vec::new),
        signing: Signing::new(Some(trusted())),
        clock: Clock::System,
    };
    let request = || lambda_http::request::from_str(&event.to_string()).unwrap();
    let code = |answer: &lambda_http::Response<lambda_http::Body>| {
        let body: Value = serde_json::from_slice(answer.body().as_ref()).unwrap();
        (answer.status().as_u16(), body["error_code"].as_str().unwrap().to_owned())
    };
    let answer = intake.handle(request()).await;
    assert_eq!(code(&answer), (503, "protection_unavailable:replay".to_owned()));
    assert!(here.table().job(&JobId::new("j").unwrap()).await.unwrap().is_none());
    // Its nonce is not spent: what follows is looked at when the table is there again.
    let intake = Intake { table: here.table(), ..intake };
    assert_eq!(code(&intake.handle(request()).await), (422, "pair_not_served".to_owned()));
    assert_eq!(code(&intake.handle(request()).await), (400, "replay_detected".to_owned()));
}
