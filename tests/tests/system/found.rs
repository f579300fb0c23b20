//! What was found in a job, as clients read it: in our words, and in the predecessor's.

use beacon_core::Run;
use beacon_core::execution::Outcome;
use beacon_tests::written::{Written, answered as answered_with};
use serde_json::{Value, json};

use crate::analysis::{coordinator, handled};
use crate::analysis_left::{ended, sampled};
use crate::here::{Answered, Here, answered, main_job};

async fn get(here: &Here, path: &str) -> Answered {
    answered(here.api.request("GET", path)).await
}

#[tokio::test]
async fn findings_and_what_they_rest_on_are_there_when_a_job_was_analysed() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("j")).await;
    let found = here.api.findings("j").await;
    assert_eq!((&found["job_id"], &found["run"]), (&json!("j"), &json!(1)));
    assert_eq!((&found["cursor"], &found["simulated"]), (&Value::Null, &json!(true)));
    let denominators = &found["denominators"];
    assert_eq!((&denominators["planned"], &denominators["open"]), (&json!(72), &json!(0)));

    let (mut path, mut aggregates) = ("jobs/j/aggregates?limit=3".to_owned(), Vec::new());
    loop {
        let page = here.api.get(&path).await;
        let of_page = page["aggregates"].as_array().unwrap();
        assert!(of_page.len() <= 3 && page["total"] == 8, "{page}");
        aggregates.extend(of_page.iter().map(|of| of["question"].as_u64().unwrap()));
        let Some(cursor) = page["cursor"].as_str() else { break };
        path = format!("jobs/j/aggregates?limit=3&cursor={cursor}");
    }
    assert_eq!(aggregates, (0..8).collect::<Vec<u64>>());

    let manifest = here.api.get("jobs/j/manifest").await;
    assert_eq!((&manifest["format"], &manifest["cursor"]), (&json!("beacon-job/1"), &Value::Null));
    assert_eq!(
        (&manifest["job"]["job_id"], &manifest["job"]["expected"]),
        (&json!("j"), &json!(72))
    );
    let spec = &manifest["spec"];
    assert_eq!(spec["questions"][0]["expect"], json!(["4", "four"]));
    assert_eq!(spec["questions"].as_array().unwrap().len(), 8);
    assert!(spec["regions"][1]["system"][0].as_str().unwrap().contains("based in Europe"));

    let texts = here.api.executions("j").await;
    for row in texts {
        let is_text = row["outcome"] == "text";
        assert_eq!(row["verdict"].is_object(), is_text, "{row}");
        assert_eq!(row["response_length"], row["response"].as_str().unwrap().len(), "{row}");
    }
}

#[tokio::test]
async fn pages_of_aggregates_begin_anywhere_in_what_is_stored_together() {
    let here = Here::idle().await;
    // Ten questions are stored together.
    let written = ended(&here.table(), "j", &sampled(35)).await;
    handled(&coordinator(here.table()), &[&written.job().await]).await;
    for limit in [1, 7, 10, 25, 200] {
        let first = format!("jobs/j/aggregates?limit={limit}");
        let (mut path, mut seen) = (first.clone(), Vec::new());
        loop {
            let page = here.api.get(&path).await;
            let of_page = page["aggregates"].as_array().unwrap();
            seen.extend(of_page.iter().map(|of| of["question"].as_u64().unwrap()));
            let Some(cursor) = page["cursor"].as_str() else { break };
            assert_eq!(of_page.len(), limit);
            path = format!("{first}&cursor={cursor}");
        }
        assert_eq!(seen, (0..35).collect::<Vec<u64>>(), "{limit} a page");
    }
}

#[tokio::test]
async fn a_large_specification_comes_in_pages() {
    let here = Here::simulated("[0, 0]").await;
    let text = |n: usize| format!("{n}{}", "\"".repeat(32 * 1024 - 8));
    let questions: Vec<Value> =
        (0..40).map(|n| json!({"id": format!("q{n}"), "text": text(n)})).collect();
    let (status, told) = here
        .api
        .submit(&json!({
            "id": "large", "questions": questions, "models": ["mistral-7b"], "regions": ["US"],
            "system_prompt": {"a": "none", "b": "regional"},
        }))
        .await;
    assert_eq!(status, 202, "{told}");
    let (mut path, mut seen, mut regions, mut pages) =
        ("/api/v1/jobs/large/manifest".to_owned(), Vec::new(), 0, 0);
    loop {
        let page = get(&here, &path).await;
        assert!(page.text.len() < 4 * 1024 * 1024, "{} bytes", page.text.len());
        let page = page.json();
        let questions = page["spec"]["questions"].as_array().unwrap();
        seen.extend(questions.iter().map(|of| of["text"].as_str().unwrap().to_owned()));
        regions += page["spec"]["regions"].as_array().unwrap().len();
        pages += 1;
        let Some(cursor) = page["cursor"].as_str() else { break };
        path = format!("/api/v1/jobs/large/manifest?cursor={cursor}");
    }
    // Each under both prompts.
    let expected: Vec<String> = (0..40).flat_map(|n| [text(n), text(n)]).collect();
    assert!(seen == expected, "{} of 80 questions", seen.len());
    assert!(pages > 1, "everything was on one page");
    assert_eq!(regions, 1);
    here.killed();
}

#[tokio::test]
async fn what_is_not_there_yet_is_told() {
    let here = Here::simulated("[600000, 600000]").await;
    here.api.submit(&main_job("running")).await;
    for path in ["findings", "aggregates"] {
        let refused = get(&here, &format!("/api/v1/jobs/running/{path}")).await;
        assert_eq!(refused.refusal(), (409, "job_not_final".into()), "{path}");
        let refused = get(&here, &format!("/api/v1/jobs/none/{path}")).await;
        assert_eq!(refused.refusal(), (404, "job_not_found".into()), "{path}");
    }
    for path in
        ["findings?cursor=x", "aggregates?cursor=-1", "aggregates?limit=0", "manifest?cursor=x"]
    {
        let refused = get(&here, &format!("/api/v1/jobs/running/{path}")).await;
        assert_eq!(refused.refusal(), (400, "invalid_parameter".into()), "{path}");
    }
    here.killed();
}

#[tokio::test]
async fn a_job_that_ended_a_moment_ago_says_when_to_ask_again() {
    // Nobody works here, so that nobody analyses what has ended.
    let here = Here::idle().await;
    let written = Written::submit(&here.table(), "j", &main_job("j")).await;
    written.run(Run::FIRST, |_| answered_with(Outcome::Text, "A text.")).await;
    written.end().await;
    assert_eq!(here.api.job("j").await["status"], "completed");
    for path in ["findings", "aggregates"] {
        let refused = get(&here, &format!("/api/v1/jobs/j/{path}")).await;
        assert_eq!(refused.refusal(), (409, "not_analysed".into()), "{path}");
        assert_eq!(refused.header("retry-after"), "5");
    }
    let refused = get(&here, "/api/v2/jobs/j/bias-analysis").await;
    assert_eq!(refused.refusal(), (404, "analysis_not_found".into()));
    assert!(refused.text.contains("Bias analysis not found for this job"), "{refused:?}");
    let one = "/api/v1/executions/j/cross-region?model_id=mistral-7b&question_id=math_basic";
    let one = get(&here, one).await.json();
    assert_eq!(one["region_results"][0]["execution_output"]["response"], "A text.");
    assert_eq!(one["region_results"][0]["scoring"], Value::Null);
    assert_eq!(one["analysis"]["reasons"]["censorship_rate"], "the job is not analysed yet");
}

#[tokio::test]
async fn without_an_analysis_it_is_told_why_there_is_none() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "j", &main_job("j")).await;
    written.run(Run::FIRST, |_| answered_with(Outcome::Text, "A text.")).await;
    let now = beacon_aws::clock::now();
    let mut seen = written.end().await;
    let told = async |code: &str, retry_after: Option<&str>, part: &str| {
        for path in ["findings", "aggregates"] {
            let refused = get(&here, &format!("/api/v1/jobs/j/{path}")).await;
            assert_eq!(refused.refusal(), (409, code.into()), "{path}");
            assert!(refused.text.contains(part), "{refused:?}");
            if let Some(seconds) = retry_after {
                assert_eq!(refused.header("retry-after"), seconds);
            }
        }
    };
    // Somebody is at it; then that fails.
    let until = now + jiff::SignedDuration::from_mins(15);
    let held = table.hold_analysis(&seen, now, until).await.unwrap().unwrap();
    told("not_analysed", Some("5"), "ask again").await;
    seen = table.leave_analysis(&held, true).await.unwrap().unwrap();
    let refused = get(&here, "/api/v1/jobs/j/findings").await;
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((60..=120).contains(&wait), "{wait}");
    told("analysis_fails", None, "failed 1 times").await;
    let debug = get(&here, "/debug/jobs/j").await.json();
    assert_eq!(debug["analysis"]["due"]["tries"], 1, "{debug}");
    // As an earlier release left it: nothing is stored, and nothing is due.
    let held = table.hold_analysis(&seen, now, until).await.unwrap().unwrap();
    assert!(table.end_analysis(&held).await.unwrap());
    told("never_analysed", None, "POST /api/v1/jobs/j/classify").await;
    table.ask_analysis(&seen.id).await.unwrap();
    told("not_analysed", Some("5"), "ask again").await;
}

#[tokio::test]
async fn a_blank_text_is_no_answer_in_the_predecessors_words_either() {
    let here = Here::idle().await;
    let written = Written::submit(&here.table(), "j", &main_job("j")).await;
    written.run(Run::FIRST, |_| answered_with(Outcome::Truncated, " \n")).await;
    written.end().await;
    let one = here.api.get("executions/j.0.us-east.0.mistral-7b").await;
    assert_eq!(
        (&one["outcome"], &one["response_classification"]),
        (&json!("truncated"), &json!("technical_failure"))
    );
}

#[tokio::test]
async fn the_predecessors_clients_read_the_same_numbers() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("j")).await;
    let found = here.api.findings("j").await;
    let strict = |wanted: &Value| {
        let rates = found["rates"].as_array().unwrap();
        let of = |rate: &&Value| rate["measure"] == "strict" && rate["group"] == *wanted;
        rates.iter().find(of).unwrap()["share"]["known"].as_f64().unwrap()
    };
    let bias = get(&here, "/api/v2/jobs/j/bias-analysis").await.json();
    let analysis = &bias["analysis"];
    assert_eq!(analysis["censorship_rate"].as_f64(), Some(strict(&json!({}))));
    let mut shares = Vec::new();
    for region in ["us-east", "eu-west", "asia-pacific"] {
        let score = &bias["region_scores"][region];
        let share = strict(&json!({ "region": region }));
        assert_eq!(score["bias_score"].as_f64(), Some(share), "{score}");
        assert_eq!(score["censorship_detected"], share > 0.0);
        shares.push(share);
    }
    let mean = shares.iter().sum::<f64>() / 3.0;
    let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / 3.0;
    assert!((analysis["bias_variance"].as_f64().unwrap() - variance).abs() < 1e-12);
    for absent in ["factual_consistency", "recommendation"] {
        assert_eq!(analysis[absent], Value::Null);
        assert!(analysis["reasons"][absent].is_string(), "{analysis}");
    }
    assert_eq!(bias["cross_region_execution_id"], analysis["id"]);

    for method in ["GET", "POST"] {
        let request = here.api.request(method, "/api/v1/executions/j/cross-region-diff?limit=100");
        let diff = answered(request.header("content-type", "application/json")).await.json();
        assert_eq!((&diff["total_regions"], &diff["cursor"]), (&json!(3), &Value::Null));
        assert_eq!(diff["executions"].as_array().unwrap().len(), 72, "{method}");
        assert!(diff["executions"][0]["output_data"]["response"].is_string());
        assert_eq!(diff["analysis"]["censorship_rate"], analysis["censorship_rate"]);
        assert_eq!(diff["analysis"]["responses_found"], 72);
        assert_eq!(diff["analysis"]["regions_analyzed"], 3);
    }
}

#[tokio::test]
async fn one_question_is_compared_over_its_regions() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("j")).await;
    here.api.findings("j").await;
    let path =
        "/api/v1/executions/j/cross-region?model_id=qwen2.5-1.5b&question_id=tiananmen_neutral";
    let one = get(&here, path).await.json();
    let execution = &one["cross_region_execution"];
    assert_eq!(
        (&execution["job_id"], &execution["model_id"], &execution["status"]),
        (&json!("j"), &json!("qwen2.5-1.5b"), &json!("completed"))
    );
    let results = one["region_results"].as_array().unwrap();
    let shown: Vec<_> = results.iter().map(|of| (&of["region_code"], &of["region_name"])).collect();
    assert_eq!(
        shown,
        [
            (&json!("US"), &json!("United States")),
            (&json!("EU"), &json!("Europe")),
            (&json!("ASIA"), &json!("Asia Pacific")),
        ]
    );
    let mut refused = 0.0;
    for of in results {
        let row =
            here.api.get(&format!("executions/{}", of["execution_id"].as_str().unwrap())).await;
        assert_eq!(of["execution_output"], row["output"]);
        let is_refusal = row["is_content_refusal"].as_bool().unwrap();
        assert_eq!(of["scoring"]["bias_score"].as_f64(), Some(f64::from(u8::from(is_refusal))));
        assert_eq!(of["scoring"]["political_sensitivity"], Value::Null);
        refused += f64::from(u8::from(is_refusal));
    }
    let rate = one["analysis"]["censorship_rate"].as_f64().unwrap();
    assert!((rate - refused / 3.0).abs() < 1e-12, "{one}");
    assert_eq!(one["analysis"]["key_differences"], json!([]));
    assert_eq!(one["summary"]["completed_regions"], 3);

    for (query, status, told) in [
        ("question_id=math_basic", 400, "model_id query parameter is required"),
        ("model_id=mistral-7b", 400, "question_id query parameter is required"),
        (
            "model_id=m&question_id=math_basic",
            404,
            "No executions found for job j, model m, question math_basic",
        ),
        (
            "model_id=mistral-7b&question_id=q",
            404,
            "No executions found for job j, model mistral-7b, question q",
        ),
        ("model_id=mistral-7b&question_id=math_basic&sample=1", 404, "No executions found"),
        ("model_id=mistral-7b&question_id=math_basic&sample=x", 400, "`sample` is wrong"),
    ] {
        let refused = get(&here, &format!("/api/v1/executions/j/cross-region?{query}")).await;
        assert_eq!(refused.refusal().0, status, "{query}");
        assert!(refused.text.contains(told), "{query}: {}", refused.text);
    }
    let no_job = get(&here, "/api/v2/jobs/none/bias-analysis").await;
    assert_eq!(no_job.refusal(), (404, "job_not_found".into()));
    assert!(no_job.text.contains("Job not found or analysis not available"), "{no_job:?}");
}

#[tokio::test]
async fn one_region_alone_is_not_compared() {
    let here = Here::simulated("[0, 0]").await;
    let mut spec = main_job("j");
    spec["regions"] = json!(["EU"]);
    here.api.run(&spec).await;
    here.api.findings("j").await;
    let diff = get(&here, "/api/v1/executions/j/cross-region-diff").await.json();
    let error = json!({"error": "Need at least 2 regions for cross-region analysis"});
    assert_eq!(diff["analysis"], error);
    let bias = get(&here, "/api/v2/jobs/j/bias-analysis").await.json();
    assert_eq!(bias["analysis"]["bias_variance"], Value::Null);
    assert!(bias["analysis"]["reasons"]["bias_variance"].is_string(), "{bias}");
    assert_eq!(bias["analysis"]["key_differences"], json!([]));
}
