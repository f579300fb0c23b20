//! A job that is cancelled while a model is silent.

use reqwest::StatusCode;
use serde_json::json;

use super::place::{Place, sum};

const JOB: &str = "cancelled";

/// Every pair is accounted for at every look, and in the end each of them is cancelled.
pub(super) async fn check(place: &mut Place) {
    let spec = json!({
        "id": JOB, "questions": ["math_basic", "geography_basic"], "models": ["mistral-7b"],
        "regions": ["us-west"], "samples": 2,
    });
    place.submit(&spec).await;
    let runs = |view: &serde_json::Value| view["counts"]["running"] == 2;
    place.job_when(JOB, "at work", runs).await;
    let answer = place.post(&format!("/api/v1/jobs/{JOB}/cancel"), None).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(answer.body["previous_status"], "running", "{answer:?}");
    let view = place.final_job(JOB).await;
    assert_eq!(view["status"], "cancelled", "{view}");
    assert_eq!((&view["counts"]["cancelled"], sum(&view["counts"])), (&4.into(), 4), "{view}");
    let rows = place.executions(JOB).await;
    assert_eq!(rows.len(), 4);
    for row in rows {
        assert_eq!(row["status"], "cancelled", "{row}");
        assert_eq!(row["failure"]["code"], "JOB_CANCELLED", "{row}");
    }
    place.say("cancel: 4 of 4 pairs cancelled, 2 of them in flight");
}
