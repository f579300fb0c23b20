//! The main job: eight questions to three models in three regions are seventy-two executions.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::exported::{assert_is_the_main_job, sum};
use crate::place::Place;

const SPEC: &str = "examples/bias-detection.yaml";

#[tokio::test]
async fn the_main_job_runs_seventy_two_executions_each_once() {
    let place = Place::new();
    let providers = place.providers("[1, 20]");
    let arguments = ["run", SPEC, "--id", "golden", "--providers", &providers, "--json"];
    let run = place.beacon(&arguments).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.lines().next().unwrap().to_lowercase().contains("simulated"), "{run:?}");
    assert_is_a_whole_answer(&run.json());

    let export = place.beacon(&["export", "golden", "--format", "jsonl"]).await;
    assert_eq!(export.code, Some(0), "{export:?}");
    assert_is_the_main_job("golden", &export.json_lines());

    let calls = place.calls();
    let begun = calls.begun();
    assert_eq!(begun.len(), 72);
    let exported: BTreeSet<String> = export.json_lines().iter().map(id).collect();
    assert_eq!(begun.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>(), exported);
    assert!(calls.in_flight().is_empty() && calls.dropped() == 0);
    calls.assert_one_question_at_a_time();
    for (region, questions) in calls.questions_by_region() {
        assert_eq!(questions, (0..8).collect::<Vec<u32>>(), "{region}");
    }
}

#[tokio::test]
async fn a_second_run_under_the_same_id_runs_nothing() {
    let place = Place::new();
    let providers = place.providers("[0, 0]");
    let arguments = ["run", SPEC, "--id", "twice", "--providers", &providers];
    let first = place.beacon(&arguments).await;
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.stdout.lines().next().unwrap().contains("SIMULATED"), "{first:?}");
    assert!(first.stdout.contains("72 expected, 72 completed, 0 failed"), "{first:?}");
    let (calls, rows) = (place.calls().lines(), place.beacon(&export("twice")).await.stdout);

    let second = place.beacon(&arguments).await;
    assert_eq!(second.code, Some(0), "{second:?}");
    assert!(second.stdout.contains("twice was submitted before"), "{second:?}");
    assert!(second.stdout.contains("nothing new runs"), "{second:?}");
    assert_eq!(place.calls().lines(), calls);
    assert_eq!(place.beacon(&export("twice")).await.stdout, rows);

    let other = std::fs::read_to_string(place_of_examples()).unwrap().replace("0.1", "0.2");
    let other = place.write("other.yaml", &other);
    let conflict = place.beacon(&["run", &other, "--id", "twice", "--providers", &providers]).await;
    assert_eq!(conflict.code, Some(2), "{conflict:?}");
    assert!(conflict.stderr.contains("`twice` belongs to a job with another"), "{conflict:?}");
    assert_eq!(place.calls().lines(), calls);
    assert_eq!(place.beacon(&export("twice")).await.stdout, rows);
}

#[tokio::test]
async fn results_are_read_without_a_running_stack() {
    let place = Place::new();
    let providers = place.providers("[0, 0]");
    let arguments = ["run", SPEC, "--id", "read", "--providers", &providers, "--json"];
    let run = place.beacon(&arguments).await.json();

    let status = place.beacon(&["status", "read", "--json"]).await;
    assert_eq!((status.code, status.json()), (Some(0), run.clone()));
    let status = place.beacon(&["status", "read"]).await;
    assert!(status.stdout.contains("completed  72"), "{status:?}");
    assert!(status.stdout.contains("simulated  yes"), "{status:?}");
    let watch = place.beacon(&["watch", "read", "--json"]).await;
    assert_eq!((watch.code, watch.json()), (Some(0), run.clone()));
    let list = place.beacon(&["list", "--json"]).await;
    assert_eq!((list.code, list.json()), (Some(0), Value::Array(vec![run])));

    let executions = place.beacon(&export("read")).await.json_lines();
    for execution in [executions.first().unwrap(), executions.last().unwrap()] {
        let show = place.beacon(&["show", &id(execution)]).await;
        assert_eq!(show.code, Some(0), "{show:?}");
        let mut shown: Value = serde_json::from_str(&show.stdout).unwrap();
        // By itself it has its receipt, and what the provider says of it.
        assert_eq!(shown["receipt"]["execution_id"], execution["id"]);
        shown["receipt"] = Value::Null;
        assert_eq!(shown.as_object_mut().unwrap().remove("provider_receipt"), Some(Value::Null));
        assert_eq!(&shown, execution);
    }
    for missing in [["status", "other"], ["watch", "other"], ["show", "read.8.us-east.0.m"]] {
        let missing = place.beacon(&missing).await;
        assert_eq!(missing.code, Some(2), "{missing:?}");
        assert!(missing.stderr.starts_with("error: "), "{missing:?}");
    }
}

fn assert_is_a_whole_answer(view: &Value) {
    assert_eq!(view["job_id"], "golden");
    assert_eq!(view["run"], 1);
    assert_eq!(view["status"], "completed");
    assert_eq!(view["expected"], 72);
    assert_eq!(view["simulated"], true);
    let numbers = |part: &str, names: &[&str]| {
        let present: BTreeSet<&str> =
            view[part].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(present, names.iter().copied().collect(), "{part}");
        assert!(names.iter().all(|name| view[part][name].as_f64().is_some()), "{part}");
    };
    numbers("counts", &["completed", "failed", "timed_out", "cancelled", "pending", "running"]);
    numbers("outcomes", &["text", "empty", "blocked", "truncated"]);
    numbers("usage", &["write_units", "read_units", "queue_requests"]);
    assert_eq!((sum(&view["counts"]), &view["counts"]["completed"]), (72, &Value::from(72)));
    assert_eq!(sum(&view["outcomes"]), 72);
    assert!(view["duration_ms"].as_u64().is_some());
    assert!(view["usage"]["write_units"].as_f64().unwrap() >= 72.0, "{view}");
}

fn export(job: &str) -> [&str; 4] {
    ["export", job, "--format", "jsonl"]
}

fn id(execution: &Value) -> String {
    execution["id"].as_str().unwrap().to_owned()
}

fn place_of_examples() -> String {
    format!("{}/../{SPEC}", env!("CARGO_MANIFEST_DIR"))
}
