//! What is told at the end of following a job, or where it is interrupted.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::answers::Answers;
use crate::fake::Fake;
use crate::place::{Place, eventually, within};
use crate::up::{first_error_line, send};

#[tokio::test]
async fn of_a_large_job_the_findings_are_told_and_the_report_is_left_to_whoever_asks() {
    let place = Place::new();
    let mut answers = Answers::of_a_report(&place).await;
    std::fs::remove_dir_all(place.data().join("reports")).unwrap();
    let first = answers.findings.as_ref().unwrap()["summary"][0].as_str().unwrap().to_owned();
    answers.view["expected"] = 50_001.into();
    let api = answers.serve().await;
    let watch = place.beacon(&["watch", "j", "--api", &api.url()]).await;
    assert_eq!(watch.code, Some(0), "{watch:?}");
    let told = watch.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains(&first), "{first}: {watch:?}");
    let report = format!("`beacon --api {} report j --out DIR`", api.url());
    let report = report.trim_matches('`');
    assert!(watch.stdout.lines().last().unwrap().ends_with(report), "{watch:?}");
    assert!(!place.data().join("reports").exists());

    // With --json the job alone is on standard output.
    let watch = place.beacon(&["watch", "j", "--json", "--api", &api.url()]).await;
    assert_eq!((watch.code, &watch.json()["job_id"]), (Some(0), &"j".into()), "{watch:?}");
    assert!(watch.stderr.contains(report), "{watch:?}");
}

#[tokio::test]
async fn whoever_interrupts_the_following_is_told_what_is_left_and_how_to_go_on() {
    let place = Place::new();
    let view = Answers::of_a_report(&place).await.view;
    for (status, told) in [
        ("running", "job j, of which 30 of 48 executions are left, goes on at"),
        ("cancelling", "job j, which is cancelling, goes on at"),
    ] {
        let mut view = view.clone();
        view["status"] = status.into();
        view["counts"] = json!({
            "completed": 18, "failed": 0, "timed_out": 0, "cancelled": 0, "pending": 24, "running": 6,
        });
        let looks = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&looks);
        let api = Fake::start(move |_head| {
            counted.fetch_add(1, Ordering::SeqCst);
            Some((200, "content-type: application/json\r\n", view.to_string()))
        })
        .await;
        let mut watch = place.command(&["watch", "j", "--api", &api.url()]);
        let mut watch = watch.stderr(Stdio::piped()).spawn().unwrap();
        // The second look comes after the first is seen.
        eventually("two looks", async || (looks.load(Ordering::SeqCst) > 1).then_some(())).await;
        send("INT", &watch);
        let (url, line) = (api.url(), first_error_line(&mut watch).await);
        assert_eq!(line, format!("{told} {url}: `beacon --api {url} watch j` follows it"));
        assert_eq!(within(watch.wait()).await.unwrap().code(), Some(130));
    }
}

#[tokio::test]
async fn while_newer_findings_are_due_the_first_page_alone_is_asked_for() {
    let place = Place::new();
    let Answers { view, findings, .. } = Answers::of_a_report(&place).await;
    let mut first = findings.unwrap();
    first["cursor"] = "1".into();
    let mut last = first.clone();
    last["cursor"] = Value::Null;
    for list in ["rates", "comparisons", "questions"] {
        last[list] = json!([]);
    }
    let asked = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let counted = Arc::clone(&asked);
    let api = Fake::start(move |head| {
        let body = if head.contains("/findings?cursor=1 ") {
            counted[1].fetch_add(1, Ordering::SeqCst);
            last.clone()
        } else if head.contains("/findings ") {
            let looks = counted[0].fetch_add(1, Ordering::SeqCst);
            let mut page = first.clone();
            page["is_due"] = (looks < 2).into();
            page
        } else {
            view.clone()
        };
        Some((200, "content-type: application/json\r\n", body.to_string()))
    })
    .await;
    let done = place.beacon(&["findings", "j", "--json", "--api", &api.url()]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let [looks, further] = [0, 1].map(|page| asked[page].load(Ordering::SeqCst));
    assert_eq!((looks, further), (3, 1));
    assert_eq!(done.json(), place.beacon(&["findings", "j", "--json"]).await.json());
}
