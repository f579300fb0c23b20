//! A job that somebody cancels.

use beacon_aws::{NewJob, Submit, clock};
use beacon_core::JobId;
use beacon_core::reconcile::Occasion;
use beacon_core::spec::parse;
use beacon_reconciler::ScheduleEvent;
use serde_json::{Value, json};

use crate::here::{Here, answered, by_status, eventually, is_final, main_job, sum, unjudged};
use crate::takeover::leave_behind;

#[tokio::test]
async fn once_a_cancel_is_acknowledged_no_question_is_opened_and_the_calls_are_dropped() {
    let here = Here::simulated("[600000, 600000]").await;
    let (status, _) = here.api.submit(&main_job("j")).await;
    assert_eq!(status, 202);
    eventually("nine calls in flight", async || (here.calls().begun().len() == 9).then_some(()))
        .await;

    let cancelled = here.api.change("jobs/j/cancel", &Value::Null).await;
    let begun = here.calls().begun().len();
    let expected = json!({
        "ok": true, "job_id": "j", "previous_status": "running", "new_status": "cancelling",
    });
    assert_eq!((cancelled.status, cancelled.json()), (202, expected));
    let view = eventually("a final status", async || {
        let view = here.api.job("j").await;
        assert_eq!(sum(&view["counts"]), 72, "{view}");
        let in_flight = here.calls().in_flight();
        if is_final(&view) {
            assert_eq!(in_flight, 0, "{view}");
            return Some(view);
        }
        assert_eq!(view["status"], "cancelling");
        None
    })
    .await;
    assert_eq!((&view["status"], &view["counts"]["cancelled"]), (&"cancelled".into(), &72.into()));
    assert_eq!(view["ending"]["cause"], "cancel", "{view}");
    assert!(view["ending"]["by"].is_string(), "{view}");
    assert_eq!(here.calls().begun().len(), begun);
    assert_eq!(begun, 9);

    let executions = here.api.executions("j").await;
    for row in &executions {
        let failure = &row["failure"];
        assert_eq!(
            (&row["status"], &failure["code"], &failure["stage"]),
            (&"cancelled".into(), &"JOB_CANCELLED".into(), &"job".into()),
            "{row}"
        );
        assert!(failure["message"].as_str().unwrap().contains("was cancelled"), "{row}");
    }
    assert_eq!(executions.len(), 72);
    // Those whose calls were dropped have rows, which say so.
    let rows = executions.iter().filter(|row| row["attempts"].is_u64());
    assert!(rows.clone().all(|row| row["attempts"] == 1), "{executions:?}");
    assert_eq!(rows.count(), 9);
    let summary = here.api.get("jobs/j/summary").await;
    assert_eq!(summary["failures"][0]["count"], 72, "{summary}");
}

#[tokio::test]
async fn what_was_answered_before_a_cancel_stays() {
    let here = Here::simulated("[100, 200]").await;
    let (status, _) = here.api.submit(&main_job("j")).await;
    assert_eq!(status, 202);
    let before = eventually("answers", async || {
        let rows = here.api.executions("j").await;
        let completed = rows.into_iter().filter(|row| row["status"] == "completed");
        Some(completed.map(unjudged).collect::<Vec<_>>()).filter(|rows| rows.len() >= 9)
    })
    .await;
    let cancelled = here.api.change("jobs/j/cancel", &json!({"why": "no matter"})).await;
    assert_eq!(cancelled.status, 202, "{cancelled:?}");
    let view = here.api.final_job("j").await;
    assert_eq!(view["status"], "cancelled", "{view}");
    let rows: Vec<Value> = here.api.executions("j").await.into_iter().map(unjudged).collect();
    assert!(before.iter().all(|row| rows.contains(row)));
    let counts = by_status(&rows);
    assert_eq!(counts["completed"] + counts["cancelled"], 72);
    assert_eq!(
        (&view["counts"]["completed"], &view["counts"]["cancelled"]),
        (&counts["completed"].into(), &counts["cancelled"].into())
    );
}

#[tokio::test]
async fn a_cancel_may_be_repeated_until_the_job_has_ended() {
    let here = Here::simulated("[0, 0]").await;
    // Somebody holds its lane of whom nobody knows whether he lives.
    leave_behind(&here.table(), "held", None).await;
    for previous in ["queued", "cancelling", "cancelling"] {
        let cancelled = here.api.change("jobs/held/cancel", &Value::Null).await;
        assert_eq!(cancelled.status, 202, "{cancelled:?}");
        assert_eq!(cancelled.json()["previous_status"], previous);
    }
    let view = here.api.job("held").await;
    assert_eq!((&view["status"], &view["counts"]["running"]), (&"cancelling".into(), &3.into()));
    let debug = answered(here.api.request("GET", "/debug/jobs/held")).await.json();
    let why = debug["why"].to_string();
    assert!(why.contains("asked for with the token") && why.contains("and marked"), "{why}");
    assert_eq!(debug["lanes"][0]["mark"]["cause"], "cancel", "{debug}");

    let reconciler = here.reconciler().await;
    let event = ScheduleEvent { time: clock::now() };
    reconciler.handle(event, Occasion::Schedule).await.unwrap();
    let view = here.api.final_job("held").await;
    // The row of the one who held it stands.
    assert_eq!((&view["status"], &view["counts"]["completed"]), (&"cancelled".into(), &1.into()));
    assert_eq!(view["counts"]["cancelled"], 5);
    let late = here.api.change("jobs/held/cancel", &Value::Null).await;
    assert_eq!(late.refusal(), (409, "job_final".into()));
    assert!(late.text.contains("cancelled"), "{late:?}");
    assert!(here.calls().begun().is_empty());
    // The calls that its holder may have made were stopped for good; a retry makes others.
    let retried = here.api.change("jobs/held/retry", &Value::Null).await;
    assert_eq!(retried.status, 202, "{retried:?}");
    let view = here.api.final_job("held").await;
    assert_eq!((&view["run"], &view["counts"]["completed"]), (&2.into(), &6.into()), "{view}");
    here.calls().assert_each_once(5);
}

#[tokio::test]
async fn a_job_whose_lanes_were_never_dispatched_is_cancelled_at_once() {
    let here = Here::simulated("[0, 0]").await;
    let spec = parse(&main_job("quiet"), &[]).unwrap().spec;
    let new = NewJob::plain(JobId::new("quiet").unwrap(), &spec);
    assert!(matches!(here.table().submit(new, clock::now()).await, Ok(Submit::Created(_))));
    let cancelled = here.api.change("jobs/quiet/cancel", &Value::Null).await;
    assert_eq!(cancelled.json()["previous_status"], "queued", "{cancelled:?}");
    let view = here.api.final_job("quiet").await;
    assert_eq!((&view["status"], &view["counts"]["cancelled"]), (&"cancelled".into(), &72.into()));
    assert!(here.calls().begun().is_empty());
    let rows = here.api.executions("quiet").await;
    assert!(rows.iter().all(|row| row["failure"]["code"] == "JOB_CANCELLED"), "{}", rows[0]);
}

#[tokio::test]
async fn what_cannot_be_cancelled_is_told_apart() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("done")).await;
    let cancel =
        async |job: &str| here.api.change(&format!("jobs/{job}/cancel"), &Value::Null).await;
    assert_eq!(cancel("done").await.refusal(), (409, "job_final".into()));
    assert_eq!(cancel("none").await.refusal(), (404, "job_not_found".into()));
    assert_eq!(cancel("a.b").await.refusal(), (400, "invalid_parameter".into()));
    let open = answered(here.api.open("POST", "/api/v1/jobs/done/cancel")).await;
    assert_eq!(open.refusal(), (401, "unauthorized".into()));
    let get = answered(here.api.request("GET", "/api/v1/jobs/done/cancel")).await;
    assert_eq!((get.refusal().0, get.header("allow")), (405, "POST"));
    let page = here.api.request("POST", "/api/v1/jobs/done/cancel");
    let page = answered(page.header("origin", "http://other.example")).await;
    assert_eq!(page.refusal(), (415, "unsupported_media_type".into()));
}
