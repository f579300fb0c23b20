//! Providers of kind `openai`: what they are sent and how their answers are read.

use serde_json::{Value, json};

use crate::running::{KEY, Running, lab, question};
use crate::upstream::Upstream;

fn completion(message: &Value) -> Value {
    json!({"model": "m-2026", "choices": [{"message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}})
}

async fn answered(body: Value) -> Value {
    let upstream = Upstream::json(body).await;
    Running::start(&lab("openai", &upstream.url, "")).await.infer(&question()).await
}

#[tokio::test]
async fn a_flattened_prompt_is_sent_as_chat_and_every_parameter_is_passed() {
    let mut upstream = Upstream::json(completion(&json!({"content": "4"}))).await;
    let more = "api_key_env = \"LAB_KEY\"";
    let toml = lab("openai", &format!("{}/v1/", upstream.url), more)
        .replace("[\"m\"]", "[{ id = \"m\", upstream = \"meta/m:1b\" }]");
    let router = Running::start(&toml).await;
    let body = json!({"model": "m", "prompt": "system\nBe brief.\nuser\nWhat is 2+2?\nassistant\n",
        "temperature": 0.7, "max_tokens": 64, "seed": 7, "top_p": 0.9, "trace_id": "of the body"});
    let request = router
        .post("/v1/inference")
        .header("x-trace-id", "trace-1")
        .header("idempotency-key", "j.0.us-east.0.m:2")
        .json(&body);
    let (_, told) = router.send(request).await;
    assert_eq!(told["response"], "4");
    assert_eq!(told["metadata"]["model"], "m");

    let received = upstream.received().await;
    assert_eq!(received.path, "/v1/chat/completions");
    assert_eq!(received.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(received.headers["x-trace-id"], "trace-1");
    assert_eq!(received.headers["idempotency-key"], "j.0.us-east.0.m:2");
    let expected = json!({
        "model": "meta/m:1b",
        "messages": [{"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is 2+2?"}],
        "temperature": 0.7, "max_tokens": 64, "seed": 7, "top_p": 0.9, "n": 1, "stream": false,
    });
    assert_eq!(received.body, expected);
}

#[tokio::test]
async fn given_messages_win_and_a_trace_id_is_made_up_where_there_is_none() {
    let mut upstream = Upstream::json(completion(&json!({"content": "4"}))).await;
    let router = Running::start(&lab("openai", &upstream.url, "")).await;
    let messages = json!([{"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "2+2?"}]);
    let body = json!({"model": "m", "prompt": "system\nS\nuser\nQ\nassistant\n",
        "messages": messages});
    router.infer(&body).await;
    let received = upstream.received().await;
    assert_eq!(received.body["messages"], messages);
    assert!(received.body.get("seed").is_none(), "{received:?}");
    assert_eq!(received.headers["x-trace-id"].len(), 32);
    assert!(!received.headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_trace_id_that_no_header_can_hold_does_not_cost_the_call() {
    let mut upstream = Upstream::json(completion(&json!({"content": "4"}))).await;
    let router = Running::start(&lab("openai", &upstream.url, "")).await;
    let told = router.infer(&json!({"model": "m", "prompt": "p", "trace_id": "a\nb"})).await;
    assert_eq!(told["success"], true);
    assert!(!upstream.received().await.headers.contains_key("x-trace-id"));
}

#[tokio::test]
async fn an_answer_is_told_in_full() {
    let told = answered(completion(&json!({"content": "It is 4."}))).await;
    assert!(told["inference_time"].as_f64().unwrap() > 0.0);
    let mut told = told;
    told["inference_time"] = json!(0.5);
    for beside in ["timings", "decision"] {
        assert!(told.as_object_mut().unwrap().remove(beside).is_some(), "{beside}");
    }
    let expected = json!({
        "success": true, "response": "It is 4.", "outcome": "text", "error": null,
        "error_code": null, "failure": null, "provider_used": "lab", "inference_time": 0.5, "cost_estimate": 0.0,
        "finish_reason": "stop", "usage": {"input_tokens": 12, "output_tokens": 3},
        "served_region": null, "served_model": "m-2026",
        "metadata": {"provider_type": "openai", "region": "us-east", "model": "m"},
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn every_form_of_content_is_read() {
    let parts = json!([{"type": "text", "text": "It "}, {"type": "image"},
        {"type": "text", "text": "is 4."}]);
    let refused = json!([{"type": "refusal", "refusal": "No."}]);
    let table = [
        (json!({"content": "4"}), "4", "stop"),
        (json!({"content": ""}), "", "stop"),
        (json!({"content": null}), "", "stop"),
        (json!({}), "", "stop"),
        (json!({"content": parts}), "It is 4.", "stop"),
        (json!({"content": [{"type": "text", "text": null}]}), "", "stop"),
        (json!({"content": null, "refusal": "I cannot."}), "I cannot.", "refusal"),
        (json!({"content": "4", "refusal": null}), "4", "stop"),
        (json!({"content": refused}), "No.", "refusal"),
    ];
    for (message, text, finish_reason) in table {
        let told = answered(completion(&message)).await;
        let seen = (&told["success"], &told["response"], &told["finish_reason"]);
        assert_eq!(seen, (&json!(true), &json!(text), &json!(finish_reason)), "{message}");
    }
}

#[tokio::test]
async fn what_is_odd_beside_the_answer_does_not_cost_the_answer() {
    let told = answered(json!({"model": 7, "usage": {"prompt_tokens": "many"}, "error": null,
        "choices": [{"message": {"content": "4"}, "finish_reason": ["stop"]}]}))
    .await;
    assert_eq!(told["response"], "4");
    assert_eq!(told["finish_reason"], Value::Null);
    assert_eq!(told["usage"], Value::Null);
}

#[tokio::test]
async fn tokens_are_charged_at_the_declared_price() {
    let upstream = Upstream::json(completion(&json!({"content": "4"}))).await;
    let more = "price = { per_million_input_tokens = 1.0, per_million_output_tokens = 10.0 }";
    let router = Running::start(&lab("openai", &upstream.url, more)).await;
    let cost = router.infer(&question()).await["cost_estimate"].as_f64().unwrap();
    assert!((cost - 0.000_042).abs() < 1e-12, "{cost}");
}
