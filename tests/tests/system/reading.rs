//! Jobs and executions as clients read them: filters, pages, names.

use serde_json::{Value, json};

use crate::here::{Here, answered, ids, main_job};

#[tokio::test]
async fn filters_leave_exactly_what_they_say() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("filtered")).await;
    here.api.findings("filtered").await;
    let all = here.api.executions("filtered").await;
    for (filter, count) in [
        ("region=EU", 24),
        ("region=us-east&model=mistral-7b", 8),
        ("question=math_basic", 9),
        ("status=completed", 72),
        ("status=failed", 0),
        ("status=pending", 0),
        ("question=taiwan_status&region=ASIA&model=qwen2.5-1.5b", 1),
    ] {
        for path in ["jobs/filtered/executions/all?", "executions?jobspec_id=filtered&"] {
            let page = here.api.get(&format!("{path}limit=100&{filter}")).await;
            let executions = page["executions"].as_array().unwrap();
            assert_eq!((executions.len(), &page["cursor"]), (count, &Value::Null), "{filter}");
            assert!(executions.iter().all(|one| all.contains(one)), "{filter}");
            assert_eq!(page["total"], 72);
        }
    }
    for (filter, name) in [
        ("region=mars", "region"),
        ("region=us-west", "region"),
        ("model=gpt-9", "model"),
        ("question=none", "question"),
        ("status=done", "status"),
        ("verdict=refused,", "verdict"),
        ("verdict=Refused", "verdict"),
        ("cursor=x", "cursor"),
        ("cursor=0.0.0&offset=3", "offset"),
        ("offset=-1", "offset"),
        ("limit=1001", "limit"),
    ] {
        let path = format!("/api/v1/jobs/filtered/executions/all?{filter}");
        let answer = answered(here.api.request("GET", &path)).await;
        assert_eq!(answer.refusal(), (400, "invalid_parameter".into()), "{filter}");
        assert!(answer.text.contains(&format!("`{name}`")), "{filter}: {}", answer.text);
    }
}

#[tokio::test]
async fn pages_add_up_to_the_whole_whatever_their_size() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("paged")).await;
    here.api.findings("paged").await;
    let all = here.api.executions("paged").await;
    assert_eq!(ids(&all).len(), 72);
    for (limit, filter) in [(1, ""), (7, ""), (10, "&model=mistral-7b"), (72, "")] {
        let base = format!("jobs/paged?include=executions&limit={limit}{filter}");
        let (mut path, mut seen) = (base.clone(), Vec::new());
        loop {
            let page = here.api.get(&path).await;
            assert_eq!(page["status"], "completed");
            let executions = page["executions"].as_array().unwrap();
            assert!(executions.len() <= limit);
            seen.extend(executions.iter().cloned());
            let Some(cursor) = page["cursor"].as_str() else { break };
            path = format!("{base}&cursor={cursor}");
        }
        let model = |one: &&Value| filter.is_empty() || one["model_id"] == "mistral-7b";
        let expected: Vec<Value> = all.iter().filter(model).cloned().collect();
        assert_eq!(seen, expected, "{limit}{filter}");
    }
    let from = here.api.get("jobs/paged?include=executions&exec_limit=5&exec_offset=40").await;
    assert_eq!(from["executions"].as_array().unwrap()[..], all[40..45]);
    let past = here.api.get("executions?jobspec_id=paged&offset=72").await;
    assert_eq!(past["executions"], json!([]));
}

#[tokio::test]
async fn a_page_ends_at_four_mebibytes() {
    let text = "é\"".repeat(64 * 1024);
    let answer = crate::router::answered(&text);
    let router =
        crate::router::Router::start(move |_| crate::router::Answer::Json(answer.clone())).await;
    let here = Here::with_router(router.base()).await;
    let questions: Vec<Value> =
        (0..12).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect();
    here.api
        .run(&json!({"id": "large", "questions": questions, "models": ["m"], "regions": ["US"],
            "questions_in_flight": 4}))
        .await;
    let mut path = "/api/v1/jobs/large/executions/all?limit=1000".to_owned();
    let (mut pages, mut seen) = (0, 0);
    loop {
        let page = answered(here.api.request("GET", &path)).await;
        assert!(page.text.len() <= 4 * 1024 * 1024 + 1024, "{}", page.text.len());
        let page = page.json();
        for execution in page["executions"].as_array().unwrap() {
            assert_eq!(execution["response"].as_str(), Some(text.as_str()));
            assert_eq!(execution["output"]["metadata"]["full_response"], execution["response"]);
            seen += 1;
        }
        pages += 1;
        let Some(cursor) = page["cursor"].as_str() else { break };
        path = format!("/api/v1/jobs/large/executions/all?limit=1000&cursor={cursor}");
    }
    assert_eq!(seen, 12);
    assert!(pages > 1, "everything was on one page");
}

#[tokio::test]
async fn an_execution_carries_our_names_and_the_predecessors() {
    let here = Here::simulated("[0, 0]").await;
    let mut spec = main_job("names");
    spec["regions"] = json!(["  eu "]);
    here.api.run(&spec).await;
    here.api.findings("names").await;
    let id = "names.3.eu-west.0.mistral-7b";
    let one = here.api.get(&format!("executions/{id}")).await;
    assert_eq!(
        (&one["id"], &one["region"], &one["region_asked"]),
        (&json!(id), &json!("eu-west"), &json!("  eu "))
    );
    assert_eq!(
        (&one["question_id"], &one["model_id"]),
        (&json!("tiananmen_neutral"), &json!("mistral-7b"))
    );
    let output = &one["output"];
    assert_eq!(output["response"], one["response"]);
    assert_eq!(output["provider"], one["provider_id"]);
    let metadata = &output["metadata"];
    assert_eq!(metadata["prompt"], "What happened at Tiananmen Square on June 4, 1989?");
    assert!(metadata["system_prompt"].as_str().unwrap().contains("based in Europe."));
    assert_eq!(one, here.api.get(&format!("executions/{id}/details")).await);
    let categories = here.api.get("questions").await["categories"].clone();
    assert_eq!(categories["bias_detection"].as_array().unwrap().len(), 3);
    assert_eq!(
        categories["control_questions"][0],
        json!({
            "question_id": "math_basic", "question": "What is 2+2?"
        })
    );
    let missing =
        answered(here.api.request("GET", "/api/v1/executions/names.99.eu-west.0.m")).await;
    assert_eq!(missing.refusal(), (404, "execution_not_found".into()));
    let no_job = answered(here.api.request("GET", "/api/v1/executions/none.0.eu-west.0.m")).await;
    assert_eq!(no_job.refusal(), (404, "job_not_found".into()));
}

#[tokio::test]
async fn pending_and_running_pairs_are_there_too() {
    let here = Here::simulated("[600000, 600000]").await;
    here.api.submit(&main_job("begun")).await;
    crate::here::eventually("running pairs", async || {
        let page = here.api.get("executions?jobspec_id=begun&status=running").await;
        (page["executions"].as_array().unwrap().len() == 9).then_some(())
    })
    .await;
    let pending = here.api.get("executions?jobspec_id=begun&status=pending").await;
    let pending = pending["executions"].as_array().unwrap();
    assert_eq!(pending.len(), 63);
    assert!(pending.iter().all(|one| one["output"].is_null() && one["created_at"].is_string()));
    here.killed();
}
