//! What the portal says of asking again: nothing is offered that is refused, and what is refused says why.

use serde_json::{Value, json};

use crate::browser::{Browser, Page};
use crate::here::{Here, eventually};

/// One that refuses what is told to fail, never answers what is told to hang, and asks ten cents a token.
const PROVIDERS: &str = "[[providers]]\nname = \"lab\"\nkind = \"simulated\"\nregion = \"us-east\"\n\
    models = [\"m\"]\nlatency_ms = [0, 0]\n\
    price = { per_million_input_tokens = 0, per_million_output_tokens = 100000 }\n\
    script = [\n  { match = \"Fail\", behaviour = { http_status = 400 } },\n  \
    { match = \"Hang\", behaviour = \"hang\" },\n]\n";

fn job(id: &str, texts: &[&str], more: &Value) -> Value {
    let question = |(at, text): (usize, &&str)| json!({"id": format!("q{at}"), "text": text});
    let questions: Vec<Value> = texts.iter().enumerate().map(question).collect();
    let mut job = json!({
        "id": id, "questions": questions, "models": ["m"], "regions": ["US"], "stop": "never",
    });
    job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    job
}

/// That it is refused so, both where it is asked first and where it is sent.
async fn is_refused(browser: &Browser, of: &str, says: &str) {
    let path = format!("/executions/{of}/retry");
    assert_eq!(browser.get(&format!("/executions/{of}")).await.status, 200);
    let sent = browser.post(&path, &[]).await;
    for page in [browser.get(&path).await, sent] {
        assert_eq!(page.status, 409, "{page:?}");
        assert!(page.text.contains("Not asked again") && page.text.contains(says), "{page:?}");
        let job = of.split('.').next().unwrap();
        assert!(page.text.contains(&format!("href=\"/jobs/{job}\"")), "{page:?}");
    }
}

#[tokio::test]
async fn an_execution_is_asked_again_as_often_as_one_is_and_only_if_it_failed() {
    let here = Here::with_providers(PROVIDERS).await;
    let browser = Browser::signed_in(&here).await;
    here.api.run(&job("j", &["What is it?", "Fail at it"], &json!({}))).await;
    is_refused(&browser, "j.0.us-east.0.m", "it has its answer").await;
    for _ in 0..3 {
        let asked = browser.get("/executions/j.1.us-east.0.m/retry").await;
        assert_eq!(asked.status, 200, "{asked:?}");
        assert_eq!(browser.post("/executions/j.1.us-east.0.m/retry", &[]).await.status, 303);
        here.api.final_job("j").await;
    }
    is_refused(&browser, "j.1.us-east.0.m", "It was retried 3 times").await;
    let page = browser.get("/executions/j.1.us-east.0.m").await;
    assert!(!page.text.contains("/executions/j.1.us-east.0.m/retry"), "{page:?}");
    assert!(page.text.contains("It was retried 3 times"), "{page:?}");
    assert!(page.text.contains("(retried 3 times)"), "{page:?}");
}

#[tokio::test]
async fn a_retry_that_is_sent_twice_is_one_and_is_not_called_refused() {
    let here = Here::with_providers(PROVIDERS).await;
    let browser = Browser::signed_in(&here).await;
    here.api.run(&job("j", &["Fail at it"], &json!({}))).await;
    let path = "/executions/j.0.us-east.0.m/retry";
    for sent in 0..3 {
        let asked = browser.get(path).await;
        let (_, request) = asked.text.split_once("name=\"request\" value=\"").unwrap();
        let fields = [("request", request.split('"').next().unwrap())];
        for _ in 0..2 {
            let answer = browser.post(path, &fields).await;
            assert_eq!((answer.status, answer.to()), (303, "/jobs/j"), "{answer:?}");
            here.api.final_job("j").await;
        }
        assert_eq!(here.api.job("j").await["run"], sent + 2);
    }
}

#[tokio::test]
async fn what_was_cancelled_is_asked_by_a_retry_of_its_job() {
    let here = Here::with_providers(PROVIDERS).await;
    let browser = Browser::signed_in(&here).await;
    assert_eq!(here.api.submit(&job("j", &["Hang on"], &json!({}))).await.0, 202);
    eventually("a call", async || {
        (here.api.job("j").await["counts"]["running"] == 1).then_some(())
    })
    .await;
    assert_eq!(browser.get("/jobs/j/cancel").await.status, 200);
    assert_eq!(browser.post("/jobs/j/cancel", &[]).await.status, 303);
    here.api.final_job("j").await;
    is_refused(&browser, "j.0.us-east.0.m", "a retry of the whole job asks it").await;
    let page = browser.get("/jobs/j").await;
    assert!(page.text.contains("Asked for with the token"), "{page:?}");
    assert!(page.text.contains("href=\"/jobs/j/retry\""), "{page:?}");
    // It was at a provider, of whom nothing was told.
    let execution = browser.get("/executions/j.0.us-east.0.m").await;
    assert!(!execution.text.contains("none was chosen"), "{execution:?}");
    let again = browser.get("/jobs/j/cancel").await;
    assert_eq!(again.status, 409, "{again:?}");
    assert!(again.text.contains("It has ended already"), "{again:?}");
}

fn promises_a_retry(page: &Page) -> bool {
    let text = page.text.to_lowercase();
    ["/retry\"", "a retry asks", "then retry", "; retry", ": retry", "may help"]
        .iter()
        .any(|promise| text.contains(promise))
}

#[tokio::test]
async fn a_job_that_has_spent_its_max_cost_promises_no_retry() {
    let here = Here::with_providers(PROVIDERS).await;
    let browser = Browser::signed_in(&here).await;
    let texts = [vec!["Fail at it"], vec!["What is it?"; 19]].concat();
    let view = here.api.run(&job("j", &texts, &json!({"max_cost": 1}))).await;
    assert_eq!(view["ending"]["cause"], "cost_limit", "{view}");
    here.api.findings("j").await;
    let left = "/executions/j.19.us-east.0.m";
    for path in ["/jobs/j", left, "/executions/j.0.us-east.0.m"] {
        let page = browser.get(path).await;
        assert!(!promises_a_retry(&page), "{path}: {page:?}");
        assert!(page.text.contains("higher one"), "{path}: {page:?}");
    }
    let page = browser.get("/jobs/j").await;
    assert!(page.text.contains("The job was stopped: its max_cost was spent."), "{page:?}");
    assert!(page.text.contains("at most $1.00"), "{page:?}");
    let asked = browser.get("/jobs/j/retry").await;
    assert_eq!(asked.status, 409, "{asked:?}");
    assert!(asked.text.contains("has spent its max_cost of $1.00"), "{asked:?}");
}

#[tokio::test]
async fn a_page_that_polls_without_a_session_leads_back_to_itself() {
    let here = Here::idle().await;
    let stranger = Browser::stranger(&here);
    for (shown, back) in [
        ("http://beacon.test:1/jobs/j?page=2#live", "?back=%2Fjobs%2Fj%3Fpage%3D2"),
        ("http://beacon.test", ""),
        ("javascript:alert(1)", ""),
        ("http://beacon.test//elsewhere.test/", ""),
    ] {
        let poll = stranger.request("GET", "/jobs/j/live");
        let poll = poll.header("hx-request", "true").header("hx-current-url", shown);
        let answer = stranger.sent(poll).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert_eq!(answer.header("hx-redirect"), format!("/sign-in{back}"), "{shown}");
    }
}
