//! `beacon cancel`, and what a cancel survives.

use serde_json::{Value, json};

use crate::exported::sum;
use crate::place::{Place, eventually};
use crate::up::Up;

#[tokio::test]
async fn a_job_that_runs_is_cancelled_and_waited_for() {
    let place = Place::new();
    let up = with_calls_in_flight(&place).await;
    let cancel = place.beacon(&["cancel", "j"]).await;
    assert_eq!(cancel.code, Some(0), "{cancel:?}");
    for told in
        ["job j is cancelling; it was running", "j cancelled: 18 expected", "the job was cancelled"]
    {
        assert!(cancel.stdout.contains(told), "{told}: {cancel:?}");
    }
    let calls = place.calls();
    assert!(calls.in_flight().is_empty(), "{:?}", calls.in_flight());
    assert_eq!((calls.begun().len(), calls.dropped()), (9, 9));

    let status = place.beacon(&["status", "j"]).await;
    assert!(status.stdout.contains("ended early: the job was cancelled"), "{status:?}");
    let watch = place.beacon(&["watch", "j", "--json"]).await;
    assert_eq!((watch.code, &watch.json()["status"]), (Some(3), &"cancelled".into()), "{watch:?}");
    let again = place.beacon(&["cancel", "j"]).await;
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.stderr.contains("the job `j` has ended: it is cancelled"), "{again:?}");
    up.kill().await;
}

#[tokio::test]
async fn whoever_does_not_wait_is_told_that_it_is_on_its_way() {
    let place = Place::new();
    let up = with_calls_in_flight(&place).await;
    let cancel = place.beacon(&["cancel", "j", "--no-wait", "--json"]).await;
    assert_eq!((cancel.code, &cancel.json()["new_status"]), (Some(0), &"cancelling".into()));
    assert_eq!(up.final_job("j").await["status"], "cancelled");
    up.kill().await;
    let nobody = place.beacon(&["cancel", "j"]).await;
    assert_eq!(nobody.code, Some(2), "{nobody:?}");
    assert!(nobody.stderr.contains("start one with `beacon up`"), "{nobody:?}");
}

#[tokio::test]
async fn a_cancel_that_was_acknowledged_survives_a_kill() {
    let place = Place::new();
    let up = with_calls_in_flight(&place).await;
    assert_eq!(up.change("jobs/j/cancel").await, 202);
    up.kill().await;
    let begun = place.calls().begun().len();

    let providers = place.providers("[0, 0]");
    let up = Up::start(&place, &["--providers", &providers]).await;
    let view = up.final_job("j").await;
    assert_eq!((&view["status"], sum(&view["counts"])), (&"cancelled".into(), 18), "{view}");
    assert_eq!(view["counts"]["cancelled"], 18, "{view}");
    assert_eq!(place.calls().begun().len(), begun);
    let rows = up.executions("j").await;
    assert!(rows.iter().all(|row| row["failure"]["code"] == "JOB_CANCELLED"), "{}", rows[0]);
    up.kill().await;
}

/// A Beacon at work on two questions to three models in three regions, whose answers never come.
async fn with_calls_in_flight(place: &Place) -> Up {
    let providers = place.providers("[600000, 600000]");
    let up = Up::start(place, &["--providers", &providers]).await;
    let spec = json!({
        "id": "j", "questions": ["math_basic", "identity_basic"], "regions": ["US", "EU", "ASIA"],
        "models": ["llama3.2-1b", "mistral-7b", "qwen2.5-1.5b"],
    });
    let submitted: Value = up.submit(&spec).await;
    assert_eq!(submitted["expected_executions"], 18, "{submitted}");
    eventually("nine calls in flight", async || {
        (place.calls().in_flight().len() == 9).then_some(())
    })
    .await;
    up
}
