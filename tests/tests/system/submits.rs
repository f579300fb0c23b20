//! Many clients that submit at once.

use futures_util::future::join_all;
use serde_json::Value;

use crate::here::{Here, ids, main_job, sum};

const CLIENTS: u16 = 20;

#[tokio::test]
async fn twenty_submits_of_one_id_are_one_job() {
    let here = Here::simulated("[0, 20]").await;
    let spec = main_job("once");
    let answers = join_all((0..CLIENTS).map(|_| here.api.submit(&spec))).await;
    let (created, existing): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(status, _)| *status == 202);
    assert_eq!((created.len(), existing.len()), (1, 19));
    assert_eq!(created[0].1["existing"], false);
    for (status, body) in existing {
        assert_eq!((status, &body["existing"]), (200, &Value::Bool(true)), "{body}");
        assert_eq!((&body["job_id"], &body["expected_executions"]), (&"once".into(), &72.into()));
    }
    assert_ran_once(&here, "once").await;
    let (status, body) = here.api.submit(&spec).await;
    assert_eq!((status, &body["status"]), (200, &"completed".into()));
    here.calls().assert_each_once(72);
}

#[tokio::test]
async fn of_twenty_submits_of_one_id_with_other_content_one_wins() {
    let here = Here::simulated("[0, 20]").await;
    let specs = (0..CLIENTS).map(|seed| {
        let mut spec = main_job("contested");
        spec["seed"] = seed.into();
        spec
    });
    let specs: Vec<Value> = specs.collect();
    let answers = join_all(specs.iter().map(|spec| here.api.submit(spec))).await;
    let winners: Vec<usize> = (0..answers.len()).filter(|index| answers[*index].0 == 202).collect();
    let [winner] = winners[..] else { panic!("{answers:?}") };
    for (status, body) in answers.iter().filter(|(status, _)| *status != 202) {
        assert_eq!((*status, &body["error_code"]), (409, &"id_conflict".into()), "{body}");
    }
    let rows = assert_ran_once(&here, "contested").await;
    assert!(rows.iter().all(|row| row["sampling"]["seed"] == winner), "{winner}");
}

async fn assert_ran_once(here: &Here, job: &str) -> Vec<Value> {
    let view = here.api.final_job(job).await;
    assert_eq!((&view["status"], &view["counts"]["completed"]), (&"completed".into(), &72.into()));
    assert_eq!(sum(&view["counts"]), 72);
    let rows = here.api.executions(job).await;
    assert_eq!(ids(&rows).len(), 72);
    assert!(rows.iter().all(|row| row["status"] == "completed"));
    here.calls().assert_each_once(72);
    let list = here.api.get("jobs").await;
    assert_eq!(list["jobs"].as_array().unwrap().len(), 1);
    rows
}
