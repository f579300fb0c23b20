//! Every way in which a router can fail ends as a row that says so.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::here::{Here, sum};
use crate::router::{Answer, Router, answered, gone_after_its_list};

#[tokio::test]
async fn a_router_that_is_gone_is_unreachable() {
    let (base, _kept) = gone_after_its_list();
    let row = failed(&Here::with_router(&base).await, "failed").await;
    assert_failure(&row, "ROUTER_UNREACHABLE", "router_connect", true, false);
    assert_eq!(row["attempts"], 3, "{row}");
    assert!(row["failure"]["message"].as_str().unwrap().contains(&base), "{row}");
}

#[tokio::test]
async fn a_connection_reset_after_the_request_may_be_billed() {
    let row = failed_with(|| Answer::Reset).await;
    assert_failure(&row, "ROUTER_CONNECTION_LOST", "router_network", true, true);
    assert_eq!(row["attempts"], 1, "{row}");
}

#[tokio::test]
async fn a_connection_closed_without_a_word_may_be_billed() {
    let row = failed_with(|| Answer::Close).await;
    assert_failure(&row, "ROUTER_CONNECTION_LOST", "router_network", true, true);
    assert_eq!(row["attempts"], 1, "{row}");
}

#[tokio::test]
async fn an_answer_cut_half_way_may_be_billed() {
    let row = failed_with(|| Answer::Half(answered("four").to_string().into_bytes())).await;
    assert_failure(&row, "ROUTER_CONNECTION_LOST", "router_network", true, true);
}

#[tokio::test]
async fn a_router_that_says_nothing_is_out_of_time() {
    let router = Router::start(|_| Answer::Silence).await;
    let here = Here::with_patience(router.base(), Duration::from_secs(1)).await;
    let row = failed(&here, "timed_out").await;
    assert_failure(&row, "ROUTER_FIRST_BYTE_TIMEOUT", "router_http_timeout", true, true);
    assert_eq!(row["attempts"], 1, "{row}");
}

#[tokio::test]
async fn an_answer_that_stalls_half_way_is_out_of_time() {
    let body = answered("four").to_string().into_bytes();
    let router = Router::start(move |_| Answer::Stalled(body.clone())).await;
    let here = Here::with_patience(router.base(), Duration::from_secs(1)).await;
    let row = failed(&here, "timed_out").await;
    assert_failure(&row, "ROUTER_TIMEOUT", "router_http_timeout", true, true);
    assert_eq!(row["attempts"], 1, "{row}");
}

#[tokio::test]
async fn an_http_error_is_kept_by_its_status() {
    for (status, retryable, billed) in
        [(500, true, true), (503, true, true), (404, false, false), (429, true, false)]
    {
        let row = failed_with(move || Answer::Http(status, b"{\"detail\": \"no\"}".to_vec())).await;
        let code = format!("ROUTER_HTTP_{status}");
        assert_failure(&row, &code, "router_http_request", retryable, billed);
        assert_eq!(row["failure"]["http_status"], status, "{row}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_told_from_one_of_another_shape() {
    for (body, code) in [
        ("<html>busy</html>", "ROUTER_JSON_ERROR"),
        ("{\"success\": tr", "ROUTER_JSON_ERROR"),
        ("", "ROUTER_JSON_ERROR"),
        ("\u{feff}{}", "ROUTER_JSON_ERROR"),
        ("{}", "ROUTER_UNEXPECTED_SHAPE"),
        ("[1]", "ROUTER_UNEXPECTED_SHAPE"),
        ("{\"success\": \"yes\"}", "ROUTER_UNEXPECTED_SHAPE"),
        ("{\"success\": true, \"response\": {\"text\": \"4\"}}", "ROUTER_UNEXPECTED_SHAPE"),
    ] {
        let row = failed_with(move || Answer::Http(200, body.into())).await;
        assert_failure(&row, code, "router_response_parse", false, true);
    }
}

#[tokio::test]
async fn the_routers_own_code_is_kept() {
    let row = failed_with(|| {
        Answer::Json(json!({
            "success": false,
            "error": "boom",
            "provider_used": "lab",
            "failure": {"code": "PROVIDER_HTTP_503", "stage": "provider_execution",
                "message": "upstream is busy", "retryable": true, "maybe_billed": false,
                "http_status": 503},
        }))
    })
    .await;
    assert_failure(&row, "PROVIDER_HTTP_503", "router_inference", true, false);
    assert_eq!(row["failure"]["message"], "upstream is busy");
    assert_eq!(row["failure"]["http_status"], 503);
    assert_eq!(
        (&row["provider_id"], &row["failure"]["provider_id"]),
        (&"lab".into(), &"lab".into())
    );
}

#[tokio::test]
async fn a_provider_that_was_out_of_time_is_timed_out() {
    let router = Router::start(|_| {
        Answer::Json(json!({
            "success": false,
            "provider_used": "lab",
            "failure": {"code": "PROVIDER_TIMEOUT", "message": "420 s", "retryable": true},
        }))
    })
    .await;
    let row = failed(&Here::with_router(router.base()).await, "timed_out").await;
    assert_failure(&row, "PROVIDER_TIMEOUT", "router_inference", true, true);
}

#[tokio::test]
async fn a_failure_without_a_code_is_a_router_error() {
    for answer in [
        json!({"success": false, "provider_used": "lab"}),
        json!({"success": false, "provider_used": "lab", "error": "boom", "error_code": ""}),
        json!({"success": false, "provider_used": "lab", "failure": {"code": "not a code!"}}),
    ] {
        let row = failed_with(move || Answer::Json(answer.clone())).await;
        assert_failure(&row, "ROUTER_ERROR", "router_inference", false, true);
    }
}

#[tokio::test]
async fn without_a_chosen_provider_none_is_named() {
    let row = failed_with(|| {
        Answer::Json(json!({
            "success": false,
            "provider_used": "",
            "error_code": "PROVIDER_UNAVAILABLE",
            "error": "no provider in region `us-east`",
        }))
    })
    .await;
    assert_failure(&row, "PROVIDER_UNAVAILABLE", "provider_selection", false, false);
    assert_eq!(row["provider_id"], Value::Null, "{row}");
    assert_eq!(row["failure"].get("provider_id"), None, "{row}");
}

#[tokio::test]
async fn the_final_status_follows_the_share_of_completed_executions() {
    let router = Router::start(|request| match request["model"].as_str().unwrap() {
        "bad" => Answer::Http(500, Vec::new()),
        _ => Answer::Json(answered("four")),
    })
    .await;
    let here = Here::with_router(router.base()).await;
    for (least, status) in [(0.66, "completed"), (0.67, "failed")] {
        let view = here
            .api
            .run(&json!({
                "questions": [{"id": "q", "text": "Q?"}, {"id": "r", "text": "R?"}],
                "models": ["good", "bad", "fine"],
                "regions": ["US"],
                "min_success_rate": least,
            }))
            .await;
        assert_eq!(view["status"], status, "{view}");
        let counts = json!({"completed": 4, "failed": 2, "timed_out": 0, "cancelled": 0,
            "pending": 0, "running": 0});
        assert_eq!((&view["counts"], &view["expected"]), (&counts, &6.into()));
    }
}

#[tokio::test]
async fn a_job_needs_its_least_number_of_regions() {
    let router = Router::start(|request| match request["region_preference"].as_str().unwrap() {
        "us-east" => Answer::Json(answered("four")),
        _ => Answer::Http(503, Vec::new()),
    })
    .await;
    let here = Here::with_router(router.base()).await;
    for (regions, status) in [(1, "completed"), (2, "failed")] {
        let view = here
            .api
            .run(&json!({
                "questions": [{"id": "q", "text": "Q?"}],
                "models": ["m"],
                "regions": ["US", "EU"],
                "min_success_rate": 0.5,
                "stop": "never",
                "min_regions": regions,
            }))
            .await;
        assert_eq!((&view["status"], sum(&view["counts"])), (&status.into(), 2), "{view}");
    }
}

/// The one row of a job whose router answers so.
async fn failed_with(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Value {
    let router = Router::start(move |_| answer()).await;
    failed(&Here::with_router(router.base()).await, "failed").await
}

/// The one row of a job that must fail, with all that every such row has.
pub(crate) async fn failed(here: &Here, status: &str) -> Value {
    let view = here
        .api
        .run(&json!({
            "questions": [{"id": "q", "text": "Q \"1\"?"}],
            "models": ["m"],
            "regions": ["US"],
            "system_prompt": "Be brief.",
        }))
        .await;
    assert_eq!(view["status"], "failed", "{view}");
    assert_eq!((&view["counts"][status], sum(&view["counts"])), (&1.into(), 1), "{view}");
    let rows = here.api.executions(view["job_id"].as_str().unwrap()).await;
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(row["status"], status, "{row}");
    assert_eq!((&row["outcome"], &row["response"]), (&Value::Null, &Value::Null), "{row}");
    let chat = r#"[{"content":"Be brief.","role":"system"},{"content":"Q \"1\"?","role":"user"}]"#;
    let hash = hex(&Sha256::digest(chat));
    assert_eq!(row["prompt_sha256"], hash, "{row}");
    let failure = &row["failure"];
    assert!(!failure["message"].as_str().unwrap().is_empty(), "{row}");
    assert!(row["attempts"].as_u64().unwrap() >= 1, "{row}");
    assert_eq!(failure["attempts"], row["attempts"], "{row}");
    let time = |name: &str| row[name].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(time("started_at") <= time("completed_at"), "{row}");
    assert!(row["duration_ms"].as_u64().is_some(), "{row}");
    let summary = here.api.get(&format!("jobs/{}/summary", row["job_id"].as_str().unwrap())).await;
    assert_eq!(summary["failures"][0]["code"], failure["code"], "{summary}");
    row.clone()
}

pub(crate) fn assert_failure(row: &Value, code: &str, stage: &str, retryable: bool, billed: bool) {
    let failure = &row["failure"];
    assert_eq!((&failure["code"], &failure["stage"]), (&code.into(), &stage.into()), "{row}");
    assert_eq!(failure["retryable"], retryable, "{row}");
    assert_eq!(failure["maybe_billed"], billed, "{row}");
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
