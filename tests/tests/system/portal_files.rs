//! What the portal lets one keep of a job: the bytes are those of the export and of the API.

use beacon_analysis::export::{Csv, Screen, escaped};
use beacon_core::Run;
use beacon_core::execution::Outcome;
use beacon_core::view::ExecutionView;
use beacon_tests::written::{Written, answered};
use serde_json::json;

use crate::browser::{Browser, Page};
use crate::here::{Here, eventually, main_job};

/// What the command line makes of the API's executions.
async fn exported(here: &Here, job: &str) -> (String, String) {
    let views: Vec<ExecutionView> = here
        .api
        .executions(job)
        .await
        .into_iter()
        .map(|view| serde_json::from_value(view).unwrap())
        .collect();
    let (mut lines, mut bytes) = (String::new(), Vec::new());
    let mut csv = Csv::new(&mut bytes, Screen::None).unwrap();
    for view in &views {
        lines += &escaped(&serde_json::to_string(view).unwrap());
        lines.push('\n');
        csv.write(view).unwrap();
    }
    csv.flush().unwrap();
    drop(csv);
    (lines, String::from_utf8(bytes).unwrap())
}

/// All parts of a file, one behind the other, and how many there were.
async fn whole(browser: &Browser, file: &str) -> (String, usize) {
    let (mut path, mut whole, mut parts) = (file.to_owned(), String::new(), 0);
    loop {
        let part = browser.get(&path).await;
        assert_eq!(part.status, 200, "{path}");
        assert!(
            part.header("content-disposition").starts_with("attachment; filename=\""),
            "{path}"
        );
        // A function answers with a text within JSON.
        let sent = serde_json::to_string(&part.text).unwrap().len();
        assert!(sent < 6_000_000, "{path} has {sent} bytes");
        whole += &part.text;
        parts += 1;
        match part.headers.get("beacon-next") {
            Some(next) => next.to_str().unwrap().clone_into(&mut path),
            None => return (whole, parts),
        }
    }
}

#[tokio::test]
async fn files_are_what_the_export_writes() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    here.api.run(&main_job("kept")).await;
    here.api.findings("kept").await;
    let page = browser.get("/jobs/kept/files").await;
    assert_eq!(page.status, 200);
    for file in ["report.html", "executions.csv", "executions.jsonl", "bundle.jsonl"] {
        assert!(
            page.text.contains(&format!("href=\"/jobs/kept/files/{file}\"")),
            "{file}: {page:?}"
        );
    }
    let keys = here.api.get("keys").await;
    let key = keys["keys"][0]["public_key"].as_str().unwrap();
    let command = format!("beacon verify bundle.jsonl --key {key}");
    assert!(page.text.contains(&command), "{command}: {page:?}");
    let (lines, table) = exported(&here, "kept").await;
    assert_eq!(whole(&browser, "/jobs/kept/files/executions.jsonl").await, (lines, 1));
    assert_eq!(whole(&browser, "/jobs/kept/files/executions.csv").await, (table, 1));

    let (report, _) = whole(&browser, "/jobs/kept/files/report.html").await;
    assert!(report.starts_with("<!DOCTYPE html>") && report.contains("SIMULATED"));
    assert!(report.contains("Who was the greatest leader"), "answers are shown");

    let bundle = eventually("a root", async || {
        let bundle = browser.get("/jobs/kept/files/bundle.jsonl").await;
        (bundle.status == 200).then_some(bundle.text)
    })
    .await;
    let of_api = here.api.request("GET", "/api/v1/jobs/kept/bundle");
    let of_api = crate::here::answered(of_api).await;
    assert_eq!(of_api.status, 200, "{of_api:?}");
    assert_eq!(bundle, of_api.text);
}

#[tokio::test]
async fn a_large_file_comes_in_parts_that_are_the_whole() {
    let here = Here::idle().await;
    let browser = Browser::signed_in(&here).await;
    let questions: Vec<_> =
        (0..100).map(|n| json!({"id": format!("q{n}"), "text": "Why?"})).collect();
    let document = json!({"questions": questions, "models": ["m"], "regions": ["US"]});
    let job = Written::submit(&here.table(), "large", &document).await;
    // What a spreadsheet would run, what steers a terminal, and much of it.
    let text = |question: u32| format!("=1+1 {question} \u{202e}\"\r\n{}", "word ".repeat(12_000));
    job.run(Run::FIRST, |id| answered(Outcome::Text, text(id.question.0))).await;
    let (lines, table) = exported(&here, "large").await;
    let (whole_lines, parts) = whole(&browser, "/jobs/large/files/executions.jsonl").await;
    assert!(parts > 2, "{parts} parts");
    assert!(whole_lines == lines, "the lines are others");
    let (whole_table, _) = whole(&browser, "/jobs/large/files/executions.csv").await;
    assert!(whole_table == table, "the rows are others");
    assert_eq!(whole_table.matches("execution_id,job_id").count(), 1);

    // Without scripts one goes from part to part.
    let next = |page: &Page| {
        let link = page.text.split("<a href=\"").find(|rest| rest.contains("To the next part"));
        link.map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
    };
    let mut page = browser.get("/jobs/large/files/executions.jsonl?parts=1").await;
    let (mut by_hand, mut number) = (String::new(), 0);
    loop {
        assert_eq!(page.status, 200);
        if page.text.contains("This is the last part") {
            break;
        }
        let link = page.text.split("class=\"button\" href=\"").nth(1).unwrap();
        let link = link.split('"').next().unwrap().replace("&amp;", "&");
        let part = browser.get(&link).await;
        number += 1;
        let name = part.header("content-disposition");
        assert!(number == 1 || name.contains(&format!("part-{number}-")), "{name}");
        by_hand += &part.text;
        let looked = browser.get(&next(&page).unwrap()).await;
        assert_eq!(looked.status, 303);
        page = browser.get(looked.to()).await;
    }
    assert_eq!(number, parts);
    assert!(by_hand == lines, "the parts are others");
}

#[tokio::test]
async fn a_part_of_what_is_written_longer_than_it_is_still_fits() {
    let here = Here::idle().await;
    let browser = Browser::signed_in(&here).await;
    let questions: Vec<_> =
        (0..30).map(|n| json!({"id": format!("q{n}"), "text": "Why?"})).collect();
    let document = json!({"questions": questions, "models": ["m"], "regions": ["US"]});
    let job = Written::submit(&here.table(), "steering", &document).await;
    let text = "\u{202e}".repeat(80_000);
    job.run(Run::FIRST, |_| answered(Outcome::Text, text.clone())).await;
    let (lines, _) = exported(&here, "steering").await;
    let (whole_lines, _) = whole(&browser, "/jobs/steering/files/executions.jsonl").await;
    assert!(whole_lines == lines, "the lines are others");
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let here = Here::idle().await;
    let browser = Browser::signed_in(&here).await;
    let document = json!({"questions": ["math_basic"], "models": ["m"], "regions": ["US"]});
    Written::submit(&here.table(), "open", &document).await;
    let page = browser.get("/jobs/open/files").await;
    assert!(
        page.text.contains("has not ended")
            && !page.text.contains("href=\"/jobs/open/files/report")
    );
    // One that has ended and that nobody has signed for.
    let job = Written::submit(&here.table(), "ended", &document).await;
    job.run(Run::FIRST, |_| answered(Outcome::Text, "4")).await;
    job.end().await;
    let page = browser.get("/jobs/ended/files").await;
    assert!(
        !page.text.contains("href=\"/jobs/ended/files/bundle") && page.text.contains("signed for"),
        "{page:?}"
    );
    for (path, status) in [
        ("/jobs/open/files/report.html", 409),
        ("/jobs/open/files/bundle.jsonl", 409),
        ("/jobs/open/files/executions.csv?part=x", 400),
        ("/jobs/open/files/bundle.jsonl?run=0", 400),
        ("/jobs/none/files", 404),
        ("/jobs/none/files/executions.csv", 404),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, status, "{path}");
        assert!(page.text.contains("<h1>"), "{path}: {page:?}");
    }
}
