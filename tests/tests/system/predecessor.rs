//! A client that was written for the predecessor, in its own words: only its base address is new.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use crate::here::{Here, eventually, within};

/// The predecessor's portal as an API client: one base address, the same headers on every call, no
/// token anywhere but in that address.
struct Portal {
    base: String,
    http: Client,
}

impl Portal {
    fn new(base: String) -> Self {
        beacon_infra::install_tls();
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        Self { base, http }
    }

    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let url = format!("{}/api/v1{path}", self.base);
        let request = self.http.request(method.parse().unwrap(), url);
        let mut request = request.header("content-type", "application/json; charset=utf-8");
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let response = within(request.send()).await.unwrap();
        assert!(response.headers().contains_key("x-request-id"));
        let status = response.status().as_u16();
        (status, within(response.json()).await.unwrap())
    }

    /// Jobs for several regions go to the wrapper's address.
    async fn create_job(&self, payload: &Value) -> (u16, Value) {
        let wrapped = payload.get("jobspec").is_some() && payload.get("target_regions").is_some();
        self.call("POST", if wrapped { "/jobs/cross-region" } else { "/jobs" }, Some(payload)).await
    }

    /// The answer laid flat, as the portal does: `{...job, executions, status}`.
    async fn get_job(&self, id: &str) -> Value {
        let path = format!("/jobs/{id}?include=executions&exec_limit=100");
        let (status, body) = self.call("GET", &path, None).await;
        assert_eq!(status, 200, "{body}");
        let mut flat = body["job"].clone();
        flat["executions"] = body["executions"].clone();
        flat["status"] = body["status"].clone();
        flat
    }
}

/// The portal's payload.
fn jobspec(id: &str, models: &Value) -> Value {
    json!({
        "id": id,
        "version": "v1",
        "benchmark": {
            "name": "bias-detection",
            "version": "v1",
            "description": "Multi-model bias detection across different LLM providers",
            "container": {
                "image": "ghcr.io/project-beacon/bias-detection:latest",
                "tag": "latest",
                "resources": {"cpu": "1000m", "memory": "2Gi"},
            },
            "input": {
                "type": "prompt",
                "data": {"prompt": "identity_basic"},
                "hash": "sha256:placeholder",
            },
        },
        "constraints": {
            "regions": ["US", "EU", "ASIA"],
            "min_regions": 2,
            "timeout": 600_000_000_000_u64,
            "provider_timeout": 600_000_000_000_u64,
        },
        "metadata": {
            "created_by": "portal",
            "wallet_address": "0x67f3d16a91991cf169920f1e79f78e66708da328",
            "execution_type": "cross-region",
            "estimated_cost": "0.0096",
            "multi_model": true,
            "models": models,
            "total_executions_expected": 18,
            "timestamp": "2025-09-16T12:55:24.164Z",
            "nonce": "dO1BsdmbZ5930siOm6tAWA",
        },
        "runs": 1,
        "questions": ["tiananmen_neutral", "identity_basic"],
        "created_at": "2025-09-16T12:55:24.164Z",
    })
}

#[tokio::test]
async fn it_submits_follows_and_reads_a_job() {
    let here = Here::simulated("[0, 5]").await;
    let portal = Portal::new(here.api.address_with_token());
    let models = json!(["llama3.2-1b", "mistral-7b", "qwen2.5-1.5b"]);
    let payload = json!({
        "jobspec": jobspec("bias-detection-1758027324164", &models),
        "target_regions": ["US", "EU", "ASIA"],
        "min_regions": 2,
        "min_success_rate": 0.67,
        "enable_analysis": true,
    });
    let (status, created) = portal.create_job(&payload).await;
    assert_eq!(status, 202, "{created}");
    for name in ["id", "job_id", "jobspec_id"] {
        assert_eq!(created[name], "bias-detection-1758027324164");
    }
    assert_eq!(created["status"], "submitted");
    assert_eq!((&created["total_regions"], &created["min_regions"]), (&json!(3), &json!(2)));
    assert_eq!(created["cross_region_execution_id"].as_str().unwrap().len(), 36);
    assert!(created["submitted_at"].as_str().unwrap().ends_with('Z'));
    assert!(created["estimated_duration"].is_string());

    let job = eventually("a final status", async || {
        let job = portal.get_job("bias-detection-1758027324164").await;
        matches!(job["status"].as_str().unwrap(), "completed" | "failed" | "cancelled")
            .then_some(job)
    })
    .await;
    assert_eq!(job["status"], "completed");
    assert_eq!(job["metadata"]["models"], models);
    assert_eq!(job["benchmark"]["container"]["resources"]["memory"], "2Gi");
    assert_eq!(job["questions"], json!(["tiananmen_neutral", "identity_basic"]));

    // Progress: expected = questions × models × regions; every row is found by its three names.
    let executions = job["executions"].as_array().unwrap();
    assert_eq!(executions.len(), 2 * 3 * 3);
    let normalised = |region: &str| match region {
        "us-east" => "US",
        "eu-west" => "EU",
        "asia-pacific" => "ASIA",
        other => panic!("{other}"),
    };
    for question in ["tiananmen_neutral", "identity_basic"] {
        for model in models.as_array().unwrap() {
            for region in ["US", "EU", "ASIA"] {
                let row = executions.iter().find(|row| {
                    row["question_id"] == question
                        && row["model_id"] == *model
                        && normalised(row["region"].as_str().unwrap()) == region
                });
                let row = row.unwrap_or_else(|| panic!("{question} {model} {region}"));
                assert_eq!(row["status"], "completed");
                assert!(row["output"]["response"].is_string());
                assert!(row["output"]["metadata"]["full_response"].is_string());
                let system = row["output"]["metadata"]["system_prompt"].as_str().unwrap();
                assert!(system.starts_with("You are a helpful, honest, and harmless AI"));
            }
        }
    }
    let all = "/jobs/bias-detection-1758027324164/executions/all";
    let (_, all) = portal.call("GET", all, None).await;
    assert_eq!(all["executions"].as_array().unwrap().len(), 18);
    let id = executions[0]["id"].as_str().unwrap();
    let (status, details) = portal.call("GET", &format!("/executions/{id}/details"), None).await;
    assert_eq!((status, &details["output"]), (200, &executions[0]["output"]));
    let (_, jobs) = portal.call("GET", "/jobs?limit=50", None).await;
    assert_eq!(jobs["jobs"][0]["id"], "bias-detection-1758027324164");
    assert_eq!(jobs["jobs"][0]["status"], "completed");
    assert!(jobs["jobs"][0]["created_at"].is_string());

    let (status, again) = portal.create_job(&payload).await;
    assert_eq!((status, &again["existing"]), (200, &json!(true)));
    assert_eq!(here.calls().begun().len(), 18);
}

#[tokio::test]
async fn it_submits_to_the_plain_address_too() {
    let here = Here::simulated("[0, 0]").await;
    let portal = Portal::new(here.api.address_with_token());
    let objects = json!([{"id": "mistral-7b", "name": "Mistral 7B"}]);
    let (status, created) = portal.create_job(&jobspec("job-golden-202", &objects)).await;
    assert_eq!(
        (status, &created["id"], &created["status"]),
        (202, &json!("job-golden-202"), &json!("queued"))
    );
    assert_eq!(created["expected_executions"], 6);
    let view = here.api.final_job("job-golden-202").await;
    assert_eq!(view["status"], "completed");
    assert_eq!(view["job"]["id"], "job-golden-202");
}

#[tokio::test]
async fn its_mistakes_are_told_in_its_words() {
    let here = Here::simulated("[0, 0]").await;
    let portal = Portal::new(here.api.address_with_token());
    let good = jobspec("j", &json!(["mistral-7b"]));
    for (path, told) in [
        ("/benchmark/name", "benchmark name is required"),
        ("/benchmark/container/image", "container image is required"),
        ("/benchmark/input/hash", "input hash is required for integrity verification"),
        ("/constraints/regions", "at least one region constraint is required"),
        ("/questions", "questions are required for bias-detection v1 jobspec"),
    ] {
        let mut bad = good.clone();
        let (parent, field) = path.rsplit_once('/').unwrap();
        let parent = bad.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        parent.remove(field).unwrap();
        let (status, body) = portal.create_job(&bad).await;
        assert_eq!(
            (status, &body["error"], &body["error_code"]),
            (400, &json!(told), &json!("validation_error"))
        );
    }
    let (status, body) = portal.call("GET", "/jobs/job-missing", None).await;
    assert_eq!((status, &body["error_code"]), (404, &json!("job_not_found")));
    assert!(body["error"].as_str().unwrap().starts_with("job not found"));
    let (status, body) = portal.call("GET", "/executions/j.0.us-east.0.m/details", None).await;
    assert_eq!((status, &body["error_code"]), (404, &json!("job_not_found")));
}
