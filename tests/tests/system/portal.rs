//! The portal's door: who comes in, what a form must carry, what every answer says to a browser.

use beacon_aws::Tokens;
use beacon_core::access::Role;
use beacon_infra::AccessSettings;
use serde_json::json;

use crate::browser::Browser;
use crate::here::{Here, main_job};

const READER: &str = "reader-token-0123456";

/// Every address that shows something, of the main job.
const PAGES: [&str; 9] = [
    "/",
    "/new?key=k",
    "/jobs/j",
    "/jobs/j/live",
    "/jobs/j/matrix",
    "/jobs/j/questions/0",
    "/jobs/j/findings",
    "/jobs/j/files",
    "/executions/j.0.us-east.0.mistral-7b",
];

#[tokio::test]
async fn the_printed_address_signs_in_once() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    assert_eq!(browser.get("/").await.status, 200);

    let printed = here.stack.portal();
    let (_, code) = printed.split_once("/sign-in").unwrap();
    let address = format!("/sign-in{code}");
    let second = Browser::stranger(&here);
    let used = second.get(&address).await;
    assert_eq!(used.status, 401, "{used:?}");
    assert!(used.text.contains("has been used"));
    let home = second.get("/").await;
    assert_eq!((home.status, home.to()), (303, "/sign-in"));
    // Who is in already is not turned away by it.
    let again = browser.get(&address).await;
    assert_eq!((again.status, again.to()), (303, "/"));
}

#[tokio::test]
async fn nothing_is_shown_and_nothing_changed_without_a_session() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("j")).await;
    let stranger = Browser::stranger(&here);
    for path in PAGES.iter().chain(&["/system", "/jobs/j/files/executions.jsonl", "/jobs/j/cancel"])
    {
        let page = stranger.get(path).await;
        assert_eq!(page.status, 303, "{path}");
        assert!(page.to().starts_with("/sign-in"), "{path}");
        assert!(!page.text.contains("llama"), "{path}");
    }
    let before = here.api.job("j").await;
    for path in
        ["/new", "/jobs/j/cancel", "/jobs/j/retry", "/executions/j.0.us-east.0.mistral-7b/label"]
    {
        let page = stranger.post(path, &[("verdict", "refused")]).await;
        assert_eq!(page.status, 303, "{path}");
    }
    assert_eq!(here.api.job("j").await, before);
    // A cookie that was made up is none.
    let name = Browser::signed_in(&here).await.cookies().into_keys().next().unwrap();
    for made_up in ["", "x", &"0".repeat(64)] {
        let request = stranger.request("GET", "/").header("cookie", format!("{name}={made_up}"));
        assert_eq!(stranger.sent(request).await.status, 303);
    }
}

#[tokio::test]
async fn a_token_signs_in_and_signing_out_ends_the_session() {
    let here = Here::simulated("[0, 0]").await;
    let stranger = Browser::stranger(&here);
    let form = stranger.get("/sign-in?back=%2Fsystem").await;
    assert!(form.text.contains("value=\"/system\""), "{form:?}");
    let wrong = stranger.post("/sign-in", &[("token", "not-a-token-of-here")]).await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.text.contains("not accepted"));
    for (back, to) in [
        ("/system", "/system"),
        ("/jobs/j/matrix?page=2", "/jobs/j/matrix?page=2"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example", "/"),
        ("/api/v1/jobs", "/"),
    ] {
        let browser = Browser::stranger(&here);
        browser.get("/sign-in").await;
        let entered = browser.post("/sign-in", &[("token", here.token()), ("back", back)]).await;
        assert_eq!((entered.status, entered.to()), (303, to), "{back}");
        let cookie = entered.header("set-cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    }
    let browser = Browser::with_token(&here, here.token()).await;
    let kept = browser.cookies();
    assert_eq!(browser.get("/").await.status, 200);
    assert_eq!(browser.post("/sign-out", &[]).await.to(), "/sign-in");
    // Who kept the cookie has no session either.
    for (name, value) in kept {
        let request = browser.request("GET", "/").header("cookie", format!("{name}={value}"));
        assert_eq!(browser.sent(request).await.status, 303);
    }
}

#[tokio::test]
async fn a_form_that_does_not_show_where_it_comes_from_changes_nothing() {
    // So slow that it is there to be cancelled at the end, however slow the test is.
    let here = Here::simulated("[60000, 60000]").await;
    let browser = Browser::signed_in(&here).await;
    let (status, _) = here.api.submit(&main_job("j")).await;
    assert_eq!(status, 202);
    browser.get("/jobs/j/cancel").await;
    for fields in [&[][..], &[("form_token", "")], &[("form_token", "0000")]] {
        let refused = browser.post_bare("/jobs/j/cancel", fields).await;
        assert_eq!(refused.status, 403, "{refused:?}");
    }
    let of_another = Browser::with_token(&here, here.token()).await;
    of_another.get("/jobs/j/cancel").await;
    // With all that a form of its own carries.
    let elsewhere =
        of_another.request("POST", "/jobs/j/cancel").header("sec-fetch-site", "cross-site");
    let elsewhere = elsewhere.header("content-type", "application/x-www-form-urlencoded");
    let elsewhere = elsewhere.body(format!("form_token={}", of_another.form_token()));
    assert_eq!(of_another.sent(elsewhere).await.status, 403);
    assert_ne!(here.api.job("j").await["status"], "cancelling");
    assert_ne!(here.api.job("j").await["status"], "cancelled");
    let done = browser.post("/jobs/j/cancel", &[]).await;
    assert_eq!((done.status, done.to()), (303, "/jobs/j"));
    assert_eq!(here.api.final_job("j").await["status"], "cancelled");
}

#[tokio::test]
async fn a_reader_sees_all_and_changes_nothing() {
    let mut tokens = Tokens::default();
    tokens.add(Role::Reader, READER).unwrap();
    let access =
        AccessSettings { tokens, requests_per_minute: Some(1_000_000), trusted_keys: None };
    let here = Here::with_access(access).await;
    here.api.run(&main_job("j")).await;
    here.api.findings("j").await;
    let reader = Browser::with_token(&here, READER).await;
    for path in PAGES.iter().filter(|path| !path.starts_with("/new")) {
        let page = reader.get(path).await;
        assert_eq!(page.status, 200, "{path} {page:?}");
        let forms = page.text.matches("method=\"post\"").count();
        assert!(forms <= 1, "{path} has more forms than that which signs out");
    }
    for path in ["/new", "/jobs/j/retry", "/executions/j.0.us-east.0.mistral-7b/retry"] {
        assert_eq!(reader.get(path).await.status, 403, "{path}");
        assert_eq!(reader.post(path, &[]).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn every_answer_keeps_browsers_from_running_anything_else() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("j")).await;
    here.api.findings("j").await;
    let browser = Browser::signed_in(&here).await;
    let others = [
        "/system",
        "/sign-in",
        "/nowhere-at-all",
        "/jobs/none",
        "/jobs/j/questions/999",
        "/jobs/a%20b",
    ];
    for path in PAGES.iter().chain(&others) {
        let page = browser.get(path).await;
        if page.text.is_empty() {
            continue;
        }
        if *path == "/nowhere-at-all" {
            // The API's own 404: nothing of the portal is there.
            assert_eq!(page.header("content-type"), "application/json");
            continue;
        }
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        for forbidden in
            [" style=\"", "<style", "onclick", "onload", "javascript:", "=\"http:", "=\"https:"]
        {
            assert!(!page.text.contains(forbidden), "{path} has {forbidden}");
        }
    }
    assert_eq!(browser.get("/jobs/none").await.status, 404);
    let fields = |number| format!("/?{}", vec!["a=b"; number].join("&"));
    assert_eq!(browser.get(&fields(2000)).await.status, 200);
    assert_eq!(browser.get(&fields(2001)).await.status, 400);
    assert_eq!(
        browser.sent(browser.request("DELETE", "/jobs/j")).await.header("allow"),
        "GET, HEAD"
    );
}

#[tokio::test]
async fn a_live_part_follows_the_job_and_stops_with_it() {
    let here = Here::simulated("[20, 60]").await;
    let browser = Browser::signed_in(&here).await;
    assert_eq!(here.api.submit(&main_job("j")).await.0, 202);
    let page = browser.get("/jobs/j").await;
    assert!(page.text.contains("8 questions × 3 models × 3 regions"), "{page:?}");
    loop {
        let part = browser.get("/jobs/j/live").await;
        assert_eq!(counted(&part.text), 72, "{part:?}");
        if !part.text.contains("hx-trigger") {
            break;
        }
    }
    assert_eq!(here.api.job("j").await["status"], json!("completed"));
}

#[tokio::test]
async fn a_job_is_not_called_failed_before_it_has_ended() {
    let here = Here::with_providers(
        "[[providers]]\nname = \"lab\"\nkind = \"simulated\"\nregion = \"us-east\"\nmodels = [\"m\"]\n\
         seed = 7\nlatency_ms = [60, 100]\n\
         script = [{ match = \"Fail\", behaviour = { http_status = 400 } }]\n",
    )
    .await;
    let browser = Browser::signed_in(&here).await;
    let question = |n: u32| match n {
        0..=29 => json!({"id": format!("q{n}"), "text": format!("Fail {n}")}),
        _ => json!({"id": format!("q{n}"), "text": format!("What is {n}?")}),
    };
    let questions: Vec<_> = (0..40).map(question).collect();
    let document = json!({
        "id": "j", "questions": questions, "models": ["m"], "regions": ["US"], "stop": "never",
    });
    assert_eq!(here.api.submit(&document).await.0, 202);
    let mut failures_while_it_ran = 0;
    loop {
        let part = browser.get("/jobs/j/live").await;
        assert_eq!(counted(&part.text), 40, "{part:?}");
        let heading = part.text.split("class=\"job-line\"").nth(1).unwrap();
        let heading = heading.split("</p>").next().unwrap();
        if part.text.contains("It has ended") {
            assert!(heading.contains("s-failed"), "{part:?}");
            break;
        }
        assert!(heading.contains("s-pending") || heading.contains("s-running"), "{heading}");
        assert!(!part.text.contains("too few"), "{part:?}");
        failures_while_it_ran +=
            u32::from(!part.text.contains("data-status=\"failed\" data-count=\"0\""));
    }
    assert_ne!(failures_while_it_ran, 0, "nothing was seen of it while it ran");
    assert_eq!(here.api.job("j").await["status"], json!("failed"));
}

/// The sum of the counts by status.
fn counted(part: &str) -> u64 {
    let counts = part.split("data-count=\"").skip(1);
    counts.map(|rest| rest.split('"').next().unwrap().parse::<u64>().unwrap()).sum()
}
