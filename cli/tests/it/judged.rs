//! What people and the classifier say: `beacon label`, `beacon classify`, `beacon compare`.

use serde_json::{Value, json};

use crate::place::{Place, argument};
use crate::reported::{SPEC, files, report};
use crate::up::Up;

/// A Beacon that has run and analysed a job.
async fn with_a_job(place: &Place, ids: &[&str]) -> Up {
    let up = Up::start(place, &["--providers", &place.providers("[0, 0]")]).await;
    let spec = place.write("spec.yaml", SPEC);
    for id in ids {
        let run = place.beacon(&["run", &spec, "--id", id]).await;
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    up
}

/// A completed answer that the classifier has judged.
async fn judged(place: &Place) -> Value {
    let export = place.beacon(&["export", "j", "--format", "jsonl"]).await;
    let answered = |row: &Value| row["verdict"]["verdict"] == "answered";
    export.json_lines().into_iter().find(answered).unwrap()
}

#[tokio::test]
async fn a_persons_verdict_stands_beside_the_classifiers_and_can_be_taken_back() {
    let place = Place::new();
    let up = with_a_job(&place, &["j"]).await;
    let row = judged(&place).await;
    let id = row["id"].as_str().unwrap();
    let label = ["label", id, "partly_refused", "--note", "it stops"];
    let told = place.beacon(&label).await;
    assert_eq!(told.code, Some(0), "{told:?}");
    for part in ["partly_refused", "the classifier says answered"] {
        assert!(told.stdout.contains(part), "{part}: {told:?}");
    }
    let shown = place.beacon(&["show", id]).await;
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["verdict"]["verdict"], "partly_refused", "{shown}");
    assert_eq!(shown["verdict"]["classifier"], row["verdict"]["classifier"]);
    assert_eq!(shown["verdict"]["label"]["note"], "it stops");

    let withdrawn = place.beacon(&["label", id, "--withdraw", "--json"]).await;
    assert_eq!((withdrawn.code, &withdrawn.json()), (Some(0), &row["verdict"]), "{withdrawn:?}");
    for (wrong, told) in [
        (&["label", id][..], "VERDICT"),
        (&["label", id, "wrong"], "partly_refused"),
        (&["label", id, "refused", "--withdraw"], "--withdraw"),
        (&["label", "none.0.us-east.0.m", "refused"], "none"),
    ] {
        let refused = place.beacon(wrong).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(told), "{told}: {refused:?}");
    }
    up.kill().await;
}

#[tokio::test]
async fn answers_that_are_judged_anew_change_no_row() {
    let place = Place::new();
    let up = with_a_job(&place, &["j"]).await;
    let before = place.beacon(&["export", "j", "--format", "jsonl"]).await.stdout;
    let found = place.beacon(&["findings", "j", "--json"]).await.json();
    let classify = place.beacon(&["classify", "j", "--json"]).await;
    assert_eq!((classify.code, classify.json()), (Some(0), found.clone()), "{classify:?}");
    assert_eq!(place.beacon(&["export", "j", "--format", "jsonl"]).await.stdout, before);
    let told = place.beacon(&["classify", "j"]).await;
    let rules = found["rules"].as_str().unwrap();
    assert!(
        told.stdout.starts_with(&format!("job j: its answers are judged by the rules {rules}\n"))
    );
    let told = place.beacon(&["classify", "j", "--no-wait", "--json"]).await;
    assert_eq!((told.code, &told.json()["rules"]), (Some(0), &found["rules"]), "{told:?}");
    let none = place.beacon(&["classify", "none"]).await;
    assert_eq!(none.code, Some(2), "{none:?}");
    up.kill().await;
}

#[tokio::test]
async fn a_label_is_in_the_next_report() {
    let place = Place::new();
    let up = with_a_job(&place, &["j"]).await;
    let row = judged(&place).await;
    let id = row["id"].as_str().unwrap();
    assert_eq!(place.beacon(&["label", id, "refused"]).await.code, Some(0));
    let found = place.beacon(&["findings", "j", "--json"]).await.json();
    assert_eq!(found["denominators"]["labelled"], 1, "{found}");
    let out = argument(&place.path("a"));
    let made = report(&place, &["j", "--out", &out, "--json"]).await.json();
    assert_eq!(made["findings"], found);
    let export = &files(&place.path("a"))["export.jsonl"];
    assert_eq!(export.matches("\"label\":{").count(), 1);
    up.kill().await;
}

#[tokio::test]
async fn what_one_of_two_jobs_asked_alone_is_said() {
    let place = Place::new();
    let up = with_a_job(&place, &["j"]).await;
    let spec = "questions: [math_basic]\nmodels: [llama3.2-1b, qwen2.5-1.5b]\nregions: [US]\n\
                system_prompt: none\ntemperature: 0.7\n";
    let run = place.beacon(&["run", &place.write("other.yaml", spec), "--id", "k"]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    let compared = place.beacon(&["compare", "j", "k", "--json"]).await.json();
    let only = |side: &str| {
        let side = &compared[side];
        let questions = side["only_questions"].as_array().unwrap().len();
        (questions, side["only_models"].clone(), side["only_regions"].clone())
    };
    assert_eq!(only("a"), (3, json!(["mistral-7b"]), json!(["eu-west", "asia-pacific"])));
    assert_eq!(only("b"), (0, json!(["qwen2.5-1.5b"]), json!([])));
    let told = place.beacon(&["compare", "j", "k"]).await;
    let told = told.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "3 questions, the model `mistral-7b` and 2 regions of `j`; the model `qwen2.5-1.5b` of `k`.",
        "their sampling parameters differ",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    up.kill().await;
}

#[tokio::test]
async fn two_jobs_are_compared() {
    let place = Place::new();
    let up = with_a_job(&place, &["j", "k"]).await;
    let compared = place.beacon(&["compare", "j", "k", "--json"]).await;
    assert_eq!(compared.code, Some(0), "{compared:?}");
    let compared = compared.json();
    assert_eq!((&compared["a"]["job_id"], &compared["b"]["job_id"]), (&"j".into(), &"k".into()));
    for side in ["a", "b"] {
        assert_eq!(compared[side]["planned"], 48, "{compared}");
        assert!(compared[side]["matched"].as_u64().unwrap() > 0, "{compared}");
    }
    let told = place.beacon(&["compare", "j", "k"]).await;
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!((1..=10).contains(&told.stdout.lines().count()), "{told:?}");
    let none = place.beacon(&["compare", "j", "none"]).await;
    assert_eq!(none.code, Some(2), "{none:?}");
    assert!(none.stderr.contains("none"), "{none:?}");
    up.kill().await;
}
