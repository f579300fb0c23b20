//! The CSV of a new job's form: what is taken of it, what is refused, and how much of it there may be.

use serde_json::{Value, json};

use crate::browser::{Browser, Page};
use crate::here::Here;
use crate::portal_new_job::{beside, hidden, jobs, opened};

/// Sends the form with a file, of one model and region; without a name nobody chose the file.
async fn send_csv(browser: &Browser, name: &str, csv: &[u8], more: &[(&str, &str)]) -> Page {
    let form = opened(browser, "/new").await;
    let (form_token, key) = (hidden(&form, "form_token"), hidden(&form, "key"));
    let fields = [
        ("form_token", form_token.as_str()),
        ("key", key.as_str()),
        ("model", "mistral-7b"),
        ("region", "us-east"),
    ];
    let head = |name: &str| format!("--part\r\nContent-Disposition: form-data; name=\"{name}\"");
    let fields = fields.iter().chain(more);
    let fields: Vec<String> =
        fields.map(|&(name, value)| format!("{}\r\n\r\n{value}\r\n", head(name))).collect();
    let fields = fields.concat();
    let file = format!("{}; filename=\"{name}\"\r\n\r\n", head("csv_file"));
    let body = [fields.as_bytes(), file.as_bytes(), csv, b"\r\n--part--\r\n"].concat();
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
    let refused = send_csv(&browser, "q.csv", &latin, &[]).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(beside(&refused, "csv_file").contains("is not UTF-8"), "{refused:?}");
    assert!(refused.text.contains("Nothing was submitted"), "{refused:?}");
    assert_eq!(jobs(&here).await, [] as [Value; 0]);

    let made = send_csv(&browser, "q.csv", csv.as_bytes(), &[]).await;
    assert_eq!(made.status, 303, "{made:?}");
    let id = made.to().strip_prefix("/jobs/").unwrap();
    here.api.final_job(id).await;
    let asked: Vec<Value> = here.api.executions(id).await;
    let asked: Vec<_> = asked.iter().map(|one| (&one["question_id"], &one["variant"])).collect();
    assert_eq!(asked, [(&json!("a"), &json!("base")), (&json!("a"), &json!("short"))]);
}

#[tokio::test]
async fn a_csv_that_holds_no_question_makes_no_job_of_the_other_questions() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    let more = [("builtin", "math_basic"), ("csv", "id,text\r\nkept,Of an earlier try?\r\n")];
    for (csv, words) in [
        ("", "holds no question"),
        ("\r\n", "holds no question"),
        ("id,text\n", "holds no question"),
        ("id,text\nq,\"What is\nr,Who?\n", "begins with a quote on line 2"),
    ] {
        let refused = send_csv(&browser, "q.csv", csv.as_bytes(), &more).await;
        assert_eq!(refused.status, 400, "{csv:?}: {refused:?}");
        assert!(beside(&refused, "csv_file").contains(words), "{csv:?}: {refused:?}");
        // The file was to take its place.
        assert!(!refused.text.contains("Of an earlier try?"), "{csv:?}: {refused:?}");
    }
    assert_eq!(jobs(&here).await, [] as [Value; 0]);

    // Where no other file is chosen, the one that was sent before is sent again.
    let made = send_csv(&browser, "", b"", &more).await;
    assert_eq!(made.status, 303, "{made:?}");
    let job = here.api.final_job(made.to().strip_prefix("/jobs/").unwrap()).await;
    assert_eq!(job["expected"], json!(2), "{job}");
}

#[tokio::test]
async fn a_csv_of_too_many_questions_is_told_at_its_field() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    let rows: Vec<String> = (0..20_000).map(|n| format!("q{n},?\n")).collect();
    let csv = format!("id,text\n{}", rows.concat());
    let refused = send_csv(&browser, "q.csv", csv.as_bytes(), &[("builtin", "math_basic")]).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    let beside = beside(&refused, "csv_file");
    assert!(beside.contains("are more than the 10000 that are allowed"), "{beside}");
    assert!(!refused.text.contains("id=\"builtin-problem\""));
}

#[tokio::test]
async fn how_large_a_form_may_be_is_told_before_it_is_sent_and_when_it_was() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    let form = opened(&browser, "/new").await;
    let hint = form.text.split("id=\"csv_file-hint\"").nth(1).unwrap();
    let hint = hint.split("</p>").next().unwrap();
    assert!(hint.contains("10\u{202F}000") && hint.contains("3 MB"), "{hint}");

    // Of what fits in a form a job takes half.
    let text = "w".repeat(30_000);
    let row = |n: u32| format!("q{n},{text}\n");
    let rows = |count: u32| (0..count).map(row).collect::<Vec<_>>().concat();
    let large = format!("id,text\n{}", rows(110));
    let refused = send_csv(&browser, "q.csv", large.as_bytes(), &[("name", "Kept")]).await;
    assert_eq!(refused.status, 413);
    let beside = beside(&refused, "csv_file");
    assert!(beside.contains("are more than 3 MB"), "{beside}");
    assert!(refused.text.contains("value=\"Kept\""));

    let larger = format!("id,text\n{}", rows(220));
    let refused = send_csv(&browser, "q.csv", larger.as_bytes(), &[]).await;
    assert_eq!(refused.status, 413);
    for told in ["The form is too large", "more than 6 MB", "at most 3 MB", "Back to the form"] {
        assert!(refused.text.contains(told), "{told}: {refused:?}");
    }
    assert!(refused.text.contains("action=\"/sign-out\""), "whoever is signed in stays so");
    assert_eq!(jobs(&here).await, [] as [Value; 0]);
}
