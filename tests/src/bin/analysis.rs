//! `cargo run --release -p beacon-tests --bin analysis`: what the analysis of a job of written rows takes
//! on the embedded table, by time and by units.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use beacon_aws::{Clock, Meter, Table};
use beacon_coordinator::Coordinator;
use beacon_core::Run;
use beacon_core::execution::Outcome;
use beacon_infra::{AccessSettings, DataDir, Duty, Local, Stack, StackOptions};
use beacon_tests::signed::signer;
use beacon_tests::written::{Written, answered, completions, words};
use clap::Parser;
use serde_json::{Value, json};

#[derive(Debug, Parser)]
struct Options {
    /// A directory that may be filled.
    data: std::path::PathBuf,
    #[arg(long, default_value_t = 200)]
    questions: usize,
    #[arg(long, default_value_t = 10)]
    models: usize,
    /// Bytes of an answer.
    #[arg(long, default_value_t = 400)]
    bytes: usize,
}

const REGIONS: [&str; 10] =
    ["us-east", "eu-west", "asia-pacific", "r-3", "r-4", "r-5", "r-6", "r-7", "r-8", "r-9"];

fn document(options: &Options) -> Value {
    let questions: Vec<Value> = (0..options.questions)
        .map(|n| json!({"id": format!("q{n}"), "text": format!("What is {n}?")}))
        .collect();
    let models: Vec<String> = (0..options.models).map(|n| format!("model-{n}")).collect();
    json!({
        "questions": questions, "models": models, "regions": REGIONS, "system_prompt": "none",
        "questions_in_flight": 9,
    })
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement says what it found")]
async fn main() -> ExitCode {
    let options = Options::parse();
    let stack = Box::pin(Stack::start(StackOptions {
        data: DataDir::open(&options.data).unwrap(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        duty: Duty::Read,
        access: AccessSettings::default(),
    }))
    .await
    .unwrap();
    let running = stack.running();
    let local = Local { dynamodb: running.dynamodb.clone(), sqs: running.sqs.clone() };
    let table = |meter| Table::new(local.dynamodb(), Local::TABLE.to_owned(), meter);

    let id = format!("measured-{}", std::process::id());
    let written = Written::submit(&table(Arc::new(Meter::off())), &id, &document(&options)).await;
    let begun = Instant::now();
    written.run(Run::FIRST, |id| answered(Outcome::Text, words(id, options.bytes))).await;
    let job = written.end().await;
    println!("{} rows written in {:?}", job.expected, begun.elapsed());

    let meter = Arc::new(Meter::on());
    meter.begin(&job.id, 0.0);
    let coordinator = Coordinator {
        signer: signer(),
        table: table(Arc::clone(&meter)),
        clock: Clock::System,
        longest: Duration::MAX,
    };
    let begun = Instant::now();
    let response = coordinator.handle(completions(&[&job])).await;
    let took = begun.elapsed();
    assert!(response.batch_item_failures.is_empty() && written.job().await.analysis.due.is_none());
    let usage = meter.of(&job.id).unwrap();
    println!("analysed in {took:?}: {} write units beside the job's own item", usage.write_units);
    println!("{} read units of rows", read_units(&local, &job.id.to_string(), "Q#").await);
    println!(
        "{} read units of verdicts, for whoever reads all",
        read_units(&local, &id, "V#").await
    );
    let begun = Instant::now();
    let found = written_findings(&written, &table(Arc::new(Meter::off()))).await;
    println!("{found} bytes of findings as JSON, read in {:?}", begun.elapsed());
    println!("memory at most: {}", peak());
    stack.stop().await;
    ExitCode::SUCCESS
}

#[expect(clippy::unwrap_used, reason = "a measurement fails by panicking")]
async fn written_findings(written: &Written, table: &Table) -> usize {
    let found = table.findings(&written.id, Run::FIRST).await.unwrap().unwrap();
    serde_json::to_vec(&found).unwrap().len()
}

#[expect(clippy::unwrap_used, reason = "a measurement fails by panicking")]
async fn read_units(local: &Local, job: &str, prefix: &str) -> f64 {
    let client = local.dynamodb();
    let mut units = 0.0;
    for region in REGIONS {
        let query = client
            .query()
            .table_name(Local::TABLE)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", AttributeValue::S(format!("JOB#{job}#{region}")))
            .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut pages = query.into_paginator().send();
        while let Some(page) = pages.next().await {
            units += page.unwrap().consumed_capacity.unwrap().capacity_units.unwrap();
        }
    }
    units
}

/// Of the whole process, the table's server and the rows' writer included.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or("unknown").trim().to_owned()
}
