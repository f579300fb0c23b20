//! Providers of kind `modal`: the shapes that the predecessor's endpoint answers with.

use serde_json::{Value, json};

use crate::running::{KEY, Running, lab, question};
use crate::upstream::{Act, Upstream};

async fn told(act: Act) -> Value {
    let upstream = Upstream::start(act).await;
    let more = "price = { per_second = 0.00005 }";
    Running::start(&lab("modal", &upstream.url, more)).await.infer(&question()).await
}

#[tokio::test]
async fn the_endpoint_is_sent_what_the_predecessor_sent() {
    let mut upstream = Upstream::json(json!({"success": true, "response": "4"})).await;
    let url = format!("{}/run?tier=1", upstream.url);
    let router = Running::start(&lab("modal", &url, "api_key_env = \"LAB_KEY\"")).await;
    let prompt = "system\nS\nuser\nQ\nassistant\n";
    let body = json!({"model": "m", "prompt": prompt, "region_preference": "USA",
        "trace_id": "trace-2", "temperature": 0.1, "max_tokens": 500});
    router.infer(&body).await;
    let received = upstream.received().await;
    assert_eq!(received.path, "/run?tier=1");
    assert_eq!(received.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(received.headers["x-trace-id"], "trace-2");
    let expected = json!({"model": "m", "prompt": prompt, "temperature": 0.1, "max_tokens": 500,
        "region": "us-east"});
    assert_eq!(received.body, expected);
}

#[tokio::test]
async fn a_success_keeps_its_receipt_and_what_the_endpoint_says_of_itself() {
    let receipt = json!({"schema_version": "v0.1.0", "output": {"response": "4"}});
    let reply = json!({"success": true, "response": "4", "model": "m", "region": "eu-west",
        "inference_time": 9.9, "tokens_generated": 5, "receipt": receipt});
    let told = told(Act::Reply(200, reply.to_string())).await;
    assert_eq!(told["success"], true);
    assert_eq!(told["provider_used"], "lab");
    assert_eq!(told["usage"], json!({"output_tokens": 5}));
    assert_eq!(told["served_model"], "m");
    let (seconds, cost) = (&told["inference_time"], &told["cost_estimate"]);
    assert!((seconds.as_f64().unwrap() * 0.000_05 - cost.as_f64().unwrap()).abs() < 1e-12);
    // Another region than asked: both are told, for the caller to judge.
    assert_eq!(told["served_region"], "eu-west");
    let expected = json!({"provider_type": "modal", "region": "us-east", "model": "m",
        "receipt": receipt});
    assert_eq!(told["metadata"], expected);
}

#[tokio::test]
async fn success_and_text_are_found_in_every_form() {
    let table = [
        (json!({"success": true, "response": "a"}), Some("a")),
        (json!({"status": "Success", "output": "b"}), Some("b")),
        (json!({"status": "SUCCESS", "response": "", "output": null, "text": "c"}), Some("c")),
        (json!({"success": true, "response": ""}), Some("")),
        (json!({"success": true, "response": null}), Some("")),
        (json!({"success": true}), Some("")),
        (json!({"success": false, "status": "success", "response": "d"}), None),
        (json!({"status": "error", "error": "Prompt is required"}), None),
        (json!({"response": "e"}), None),
    ];
    for (reply, text) in table {
        let told = told(Act::Reply(200, reply.to_string())).await;
        assert_eq!(told["success"], text.is_some(), "{reply}");
        assert_eq!(told["response"], json!(text), "{reply}");
    }
}

#[tokio::test]
async fn a_failure_told_by_the_endpoint_is_told_in_full() {
    let reply = json!({"status": "error", "error": "Unknown model: gpt-9", "region": "us-east"});
    let mut told = told(Act::Reply(200, reply.to_string())).await;
    assert!(told["failure"]["timestamp"].as_str().unwrap().ends_with('Z'));
    told["failure"]["timestamp"] = json!("T");
    let expected = json!({
        "code": "PROVIDER_EXECUTION_FAILED", "stage": "provider_execution",
        "component": "hybrid_router", "subcomponent": "inference",
        "message": "Unknown model: gpt-9", "provider": "lab", "provider_type": "modal",
        "region": "us-east", "model": "m", "transient": false, "retryable": false,
        "maybe_billed": false, "attempts": 1, "http_status": 200, "timestamp": "T",
    });
    assert_eq!(told["failure"], expected);
    assert_eq!(told["error"], "Unknown model: gpt-9");
    assert_eq!(told["error_code"], "PROVIDER_EXECUTION_FAILED");
    assert_eq!(told["response"], Value::Null);
}

#[tokio::test]
async fn the_endpoints_own_code_and_stage_are_kept_where_they_are_words() {
    let own = json!({"success": false, "error": "model crashed", "failure": {"code": "MODEL_CRASH",
        "stage": "generate", "message": "CUDA", "transient": false, "gpu": "T4"}});
    let told_own = told(Act::Reply(200, own.to_string())).await;
    assert_eq!(told_own["error_code"], "MODEL_CRASH");
    assert_eq!(told_own["failure"]["stage"], "generate");
    assert_eq!(told_own["failure"]["message"], "the provider reports an error: MODEL_CRASH");
    assert_eq!(told_own["failure"]["retryable"], false);

    let prose = json!({"success": false, "failure": {"code": "You asked: What is 2+2?"}});
    let told_prose = told(Act::Reply(200, prose.to_string())).await;
    assert_eq!(told_prose["error_code"], "PROVIDER_EXECUTION_FAILED");
    assert!(!told_prose.to_string().contains("2+2"), "{told_prose}");
}

#[tokio::test]
async fn an_error_text_that_may_quote_the_prompt_is_not_told() {
    for error in ["cannot answer: What is 2+2?", "Unknown model: What is 2+2?"] {
        for status in [200, 500] {
            let reply = json!({"success": false, "error": error, "failure": {"message": error}});
            let told = told(Act::Reply(status, reply.to_string())).await;
            assert_eq!(told["success"], false);
            assert!(!told.to_string().contains("2+2"), "{told}");
        }
    }
}
