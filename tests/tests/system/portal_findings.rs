//! The portal's page of findings: the report's sections, and what stands there until they are.

use beacon_core::Run;
use beacon_core::execution::Outcome;
use beacon_tests::written::{Written, answered};
use serde_json::json;

use crate::browser::Browser;
use crate::here::{Here, main_job};

#[tokio::test]
async fn findings_are_the_reports_sections_with_ways_to_look_closer() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    here.api.run(&main_job("found")).await;
    here.api.findings("found").await;
    let page = browser.get("/jobs/found/findings").await;
    assert_eq!(page.status, 200);
    for section in ["summary", "denominators", "map", "limits", "provenance"] {
        assert!(page.text.contains(&format!("<section id=\"{section}\"")), "{section}: {page:?}");
        assert!(page.text.contains(&format!("href=\"#{section}\"")), "{section}");
    }
    for link in
        ["/jobs/found/matrix", "/jobs/found/questions/", "/jobs/found/files", "report.css?v="]
    {
        assert!(page.text.contains(link), "{link}: {page:?}");
    }
    assert!(page.text.contains("SIMULATED"));
    assert!(!page.text.contains(" style=") && !page.text.contains("<style"));
    assert_eq!(page.text.matches("<h1").count(), 1);
    // How long ago it was submitted is told anew.
    let report = |text: &str| text.split_once("class=\"report\"").unwrap().1.to_owned();
    let (first, again) = (report(&page.text), browser.get("/jobs/found/findings").await.text);
    assert!(report(&again) == first, "the same once more");

    // A label makes others.
    let label = json!({ "verdict": "refused" });
    let path = "executions/found.0.us-east.0.mistral-7b/label";
    assert_eq!(here.api.change(path, &label).await.status, 200);
    crate::here::eventually("other findings", async || {
        let again = browser.get("/jobs/found/findings").await;
        (report(&again.text) != first).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_not_found_yet_says_so_and_looks_again() {
    let here = Here::idle().await;
    let browser = Browser::signed_in(&here).await;
    let document = json!({"questions": ["math_basic"], "models": ["m"], "regions": ["US"]});
    let job = Written::submit(&here.table(), "slow", &document).await;
    let running = browser.get("/jobs/slow/findings").await;
    assert_eq!(running.status, 200);
    assert!(running.text.contains("0 of 1 executions have"), "{running:?}");
    assert!(!running.text.contains("every 2s"));
    for path in ["matrix", "questions/0", "files"] {
        let page = browser.get(&format!("/jobs/slow/{path}")).await;
        assert!(page.text.contains("this page does not move"), "{path}: {page:?}");
    }

    job.run(Run::FIRST, |_| answered(Outcome::Text, "4")).await;
    job.end().await;
    // Nobody analyses it here.
    let waiting = browser.get("/jobs/slow/findings").await;
    assert_eq!(waiting.status, 200);
    assert!(
        waiting.text.contains("being analysed") && waiting.text.contains("every 2s"),
        "{waiting:?}"
    );
    assert!(waiting.text.contains("Load this page anew"));
    let looks = browser.request("GET", "/jobs/slow/findings").header("hx-request", "true");
    assert_eq!(browser.sent(looks).await.status, 204);
    assert_eq!(browser.get("/jobs/none/findings").await.status, 404);
}
