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

/// The form at an address, which leads to one with a key.
pub(crate) async fn opened(browser: &Browser, path: &str) -> Page {
    let led = browser.get(path).await;
    assert_eq!(led.status, 303, "{led:?}");
    browser.get(led.to()).await
}

/// What is said to be wrong with a field, at the field.
pub(crate) fn beside<'a>(page: &'a Page, field: &str) -> &'a str {
    let beside = page.text.split(&format!("id=\"{field}-problem\"")).nth(1);
    let beside = beside.unwrap_or_else(|| panic!("nothing at {field}: {page:?}"));
    beside.split("</ul>").next().unwrap()
}

/// The value of a hidden field.
pub(crate) fn hidden(page: &Page, name: &str) -> String {
    let field = page.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
    let field = field.unwrap_or_else(|| panic!("no {name}: {page:?}"));
    field.split('"').next().unwrap().to_owned()
}

fn with<'a>(fields: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    fields.iter().chain(more).copied().collect()
}

pub(crate) async fn jobs(here: &Here) -> Vec<Value> {
    here.api.get("jobs").await["jobs"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_form_that_is_sent_twice_makes_one_job() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    let form = opened(&browser, "/new").await;
    assert_eq!(form.status, 200);
    for offered in [
        "mistral-7b",
        "us-east",
        "simulated",
        "What is 2+2?",
        "math_basic",
        "a right answer holds 4 or four",
        "0.67 unless",
    ] {
        assert!(form.text.contains(offered), "{offered}");
    }
    // Two of the three controls have a right answer.
    assert_eq!(form.text.matches("a right answer holds").count(), 2);
    assert!(!form.text.contains("whose right answer is known"));
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
    let key = hidden(&opened(&browser, "/new").await, "key");
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
    let mut summary = text.split("id=\"problems\"").nth(1).unwrap().split("</div>").next().unwrap();
    for (field, words) in [
        ("own", "question id `same` was given at questions[0] with other content"),
        ("csv_file", "line 2 of the CSV"),
        ("samples", "is 0; must be a whole number from 1 to 100"),
        ("temperature", "is `warm`; must be 0 or a number"),
        ("max_cost", "is -1; must be US dollars"),
    ] {
        assert!(beside(&refused, field).contains(words), "{field}: {}", beside(&refused, field));
        // Above, in the order of the form, each is named once.
        let link = format!("href=\"#{field}\"");
        let (_, behind) = summary.split_once(&link).unwrap_or_else(|| panic!("{link}: {summary}"));
        summary = behind;
        assert!(!text.contains(&format!("<code>{field}</code>")), "{field} is named twice");
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
    let beside = beside(&refused, "other_models");
    assert!(beside.contains("no provider serves `no-such-model` in `us-east`"), "{beside}");
}

#[tokio::test]
async fn who_comes_back_to_a_form_makes_no_second_job_by_accident() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    let address = "/new?model=mistral-7b";
    let led = browser.get(address).await;
    assert_eq!(led.status, 303, "{led:?}");
    let form = browser.get(led.to()).await;
    let key = hidden(&form, "key");
    assert_eq!(led.to(), format!("{address}&key={key}"));
    assert!(!form.text.contains("id=\"made\""), "{form:?}");
    let mut fields = with(&FILLED, &[("key", &key), ("action", "submit")]);
    let first = browser.post("/new", &fields).await;
    assert_eq!(first.status, 303, "{first:?}");

    // Back: no page is kept, and so this one is loaded anew by its address.
    let back = browser.get(led.to()).await;
    assert_eq!((back.status, hidden(&back, "key")), (200, key.clone()));
    let told = back.text.split("id=\"made\"").nth(1).unwrap().split("</p>").next().unwrap();
    assert!(told.contains(&format!("href=\"{}\"", first.to())), "{told}");
    let again = browser.post("/new", &fields).await;
    assert_eq!((again.status, again.to()), (303, first.to()));
    assert_eq!(jobs(&here).await.len(), 1);

    // On purpose there can be another of the same.
    assert!(told.contains(&format!("href=\"{address}\"")), "{told}");
    let other = hidden(&opened(&browser, address).await, "key");
    assert_ne!(other, key);
    fields[7].1 = &other;
    let second = browser.post("/new", &fields).await;
    assert_eq!(second.status, 303, "{second:?}");
    assert_ne!(second.to(), first.to());
    assert_eq!(jobs(&here).await.len(), 2);
    // What is no key of an address is replaced.
    let long = format!("/new?key={}", "x".repeat(256));
    assert_eq!(opened(&browser, &long).await.status, 200);
}

#[tokio::test]
async fn what_an_address_chooses_is_estimated_with_the_page() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    let whole = "/new?builtin=math_basic&model=mistral-7b&region=us-east";
    let page = opened(&browser, whole).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("1 question × 1 model × 1 region × 1 sample"), "{page:?}");
    assert!(!page.text.contains("are chosen") && !page.text.contains("=\"load"), "{page:?}");
    // What is wrong with it is told there, and nothing was submitted that could be refused.
    let wrong = opened(&browser, &format!("{whole}&samples=0")).await;
    assert_eq!(wrong.status, 200);
    assert!(wrong.text.contains("Samples: is 0; must be a whole number"), "{wrong:?}");
    assert!(!wrong.text.contains("role=\"alert\""), "{wrong:?}");
    let part = opened(&browser, "/new?builtin=math_basic").await;
    assert!(part.text.contains("<strong>Estimate</strong>"), "{part:?}");
    assert_eq!(jobs(&here).await, [] as [Value; 0]);
}

#[tokio::test]
async fn each_question_can_be_asked_under_both_prompts() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    let form = opened(&browser, "/new").await;
    assert!(form.text.contains("name=\"system_prompt\" value=\"both\""), "{form:?}");
    let key = hidden(&form, "key");
    let fields = with(&FILLED, &[("system_prompt", "both"), ("key", &key)]);
    let part = browser.post("/new/estimate", &fields).await;
    assert!(part.text.contains("<strong>12</strong>"), "{part:?}");
    let made = browser.post("/new", &fields).await;
    assert_eq!(made.status, 303, "{made:?}");
    let id = made.to().strip_prefix("/jobs/").unwrap();
    here.api.final_job(id).await;
    let asked = here.api.executions(id).await;
    for variant in ["place", "bare"] {
        let under = asked.iter().filter(|one| one["variant"] == variant).count();
        assert_eq!(under, 6, "{variant}: {asked:?}");
    }
}

#[tokio::test]
async fn an_estimate_tells_what_a_job_would_use_and_makes_none() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    let key = hidden(&opened(&browser, "/new").await, "key");
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
    let key = hidden(&opened(&browser, "/new").await, "key");
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
    let form = opened(&submitter, "/new").await;
    let key = hidden(&form, "key");
    let without = with(&FILLED, &[("key", &key)]);
    assert_eq!(submitter.post_bare("/new", &without).await.status, 403);
    let wrong = with(&without, &[("form_token", "0000")]);
    assert_eq!(submitter.post_bare("/new", &wrong).await.status, 403);
    assert_eq!(jobs(&here).await, [] as [Value; 0]);
    opened(&submitter, "/new").await;
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
    let page = opened(&browser, "/new?name=Kept").await;
    assert_eq!(page.status, 503);
    assert!(
        page.text.contains("does not answer") && !page.text.contains("id=\"new-job\""),
        "{page:?}"
    );
    // Nothing was submitted, and whoever fills in a form sets no variables.
    for other in ["HYBRID_ROUTER_URL", "accepted", "os error"] {
        assert!(!page.text.contains(other), "{other}: {page:?}");
    }
    assert!(page.text.contains("href=\"/new?name=Kept&amp;key="), "{page:?}");
    let refused = browser.post("/new", &with(&FILLED, &[("key", "k")])).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.text.contains("The router does not answer"), "{refused:?}");
    assert!(!refused.text.contains("HYBRID_ROUTER_URL"), "{refused:?}");
    let system = browser.get("/system").await;
    assert_eq!(system.status, 200);
    assert!(system.text.contains("degraded") && system.text.contains("Ask again"), "{system:?}");
}
