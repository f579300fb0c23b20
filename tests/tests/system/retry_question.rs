//! A retry of one pair, as the predecessor's clients ask for it: its table, row by row.

use serde_json::{Value, json};

use crate::here::{Answered, Here, eventually};
use crate::retry::{Lab, spec};
use crate::router::{Answer, Router, answered_in};

const FAILED: &str = "j.1.eu-west.0.a";

#[tokio::test]
async fn a_failed_pair_is_asked_anew_three_times() {
    let lab = Lab::dead().await;
    let here = Here::with_router(lab.base()).await;
    here.api.run(&spec("j")).await;
    lab.asked();
    for attempt in 1..=3 {
        let reply = retry(&here, FAILED, "EU", 1).await;
        let body = reply.json();
        assert_eq!((reply.status, &body["status"]), (200, &"retrying".into()), "{reply:?}");
        assert_eq!((&body["execution_id"], &body["region"]), (&FAILED.into(), &"eu-west".into()));
        assert_eq!((&body["question_index"], &body["retry_attempt"]), (&1.into(), &attempt.into()));
        let result = json!({
            "message": "Retry queued successfully", "job_id": "j", "model_id": "a",
            "question_id": "q1",
        });
        assert_eq!(body["result"], result);
        assert!(body["updated_at"].is_string(), "{body}");
        here.api.final_job("j").await;
        assert_eq!(lab.asked(), [("eu-west".into(), "a".into(), "1?".into())]);
    }
    let row = here.api.get(&format!("executions/{FAILED}")).await;
    assert_eq!((&row["status"], &row["retry_count"]), (&"failed".into(), &3.into()), "{row}");
    let refused = retry(&here, FAILED, "EU", 1).await;
    let body = refused.json();
    assert_eq!((refused.status, &body["error"]), (429, &"Max retry attempts reached".into()));
    assert_eq!(body["error_code"], "too_many_retries", "{body}");
    assert_eq!((&body["retry_attempt"], &body["max_attempts"]), (&3.into(), &3.into()), "{body}");
    assert!(lab.asked().is_empty());
}

#[tokio::test]
async fn a_completed_pair_is_answered_with_what_is_stored() {
    let lab = Lab::dead().await;
    let here = Here::with_router(lab.base()).await;
    here.api.run(&spec("j")).await;
    lab.repair();
    assert_eq!(retry(&here, FAILED, " eu-west ", 1).await.status, 200);
    here.api.final_job("j").await;
    lab.asked();
    for (id, region, retries) in [(FAILED, "Europe", 1), ("j.2.us-east.0.b", "US", 0)] {
        let question = id.split('.').nth(1).unwrap().parse().unwrap();
        let reply = retry(&here, id, region, question).await;
        let (body, row) = (reply.json(), here.api.get(&format!("executions/{id}")).await);
        assert_eq!((reply.status, &body["status"]), (200, &"completed".into()), "{reply:?}");
        assert_eq!((&body["result"], &body["updated_at"]), (&row["output"], &row["completed_at"]));
        assert_eq!(body["result"]["response"], "four", "{body}");
        assert_eq!(body["retry_attempt"], retries, "{body}");
    }
    assert!(lab.asked().is_empty());
    assert_eq!(here.api.job("j").await["run"], 2);
}

#[tokio::test]
async fn only_the_pair_itself_is_found() {
    let lab = Lab::dead().await;
    let here = Here::with_router(lab.base()).await;
    here.api.run(&spec("j")).await;
    for (id, region, question) in [
        (FAILED, "US", 1),
        (FAILED, "mars", 1),
        (FAILED, "EU", 0),
        ("j.1.asia-pacific.0.a", "ASIA", 1),
    ] {
        let missing = retry(&here, id, region, question).await;
        assert_eq!(missing.refusal(), (404, "execution_not_found".into()), "{id} {region}");
        let told = "Execution not found for the specified region";
        let elsewhere = id.contains("asia");
        assert!(elsewhere || missing.json()["error"] == told, "{missing:?}");
    }
    let none = retry(&here, "none.1.eu-west.0.a", "EU", 1).await;
    assert_eq!(none.refusal(), (404, "job_not_found".into()));
    let path = format!("executions/{FAILED}/retry-question");
    let empty = here.api.change(&path, &json!({})).await;
    assert_eq!(empty.refusal(), (400, "validation_error".into()));
    assert_eq!(empty.fields(), ["region", "question_index"]);
    assert_eq!(here.api.job("j").await["run"], 1);
}

#[tokio::test]
async fn a_pair_of_a_job_that_runs_is_waited_for() {
    let router = Router::start(|request| {
        let question = request["messages"].as_array().unwrap().last().unwrap()["content"].clone();
        match question.as_str().unwrap() {
            "0?" => Answer::Http(500, Vec::new()),
            "1?" => Answer::Silence,
            _ => Answer::Json(answered_in("eu-west", "four")),
        }
    })
    .await;
    let here = Here::with_router(router.base()).await;
    let mut spec = spec("j");
    (spec["models"], spec["regions"]) = (json!(["a"]), json!(["EU"]));
    let (status, _) = here.api.submit(&spec).await;
    assert_eq!(status, 202);
    eventually("the second question open", async || {
        (here.api.job("j").await["counts"]["running"] == 1
            && here.api.job("j").await["counts"]["failed"] == 1)
            .then_some(())
    })
    .await;
    for (question, status) in [(1, "running"), (2, "pending")] {
        let reply = retry(&here, &format!("j.{question}.eu-west.0.a"), "EU", question).await;
        let body = reply.json();
        assert_eq!((reply.status, &body["status"]), (202, &status.into()), "{reply:?}");
        assert_eq!((&body["retry_attempt"], body.get("result")), (&0.into(), None), "{body}");
    }
    let failed = retry(&here, "j.0.eu-west.0.a", "EU", 0).await;
    assert_eq!(failed.refusal(), (409, "job_not_final".into()));

    assert_eq!(here.api.change("jobs/j/cancel", &Value::Null).await.status, 202);
    here.api.final_job("j").await;
    for question in [1, 2] {
        let refused = retry(&here, &format!("j.{question}.eu-west.0.a"), "EU", question).await;
        assert_eq!(refused.refusal(), (400, "not_retryable".into()), "{refused:?}");
        let told = "Execution is not in a retryable state (current status: cancelled)";
        assert_eq!(refused.json()["error"], told);
    }
    let failed = retry(&here, "j.0.eu-west.0.a", "EU", 0).await;
    assert_eq!((failed.status, &failed.json()["status"]), (200, &"retrying".into()), "{failed:?}");
}

async fn retry(here: &Here, id: &str, region: &str, question: u32) -> Answered {
    let body = json!({"region": region, "question_index": question});
    here.api.change(&format!("executions/{id}/retry-question"), &body).await
}
