//! Six things that happened to the predecessor's users, each as a test of its own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use beacon_aws::clock;
use beacon_core::reconcile::Occasion;
use beacon_reconciler::ScheduleEvent;
use serde_json::{Value, json};

use crate::here::{Here, by_status, ids, sum};
use crate::retry::{Lab, spec};
use crate::router::{Answer, Router, answered_in, gone_after_its_list};

#[tokio::test]
async fn a_duplicate_after_a_job_retry() {
    let lab = Lab::dead().await;
    let here = Here::with_router(lab.base()).await;
    here.api.run(&spec("j")).await;
    let first = lab.asked();
    lab.repair();
    // The client is impatient, and asks more than once.
    for status in [202, 409] {
        let retried = here.api.change("jobs/j/retry", &Value::Null).await;
        assert_eq!(retried.status, status, "{retried:?}");
    }
    let view = here.api.final_job("j").await;
    assert_eq!((&view["run"], &view["counts"]["completed"]), (&2.into(), &12.into()), "{view}");
    assert_eq!(ids(&here.api.executions("j").await).len(), 12);
    // Every pair of the region that answered was asked once in all.
    let second = lab.asked();
    let mut answered: Vec<_> = first.iter().filter(|(region, ..)| region != "eu-west").collect();
    answered.extend(&second);
    answered.sort();
    answered.dedup();
    assert_eq!((first.len(), second.len(), answered.len()), (12, 6, 12));
}

#[tokio::test]
async fn a_prompt_that_changed_between_two_attempts() {
    let (dead, sent) = (Arc::new(AtomicBool::new(true)), Arc::new(Mutex::new(Vec::new())));
    let (is_dead, log) = (Arc::clone(&dead), Arc::clone(&sent));
    let router = Router::start(move |request| {
        log.lock().unwrap().push(request.clone());
        if is_dead.load(Ordering::Relaxed) {
            return Answer::Http(404, Vec::new());
        }
        let region = request["region_preference"].as_str().unwrap();
        Answer::Json(answered_in(region, "four"))
    })
    .await;
    let here = Here::with_router(router.base()).await;
    let view = here
        .api
        .run(&json!({
            "id": "j", "questions": [{"id": "q", "text": "Who rules?"}], "models": ["m"],
            "regions": ["EU"], "system_prompt": "regional",
        }))
        .await;
    assert_eq!(view["counts"]["failed"], 1, "{view}");
    let first = here.api.executions("j").await;
    dead.store(false, Ordering::Relaxed);
    assert_eq!(here.api.change("jobs/j/retry", &Value::Null).await.status, 202);
    let view = here.api.final_job("j").await;
    assert_eq!(view["counts"]["completed"], 1, "{view}");
    let second = here.api.executions("j").await;
    // The whole request, the system prompt in it, and the hash on either row.
    let sent = sent.lock().unwrap().clone();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1]);
    assert!(sent[0]["messages"][0]["content"].as_str().unwrap().contains("Europe"), "{sent:?}");
    assert_eq!(first[0]["prompt_sha256"], second[0]["prompt_sha256"]);
    assert!(second[0]["prompt_sha256"].is_string());
}

#[tokio::test]
async fn twenty_early_failures_without_a_reason() {
    let (base, _port) = gone_after_its_list();
    let here = Here::with_router(&base).await;
    let questions: Vec<Value> =
        (0..20).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect();
    let spec = json!({
        "id": "early", "questions": questions, "models": ["m"], "regions": ["US"],
        "stop": "never", "questions_in_flight": 20,
    });
    let view = here.api.run(&spec).await;
    assert_eq!((&view["status"], &view["counts"]["failed"]), (&"failed".into(), &20.into()));
    let rows = here.api.executions("early").await;
    assert_eq!(ids(&rows).len(), 20);
    for row in &rows {
        let failure = &row["failure"];
        assert_eq!(
            (&failure["code"], &failure["stage"], &failure["maybe_billed"]),
            (&"ROUTER_UNREACHABLE".into(), &"router_connect".into(), &false.into()),
            "{row}"
        );
        assert!(failure["message"].as_str().unwrap().contains(&base), "{row}");
    }
    let summary = here.api.get("jobs/early/summary").await;
    assert_eq!(summary["failures"][0]["count"], 20, "{summary}");
}

#[tokio::test]
async fn requests_two_and_a_half_minutes_after_the_job_had_failed() {
    const LATER: Duration = Duration::from_secs(150);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let router = Router::start(move |request| {
        count.fetch_add(1, Ordering::Relaxed);
        match request["region_preference"].as_str().unwrap() {
            "eu-west" => Answer::Http(500, Vec::new()),
            _ => Answer::Silence,
        }
    })
    .await;
    let here = Here::with_router(router.base()).await;
    let questions: Vec<Value> =
        (0..8).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect();
    let spec = json!({
        "id": "j", "questions": questions, "models": ["m"], "regions": ["US", "EU"],
    });
    let view = here.api.run(&spec).await;
    assert_eq!((&view["status"], sum(&view["counts"])), (&"failed".into(), 16), "{view}");
    let when_it_had_failed = asked.load(Ordering::Relaxed);
    assert!(when_it_had_failed <= 4, "{when_it_had_failed}");
    let reconciler = here.reconciler().await;
    let event = ScheduleEvent { time: clock::now() + LATER };
    reconciler.handle(event, Occasion::Schedule).await.unwrap();
    // Another job's questions come after whatever would still be there of this one.
    let next = json!({
        "id": "next", "questions": [{"id": "q", "text": "?"}], "models": ["m"], "regions": ["EU"],
    });
    assert_eq!(here.api.run(&next).await["status"], "failed");
    assert_eq!(asked.load(Ordering::Relaxed), when_it_had_failed + 1);
    assert_eq!(here.api.job("j").await, view);
}

#[tokio::test]
async fn success_shown_as_failure() {
    let router = Router::start(|request| {
        let question = request["messages"].as_array().unwrap().last().unwrap();
        let (text, reason) = match question["content"].as_str().unwrap() {
            "empty?" => ("", "stop"),
            "blocked?" => ("", "content_filter"),
            "cut?" => ("It was a", "length"),
            _ => ("four", "stop"),
        };
        let mut answer = answered_in("us-east", text);
        answer["finish_reason"] = reason.into();
        Answer::Json(answer)
    })
    .await;
    let here = Here::with_router(router.base()).await;
    let question = |id: &str| json!({"id": id, "text": format!("{id}?")});
    let questions = ["empty", "blocked", "cut", "text"].map(question);
    let view = here
        .api
        .run(&json!({
            "id": "j", "questions": questions, "models": ["m"], "regions": ["US"],
            "min_success_rate": 1.0,
        }))
        .await;
    assert_eq!(view["status"], "completed", "{view}");
    let outcomes = json!({"text": 1, "empty": 1, "blocked": 1, "truncated": 1});
    assert_eq!(view["outcomes"], outcomes, "{view}");
    let rows = here.api.executions("j").await;
    assert_eq!(by_status(&rows), [("completed", 4)].into());
    assert!(rows.iter().all(|row| row["failure"].is_null()), "{rows:?}");
}

#[tokio::test]
async fn every_job_failing_in_20_ms_because_a_setting_is_missing() {
    // Nobody listens where the setting leads: nothing is accepted that would then fail.
    let (base, _port) = gone_after_its_list();
    let here = Here::with_router(&base).await;
    let spec = |id: &str| {
        json!({
            "id": id, "questions": [{"id": "q", "text": "?"}], "models": ["m"], "regions": ["US"],
        })
    };
    let (first, _) = here.api.submit(&spec("accepted")).await;
    assert_eq!(first, 202, "the router told its providers then");
    for attempt in 0..3 {
        let (status, told) = here.api.submit(&spec(&format!("refused-{attempt}"))).await;
        assert_eq!((status, &told["error_code"]), (503, &"router_unavailable".into()), "{told}");
        assert!(told["error"].as_str().unwrap().contains("HYBRID_ROUTER_URL"), "{told}");
    }
    let jobs = here.api.get("jobs").await;
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 1, "{jobs}");
}
