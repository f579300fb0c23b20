//! An answer of something else than was asked is a failure, not an answer.

use beacon_core::wire::MAX_RESPONSE_BYTES;
use serde_json::{Value, json};

use crate::failures::{assert_failure, failed};
use crate::here::Here;
use crate::router::{Answer, Router, answered};

#[tokio::test]
async fn an_answer_from_another_region_is_a_region_mismatch() {
    let served = |mut answer: Value, region: &str| {
        answer["served_region"] = region.into();
        answer
    };
    let metadata = |mut answer: Value, region: &str| {
        answer["metadata"]["region"] = region.into();
        answer
    };
    let receipt = |mut answer: Value, region: &str| {
        answer["metadata"]["receipt"] = json!({"execution_details": {"region": region}});
        answer
    };
    for place in [served, metadata, receipt] {
        for region in ["eu-west", "EU", "mars", ""] {
            let row = not_kept(place(answered("four"), region)).await;
            assert_failure(&row, "REGION_MISMATCH", "verification", false, true);
            assert_eq!(row["failure"]["provider_id"], "lab", "{row}");
        }
    }
}

#[tokio::test]
async fn a_receipt_of_another_prompt_is_a_prompt_mismatch() {
    for prompt in ["Be long.", "", "be brief."] {
        let mut answer = answered("four");
        answer["metadata"]["receipt"] = json!({"output": {"system_prompt": prompt}});
        let row = not_kept(answer).await;
        assert_failure(&row, "PROMPT_MISMATCH", "verification", false, true);
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_kept_in_part() {
    let row = not_kept(answered(&"x".repeat(MAX_RESPONSE_BYTES + 1))).await;
    assert_failure(&row, "RESPONSE_TOO_LARGE", "verification", false, true);
    let row = not_kept(answered(&"x".repeat(4 * 1024 * 1024))).await;
    assert_failure(&row, "RESPONSE_TOO_LARGE", "router_response_parse", false, true);
}

#[tokio::test]
async fn an_alias_of_the_region_asked_and_the_prompt_sent_are_no_mismatch() {
    let mut answer = answered("four");
    answer["served_region"] = " US ".into();
    answer["metadata"] = json!({"region": "us-east", "receipt": {
        "execution_details": {"region": "usa"}, "output": {"system_prompt": "Be brief."}}});
    let router = Router::start(move |_| Answer::Json(answer.clone())).await;
    let here = Here::with_router(router.base()).await;
    let view = here
        .api
        .run(&json!({
            "questions": [{"id": "q", "text": "Q?"}],
            "models": ["m"],
            "regions": ["US"],
            "system_prompt": "Be brief.",
        }))
        .await;
    assert_eq!(view["status"], "completed", "{view}");
}

async fn not_kept(answer: Value) -> Value {
    let router = Router::start(move |_| Answer::Json(answer.clone())).await;
    failed(&Here::with_router(router.base()).await, "failed").await
}
