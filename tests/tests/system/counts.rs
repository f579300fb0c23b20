//! What the API says while a job runs is whole at every moment.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::here::{Api, Here, ids, is_final, main_job, sum, unjudged};

#[tokio::test]
async fn every_pair_is_accounted_for_at_every_moment() {
    let here = Here::simulated("[10, 60]").await;
    let (status, _) = here.api.submit(&main_job("counted")).await;
    assert_eq!(status, 202);
    let jobs = tokio::spawn(watch_job(here.api.clone()));
    let summaries = tokio::spawn(watch_summary(here.api.clone()));
    let looks = watch_executions(&here.api).await;
    let (jobs, summaries) = (jobs.await.unwrap(), summaries.await.unwrap());
    println!("{jobs} looks at the job, {looks} at its executions, {summaries} at the summary");
    assert!(jobs > 3 && looks > 1 && summaries > 1);

    let view = here.api.job("counted").await;
    assert_eq!((&view["status"], &view["counts"]["completed"]), (&"completed".into(), &72.into()));
    for _look in 0..20 {
        assert_eq!(here.api.job("counted").await, view);
    }
}

#[tokio::test]
async fn a_status_is_not_final_before_the_slowest_lane_is_closed() {
    let here = Here::simulated_by_region(["[0, 0]", "[150, 150]", "[0, 0]"]).await;
    let (status, _) = here.api.submit(&main_job("counted")).await;
    assert_eq!(status, 202);
    watch_job(here.api.clone()).await;
    let view = here.api.job("counted").await;
    assert_eq!((&view["status"], &view["counts"]["completed"]), (&"completed".into(), &72.into()));
}

/// Looks as fast as it can until the status is final, and returns how often.
async fn watch_job(api: Api) -> usize {
    let mut looks = 0;
    let mut ended = 0;
    loop {
        let view = api.job("counted").await;
        let counts = &view["counts"];
        assert_eq!((sum(counts), &view["expected"]), (72, &72.into()), "{view}");
        let open = counts["pending"].as_u64().unwrap() + counts["running"].as_u64().unwrap();
        assert!(72 - open >= ended, "{view}");
        ended = 72 - open;
        assert_eq!(sum(&view["outcomes"]), counts["completed"].as_u64().unwrap(), "{view}");
        looks += 1;
        if is_final(&view) {
            assert_eq!((open, view["finished_at"].is_string()), (0, true), "{view}");
            return looks;
        }
        assert_eq!(view["finished_at"], Value::Null, "{view}");
    }
}

async fn watch_summary(api: Api) -> usize {
    let mut looks = 0;
    loop {
        let is_over = is_final(&api.job("counted").await);
        let summary = api.get("jobs/counted/summary").await;
        let rows = summary["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 9, "{summary}");
        for row in rows {
            assert_eq!((sum(&row["counts"]), &row["expected"]), (8, &8.into()), "{row}");
        }
        looks += 1;
        if is_over {
            let completed = |row: &Value| row["counts"]["completed"].as_u64().unwrap();
            assert_eq!(rows.iter().map(completed).sum::<u64>(), 72, "{summary}");
            return looks;
        }
    }
}

/// Looks at all pairs until the status is final, and returns how often. A pair only ever goes on,
/// and one that is completed stays as it is.
async fn watch_executions(api: &Api) -> usize {
    let mut looks = 0;
    let mut before: BTreeMap<String, Value> = BTreeMap::new();
    loop {
        let view = api.job("counted").await;
        let executions = api.executions("counted").await;
        assert_eq!(ids(&executions).len(), 72);
        let completed = executions.iter().filter(|row| row["status"] == "completed").count();
        assert!(completed as u64 >= view["counts"]["completed"].as_u64().unwrap(), "{view}");
        for row in executions.into_iter().map(unjudged) {
            let id = row["id"].as_str().unwrap().to_owned();
            let Some(earlier) = before.insert(id, row.clone()) else { continue };
            assert!(rank(&earlier) <= rank(&row), "{earlier} became {row}");
            assert!(earlier["status"] != "completed" || earlier == row, "{earlier} became {row}");
        }
        looks += 1;
        if is_final(&view) {
            assert_eq!(completed, 72);
            return looks;
        }
    }
}

fn rank(row: &Value) -> usize {
    let order = ["pending", "running", "completed"];
    order.iter().position(|status| row["status"] == *status).unwrap()
}
