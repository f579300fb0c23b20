//! Pages of jobs of several samples, of a second run, and of one that nobody had analysed: what they say is what
//! the API says.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use beacon_core::execution::{Ending, Outcome};
use beacon_core::{ExecutionId, Run};
use beacon_infra::Local;
use beacon_tests::written::{Written, answered, failed};
use serde_json::{Value, json};

use crate::analysis::{coordinator, handled, spec};
use crate::analysis_again::retried;
use crate::browser::{Browser, Page};
use crate::here::{Here, eventually, main_job};

const ANSWER: &str = "The answer is four, as everybody says.";
const REFUSAL: &str = "I'm sorry, but I cannot help with that.";

fn sampled() -> Value {
    let mut document = spec(2);
    document["samples"] = json!(3);
    document
}

/// The third sample of eu-west fails, and model b refuses once in three in us-east.
fn first(id: &ExecutionId) -> Ending {
    match (id.region.as_str(), id.model.as_str(), id.sample.0) {
        ("eu-west", _, 2) => failed(),
        ("us-east", "b", 0) => answered(Outcome::Text, REFUSAL),
        _ => answered(Outcome::Text, ANSWER),
    }
}

/// Of those that failed all are answered but those of model a.
fn second(id: &ExecutionId) -> Ending {
    match (id.region.as_str(), id.model.as_str(), id.sample.0) {
        ("eu-west", "b", 2) => answered(Outcome::Text, ANSWER),
        _ => first(id),
    }
}

/// The counts by status on a job's page, as they stand there.
fn counts(page: &Page) -> BTreeMap<String, u64> {
    let attribute = |part: &str, name: &str| {
        let (_, rest) = part.split_once(&format!("{name}=\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let parts = page.text.split("<li").filter(|part| part.contains("data-count"));
    parts
        .map(|part| {
            (attribute(part, "data-status"), attribute(part, "data-count").parse().unwrap())
        })
        .collect()
}

/// What the matrix says in words of each cell.
fn cells(page: &Page) -> Vec<String> {
    let cells = page.text.split("<td class=\"").skip(1);
    cells
        .map(|cell| {
            let (_, label) = cell.split_once("aria-label=\"").unwrap();
            label.split('"').next().unwrap().to_owned()
        })
        .collect()
}

async fn as_the_api_counts(here: &Here, browser: &Browser, job: &str) -> Page {
    let page = browser.get(&format!("/jobs/{job}")).await;
    let of_api: BTreeMap<String, u64> =
        serde_json::from_value(here.api.job(job).await["counts"].clone()).unwrap();
    assert_eq!(counts(&page), of_api, "{page:?}");
    page
}

async fn twice(here: &Here) -> Written {
    let written = Written::submit(&here.table(), "again", &sampled()).await;
    written.run(Run::FIRST, first).await;
    let job = written.end().await;
    retried(&here.table(), &job).await;
    written
}

#[tokio::test]
async fn pages_of_a_second_run_say_what_the_api_says_of_it() {
    let here = Here::idle().await;
    let browser = Browser::signed_in(&here).await;
    let written = twice(&here).await;
    let page = as_the_api_counts(&here, &browser, "again").await;
    assert!(page.text.contains("<span>run 2</span>"), "{page:?}");
    assert!(page.text.contains("24 executions"), "{page:?}");
    assert!(page.text.contains("has not begun yet in 2 of 2 regions"), "{page:?}");
    assert!(page.text.contains("A retry was accepted"), "{page:?}");

    written.run(written.job().await.run, second).await;
    let job = written.end().await;
    assert!(handled(&coordinator(here.table()), &[&job]).await.is_empty());
    let page = as_the_api_counts(&here, &browser, "again").await;
    assert_eq!(counts(&page)["failed"], 2, "{page:?}");
    assert!(page.text.contains("Run 2: it took"), "{page:?}");
    assert_eq!(page.text.split("class=\"runs\"").nth(1).unwrap().matches("<li value=").count(), 2);

    for execution in here.api.executions("again").await {
        let of = execution["id"].as_str().unwrap();
        let page = browser.get(&format!("/executions/{of}")).await;
        let run = format!("<dt>Run</dt><dd>{}", execution["run"]);
        assert!(page.text.contains(&run), "{run} {page:?}");
        let said =
            execution["verdict"]["verdict"].as_str().or(execution["failure"]["code"].as_str());
        let said = said.unwrap_or_else(|| panic!("{execution}"));
        let section = if execution["verdict"].is_null() { "failure" } else { "verdict" };
        let (_, of_section) = page.text.split_once(&format!("id=\"{section}\"")).unwrap();
        let of_section = of_section.split("</section>").next().unwrap();
        assert!(of_section.contains(&format!("{said}<")), "{said} {of_section}");
    }
}

#[tokio::test]
async fn a_cell_of_several_samples_says_how_many_of_each_and_each_can_be_compared() {
    let here = Here::idle().await;
    let browser = Browser::signed_in(&here).await;
    let written = Written::submit(&here.table(), "sampled", &sampled()).await;
    written.run(Run::FIRST, first).await;
    let job = written.end().await;
    let by_status = cells(&browser.get("/jobs/sampled/matrix").await);
    assert_eq!(by_status.len(), 8);
    for cell in &by_status {
        let (pair, told) = cell.split_once(": ").unwrap();
        let is_of_eu = pair.ends_with("eu-west");
        assert_eq!(told, if is_of_eu { "2 completed, 1 failed" } else { "completed" }, "{pair}");
    }

    assert!(handled(&coordinator(here.table()), &[&job]).await.is_empty());
    let by_verdict = cells(&browser.get("/jobs/sampled/matrix").await);
    assert_eq!(by_verdict.len(), 8);
    for cell in &by_verdict {
        let expected = match cell.split_once(": ").unwrap().0 {
            "a, us-east" => "a, us-east: answered",
            "b, us-east" => "b, us-east: 2 answered, 1 refused",
            "a, eu-west" => "a, eu-west: 2 answered, 1 failed",
            _ => "b, eu-west: 2 answered, 1 failed",
        };
        assert_eq!(cell, expected);
    }

    let beside = "all models and regions";
    for (filter, is_said) in [("", false), ("?model=a", true), ("?region=us-east", true)] {
        let page = browser.get(&format!("/jobs/sampled/matrix{filter}")).await;
        assert_eq!(page.text.contains(beside), is_said, "{filter}: {page:?}");
    }

    let (one, other) = ("sampled.0.us-east.0.b", "sampled.0.us-east.1.b");
    let question = browser.get("/jobs/sampled/questions/0").await;
    for id in written.pairs().iter().filter(|id| id.question.0 == 0) {
        assert!(question.text.contains(&format!("href=\"/executions/{id}\"")), "{id}");
        assert!(question.text.contains(&format!("<option value=\"{id}\"")), "{id} {question:?}");
    }
    let address = format!("/jobs/sampled/questions/0?baseline={one}&with={other}");
    let compared = browser.get(&address).await;
    for (id, name) in [(one, "baseline"), (other, "with")] {
        let chosen = format!("<option value=\"{id}\" selected>");
        assert!(compared.text.contains(&chosen), "{name}: {compared:?}");
    }
    let columns = compared.text.split("class=\"side-by-side\"").nth(1).unwrap();
    let names: Vec<&str> =
        columns.split("<h3>").skip(1).map(|name| name.split("</h3>").next().unwrap()).collect();
    assert_eq!(names.len(), 2, "{columns}");
    for (name, sample) in names.iter().zip(["sample 0", "sample 1"]) {
        assert!(name.contains(sample), "{name}");
    }
}

/// Takes away what an analysis stored, as if none had ever been.
async fn unanalysed(here: &Here, job: &str) {
    let pk = AttributeValue::S(format!("JOB#{job}"));
    let client = here.local().dynamodb();
    let query = client.query().table_name(Local::TABLE);
    let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :prefix)");
    let query = query
        .expression_attribute_values(":pk", pk.clone())
        .expression_attribute_values(":prefix", AttributeValue::S("ANALYSIS#".to_owned()));
    let stored = query.send().await.unwrap().items.unwrap();
    assert!(!stored.is_empty());
    for item in stored {
        let delete = client.delete_item().table_name(Local::TABLE);
        let delete = delete.key("pk", pk.clone()).key("sk", item["sk"].clone());
        delete.send().await.unwrap();
    }
}

#[tokio::test]
async fn what_nobody_had_analysed_is_analysed_by_a_button() {
    let here = Here::simulated("[0, 0]").await;
    let browser = Browser::signed_in(&here).await;
    here.api.run(&main_job("old")).await;
    here.api.findings("old").await;
    unanalysed(&here, "old").await;
    let matrix = browser.get("/jobs/old/matrix").await;
    assert!(matrix.text.contains("were not analysed"), "{matrix:?}");
    let page = browser.get("/jobs/old/findings").await;
    assert!(page.text.contains("action=\"/jobs/old/classify\""), "{page:?}");

    let asked = browser.post("/jobs/old/classify", &[]).await;
    assert_eq!((asked.status, asked.to()), (303, "/jobs/old/findings"));
    eventually("findings", async || {
        let found = browser.get("/jobs/old/findings").await;
        found.text.contains("<section id=\"summary\"").then_some(())
    })
    .await;
}
