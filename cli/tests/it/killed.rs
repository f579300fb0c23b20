//! `kill -9`: what was accepted is finished, and what was stored stays as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::exported::sum;
use crate::place::{Place, eventually};
use crate::up::Up;

const KILLS: usize = 20;
const QUESTIONS: usize = 26;
const PAIRS: usize = QUESTIONS * 3 * 3;

#[tokio::test]
async fn a_stack_killed_at_twenty_random_moments_runs_every_pair_once() {
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let place = Place::new();
    let providers = place.providers("[100, 400]");
    let arguments = ["--providers", providers.as_str()];
    let mut up = Up::start(&place, &arguments).await;
    let submitted = up.submit(&spec()).await;
    assert_eq!(submitted["expected_executions"], PAIRS, "{submitted}");

    let mut remembered: BTreeMap<String, String> = BTreeMap::new();
    let (mut kills, mut boot) = (0, 0);
    while kills < KILLS {
        eventually("two calls in flight", async || {
            (place.calls().since(boot).in_flight().len() >= 2).then_some(())
        })
        .await;
        // No condition is waited for: the moment of the kill is to be any.
        sleep(Duration::from_millis(random.random_range(0..600))).await;
        let there = completed(&up.executions("killed").await);
        up.kill().await;

        let calls = place.calls().since(boot);
        kills += usize::from(calls.in_flight().len() >= 2);
        assert_none_asked_again(&remembered, &calls.begun());
        for (id, row) in there {
            assert_eq!(remembered.entry(id).or_insert_with(|| row.clone()), &row);
        }
        boot = place.calls().lines();
        up = Up::start(&place, &arguments).await;
    }

    let view = up.final_job("killed").await;
    assert_eq!(view["status"], "completed", "{view}");
    assert_eq!((sum(&view["counts"]), &view["counts"]["completed"]), (PAIRS as u64, &PAIRS.into()));
    let executions = up.executions("killed").await;
    let ids: BTreeSet<&str> = executions.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), executions.len()), (PAIRS, PAIRS));
    let rows = completed(&executions);
    assert_eq!(rows.len(), PAIRS);
    for (id, row) in &remembered {
        assert_eq!(&rows[id], row);
    }
    assert_none_asked_again(&remembered, &place.calls().since(boot).begun());
    println!("{} rows were there before the last kill", remembered.len());
}

/// What the analysis of a job that has ended adds to its pairs; it is no part of their rows.
const VERDICT: [&str; 4] =
    ["verdict", "response_classification", "is_substantive", "is_content_refusal"];

/// The completed executions' rows, as the API prints them, by id.
fn completed(executions: &[Value]) -> BTreeMap<String, String> {
    let completed = executions.iter().filter(|row| row["status"] == "completed");
    let row = |row: &Value| {
        let mut row = row.clone();
        row.as_object_mut().unwrap().retain(|name, _| !VERDICT.contains(&name.as_str()));
        (row["id"].as_str().unwrap().to_owned(), row.to_string())
    };
    completed.map(row).collect()
}

/// A pair that was completed before a start is not asked after it.
fn assert_none_asked_again(completed_before: &BTreeMap<String, String>, begun: &[&str]) {
    let again: Vec<&&str> = begun.iter().filter(|id| completed_before.contains_key(**id)).collect();
    assert!(again.is_empty(), "asked again: {again:?}");
}

fn spec() -> Value {
    let question = |n| json!({"id": format!("q{n}"), "text": format!("What is {n} + {n}?")});
    json!({
        "id": "killed",
        "questions": (0..QUESTIONS).map(question).collect::<Vec<Value>>(),
        "models": ["llama3.2-1b", "mistral-7b", "qwen2.5-1.5b"],
        "regions": ["US", "EU", "ASIA"],
    })
}
