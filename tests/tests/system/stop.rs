//! A job that ends by itself before its last question.

use serde_json::{Value, json};

use crate::here::{Here, by_status, sum};
use crate::router::{Answer, Router, answered_in};

#[tokio::test]
async fn at_its_deadline_a_job_is_timed_out_with_all_that_it_leaves() {
    let here = Here::simulated("[600000, 600000]").await;
    let view = here
        .api
        .run(&json!({
            "id": "late", "timeout": "1s", "models": ["llama3.2-1b"], "regions": ["US", "EU"],
            "questions": ["math_basic", "identity_basic"],
        }))
        .await;
    let counts = &view["counts"];
    assert_eq!((&view["status"], &counts["timed_out"]), (&"timed_out".into(), &4.into()), "{view}");
    assert_eq!((&view["ending"]["cause"], sum(counts)), (&"deadline".into(), 4), "{view}");
    assert_eq!(here.calls().in_flight(), 0);
    // Nothing but each lane's first question was asked, if it was.
    let begun = here.calls().begun().len();
    assert!(begun <= 2, "{begun}");
    for row in here.api.executions("late").await {
        assert_eq!(
            (&row["status"], &row["failure"]["code"]),
            (&"timed_out".into(), &"JOB_DEADLINE".into()),
            "{row}"
        );
    }
}

#[tokio::test]
async fn a_region_that_brings_nothing_back_stops_the_job_for_all() {
    // The US says nothing from the last question on; Europe fails from the sixth on.
    let router = router(|question, region| match (question, region) {
        (7, "us-east") => Answer::Silence,
        (5.., "eu-west") => Answer::Http(500, Vec::new()),
        _ => Answer::Json(answered_in(region, "four")),
    })
    .await;
    let here = Here::with_router(router.base()).await;
    for (least, status) in [(0.3, "completed"), (0.95, "failed")] {
        let view = here.api.run(&job(&json!({"min_success_rate": least}))).await;
        let cause = json!({"cause": "region_failure", "region": "eu-west", "questions": 3});
        let ending = &view["ending"];
        for name in ["cause", "region", "questions"] {
            assert_eq!(ending[name], cause[name], "{view}");
        }
        assert_eq!((&view["status"], sum(&view["counts"])), (&status.into(), 16), "{view}");
        let rows = here.api.executions(view["job_id"].as_str().unwrap()).await;
        let counts = by_status(&rows);
        assert_eq!(counts["failed"], 3, "{counts:?}");
        let cancelled = rows.iter().filter(|row| row["status"] == "cancelled");
        for row in cancelled {
            let failure = &row["failure"];
            assert_eq!(
                (&failure["code"], &row["region"]),
                (&"JOB_STOPPED".into(), &"us-east".into()),
                "{row}"
            );
            assert!(failure["message"].as_str().unwrap().contains("from eu-west"), "{row}");
        }
        assert!(counts["cancelled"] >= 1, "{counts:?}");
    }
}

#[tokio::test]
async fn a_job_stops_when_its_rate_is_out_of_reach() {
    let router = router(|_, region| match region {
        "eu-west" => Answer::Http(500, Vec::new()),
        _ => Answer::Silence,
    })
    .await;
    let here = Here::with_router(router.base()).await;
    let asked = json!({"stop": "unreachable", "min_success_rate": 0.9});
    let view = here.api.run(&job(&asked)).await;
    assert_eq!(view["ending"]["cause"], "rate_unreachable", "{view}");
    let counts = &view["counts"];
    assert_eq!((&view["status"], &counts["completed"]), (&"failed".into(), &0.into()), "{view}");
    // With the second failure fourteen of sixteen are the most.
    assert!(counts["failed"].as_u64().unwrap() >= 2, "{view}");
    assert!(counts["cancelled"].as_u64().unwrap() >= 8, "{view}");
}

#[tokio::test]
async fn a_job_that_stops_never_asks_every_pair() {
    let router = router(|_, region| match region {
        "eu-west" => Answer::Http(500, Vec::new()),
        _ => Answer::Json(answered_in(region, "four")),
    })
    .await;
    let here = Here::with_router(router.base()).await;
    let view = here.api.run(&job(&json!({"stop": "never"}))).await;
    assert_eq!((&view["status"], &view["ending"]), (&"failed".into(), &Value::Null), "{view}");
    let counts = &view["counts"];
    assert_eq!((&counts["completed"], &counts["failed"]), (&8.into(), &8.into()), "{view}");
}

/// A router that answers by the question's place in the list and the region.
async fn router(answer: impl Fn(usize, &str) -> Answer + Send + Sync + 'static) -> Router {
    Router::start(move |request| {
        let text = request["messages"].as_array().unwrap().last().unwrap()["content"].clone();
        let question = text.as_str().unwrap().strip_suffix('?').unwrap().parse().unwrap();
        answer(question, request["region_preference"].as_str().unwrap())
    })
    .await
}

/// Eight questions to one model in two regions.
fn job(more: &Value) -> Value {
    let questions: Vec<Value> =
        (0..8).map(|n| json!({"id": format!("q{n}"), "text": format!("{n}?")})).collect();
    let mut job = json!({"questions": questions, "models": ["m"], "regions": ["US", "EU"]});
    let more = more.as_object().unwrap().clone();
    job.as_object_mut().unwrap().extend(more);
    job
}
