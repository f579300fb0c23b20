//! What the log of a job says, and what it never does.

use beacon_core::prompt::Prompt;
use serde_json::json;

use crate::place::{Place, finished};

/// In the question, the system prompt and the answer, and nowhere else.
const MARKS: [&str; 3] = ["markedquestion", "markedsystem", "markedanswer"];

#[tokio::test]
async fn a_call_is_logged_without_its_prompt_and_its_answer() {
    let place = Place::new();
    let [question, system, answer] = MARKS;
    let providers = place.providers("[0, 0]");
    let script = format!("script = [{{ match = \"\", behaviour = {{ text = \"{answer}\" }} }}]\n");
    let text = std::fs::read_to_string(&providers).unwrap();
    place.write("providers.toml", &text.replace("empty_rate", &format!("{script}empty_rate")));
    let spec = json!({
        "id": "logged",
        "questions": [{"id": "q1", "text": format!("What is a {question}?")}],
        "system_prompt": format!("You are a {system}."),
        "models": ["llama3.2-1b"],
        "regions": ["US"],
    });
    let spec = place.write("spec.json", &spec.to_string());
    let mut run = place.command(&["run", &spec, "--providers", &providers, "--json"]);
    run.env("BEACON_LOG", "trace");
    let run = finished(run).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    let export = place.beacon(&["export", "logged", "--format", "jsonl"]).await;
    assert_eq!(export.json_lines()[0]["response"], answer);

    let log = &run.stderr;
    for mark in MARKS {
        let line = log.lines().find(|line| line.to_lowercase().contains(mark));
        assert_eq!(line, None, "the log holds a {mark}");
    }
    let call = [
        "job_id=logged",
        "run=1",
        "region=us-east",
        "model_id=llama3.2-1b",
        "question_id=q1",
        "holder=",
        "execution_id=logged.0.us-east.0.llama3",
        "attempt=1",
    ];
    let (system, question) = (format!("You are a {system}."), format!("What is a {question}?"));
    let prompt = Prompt { system: Some(&system), question: &question }.flattened();
    let prompt_len = format!("prompt_len={}", prompt.len());
    let output_len = format!("output_len={}", answer.len());
    let begins = ["url=\"http://127.0.0.1:", "/inference\"", "timeout_ms=620000", &prompt_len];
    let ends = ["duration_ms=", "status=completed", &output_len];
    assert_line(log, "INFO", "inference call begins", &[&call[..], &begins].concat());
    assert_line(log, "INFO", "inference call ends", &[&call[..], &ends].concat());
    assert_line(log, "INFO", "Hybrid Router enabled", &["hybrid_base=\"http://127.0.0.1:"]);
    let starting = "starting multi-model per-region question queue execution";
    assert_line(log, "INFO", starting, &["job_id=logged", "total_executions=1"]);
    let all = "all region question queues completed - ready for status calculation";
    assert_line(log, "INFO", all, &["job_id=logged", "results_count=1", "expected_executions=1"]);
    let status = [
        "job_id=logged",
        "completed=1",
        "failed=0",
        "total=1",
        "success_rate=1.0",
        "min_success_rate=0.67",
        "final_status=completed",
    ];
    assert_line(log, "INFO", "calculating final job status after all executions", &status);
}

/// The one line with this message has all of these.
fn assert_line(log: &str, level: &str, message: &str, parts: &[&str]) {
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(message)).collect();
    let [line] = lines[..] else { panic!("{message}: {lines:?}") };
    for part in parts.iter().chain([&level]) {
        assert!(line.contains(part), "{part}: {line}");
    }
}
