//! Receipts: the one text that each has, and what breaks its signature.

use beacon_core::failure::{Failure, FailureCode, Stage};
use serde_json::json;

use super::*;
use crate::canonical::read_canonical;
use crate::testing::{completed, execution, key};

fn put<'a>(question_id: &'a QuestionId, variant: &'a VariantName) -> Put<'a> {
    Put { question_id, variant }
}

fn receipt() -> Receipt {
    let (id, question, variant) = execution(3);
    let row = completed("Peking's answer: “4”");
    let row = sealed(&id, put(&question, &variant), row, "beacon 0.1.0", &key());
    Receipt::of(&id, put(&question, &variant), &row).unwrap()
}

/// Rows that are stored are signed so: were this text another, their signatures would not hold.
#[test]
fn the_text_of_a_receipt_never_changes() {
    let text = String::from_utf8(receipt().canonical()).unwrap();
    let signature = receipt().signature.to_string();
    let expected = concat!(
        r#"{"answer_sha256":"77c0f321857dd6cd4da17f116a2398751d6601f6bb95cf267a58b706355c7be6","#,
        r#""attempts":2,"completed_at":"2026-11-27T10:00:03.250Z","execution_id":"job-1.3.us-east.0.qwen2~2E5-1~2E5b","#,
        r#""finish_reason":"stop","format":"beacon-receipt-v1","input_tokens":12,"job_id":"job-1","#,
        r#""key_id":"ff73a0647bbc29aa418634dba8bb130922491e77680e9d152dde5261ab63d8a2","#,
        r#""model_id":"qwen2.5-1.5b","outcome":"text","output_tokens":null,"#,
        r#""prompt_sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","#,
        r#""provider_id":"modal-us-east","provider_receipt_kept":false,"provider_receipt_sha256":null,"#,
        r#""question_id":"taiwan_status","#,
        r#""region":"us-east","run":2,"sample":0,"sampling":{"max_tokens":500,"temperature":0.7},"#,
        r#""served_model":null,"served_region":"us-east","signature":"SIGNATURE","simulated":false,"#,
        r#""software":"beacon 0.1.0","started_at":"2026-11-27T10:00:00.000Z","variant":"base"}"#,
    );
    assert_eq!(text, expected.replace("SIGNATURE", &signature));
    assert_eq!(read_canonical::<Receipt>(text.as_bytes()).unwrap(), receipt());
}

#[test]
fn a_change_of_anything_breaks_the_signature() {
    assert!(receipt().is_signed_by(&key().public()));
    assert!(!receipt().is_signed_by(&SecretKey::new(&[9; 32]).public()));
    let whole = serde_json::to_value(receipt()).unwrap();
    for (name, value) in whole.as_object().unwrap() {
        let other = match value {
            serde_json::Value::String(text) if name.ends_with("_at") => {
                json!(text.replace("10:", "11:"))
            }
            serde_json::Value::String(_) if name == "outcome" => json!("empty"),
            serde_json::Value::String(text) if text.len() == 64 => json!("0".repeat(64)),
            serde_json::Value::String(_) if name == "signature" => json!(Signature::new([1; 64])),
            serde_json::Value::String(_) if name == "execution_id" => json!("j.0.us-east.0.m"),
            serde_json::Value::String(_) => json!("eu-west"),
            serde_json::Value::Number(_) => json!(7),
            serde_json::Value::Bool(of) => json!(!of),
            serde_json::Value::Null if name.ends_with("tokens") => json!(0),
            serde_json::Value::Null => json!("x"),
            serde_json::Value::Object(_) => json!({"max_tokens": 501, "temperature": 0.7}),
            serde_json::Value::Array(_) => unreachable!(),
        };
        let mut changed = whole.clone();
        changed[name] = other;
        let changed: Receipt = serde_json::from_value(changed).unwrap();
        assert_ne!(changed, receipt(), "{name}");
        assert!(!changed.is_signed_by(&key().public()), "{name}");
    }
}

#[test]
fn what_did_not_complete_has_no_receipt() {
    let (id, question, variant) = execution(3);
    let put = put(&question, &variant);
    let failure = Failure {
        stage: Stage::Worker,
        code: FailureCode::WorkerPanic,
        message: String::new(),
        retryable: false,
        maybe_billed: false,
        provider_id: None,
        http_status: None,
        attempts: 1,
    };
    for ending in [
        Ending::Failed(failure.clone()),
        Ending::TimedOut(failure.clone()),
        Ending::Cancelled(failure),
    ] {
        let row = ExecutionRow { ending, ..completed("") };
        assert_eq!(sealed(&id, put, row.clone(), "beacon", &key()), row);
        assert_eq!(Receipt::of(&id, put, &row), None);
    }
    assert_eq!(Receipt::of(&id, put, &completed("")), None);
}

#[test]
fn a_row_says_the_same_before_and_after_it_is_stored() {
    let (id, question, variant) = execution(3);
    let put = put(&question, &variant);
    let mut row = completed("");
    let stored_at = row.started_at;
    // The table keeps milliseconds.
    row.started_at = "2026-11-27T10:00:00.000999999Z".parse().unwrap();
    let row = ExecutionRow { started_at: stored_at, ..sealed(&id, put, row, "beacon", &key()) };
    assert!(Receipt::of(&id, put, &row).unwrap().is_signed_by(&key().public()));
}
