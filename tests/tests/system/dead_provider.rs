//! A job of which one region's only provider is not there.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::here::{Here, by_status, main_job, sum};

const MODELS: &str = "models = [\"llama3.2-1b\", \"mistral-7b\", \"qwen2.5-1.5b\"]";

/// The US and Europe answer at once; nobody listens in Asia.
async fn beacon() -> Here {
    // The port is given back, and nobody else gets it so soon.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let simulated = |name, region| {
        format!(
            "[[providers]]\nname = \"{name}\"\nkind = \"simulated\"\nregion = \"{region}\"\n\
             latency_ms = [0, 0]\n{MODELS}\n"
        )
    };
    let dead = format!(
        "[[providers]]\nname = \"dead\"\nkind = \"openai\"\nregion = \"asia-pacific\"\n\
         url = \"http://127.0.0.1:{port}/v1\"\n{MODELS}\n"
    );
    let toml = simulated("us", "us-east") + &simulated("eu", "eu-west") + &dead;
    Here::with_providers(&toml).await
}

fn in_asia(rows: &[Value]) -> impl Iterator<Item = &Value> {
    rows.iter().filter(|row| row["region"] == "asia-pacific")
}

/// What every row of the dead provider says: it was asked and not reached, or, once its breaker is
/// open, not asked at all.
fn assert_dead(row: &Value) {
    let failure = &row["failure"];
    let seen = json!([failure["code"], failure["stage"], failure["provider_id"]]);
    let expected = [
        json!(["PROVIDER_UNREACHABLE", "router_inference", "dead"]),
        json!(["PROVIDER_UNAVAILABLE", "provider_selection", null]),
    ];
    assert!(expected.contains(&seen), "{row}");
    assert_eq!((&failure["retryable"], &failure["maybe_billed"]), (&json!(true), &json!(false)));
    assert!(!failure["message"].as_str().unwrap().is_empty(), "{row}");
}

#[tokio::test]
async fn its_region_ends_the_job_and_every_row_says_why() {
    let here = beacon().await;
    let view = here.api.run(&main_job("dead-region")).await;
    let ending = &view["ending"];
    let seen = json!([view["status"], ending["cause"], ending["region"], ending["questions"]]);
    assert_eq!(seen, json!(["failed", "region_failure", "asia-pacific", 3]), "{view}");
    assert_eq!(sum(&view["counts"]), 72, "{view}");
    let rows = here.api.executions("dead-region").await;
    let counts = by_status(&rows);
    assert_eq!(counts["failed"], 9, "{counts:?}");
    assert_eq!(in_asia(&rows).filter(|row| row["status"] == "failed").count(), 9);
    for row in &rows {
        match row["status"].as_str().unwrap() {
            "failed" => assert_dead(row),
            "cancelled" => assert_eq!(row["failure"]["code"], "JOB_STOPPED", "{row}"),
            _ => assert_eq!((&row["status"], &row["failure"]), (&"completed".into(), &Value::Null)),
        }
    }
}

#[tokio::test]
async fn without_a_stop_the_other_regions_are_asked_to_the_end() {
    let here = beacon().await;
    for (least, status) in [(0.66, "completed"), (0.67, "failed")] {
        let id = format!("to-the-end-{status}");
        let mut job = main_job(&id);
        job["stop"] = json!("never");
        job["min_success_rate"] = json!(least);
        let view = here.api.run(&job).await;
        let counts = &view["counts"];
        let seen = json!([view["status"], counts["completed"], counts["failed"]]);
        assert_eq!(seen, json!([status, 48, 24]), "{view}");
        let rows = here.api.executions(&id).await;
        in_asia(&rows).for_each(assert_dead);
    }
}
