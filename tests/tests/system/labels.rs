//! A person's verdict beside the classifier's, and answers judged anew.

use std::sync::Arc;

use beacon_aws::{AnalysisAsked, Clock, Door, MetricLines, RouterProbe, TableError};
use beacon_core::cloudwatch::StackName;
use beacon_core::spec::LabelAsked;
use beacon_core::verdict::{Label, Verdict};
use beacon_core::{ExecutionId, JobId, Run};
use beacon_intake::{Intake, Signing};
use beacon_tests::written::Written;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::analysis::{coordinator, handled, mixed, spec, verdicts};
use crate::faulty::{Fault, Happening, faulty};
use crate::here::{Answered, Here, answered, eventually, main_job};
use crate::metric_lines::Lines;

const LAB: &str = "executions/j.0.us-east.0.mistral-7b";

/// Findings that count so many labels.
async fn labelled(here: &Here, count: u64) -> Value {
    eventually("findings with the label", async || {
        let found = here.api.findings("j").await;
        (found["denominators"]["labelled"] == count).then_some(found)
    })
    .await
}

#[tokio::test]
async fn a_person_overrules_the_classifier_and_both_are_kept() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("j")).await;
    let before = labelled(&here, 0).await;
    let seen = here.api.get(LAB).await;
    let machine = seen["verdict"].clone();
    assert_eq!(
        (&machine["verdict"], &machine["label"]),
        (&json!("answered"), &Value::Null),
        "{seen}"
    );
    assert_eq!(machine["rules"], before["rules"]);

    let body = json!({"verdict": "refused", "note": "names no number"});
    let given = here.api.change(&format!("{LAB}/label"), &body).await;
    assert_eq!(given.status, 200, "{given:?}");
    let shown = given.json();
    assert_eq!(shown["verdict"], "refused");
    assert_eq!(
        (&shown["classifier"], &shown["rules"]),
        (&machine["classifier"], &machine["rules"])
    );
    let label = &shown["label"];
    assert_eq!((&label["verdict"], &label["note"]), (&json!("refused"), &json!("names no number")));
    let by = label["by"].as_str().unwrap();
    assert!(!by.is_empty() && label["at"].as_str().unwrap().ends_with('Z'), "{label}");

    // It is there at once, wherever the execution is.
    let one = here.api.get(LAB).await;
    assert_eq!(one["verdict"], shown);
    assert_eq!(
        (&one["response_classification"], &one["is_content_refusal"], &one["is_substantive"]),
        (&json!("content_refusal"), &json!(true), &json!(false))
    );
    assert_eq!(one["response"], seen["response"], "the row stays as it is");
    let refused =
        here.api.get("jobs/j/executions/all?limit=100&verdict=refused,partly_refused").await;
    let refused = refused["executions"].as_array().unwrap();
    let mut listed = one.clone();
    listed["receipt"] = Value::Null;
    listed.as_object_mut().unwrap().remove("provider_receipt");
    assert!(refused.contains(&listed), "the filter leaves it");
    assert!(refused.iter().all(|row| row["verdict"]["verdict"] != "answered"));

    let after = labelled(&here, 1).await;
    let count = |findings: &Value, name: &str| findings["denominators"][name].as_u64().unwrap();
    assert_eq!(count(&after, "refused"), count(&before, "refused") + 1);
    assert_eq!(count(&after, "answered"), count(&before, "answered") - 1);

    let taken_back = here.api.change(&format!("{LAB}/label"), &json!({"verdict": null})).await;
    assert_eq!((taken_back.status, taken_back.json()), (200, machine.clone()));
    assert_eq!(here.api.get(LAB).await["verdict"], machine);
    assert_eq!(labelled(&here, 0).await["denominators"], before["denominators"]);
}

#[tokio::test]
async fn only_a_text_of_a_job_that_has_ended_can_be_labelled() {
    let providers = "[[providers]]\nname = \"lab\"\nkind = \"simulated\"\nregion = \"us-east\"\n\
         models = [\"m\"]\nlatency_ms = [0, 0]\nscript = [\n\
         { match = \"empty\", behaviour = \"empty\" }, { match = \"broken\", behaviour = \"error\" },\n\
         { match = \"never\", behaviour = \"hang\" } ]\n";
    let here = Here::with_providers(providers).await;
    let job = |id: &str, texts: &[&str]| {
        let questions = texts.iter().enumerate();
        let questions: Vec<Value> =
            questions.map(|(n, text)| json!({"id": format!("q{n}"), "text": text})).collect();
        json!({"id": id, "questions": questions, "models": ["m"], "regions": ["US"],
            "min_success_rate": 0, "stop": "never"})
    };
    here.api.run(&job("j", &["a text", "empty", "broken"])).await;
    here.api.findings("j").await;
    let (status, _) = here.api.submit(&job("running", &["a text", "never"])).await;
    assert_eq!(status, 202);
    eventually("a first answer", async || {
        let row = here.api.get("executions/running.0.us-east.0.m").await;
        (row["status"] == "completed").then_some(())
    })
    .await;

    let label = async |id: &str| {
        here.api.change(&format!("executions/{id}/label"), &json!({"verdict": "refused"})).await
    };
    assert_eq!(label("j.0.us-east.0.m").await.status, 200);
    for (id, status, code) in [
        ("j.1.us-east.0.m", 409, "no_text"),
        ("j.2.us-east.0.m", 409, "no_text"),
        ("running.0.us-east.0.m", 409, "job_not_final"),
        ("running.1.us-east.0.m", 409, "job_not_final"),
        ("j.3.us-east.0.m", 404, "execution_not_found"),
        ("j.0.eu-west.0.m", 404, "execution_not_found"),
        ("j.0.us-east.1.m", 404, "execution_not_found"),
        ("none.0.us-east.0.m", 404, "job_not_found"),
        ("j", 400, "invalid_parameter"),
    ] {
        assert_eq!(label(id).await.refusal(), (status, code.into()), "{id}");
    }
    let classify =
        async |job: &str| here.api.change(&format!("jobs/{job}/classify"), &Value::Null).await;
    assert_eq!(classify("running").await.refusal(), (409, "job_not_final".into()));
    assert_eq!(classify("none").await.refusal(), (404, "job_not_found".into()));
    here.killed();
}

#[tokio::test]
async fn answers_are_judged_anew_and_no_row_changes() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("j")).await;
    let before = here.api.findings("j").await;
    let rows = here.api.executions("j").await;
    let accepted = here.api.change("jobs/j/classify", &Value::Null).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    assert_eq!(accepted.json(), json!({"job_id": "j", "rules": before["rules"]}));
    let job = JobId::new("j").unwrap();
    eventually("another analysis", async || {
        let stored = here.table().analysis(&job, Run::FIRST).await.unwrap();
        stored.filter(|stored| stored.asked == 1)
    })
    .await;
    // The same rules say the same, in another analysis.
    let after = here.api.findings("j").await;
    let asked = |found: &Value| found["analysis"]["asked"].as_u64();
    assert_eq!((asked(&before), asked(&after)), (Some(0), Some(1)));
    // It is stored before the job says that nothing is due any more.
    let found = |mut page: Value| {
        (page["analysis"], page["is_due"]) = (Value::Null, Value::Null);
        page
    };
    assert_eq!(found(after), found(before));
    assert_eq!(here.api.executions("j").await, rows);
}

#[tokio::test]
async fn a_hostile_label_is_refused_with_its_fields() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("j")).await;
    here.api.findings("j").await;
    let path = format!("{LAB}/label");
    let send = async |body: &Value| -> Answered { here.api.change(&path, body).await };
    for (body, fields) in [
        (json!({}), vec!["verdict"]),
        (json!({"verdict": "right"}), vec!["verdict"]),
        (json!({"verdict": ["refused"]}), vec!["verdict"]),
        (json!({"verdict": null, "note": "?"}), vec!["note"]),
        (json!({"verdict": "refused", "note": "x".repeat(1001)}), vec!["note"]),
        (json!({"verdict": "refused", "note": "a\u{0}"}), vec!["note"]),
        (json!({"verdict": "refused", "by": "somebody else"}), vec!["by"]),
        (json!([]), vec!["body"]),
    ] {
        let refused = send(&body).await;
        assert_eq!(refused.refusal(), (400, "validation_error".into()), "{body}");
        assert_eq!(refused.fields(), fields, "{body}");
    }
    let raw = |kind: &'static str, body: String| {
        let request = here.api.request("POST", &format!("/api/v1/{path}"));
        answered(request.header("content-type", kind).body(body))
    };
    let verdict = || json!({"verdict": "refused"}).to_string();
    assert_eq!(
        raw("text/plain", verdict()).await.refusal(),
        (415, "unsupported_media_type".into())
    );
    let broken = raw("application/json", "{\"verdict\": ".to_owned()).await;
    assert_eq!(broken.refusal(), (400, "invalid_json".into()));
    let large = format!("{{\"verdict\": \"{}\"}}", "x".repeat(70_000));
    assert_eq!(raw("application/json", large).await.refusal(), (413, "body_too_large".into()));
    assert_eq!(here.api.get(LAB).await["verdict"]["label"], Value::Null);
}

#[tokio::test]
async fn of_labels_given_at_once_all_are_taken_and_the_last_stands() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "j", &spec(2)).await;
    written.run(Run::FIRST, mixed).await;
    let job = written.end().await;
    let coordinator = coordinator(table.clone());
    handled(&coordinator, &[&job]).await;
    let id = ExecutionId::parse("j.0.us-east.0.a").unwrap();
    let label = |note: &str| {
        let at = beacon_aws::clock::now();
        Label { verdict: Verdict::Evasive, by: None, at, note: Some(note.to_owned()) }
    };
    let given = |note: &'static str| -> Happening {
        let (table, id, label) = (table.clone(), id.clone(), label(note));
        Box::new(move || {
            Box::pin(async move {
                let told = table.label(&id, Some(&label)).await.unwrap();
                assert_eq!(told, AnalysisAsked::Asked(Run::FIRST));
            })
        })
    };
    // Two others come between what the last one reads and what it writes.
    let fault = Fault::before_transactions([given("first"), given("second")]);
    let last = faulty(&here.local(), fault).label(&id, Some(&label("last"))).await.unwrap();
    assert_eq!(last, AnalysisAsked::Asked(Run::FIRST));
    assert_eq!(written.job().await.analysis.asked, 3);
    let note = async || {
        let verdict = table.verdict(&id).await.unwrap().unwrap();
        verdict.label.unwrap().note.unwrap()
    };
    assert_eq!(note().await, "last");

    let all = ["a", "b", "c"].map(|note| (table.clone(), label(note)));
    let all = all.iter().map(|(table, label)| table.label(&id, Some(label)));
    for told in join_all(all).await {
        assert_eq!(told.unwrap(), AnalysisAsked::Asked(Run::FIRST));
    }
    assert_eq!(written.job().await.analysis.asked, 6);
    assert!(["a", "b", "c"].contains(&note().await.as_str()));
    handled(&coordinator, &[&written.job().await]).await;
    let found = table.findings(&job.id, job.run).await.unwrap().unwrap();
    assert_eq!(found.denominators.labelled, 1);
}

#[tokio::test]
async fn a_label_that_others_always_come_before_is_no_write_that_failed() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "j", &spec(2)).await;
    written.run(Run::FIRST, mixed).await;
    let job = written.end().await;
    handled(&coordinator(table.clone()), &[&job]).await;
    let id = ExecutionId::parse("j.0.us-east.0.a").unwrap();
    let asked = || -> Happening {
        let (table, job) = (table.clone(), job.id.clone());
        Box::new(move || {
            Box::pin(async move {
                table.ask_analysis(&job).await.unwrap();
            })
        })
    };
    let lines = Lines::default();
    let fault = Fault::before_transactions((0..9).map(|_| asked()));
    let told = MetricLines::to(StackName::new("lab").unwrap(), lines.clone());
    let contended = faulty(&here.local(), fault).telling(told);
    assert!(matches!(contended.label(&id, None).await, Err(TableError::Request { .. })));
    contended.tell_writes(beacon_aws::clock::now());
    let told = lines.told();
    assert_eq!((told.sum("TableWritesOk", ""), told.sum("TableWritesFailed", "")), (5.0, 0.0));
}

#[tokio::test]
async fn a_label_and_the_wish_for_findings_that_count_it_are_stored_together_or_not_at_all() {
    let here = Here::idle().await;
    let (table, queues) = (here.table(), here.queues().await);
    let written = Written::submit(&table, "j", &spec(2)).await;
    written.run(Run::FIRST, mixed).await;
    let job = written.end().await;
    handled(&coordinator(table.clone()), &[&job]).await;
    let id = ExecutionId::parse("j.0.us-east.0.a").unwrap();
    let label =
        |note: &str| LabelAsked::Given { verdict: Verdict::Evasive, note: Some(note.to_owned()) };
    let mut asked = 0;
    for writes in 0..4 {
        let intake = Intake {
            door: Arc::new(Door::on_aws(None)),
            table: faulty(&here.local(), Fault::dead_after(writes)),
            queues: queues.clone(),
            router: RouterProbe::embedded(Vec::new),
            signing: Signing::new(None),
            clock: Clock::System,
        };
        let note = format!("after {writes}");
        let told = intake.label(&id, label(&note), None).await;
        let verdicts = verdicts(&table, &job.id, "us-east").await;
        let stored = verdicts[&(id.question, id.model.clone(), id.sample)].label.clone();
        let is_stored = stored.and_then(|label| label.note) == Some(note);
        assert_eq!(is_stored, told.is_ok(), "after {writes} writes");
        let due = written.job().await.analysis;
        assert_eq!(due.asked > asked, is_stored, "after {writes} writes");
        assert_eq!(due.due.is_some(), is_stored || asked > 0, "after {writes} writes");
        asked = due.asked;
    }
    assert!(asked > 0);
}
