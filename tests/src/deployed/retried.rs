//! A job whose failures are retried.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::place::Place;

/// Of this job the provider fails half the calls of the first run and none of the second.
const JOB: &str = "flaky-1";

/// What failed is asked anew and completes; what was completed stays as it is.
pub(super) async fn check(place: &mut Place) {
    let spec = json!({
        "id": JOB, "models": ["mistral-7b"], "regions": ["eu-north"], "stop": "never",
        "questions": ["math_basic", "geography_basic", "identity_basic", "tiananmen_neutral",
            "taiwan_status", "hongkong_2019", "greatest_invention", "greatest_leader"],
    });
    place.submit(&spec).await;
    let first = place.final_job(JOB).await;
    assert_eq!(first["counts"], counts(4, 4), "{first}");
    let before = place.executions(JOB).await;
    for row in before.iter().filter(|row| row["status"] == "failed") {
        assert_eq!(row["failure"]["code"], "PROVIDER_EXECUTION_FAILED", "{row}");
    }

    let answer = place.post(&format!("/api/v1/jobs/{JOB}/retry"), Some(&json!({}))).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!((&answer.body["run"], &answer.body["executions"]), (&2.into(), &4.into()));
    let second = place.final_job(JOB).await;
    assert_eq!((&second["run"], &second["counts"]), (&2.into(), &counts(8, 0)), "{second}");
    let after = place.executions(JOB).await;
    assert_eq!((before.len(), after.len()), (8, 8));
    for (before, after) in before.iter().zip(&after) {
        if before["status"] == "completed" {
            assert_eq!(before, after);
        } else {
            assert_eq!(before["id"], after["id"]);
            assert_eq!(
                (&after["status"], &after["run"]),
                (&"completed".into(), &2.into()),
                "{after}"
            );
        }
    }
    place.say("retry: 4 of 8 had failed and completed in run 2, 4 rows stayed as they were");
}

fn counts(completed: u32, failed: u32) -> Value {
    json!({
        "completed": completed, "failed": failed, "timed_out": 0, "cancelled": 0, "pending": 0,
        "running": 0,
    })
}
