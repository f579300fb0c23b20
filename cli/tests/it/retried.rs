//! `beacon retry`, and what a retry survives.

use std::collections::BTreeSet;

use serde_json::json;

use crate::place::{Place, argument, eventually, providers};
use crate::up::Up;

const PAIRS: usize = 8 * 3;

#[tokio::test]
async fn after_failures_what_is_named_is_asked_anew() {
    let place = Place::new();
    let up = after_a_dead_region(&place).await;
    up.kill().await;
    let repaired = place.providers("[0, 0]");
    let up = Up::start(&place, &["--providers", &repaired]).await;
    let begun = place.calls().begun().len();

    let some = ["retry", "j", "--region", "EU", "--question", "q0", "--question", "q1"];
    let retry = place.beacon(&[&some[..], &["--reason", "the region is back"]].concat()).await;
    // Eighteen of twenty-four are fewer than the job demands.
    assert_eq!(retry.code, Some(1), "{retry:?}");
    for told in [
        "job j, run 2: 2 executions are asked anew",
        "j failed: 24 expected, 18 completed",
        "run 2 asked 2 executions anew",
        "the region is back",
    ] {
        assert!(retry.stdout.contains(told), "{told}: {retry:?}");
    }
    assert_eq!(place.calls().begun().len(), begun + 2);
    let retry = place.beacon(&["retry", "j", "--json"]).await;
    assert_eq!(retry.code, Some(0), "{retry:?}");
    let view = retry.json();
    assert_eq!((&view["run"], &view["counts"]["completed"]), (&3.into(), &PAIRS.into()), "{view}");
    assert_eq!(place.calls().begun().len(), begun + 8);

    let nothing = place.beacon(&["retry", "j"]).await;
    assert_eq!(nothing.code, Some(2), "{nothing:?}");
    assert!(nothing.stderr.contains("every selected execution"), "{nothing:?}");
    up.kill().await;
}

#[tokio::test]
async fn a_name_that_the_job_does_not_have_is_told_with_those_it_has() {
    let place = Place::new();
    let up = after_a_dead_region(&place).await;
    for (option, name, told) in [
        ("--region", "mars", "eu-west, us-east"),
        ("--model", "gpt-9", "mistral-7b"),
        ("--question", "q99", "q0, q1"),
    ] {
        let refused = place.beacon(&["retry", "j", option, name]).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        for text in [name, told] {
            assert!(refused.stderr.contains(text), "{text}: {refused:?}");
        }
    }
    let none = place.beacon(&["retry", "none"]).await;
    assert_eq!(none.code, Some(2), "{none:?}");
    assert!(none.stderr.contains("job not found: `none`"), "{none:?}");
    assert_eq!(up.get("jobs/j").await["run"], 1);
    up.kill().await;
}

#[tokio::test]
async fn a_retry_that_was_accepted_survives_a_kill() {
    let place = Place::new();
    let up = after_a_dead_region(&place).await;
    let before: BTreeSet<String> = completed(&up).await;
    up.kill().await;
    let repaired = place.providers("[100, 300]");
    let up = Up::start(&place, &["--providers", &repaired]).await;
    let begun = place.calls().lines();
    let retry = place.beacon(&["retry", "j", "--no-wait", "--json"]).await;
    assert_eq!((retry.code, &retry.json()["executions"]), (Some(0), &8.into()), "{retry:?}");
    up.kill().await;

    let up = Up::start(&place, &["--providers", &repaired]).await;
    eventually("a call of the new run", async || {
        (!place.calls().since(begun).begun().is_empty()).then_some(())
    })
    .await;
    up.kill().await;
    let up = Up::start(&place, &["--providers", &repaired]).await;
    let view = up.final_job("j").await;
    assert_eq!((&view["status"], &view["run"]), (&"completed".into(), &2.into()), "{view}");
    assert_eq!(view["counts"]["completed"], PAIRS, "{view}");
    let calls = place.calls().since(begun);
    assert!(calls.begun().iter().all(|id| !before.contains(*id)), "{:?}", calls.begun());
    assert_eq!(completed(&up).await.len(), PAIRS);
    up.kill().await;
}

/// A Beacon that has finished a job of eight questions in three regions, one of which was dead.
async fn after_a_dead_region(place: &Place) -> Up {
    let alive = providers(&place.path("calls.jsonl"), "[0, 0]");
    let dead = "region = \"eu-west\"\nerror_rate = 1.0\n";
    let file = place.path("dead.toml");
    std::fs::write(&file, alive.replace("region = \"eu-west\"\n", dead)).unwrap();
    let up = Up::start(place, &["--providers", &argument(&file)]).await;
    let question = |n| json!({"id": format!("q{n}"), "text": format!("What is {n} + {n}?")});
    let spec = json!({
        "id": "j", "questions": (0..8).map(question).collect::<Vec<_>>(), "stop": "never",
        "models": ["mistral-7b"], "regions": ["US", "EU", "ASIA"], "min_success_rate": 0.9,
    });
    up.submit(&spec).await;
    let view = up.final_job("j").await;
    assert_eq!(
        (&view["status"], &view["counts"]["failed"]),
        (&"failed".into(), &8.into()),
        "{view}"
    );
    up
}

async fn completed(up: &Up) -> BTreeSet<String> {
    let rows = up.executions("j").await;
    let completed = rows.iter().filter(|row| row["status"] == "completed");
    completed.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}
