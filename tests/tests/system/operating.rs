//! What an operator asks: health, metrics, configuration, why a job is where it is.

use serde_json::json;

use crate::here::{Here, answered, eventually, main_job};

#[tokio::test]
async fn ready_says_which_part_is_missing() {
    let here = Here::simulated("[0, 0]").await;
    let ready = answered(here.api.open("GET", "/health/ready")).await;
    assert_eq!((ready.status, &ready.json()["ready"]), (200, &json!(true)), "{ready:?}");
    let health = answered(here.api.open("GET", "/health")).await;
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("healthy")));

    let dead = Here::with_router("http://127.0.0.1:9").await;
    let ready = answered(dead.api.open("GET", "/health/ready")).await;
    assert_eq!((ready.status, &ready.json()["ready"]), (503, &json!(false)), "{ready:?}");
    let services = ready.json()["services"].clone();
    assert_eq!(services[0], json!({"name": "table", "status": "healthy"}));
    assert_eq!(services[1]["name"], "router");
    assert_eq!(services[1]["error"], "the router does not answer");
    // What is there can still be read.
    let health = answered(dead.api.open("GET", "/health")).await;
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("degraded")));
    assert_eq!(answered(dead.api.open("GET", "/health/live")).await.status, 200);
}

#[tokio::test]
async fn metrics_are_those_of_the_tables_whoever_asks() {
    let here = Here::simulated("[1, 5]").await;
    let view = here.api.run(&main_job("counted")).await;
    let metrics = answered(here.api.request("GET", "/metrics")).await;
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    let value = |line: &str| -> Vec<f64> {
        let lines = metrics.text.lines().filter(|there| there.starts_with(line));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect()
    };
    let sum = |line: &str| value(line).iter().sum::<f64>();
    assert!((sum("beacon_executions{") - 72.0).abs() < 0.5, "{}", metrics.text);
    for (outcome, count) in view["outcomes"].as_object().unwrap() {
        let line = format!("beacon_executions{{status=\"completed\",outcome=\"{outcome}\"");
        assert!((sum(&line) - count.as_f64().unwrap()).abs() < 0.5, "{outcome}: {view}");
    }
    assert_eq!(value("beacon_jobs{status=\"completed\"}"), [1.0]);
    assert_eq!(value("beacon_execution_duration_seconds{").len(), 9);
    assert_eq!(value("beacon_status_mismatch"), [0.0]);
    assert_eq!(value("beacon_table_writes{result=\"ok\"}"), [72.0]);
    assert_eq!(value("beacon_router_up"), [1.0]);
    let closed = value("hybrid_circuit_breaker_state{provider=\"lab-us-east\"");
    assert_eq!(closed.len(), 9);

    // The start's pass found nothing to do.
    assert_eq!(value("beacon_reconciler_last_pass_jobs"), [0.0]);
    assert_eq!(value("beacon_reconciler_last_pass_troubles"), [0.0]);
    assert_eq!(value("beacon_reconciler_last_pass_steps{"), [0.0; 8]);
    let passed = value("beacon_reconciler_last_pass_timestamp_seconds");
    assert!(passed[0] > 1.7e9, "{passed:?}");

    // Another process on the same tables tells the same.
    let again = here.restarted("[0, 0]").await;
    let later = answered(again.api.request("GET", "/api/v1/metrics")).await.text;
    let of_tables = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with("beacon_"));
        // Of its own passes each start has its first.
        let lines = lines.filter(|line| !line.starts_with("beacon_reconciler_"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of_tables(&later), of_tables(&metrics.text));
}

#[tokio::test]
async fn the_configuration_in_effect_is_shown_without_secrets() {
    let here = Here::simulated("[0, 0]").await;
    let config = answered(here.api.request("GET", "/debug/config")).await;
    let settings = config.json()["settings"].as_array().unwrap().clone();
    let of = |variable: &str| {
        settings.iter().find(|setting| setting["variable"] == variable).unwrap().clone()
    };
    assert!(of("HYBRID_ROUTER_URL")["value"].as_str().unwrap().starts_with("http://127."));
    assert_eq!(of("BEACON_TABLE")["value"], "beacon, embedded");
    assert_eq!(of("BEACON_REQUESTS_PER_MINUTE")["value"], "1000000");
    assert!(!config.text.contains(here.token()), "{}", config.text);
    assert_eq!(config.json()["version"], env!("CARGO_PKG_VERSION"));

    let executor = answered(here.api.request("GET", "/debug/executor")).await.json();
    assert_eq!(executor["executor_type"], "hybrid");
    assert_eq!(executor["hybrid_client_set"], true);
    assert_eq!(executor["hybrid_base"], of("HYBRID_ROUTER_URL")["value"]);
}

#[tokio::test]
async fn why_a_job_is_where_it_is() {
    let here = Here::simulated("[600000, 600000]").await;
    let (status, _) = here.api.submit(&main_job("stuck")).await;
    assert_eq!(status, 202);
    let debug = eventually("three holders", async || {
        let debug = answered(here.api.request("GET", "/debug/jobs/stuck")).await.json();
        let lanes = debug["lanes"].as_array().unwrap().clone();
        lanes.iter().all(|lane| lane["holder"]["nonce"].is_string()).then_some(debug)
    })
    .await;
    assert_eq!(debug["status"], "running");
    let transitions = debug["transitions"].as_array().unwrap();
    let log: Vec<_> = transitions.iter().map(|entry| (&entry["to"], &entry["who"])).collect();
    assert_eq!(
        log,
        [(&json!("queued"), &json!("intake")), (&json!("running"), &json!("dispatch"))]
    );
    assert_eq!(debug["why"].as_array().unwrap().len(), 3);
    assert!(debug["why"][0].as_str().unwrap().contains("is at question 1 of 8"), "{debug}");
    assert_eq!(debug["status_mismatch"], false);
    assert_eq!(debug["counts"]["running"], 9);
    let missing = answered(here.api.request("GET", "/debug/jobs/none")).await;
    assert_eq!(missing.refusal(), (404, "job_not_found".into()));
    here.killed();
}
