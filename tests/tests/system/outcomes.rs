//! What a model brought back, kept byte for byte.

use beacon_core::wire::MAX_RESPONSE_BYTES;
use serde_json::{Value, json};

use crate::here::Here;
use crate::router::{Answer, Router, answered};

#[tokio::test]
async fn an_empty_answer_is_completed() {
    for response in [json!(""), Value::Null] {
        let mut answer = answered("");
        answer["response"] = response;
        let row = kept(answer).await;
        assert_eq!((&row["outcome"], &row["response"]), (&"empty".into(), &"".into()), "{row}");
    }
}

#[tokio::test]
async fn an_answer_without_its_text_field_is_empty() {
    let row = kept(json!({"success": true, "provider_used": "lab"})).await;
    assert_eq!((&row["outcome"], &row["response"]), (&"empty".into(), &"".into()), "{row}");
}

#[tokio::test]
async fn a_large_answer_is_kept_byte_for_byte() {
    let odd = "é漢🦀\u{0}\u{1}\"\\\r\n\t\u{feff}\u{2028}\u{fffd}\u{10ffff}";
    let mixed: String = odd.chars().cycle().take(60_000).collect();
    let texts = [
        odd.to_owned(),
        "x".repeat(200 * 1024),
        mixed,
        "\u{0}".repeat(200 * 1024),
        "y".repeat(MAX_RESPONSE_BYTES),
    ];
    for text in texts {
        let row = kept(answered(&text)).await;
        assert_eq!(row["outcome"], "text");
        assert!(row["response"] == text.as_str(), "{} bytes were changed", text.len());
    }
}

#[tokio::test]
async fn white_space_alone_is_empty_and_kept_as_it_is() {
    let row = kept(answered(" \n")).await;
    assert_eq!((&row["outcome"], &row["response"]), (&"empty".into(), &" \n".into()), "{row}");
}

#[tokio::test]
async fn a_filtered_answer_is_blocked_and_a_cut_one_truncated() {
    for (finish_reason, text, outcome) in [
        ("content_filter", "", "blocked"),
        ("content_filter", "As far as", "blocked"),
        ("refusal", "", "blocked"),
        ("length", "On the one", "truncated"),
        ("max_tokens", "", "truncated"),
        ("stop", "four", "text"),
        ("eos", "", "empty"),
    ] {
        let mut answer = answered(text);
        answer["finish_reason"] = finish_reason.into();
        let row = kept(answer).await;
        assert_eq!((&row["outcome"], &row["response"]), (&outcome.into(), &text.into()), "{row}");
        assert_eq!(row["finish_reason"], finish_reason, "{row}");
    }
}

#[tokio::test]
async fn large_answers_of_one_question_are_all_there_page_by_page() {
    let text = "🦀".repeat(50 * 1024);
    let answer = answered(&text);
    let router = Router::start(move |_| Answer::Json(answer.clone())).await;
    let here = Here::with_router(router.base()).await;
    let view = here
        .api
        .run(&json!({
            "id": "large",
            "questions": [{"id": "q", "text": "Q?"}, {"id": "r", "text": "R?"}],
            "models": ["a", "b", "c"],
            "regions": ["US"],
            "samples": 5,
        }))
        .await;
    assert_eq!((&view["status"], &view["outcomes"]["text"]), (&"completed".into(), &30.into()));
    let rows = here.api.executions("large").await;
    assert_eq!(crate::here::ids(&rows).len(), 30);
    assert!(rows.iter().all(|row| row["response"] == text.as_str()));
}

/// The one row of a job that completes with this answer.
async fn kept(answer: Value) -> Value {
    let router = Router::start(move |_| Answer::Json(answer.clone())).await;
    let here = Here::with_router(router.base()).await;
    let view = here
        .api
        .run(&json!({
            "questions": [{"id": "q", "text": "Q?"}],
            "models": ["m"],
            "regions": ["US"],
        }))
        .await;
    assert_eq!((&view["status"], &view["counts"]["completed"]), (&"completed".into(), &1.into()));
    let mut rows = here.api.executions(view["job_id"].as_str().unwrap()).await;
    assert_eq!(rows.len(), 1);
    let row = rows.remove(0);
    assert_eq!((&row["status"], &row["failure"]), (&"completed".into(), &Value::Null), "{row}");
    assert_eq!(view["outcomes"][row["outcome"].as_str().unwrap()], 1, "{view}");
    row
}
