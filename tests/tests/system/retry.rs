//! New runs of a job: what is not completed is asked anew, and nothing else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::here::{Here, answered, by_status, eventually, main_job, unjudged};
use crate::router::{Answer, Router, answered_in};

/// Region, model and question of a call.
type Call = (String, String, String);

/// A router whose eu-west can be dead, and what it was asked.
pub(crate) struct Lab {
    router: Router,
    dead: Arc<AtomicBool>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Lab {
    pub(crate) async fn dead() -> Self {
        let dead = Arc::new(AtomicBool::new(true));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (is_dead, log) = (Arc::clone(&dead), Arc::clone(&calls));
        let router = Router::start(move |request| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let question = request["messages"].as_array().unwrap().last().unwrap();
            let region = text(&request["region_preference"]);
            let call = (region.clone(), text(&request["model"]), text(&question["content"]));
            log.lock().unwrap().push(call);
            if region == "eu-west" && is_dead.load(Ordering::Relaxed) {
                return Answer::Http(500, Vec::new());
            }
            Answer::Json(answered_in(&region, "four"))
        })
        .await;
        Self { router, dead, calls }
    }

    pub(crate) fn base(&self) -> &str {
        self.router.base()
    }

    pub(crate) fn repair(&self) {
        self.dead.store(false, Ordering::Relaxed);
    }

    /// What was asked since the last look, sorted.
    pub(crate) fn asked(&self) -> Vec<Call> {
        let mut calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls.sort();
        calls
    }
}

#[tokio::test]
async fn after_a_region_is_repaired_only_its_pairs_are_asked_anew() {
    let lab = Lab::dead().await;
    let here = Here::with_router(lab.base()).await;
    let view = here.api.run(&spec("j")).await;
    assert_eq!((&view["status"], &view["run"]), (&"failed".into(), &1.into()), "{view}");
    assert_eq!(view["counts"]["failed"], 6, "{view}");
    let before = completed(&here.api.executions("j").await);
    assert_eq!((before.len(), lab.asked().len()), (6, 12));

    lab.repair();
    let retried = here.api.change("jobs/j/retry", &json!({"reason": "the region is back"})).await;
    let expected = json!({
        "ok": true, "job_id": "j", "run": 2, "executions": 6, "status": "queued",
        "existing": false,
    });
    assert_eq!((retried.status, retried.json()), (202, expected));
    let view = here.api.final_job("j").await;
    assert_eq!((&view["status"], &view["run"]), (&"completed".into(), &2.into()), "{view}");
    assert_eq!(view["counts"]["completed"], 12, "{view}");

    let asked = lab.asked();
    assert_eq!(asked.len(), 6, "{asked:?}");
    assert!(asked.iter().all(|(region, ..)| region == "eu-west"), "{asked:?}");
    let rows = here.api.executions("j").await;
    let after = completed(&rows);
    for (id, row) in &before {
        assert_eq!(after[id], *row);
    }
    for row in &rows {
        let later = u32::from(row["region"] == "eu-west");
        assert_eq!((&row["run"], &row["retries"]), (&(1 + later).into(), &later.into()));
        assert_eq!((&row["retry_count"], &row["max_retries"]), (&later.into(), &3.into()));
    }
    let runs = view["runs"].as_array().unwrap();
    let told: Vec<_> = runs.iter().map(|run| (&run["run"], &run["executions"])).collect();
    assert_eq!(told, [(&json!(1), &json!(12)), (&json!(2), &json!(6))]);
    let second = &runs[1];
    assert_eq!((&second["who"], &second["why"]), (&"intake".into(), &"the region is back".into()));
    assert!(second["by"].is_string() && second["at"].is_string(), "{second}");
}

#[tokio::test]
async fn a_retry_is_for_what_its_filters_name() {
    let lab = Lab::dead().await;
    let here = Here::with_router(lab.base()).await;
    here.api.run(&spec("j")).await;
    lab.asked();
    lab.repair();
    let eu = |model: &str, question: &str| ("eu-west".into(), model.into(), question.into());
    for (body, asked, status) in [
        (
            json!({"regions": ["EU"], "models": ["a"], "questions": ["q1"]}),
            vec![eu("a", "1?")],
            "failed",
        ),
        (json!({"questions": ["q1", "q0"], "models": ["a"]}), vec![eu("a", "0?")], "failed"),
        (json!({"questions": ["q2"]}), vec![eu("a", "2?"), eu("b", "2?")], "completed"),
    ] {
        let retried = here.api.change("jobs/j/retry", &body).await;
        assert_eq!(retried.status, 202, "{retried:?}");
        assert_eq!(retried.json()["executions"], asked.len(), "{body}");
        let view = here.api.final_job("j").await;
        // Eight, and with the last ten, of twelve; the rest stays failed.
        assert_eq!(view["status"], status, "{view}");
        assert_eq!(lab.asked(), asked, "{body}");
    }
    let rows = here.api.executions("j").await;
    assert_eq!(by_status(&rows), BTreeMap::from([("completed", 10), ("failed", 2)]));
    let view = here.api.job("j").await;
    assert_eq!(view["counts"]["failed"], 2, "{view}");
    assert_eq!(view["runs"][1]["selection"]["regions"], json!(["eu-west"]), "{view}");
    let nothing = here.api.change("jobs/j/retry", &json!({"regions": ["US"]})).await;
    assert_eq!(nothing.refusal(), (409, "nothing_to_retry".into()));
}

#[tokio::test]
async fn what_a_retry_names_must_be_the_jobs() {
    let lab = Lab::dead().await;
    let here = Here::with_router(lab.base()).await;
    here.api.run(&spec("j")).await;
    let retry = async |body: Value| here.api.change("jobs/j/retry", &body).await;
    for (body, field) in [
        (json!({"regions": ["ASIA"]}), "regions[0]"),
        (json!({"regions": ["mars"]}), "regions[0]"),
        (json!({"region": ["EU"]}), "region"),
        (json!({"models": []}), "models"),
        (json!({"questions": "q1"}), "questions"),
        (json!({"reason": "x".repeat(201)}), "reason"),
    ] {
        let refused = retry(body).await;
        assert_eq!(refused.refusal(), (400, "validation_error".into()), "{refused:?}");
        assert_eq!(refused.fields(), [field], "{refused:?}");
    }
    for (body, field) in
        [(json!({"models": ["c"]}), "models"), (json!({"questions": ["q9"]}), "questions")]
    {
        let refused = retry(body).await;
        assert_eq!(refused.refusal(), (400, "invalid_parameter".into()), "{refused:?}");
        assert!(refused.text.contains(&format!("`{field}`")), "{refused:?}");
    }
    let none = here.api.change("jobs/none/retry", &Value::Null).await;
    assert_eq!(none.refusal(), (404, "job_not_found".into()));
    let open = answered(here.api.open("POST", "/api/v1/jobs/j/retry")).await;
    assert_eq!(open.refusal(), (401, "unauthorized".into()));
    assert_eq!(here.api.job("j").await["run"], 1);
}

#[tokio::test]
async fn a_retry_sent_again_under_its_key_is_the_same_run() {
    let lab = Lab::dead().await;
    let here = Here::with_router(lab.base()).await;
    here.api.run(&spec("j")).await;
    let keyed = async |body: Value| {
        let request = here.api.request("POST", "/api/v1/jobs/j/retry");
        answered(request.header("idempotency-key", "mine-1").json(&body)).await
    };
    let first = keyed(json!({"regions": ["EU"]})).await;
    assert_eq!((first.status, &first.json()["existing"]), (202, &false.into()));
    let repeated = keyed(json!({"regions": ["eu-west"]})).await;
    assert_eq!((repeated.status, &repeated.json()["existing"]), (200, &true.into()));
    here.api.final_job("j").await;
    let late = keyed(json!({"regions": ["EU"]})).await;
    assert_eq!((late.status, &late.json()["run"]), (200, &2.into()), "{late:?}");
    let other = keyed(json!({"models": ["a"]})).await;
    assert_eq!(other.refusal(), (409, "idempotency_key_conflict".into()));
    assert_eq!(here.api.job("j").await["runs"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_job_is_retried_until_it_is_completed_or_has_had_its_runs() {
    let lab = Lab::dead().await;
    let here = Here::with_router(lab.base()).await;
    let spec = json!({
        "id": "j", "questions": [{"id": "q0", "text": "0?"}], "models": ["a"], "regions": ["EU"],
    });
    here.api.run(&spec).await;
    for run in 2..=20 {
        let retried = here.api.change("executions/j/retry-all-failed", &Value::Null).await;
        assert_eq!((retried.status, &retried.json()["run"]), (202, &run.into()), "{retried:?}");
        let view = here.api.final_job("j").await;
        assert_eq!((&view["status"], &view["counts"]["failed"]), (&"failed".into(), &1.into()));
    }
    let refused = here.api.change("jobs/j/retry", &Value::Null).await;
    assert_eq!(refused.refusal(), (409, "too_many_runs".into()));
    assert_eq!(lab.asked().len(), 20);
    let row = &here.api.executions("j").await[0];
    assert_eq!((&row["run"], &row["retries"]), (&20.into(), &19.into()), "{row}");
}

#[tokio::test]
async fn a_retry_fails_and_the_next_one_completes() {
    let lab = Lab::dead().await;
    let here = Here::with_router(lab.base()).await;
    here.api.run(&spec("j")).await;
    // An execution names its job as well.
    let path = "executions/j.0.us-east.0.a/retry-all-failed";
    assert_eq!(here.api.change(path, &json!({})).await.status, 202);
    let view = here.api.final_job("j").await;
    assert_eq!((&view["status"], &view["counts"]["failed"]), (&"failed".into(), &6.into()));
    lab.repair();
    assert_eq!(here.api.change(path, &json!({})).await.status, 202);
    let view = here.api.final_job("j").await;
    assert_eq!((&view["status"], &view["counts"]["completed"]), (&"completed".into(), &12.into()));
    let rows = here.api.executions("j").await;
    let runs: BTreeMap<&str, &Value> =
        rows.iter().map(|row| (row["region"].as_str().unwrap(), &row["run"])).collect();
    assert_eq!(runs, BTreeMap::from([("eu-west", &json!(3)), ("us-east", &json!(1))]));
    let done = here.api.change("jobs/j/retry", &Value::Null).await;
    assert_eq!(done.refusal(), (409, "nothing_to_retry".into()));
}

#[tokio::test]
async fn a_cancelled_job_goes_on_where_it_was_left() {
    let here = Here::simulated("[100, 200]").await;
    let (status, _) = here.api.submit(&main_job("j")).await;
    assert_eq!(status, 202);
    eventually("answers", async || {
        let view = here.api.job("j").await;
        (view["counts"]["completed"].as_u64() >= Some(9)).then_some(())
    })
    .await;
    let early = here.api.change("jobs/j/retry", &Value::Null).await;
    assert_eq!(early.refusal(), (409, "job_not_final".into()));
    assert_eq!(here.api.change("jobs/j/cancel", &Value::Null).await.status, 202);
    let view = here.api.final_job("j").await;
    assert_eq!(view["status"], "cancelled", "{view}");
    let before = completed(&here.api.executions("j").await);
    let begun = here.calls().begun().len();

    let retried = here.api.change("jobs/j/retry", &Value::Null).await;
    assert_eq!(retried.json()["executions"], 72 - before.len(), "{retried:?}");
    let view = here.api.final_job("j").await;
    assert_eq!((&view["status"], &view["ending"]), (&"completed".into(), &Value::Null), "{view}");
    let after = completed(&here.api.executions("j").await);
    assert_eq!(after.len(), 72);
    for (id, row) in &before {
        assert_eq!(after[id], *row);
    }
    let calls = here.calls();
    let again = calls.begun().split_off(begun);
    assert_eq!(again.len(), 72 - before.len());
    assert!(again.iter().all(|id| !before.contains_key(*id)), "{again:?}");
}

/// Three questions to two models in two regions.
pub(crate) fn spec(id: &str) -> Value {
    let questions: Vec<Value> =
        (0..3).map(|n| json!({"id": format!("q{n}"), "text": format!("{n}?")})).collect();
    json!({
        "id": id, "questions": questions, "models": ["a", "b"], "regions": ["US", "EU"],
        "stop": "never", "min_success_rate": 0.8,
    })
}

/// The completed executions, as the API prints them, by id.
fn completed(executions: &[Value]) -> BTreeMap<String, String> {
    let completed = executions.iter().filter(|row| row["status"] == "completed");
    let stored = |row: &Value| unjudged(row.clone()).to_string();
    completed.map(|row| (row["id"].as_str().unwrap().to_owned(), stored(row))).collect()
}
