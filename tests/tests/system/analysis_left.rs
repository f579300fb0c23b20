//! Analyses that are left at a place and gone on with, what is not theirs, and what they leave behind.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use beacon_analysis::classify::Classifier;
use beacon_aws::{Clock, Table};
use beacon_coordinator::Coordinator;
use beacon_core::job::{EndCause, Job};
use beacon_core::prompt::hex;
use beacon_core::{QuestionIndex, Region, Run};
use beacon_infra::Local;
use beacon_tests::signed::signer;
use beacon_tests::written::Written;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::analysis::{coordinator, handled, mixed, spec, verdicts};
use crate::faulty::{Fault, faulty};
use crate::here::Here;

/// One that leaves as soon as it may.
fn hasty(table: Table) -> Coordinator {
    Coordinator { table, signer: signer(), clock: Clock::System, longest: Duration::ZERO }
}

/// Of two hundred executions a question, so that ten questions are stored together.
pub(crate) fn sampled(questions: u32) -> Value {
    let mut document = spec(questions);
    (document["models"], document["samples"]) = (json!(["m"]), json!(100));
    document
}

/// A job none of whose pairs has a row.
pub(crate) async fn ended(table: &Table, id: &str, document: &Value) -> Written {
    let written = Written::submit(table, id, document).await;
    let now = beacon_aws::clock::now();
    table.close_run(&written.id, Run::FIRST, &EndCause::Deadline, now).await.unwrap();
    written.end().await;
    written
}

/// What is stored of the job's analyses, by sort key.
async fn stored(here: &Here, job: &Job) -> Vec<(String, HashMap<String, AttributeValue>)> {
    let query = here.local().dynamodb().query().table_name(Local::TABLE);
    let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :prefix)");
    let query = query
        .expression_attribute_values(":pk", AttributeValue::S(format!("JOB#{}", job.id)))
        .expression_attribute_values(":prefix", AttributeValue::S("ANALYSIS#".to_owned()));
    let items = query.send().await.unwrap().items.unwrap();
    items.into_iter().map(|item| (item["sk"].as_s().unwrap().clone(), item)).collect()
}

async fn set(here: &Here, job: &Job, sk: &str, name: &str, value: AttributeValue) {
    let update = here.local().dynamodb().update_item().table_name(Local::TABLE);
    let update = update
        .key("pk", AttributeValue::S(format!("JOB#{}", job.id)))
        .key("sk", AttributeValue::S(sk.to_owned()))
        .update_expression("SET #name = :value")
        .expression_attribute_names("#name", name)
        .expression_attribute_values(":value", value);
    update.send().await.unwrap();
}

#[tokio::test]
async fn an_analysis_longer_than_an_invocation_goes_on_in_the_next_ones() {
    let here = Here::idle().await;
    let table = here.table();
    let written = ended(&table, "long", &sampled(25)).await;
    let job = written.job().await;
    for parts in 1..=2 {
        let fault = Fault::counting();
        assert!(handled(&hasty(faulty(&here.local(), fault.clone())), &[&job]).await.is_empty());
        // The first stores the key and the root too.
        let puts = if parts == 1 { 3 } else { 1 };
        assert_eq!((fault.puts(), stored(&here, &job).await.len()), (puts, parts));
        let due = written.job().await.analysis.due.unwrap();
        // It is free, and is no try that failed.
        assert_eq!((due.tries, due.held_until), (0, None));
        assert_eq!(table.findings(&job.id, job.run).await.unwrap(), None);
        assert_eq!(table.unanalysed().await.unwrap(), std::slice::from_ref(&job.id));
    }
    assert!(handled(&hasty(table.clone()), &[&job]).await.is_empty());
    assert_eq!(written.job().await.analysis.due, None);
    let found = table.findings(&job.id, job.run).await.unwrap().unwrap();
    assert_eq!(found.denominators.planned, 25 * 200);
}

#[tokio::test]
async fn what_an_earlier_analysis_stored_expires_and_what_counts_does_not() {
    let here = Here::idle().await;
    let table = here.table();
    let written = ended(&table, "again", &sampled(25)).await;
    let coordinator = coordinator(table.clone());
    handled(&coordinator, &[&written.job().await]).await;
    // Another is asked for and left half done, and then a third.
    table.ask_analysis(&written.id).await.unwrap();
    handled(&hasty(table.clone()), &[&written.job().await]).await;
    table.ask_analysis(&written.id).await.unwrap();
    let job = written.job().await;
    handled(&coordinator, &[&job]).await;
    let day = beacon_aws::clock::now().as_second() + 24 * 60 * 60;
    let (mut expiring, mut kept) = (0, 0);
    for (sk, item) in stored(&here, &job).await {
        let is_earlier = ["ANALYSIS#1#0000000000-", "ANALYSIS#1#0000000001-"]
            .iter()
            .any(|of| sk.starts_with(of));
        if let Some(at) = item.get("expires_at") {
            let at: i64 = at.as_n().unwrap().parse().unwrap();
            assert!(is_earlier && (day - 600..=day).contains(&at), "{sk}: {at}");
            expiring += 1;
        } else {
            assert!(!is_earlier, "{sk}");
            kept += 1;
        }
    }
    // Three parts and findings, one part; three parts, findings and what makes them count.
    assert_eq!((expiring, kept), (4 + 1, 5));
    assert!(table.findings(&job.id, job.run).await.unwrap().is_some());
}

#[tokio::test]
async fn what_cannot_be_read_is_made_again() {
    let here = Here::idle().await;
    let table = here.table();
    let written = ended(&table, "other", &sampled(25)).await;
    let job = written.job().await;
    for _part in 0..2 {
        handled(&hasty(table.clone()), &[&job]).await;
    }
    let (first, _) = stored(&here, &job).await.remove(0);
    set(&here, &job, &first, "aggregates", AttributeValue::B(Blob::new("?"))).await;
    handled(&coordinator(table.clone()), &[&job]).await;
    let found = table.findings(&job.id, job.run).await.unwrap().unwrap();
    assert_eq!(found.denominators.planned, 25 * 200);
    // An analysis in other shapes than these is none, until it was made anew.
    set(&here, &job, "ANALYSIS#1", "format", AttributeValue::N("0".to_owned())).await;
    assert_eq!(table.findings(&job.id, job.run).await.unwrap(), None);
    table.ask_analysis(&job.id).await.unwrap();
    handled(&coordinator(table.clone()), &[&written.job().await]).await;
    assert!(table.findings(&job.id, job.run).await.unwrap().is_some());
}

#[tokio::test]
async fn a_job_that_could_not_be_given_its_final_status_keeps_no_other_from_its_analysis() {
    let here = Here::idle().await;
    let table = here.table();
    let bad = Written::submit(&table, "bad", &spec(2)).await;
    let good = Written::submit(&table, "good", &spec(2)).await;
    for job in [&bad, &good] {
        job.run(Run::FIRST, mixed).await;
    }
    let (bad_job, good_job) = (bad.job().await, good.job().await);
    set(&here, &bad_job, "LANE#us-east#0", "state", AttributeValue::S("?".to_owned())).await;
    assert_eq!(handled(&coordinator(table.clone()), &[&bad_job, &good_job]).await, ["bad"]);
    assert!(!bad.job().await.status.is_final());
    let good_job = good.job().await;
    assert!(good_job.status.is_final());
    assert_eq!(good_job.analysis.due, None);
    assert!(table.findings(&good_job.id, good_job.run).await.unwrap().is_some());
}

#[tokio::test]
async fn judgements_that_cannot_be_read_are_made_anew() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "judged", &spec(2)).await;
    written.run(Run::FIRST, mixed).await;
    let job = written.end().await;
    let coordinator = coordinator(table.clone());
    handled(&coordinator, &[&job]).await;
    let before = verdicts(&table, &job.id, "us-east").await;
    assert_eq!(before.len(), 4);

    let text = |text: &str| AttributeValue::S(text.to_owned());
    let rules = &Classifier::built_in().rules().0;
    let put = here.local().dynamodb().put_item().table_name(Local::TABLE);
    let put = put.item("pk", text("JOB#judged#us-east"));
    let put = put.item("sk", text(&format!("V#000001#RULES#{rules}")));
    put.item("judged", AttributeValue::B(Blob::new("?"))).send().await.unwrap();
    let region = Region::new("us-east").unwrap();
    let read = table.verdicts(&job.id, &region, QuestionIndex(0), QuestionIndex(2)).await;
    let error = beacon_aws::chain(&read.unwrap_err());
    assert!(error.starts_with("the judgements of job `judged` cannot be read"), "{error}");

    table.ask_analysis(&job.id).await.unwrap();
    assert!(handled(&coordinator, &[&written.job().await]).await.is_empty());
    assert_eq!(written.job().await.analysis.due, None);
    assert_eq!(verdicts(&table, &job.id, "us-east").await, before);
}

#[tokio::test]
async fn findings_larger_than_an_item_are_stored_whole() {
    let here = Here::idle().await;
    let table = here.table();
    let written = ended(&table, "large", &spec(2)).await;
    handled(&coordinator(table.clone()), &[&written.job().await]).await;
    let job = written.job().await;
    let of = table.analysis(&job.id, job.run).await.unwrap().unwrap();
    let mut findings = table.findings(&job.id, job.run).await.unwrap().unwrap();
    assert_eq!(of.parts, 1);
    // Sentences that nothing makes shorter.
    let hashes = (0..16_000_u32).map(|n| Sha256::digest(n.to_be_bytes()));
    findings.summary = hashes.map(|hash| hex(&hash)).collect();
    table.put_analysis(&job.id, of, &findings).await.unwrap();
    let stored_of = table.analysis(&job.id, job.run).await.unwrap().unwrap();
    let parts: Vec<_> = stored(&here, &job).await;
    let parts: Vec<_> = parts.into_iter().filter(|(sk, _)| sk.contains("#F#")).collect();
    assert_eq!(parts.len(), usize::from(stored_of.parts));
    assert!(parts.len() >= 2, "{} parts", parts.len());
    assert_eq!(table.findings(&job.id, job.run).await.unwrap(), Some(findings));
    // Without one of them there are none.
    let (_, last) = parts.into_iter().next_back().unwrap();
    let delete = here.local().dynamodb().delete_item().table_name(Local::TABLE);
    let delete = delete.key("pk", last["pk"].clone()).key("sk", last["sk"].clone());
    delete.send().await.unwrap();
    let error = table.findings(&job.id, job.run).await.unwrap_err();
    let told =
        "the findings of job `large` cannot be read or written: attribute `findings` is missing";
    assert!(beacon_aws::chain(&error).starts_with(told), "{error:?}");
}
