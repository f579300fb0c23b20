//! The main job: 72 executions.

use serde_json::Value;

use super::exported::assert_is_the_main_job;
use super::place::Place;

const SPEC: &str = "examples/bias-detection.yaml";
const JOB: &str = "main";

/// What of a row depends on when and where it ran.
const OF_THE_RUN: [&str; 4] = ["created_at", "started_at", "completed_at", "duration_ms"];

/// Every row holds what the published texts say it must, and what a Beacon on this machine stores for
/// the same job and providers, to the letter.
pub(super) async fn check(place: &mut Place) {
    let run = place.beacon(&["run", SPEC, "--id", JOB, "--json"]).await;
    let view: Value = serde_json::from_str(&run).unwrap();
    assert_eq!((&view["status"], &view["counts"]["completed"]), (&"completed".into(), &72.into()));
    let deployed = rows(&place.beacon(&["export", JOB, "--format", "jsonl"]).await);
    assert_is_the_main_job(JOB, &deployed);

    let providers = place.providers();
    place.beacon_here(&["run", SPEC, "--id", JOB, "--providers", providers, "--json"]).await;
    let here = rows(&place.beacon_here(&["export", JOB, "--format", "jsonl"]).await);
    assert_eq!(lasting(deployed), lasting(here));

    let final_job = place.final_job(JOB).await;
    let again = place.beacon(&["run", SPEC, "--id", JOB, "--json"]).await;
    let again: Value = serde_json::from_str(&again).unwrap();
    for field in ["run", "runs", "counts", "finished_at"] {
        assert_eq!(again[field], final_job[field], "{field}");
    }
    let took = &final_job["duration_ms"];
    place.say(&format!(
        "main job: 72 rows, each once and as here, in {took} ms; again: nothing ran"
    ));
}

fn rows(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Rows in the order of their ids, without what depends on the run.
fn lasting(mut rows: Vec<Value>) -> Vec<Value> {
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        assert!(OF_THE_RUN.iter().all(|field| row.remove(*field).is_some()), "{row:?}");
    }
    rows.sort_by_key(|row| row["id"].as_str().unwrap().to_owned());
    rows
}
