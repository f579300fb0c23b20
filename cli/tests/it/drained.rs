//! Ctrl-C and a request to terminate: the questions in flight finish, and nothing is lost.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::place::{Done, Place, eventually, within};
use crate::up::{Up, send};

#[tokio::test]
async fn a_request_to_terminate_lets_the_questions_in_flight_finish() {
    assert_is_drained_by("TERM").await;
}

#[tokio::test]
async fn ctrl_c_lets_the_questions_in_flight_finish() {
    assert_is_drained_by("INT").await;
}

#[tokio::test]
async fn an_interrupted_run_says_how_to_go_on_and_the_next_finishes_the_job() {
    let place = Place::new();
    let spec = place.write("spec.json", &spec().to_string());
    let providers = place.providers("[300, 900]");
    let arguments = ["run", &spec, "--providers", &providers, "--json"];
    let mut run = place.command(&arguments);
    let run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("nine calls in flight", async || {
        (place.calls().in_flight().len() == 9).then_some(())
    })
    .await;
    send("INT", &run);
    let run = Done::from(within(run.wait_with_output()).await.unwrap());
    assert_eq!(run.code, Some(130), "{run:?}");
    let up =
        format!("again: `beacon --data {} up --providers {providers}`", place.data().display());
    for part in ["job drained", "executions are left, goes on when Beacon runs on", &up] {
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
    let calls = place.calls();
    assert!(calls.in_flight().is_empty() && calls.dropped() == 0);

    place.providers("[0, 5]");
    let again = place.beacon(&arguments).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(again.json()["counts"]["completed"], 54);
    assert_eq!(place.calls().begun().len(), 54);
}

async fn assert_is_drained_by(signal: &str) {
    let place = Place::new();
    let providers = place.providers("[300, 900]");
    let up = Up::start(&place, &["--providers", &providers]).await;
    up.submit(&spec()).await;
    eventually("nine calls in flight", async || {
        (place.calls().in_flight().len() == 9).then_some(())
    })
    .await;
    let status = up.end_with(signal).await;
    assert_eq!(status.code(), Some(0));
    let calls = place.calls();
    assert!(calls.in_flight().is_empty());
    assert_eq!(calls.dropped(), 0);
    let (begun, lines) = (calls.begun().len(), calls.lines());
    assert!(begun < 54, "the job was not to be over: {begun}");

    // Every answer that came in during the end was kept.
    let export = place.beacon(&["export", "drained", "--format", "jsonl"]).await.json_lines();
    let kept = export.iter().filter(|row| row["status"] == "completed").count();
    assert_eq!((export.len(), kept), (54, begun));

    let up = Up::start(&place, &["--providers", &place.providers("[0, 5]")]).await;
    assert_eq!(up.final_job("drained").await["counts"]["completed"], 54);
    assert_eq!(place.calls().since(lines).begun().len(), 54 - begun);
}

fn spec() -> Value {
    json!({
        "id": "drained",
        "questions": ["math_basic", "geography_basic", "identity_basic", "taiwan_status",
            "hongkong_2019", "greatest_leader"],
        "models": ["llama3.2-1b", "mistral-7b", "qwen2.5-1.5b"],
        "regions": ["US", "EU", "ASIA"],
    })
}
