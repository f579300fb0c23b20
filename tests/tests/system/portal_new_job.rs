//! The portal's form of a new job: what it makes, what it refuses, and what it keeps.

use beacon_aws::Tokens;
use beacon_core::access::Role;
use beacon_infra::AccessSettings;
use serde_json::{Value, json};

use crate::browser::{Browser, Page};
use crate::here::Here;

const READER: &str = "reader-token-0123456";
const SUBMITTER: &str = "submitter-token-0123";

/// A form of two questions of three executions each.
const FILLED: [(&str, &str); 7] = [
    ("name", "From a form"),
    ("builtin", "math_basic"),
    ("own", "capital: What is the capital of Peru?"),
    ("model", "mistral-7b"),
    ("region", "us-east"),
    ("region", "eu-west"),
    ("region", "asia-pacific"),
];

/// The value of a hidden field.
fn hidden(page: &Page, name: &str) -> String {
    let field = page.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
    let field = field.unwrap_or_else(|| panic!("no {name}: {page:?}"));
    field.split('"').next().unwrap().to_owned()
}

fn with<'a>(fields: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    fields.iter().chain(more).copied().collect()
}

async fn jobs(here: &Here) -> Vec<Value> {
    here.api.get("jobs").await["jobs"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_form_that_is_sent_twice_makes_one_job() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    let form = browser.get("/new").await;
    assert_eq!(form.status, 200);
    for offered in
        ["mistral-7b", "us-east", "simulated", "What is 2+2?", "math_basic", "0.67 unless"]
    {
        assert!(form.text.contains(offered), "{offered}");
    }
    let key = hidden(&form, "key");
    let fields = with(&FILLED, &[("key", &key), ("action", "submit")]);
    let first = browser.post("/new", &fields).await;
    assert_eq!(first.status, 303, "{first:?}");
    let second = browser.post("/new", &fields).await;
    assert_eq!((second.status, second.to()), (303, first.to()));
    let job = here.api.final_job(first.to().strip_prefix("/jobs/").unwrap()).await;
    assert_eq!((&job["name"], &job["expected"]), (&json!("From a form"), &json!(6)));
    assert_eq!(jobs(&here).await.len(), 1);

    // The same key with other content makes no other job, and says which it made.
    let mut changed = fields.clone();
    changed[0].1 = "Another name";
    let refused = browser.post("/new", &changed).await;
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.text.contains(&format!("href=\"{}\"", first.to())));
    assert!(refused.text.contains("value=\"Another name\""));
    assert!(refused.text.contains("2 questions × 1 model × 3 regions"), "what it would use");
    assert_eq!(jobs(&here).await.len(), 1);
    // What is sent from there has a key of its own.
    let renewed = hidden(&refused, "key");
    assert_ne!(renewed, key);
    changed[7].1 = &renewed;
    let another = browser.post("/new", &changed).await;
    assert_eq!(another.status, 303, "{another:?}");
    assert_ne!(another.to(), first.to());
    assert_eq!(jobs(&here).await.len(), 2);
}

#[tokio::test]
async fn what_is_wrong_stands_at_its_field_and_everything_is_kept() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    let key = hidden(&browser.get("/new").await, "key");
    let refused = browser
        .post(
            "/new",
            &[
                ("name", "<b>A & B"),
                ("own", "same: One?\r\nsame: Two?"),
                ("csv", "id,text\r\nc,\r\n"),
                ("model", "mistral-7b"),
                ("other_models", "no-such-model"),
                ("region", "us-east"),
                ("samples", "0"),
                ("temperature", "warm"),
                ("max_cost", "-1"),
                ("key", &key),
                ("action", "submit"),
            ],
        )
        .await;
    assert_eq!(refused.status, 400, "{refused:?}");
    let text = &refused.text;
    assert!(text.contains("role=\"alert\"") && text.contains("Nothing was submitted"));
    for (field, words) in [
        ("own", "question id `same` was given at questions[0] with other content"),
        ("csv_file", "line 2 of the CSV"),
        ("samples", "is 0; must be a whole number from 1 to 100"),
        ("temperature", "is `warm`; must be 0 or a number"),
        ("max_cost", "must be US dollars"),
    ] {
        let beside = text.split(&format!("id=\"{field}-problem\"")).nth(1);
        let beside = beside.unwrap_or_else(|| panic!("nothing at {field}: {text}"));
        assert!(beside.split("</ul>").next().unwrap().contains(words), "{field}: {beside}");
        assert!(text.contains(&format!("href=\"#{field}\"")), "no link to {field}");
        assert!(
            text.contains(&format!("{field}-hint {field}-problem\"")),
            "{field} is not described"
        );
    }
    for kept in [
        "value=\"&lt;b&gt;A &amp; B\"",
        "same: One?\r\nsame: Two?</textarea>",
        "no-such-model</textarea>",
        "value=\"mistral-7b\" checked",
        "value=\"us-east\" checked",
        "value=\"warm\"",
        "id,text\nc,</textarea>",
    ] {
        assert!(text.contains(kept), "{kept} is not kept: {text}");
    }
    assert!(!text.contains("<b>A"));
    // What the job would use is not known, and is not said to be for want of a choice.
    assert!(text.contains("Not known yet:") && !text.contains("are chosen"), "{text}");
    assert_eq!(jobs(&here).await, [] as [Value; 0]);

    // What is wrong with none of the fields alone: a model that nobody serves.
    let fields = with(&FILLED, &[("other_models", "no-such-model"), ("key", &key)]);
    let refused = browser.post("/new", &fields).await;
    assert_eq!(refused.status, 422);
    let beside = refused.text.split("id=\"other_models-problem\"").nth(1).unwrap();
    assert!(beside.contains("no provider serves `no-such-model` in `us-east`"), "{beside}");
}

#[tokio::test]
async fn an_estimate_tells_what_a_job_would_use_and_makes_none() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    let key = hidden(&browser.get("/new").await, "key");
    let part =
        browser.post("/new/estimate", &with(&FILLED, &[("samples", "2"), ("key", &key)])).await;
    assert_eq!(part.status, 200);
    assert!(!part.text.contains("<html"), "{part:?}");
    let product = "2 questions × 1 model × 3 regions × 2 samples";
    for told in ["<strong>12</strong>", product, "not known", "AWS"] {
        assert!(part.text.contains(told), "{told}: {part:?}");
    }
    let missing = browser.post("/new/estimate", &[("name", "x")]).await;
    assert_eq!(missing.status, 200);
    assert!(missing.text.contains("is empty; must list at least one question"), "{missing:?}");
    // The script leaves a large file out.
    let without = with(&FILLED, &[("csv_left_out", "yes")]);
    let part = browser.post("/new/estimate", &without).await;
    assert!(part.text.contains("without the questions of the CSV"), "{part:?}");
    assert!(part.text.contains("2 questions ×"), "{part:?}");
    let only = [("model", "mistral-7b"), ("region", "us-east"), ("csv_left_out", "yes")];
    let part = browser.post("/new/estimate", &only).await;
    assert!(part.text.contains("without the questions of the CSV"), "{part:?}");
    assert!(!part.text.contains("at least one question"), "{part:?}");
    // Without scripts the whole page comes back with it.
    let fields = with(&FILLED, &[("key", &key), ("action", "estimate")]);
    let whole = browser.post("/new", &fields).await;
    assert_eq!(whole.status, 200);
    assert!(whole.text.contains("2 questions × 1 model × 3 regions × 1 sample"), "{whole:?}");
    assert!(whole.text.contains("value=\"From a form\"") && hidden(&whole, "key") == key);
    assert_eq!(jobs(&here).await, [] as [Value; 0]);
}

#[tokio::test]
async fn what_was_folded_is_told_before_the_job_is_shown() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    let key = hidden(&browser.get("/new").await, "key");
    let fields = with(&FILLED, &[("other_models", "mistral-7b"), ("key", &key)]);
    // Sent again, it tells the same of the same job.
    for _ in 0..2 {
        let made = browser.post("/new", &fields).await;
        assert_eq!(made.status, 200, "{made:?}");
        assert!(made.text.contains("model `mistral-7b` is listed twice; asked once"), "{made:?}");
        let [job] = &jobs(&here).await[..] else { panic!("not one job") };
        let link = format!("href=\"/jobs/{}\"", job["job_id"].as_str().unwrap());
        assert!(made.text.contains(&link), "{link}: {made:?}");
    }
}

/// Sends the form with a file of one model and region.
async fn send_csv(browser: &Browser, csv: &[u8]) -> Page {
    let form = browser.get("/new").await;
    let fields = [
        ("form_token", hidden(&form, "form_token")),
        ("key", hidden(&form, "key")),
        ("model", "mistral-7b".to_owned()),
        ("region", "us-east".to_owned()),
    ];
    let head = |name: &str| format!("--part\r\nContent-Disposition: form-data; name=\"{name}\"");
    let fields = fields.map(|(name, value)| format!("{}\r\n\r\n{value}\r\n", head(name)));
    let file = format!("{}; filename=\"q.csv\"\r\n\r\n", head("csv_file"));
    let body = [fields.concat().as_bytes(), file.as_bytes(), csv, b"\r\n--part--\r\n"].concat();
    let request = browser.request("POST", "/new");
    let request = request.header("content-type", "multipart/form-data; boundary=part");
    browser.sent(request.body(body)).await
}

#[tokio::test]
async fn a_csv_is_sent_as_a_file() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    let csv = "id,text,language,variant.short\na,\"Who,\nmé?\",en,Me?\n";
    // As spreadsheets write it unless they are told otherwise.
    let latin: Vec<u8> = csv.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let refused = send_csv(&browser, &latin).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    let beside = refused.text.split("id=\"csv_file-problem\"").nth(1).unwrap();
    assert!(beside.split("</ul>").next().unwrap().contains("is not UTF-8"), "{beside}");
    assert!(refused.text.contains("Nothing was submitted"), "{refused:?}");
    assert_eq!(jobs(&here).await, [] as [Value; 0]);

    let made = send_csv(&browser, csv.as_bytes()).await;
    assert_eq!(made.status, 303, "{made:?}");
    let id = made.to().strip_prefix("/jobs/").unwrap();
    here.api.final_job(id).await;
    let asked: Vec<Value> = here.api.executions(id).await;
    let asked: Vec<_> = asked.iter().map(|one| (&one["question_id"], &one["variant"])).collect();
    assert_eq!(asked, [(&json!("a"), &json!("base")), (&json!("a"), &json!("short"))]);
}

#[tokio::test]
async fn only_who_may_submit_sees_the_form_and_only_their_own_form_counts() {
    let mut tokens = Tokens::default();
    tokens.add(Role::Reader, READER).unwrap();
    tokens.add(Role::Submitter, SUBMITTER).unwrap();
    let access =
        AccessSettings { tokens, requests_per_minute: Some(1_000_000), trusted_keys: None };
    let here = Here::with_access(access).await;

    let reader = Browser::with_token(&here, READER).await;
    let page = reader.get("/new").await;
    assert_eq!(page.status, 403);
    assert!(!page.text.contains("new-job"), "{page:?}");
    assert_eq!(reader.post("/new", &FILLED).await.status, 403);
    assert_eq!(reader.post("/new/estimate", &FILLED).await.status, 403);

    let submitter = Browser::with_token(&here, SUBMITTER).await;
    let form = submitter.get("/new").await;
    let key = hidden(&form, "key");
    let without = with(&FILLED, &[("key", &key)]);
    assert_eq!(submitter.post_bare("/new", &without).await.status, 403);
    let wrong = with(&without, &[("form_token", "0000")]);
    assert_eq!(submitter.post_bare("/new", &wrong).await.status, 403);
    assert_eq!(jobs(&here).await, [] as [Value; 0]);
    submitter.get("/new").await;
    assert_eq!(submitter.post("/new", &without).await.status, 303);
    let system = submitter.get("/system").await;
    assert!(!system.text.contains("Settings in effect"), "{system:?}");
    let admin = Browser::signed_in(&here).await;
    assert!(admin.get("/system").await.text.contains("Settings in effect"));
}

#[tokio::test]
async fn a_beacon_that_only_reads_says_so() {
    let here = Here::idle().await;
    let browser = Browser::signed_in(&here).await;
    let page = browser.get("/new").await;
    assert_eq!(page.status, 409);
    assert!(page.text.contains("reads and changes nothing"), "{page:?}");
    let system = browser.get("/system").await;
    assert_eq!(system.status, 200);
    assert!(system.text.contains("this Beacon reads and runs nothing"), "{system:?}");
}

#[tokio::test]
async fn nothing_is_offered_while_the_router_does_not_answer() {
    let here = Here::with_router("http://127.0.0.1:9").await;
    let browser = Browser::signed_in(&here).await;
    let page = browser.get("/new").await;
    assert_eq!(page.status, 503);
    assert!(
        page.text.contains("does not answer") && !page.text.contains("id=\"new-job\""),
        "{page:?}"
    );
    let system = browser.get("/system").await;
    assert_eq!(system.status, 200);
    assert!(system.text.contains("degraded") && system.text.contains("Ask again"), "{system:?}");
}
