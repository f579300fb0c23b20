//! The analysis of a final job: what is stored of it, and what of it survives whatever happens.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use beacon_analysis::classify::Classifier;
use beacon_analysis::findings::Findings;
use beacon_aws::{AnalysisAsked, Clock, QueueName, Table, Verdicts};
use beacon_coordinator::Coordinator;
use beacon_core::execution::{Ending, Outcome};
use beacon_core::job::{Job, JobStatus};
use beacon_core::reconcile::Occasion;
use beacon_core::verdict::{Label, Verdict};
use beacon_core::{ExecutionId, JobId, QuestionIndex, Region, Run};
use beacon_infra::Local;
use beacon_reconciler::ScheduleEvent;
use beacon_tests::signed::signer;
use beacon_tests::written::{Written, answered, completions, failed};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::faulty::{Fault, faulty};
use crate::here::{Here, eventually, main_job};

const ALL: QuestionIndex = QuestionIndex(u32::MAX);

pub(crate) fn spec(questions: u32) -> Value {
    let questions: Vec<Value> =
        (0..questions).map(|n| json!({"id": format!("q{n}"), "text": format!("{n}?")})).collect();
    json!({"questions": questions, "models": ["a", "b"], "regions": ["US", "EU"]})
}

/// A text, and in eu-west of model b in turn what is none.
pub(crate) fn mixed(id: &ExecutionId) -> Ending {
    let text = || answered(Outcome::Text, format!("The answer to {}.", id.question.0));
    match (id.region.as_str(), id.model.as_str(), id.question.0 % 6) {
        ("eu-west", "b", 0) => answered(Outcome::Empty, " "),
        ("eu-west", "b", 1) => answered(Outcome::Blocked, "I cannot help with that."),
        ("eu-west", "b", 2) => failed(),
        ("eu-west", "b", 3) => answered(Outcome::Truncated, "The answer is"),
        ("eu-west", "b", 4) => answered(Outcome::Truncated, ""),
        ("eu-west", "a", _) => answered(Outcome::Text, "I cannot help with that."),
        _ => text(),
    }
}

pub(crate) fn coordinator(table: Table) -> Coordinator {
    Coordinator { table, signer: signer(), clock: Clock::System, longest: Duration::MAX }
}

/// One whose clock is so many minutes ahead.
pub(crate) fn later(table: Table, minutes: i64) -> Coordinator {
    let ahead = SignedDuration::from_mins(minutes);
    let clock = Clock::Runtime { origin: beacon_aws::clock::now(), began: Instant::now(), ahead };
    Coordinator { table, signer: signer(), clock, longest: Duration::MAX }
}

/// The messages that come back.
pub(crate) async fn handled(coordinator: &Coordinator, jobs: &[&Job]) -> Vec<String> {
    let response = coordinator.handle(completions(jobs)).await;
    let failures = response.batch_item_failures.into_iter();
    failures.map(|failure| failure.item_identifier).collect()
}

pub(crate) async fn verdicts(table: &Table, job: &JobId, region: &str) -> Verdicts {
    let region = Region::new(region).unwrap();
    table.verdicts(job, &region, QuestionIndex(0), QuestionIndex(100_000)).await.unwrap()
}

async fn found(table: &Table, job: &Job) -> Option<Findings> {
    table.findings(&job.id, job.run).await.unwrap()
}

/// Letters of the aggregates, each how often.
async fn letters(table: &Table, job: &Job) -> BTreeMap<char, u64> {
    let aggregates = table.aggregates(&job.id, job.run, QuestionIndex(0), ALL).await.unwrap();
    let mut letters = BTreeMap::new();
    for letter in aggregates.iter().flat_map(|of| &of.cells).flat_map(|cell| cell.samples.chars()) {
        *letters.entry(letter).or_default() += 1;
    }
    letters
}

#[tokio::test]
async fn a_job_that_ran_is_analysed() {
    let here = Here::simulated("[0, 0]").await;
    let view = here.api.run(&main_job("ran")).await;
    let (table, id) = (here.table(), JobId::new("ran").unwrap());
    let job = eventually("an analysis", async || {
        table.job(&id).await.unwrap().filter(|job| job.analysis.due.is_none())
    })
    .await;
    let found = found(&table, &job).await.unwrap();
    assert_eq!(found.denominators.planned, 72);
    assert_eq!(found.denominators.completed, view["counts"]["completed"].as_u64().unwrap());
    assert_eq!(letters(&table, &job).await.values().sum::<u64>(), 72);
    let mut texts = 0;
    for region in ["us-east", "eu-west", "asia-pacific"] {
        texts += verdicts(&table, &id, region).await.len();
    }
    let rows = here.api.executions("ran").await;
    let has_text = |row: &&Value| row["outcome"] == "text" || row["outcome"] == "truncated";
    assert_eq!(texts, rows.iter().filter(has_text).count());
    assert!(table.unanalysed().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_no_text_has_no_verdict_and_counts_as_what_it_is() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "mixed", &spec(12)).await;
    written.run(Run::FIRST, mixed).await;
    let job = written.end().await;
    assert!(job.analysis.due.is_some());
    assert!(table.open_jobs().await.unwrap().is_empty());
    assert_eq!(table.unanalysed().await.unwrap(), std::slice::from_ref(&job.id));
    assert!(handled(&coordinator(table.clone()), &[&job]).await.is_empty());
    assert!(table.unanalysed().await.unwrap().is_empty());

    let expected = BTreeMap::from([('0', 4), ('A', 28), ('B', 2), ('F', 2), ('R', 12)]);
    assert_eq!(letters(&table, &job).await, expected);
    let denominators = found(&table, &job).await.unwrap().denominators;
    assert_eq!((denominators.planned, denominators.failed, denominators.open), (48, 2, 0));
    let of_eu = verdicts(&table, &job.id, "eu-west").await;
    let b: Vec<u32> = of_eu.keys().filter(|key| key.1.as_str() == "b").map(|key| key.0.0).collect();
    assert_eq!(b, [3, 5, 9, 11], "{of_eu:?}");
    for (pair, view) in &of_eu {
        let refused = pair.1.as_str() == "a";
        assert_eq!(view.verdict == Verdict::Refused, refused, "{pair:?}");
        assert_eq!((&view.rules, &view.label), (Classifier::built_in().rules(), &None));
    }
    // Windows of questions.
    let window = async |from, until| {
        let (from, until) = (QuestionIndex(from), QuestionIndex(until));
        let of = table.aggregates(&job.id, job.run, from, until).await.unwrap();
        of.iter().map(|of| of.question.0).collect::<Vec<u32>>()
    };
    assert_eq!(window(3, 5).await, [3, 4]);
    assert_eq!(window(11, 40).await, [11]);
    assert!(window(12, 40).await.is_empty() && window(5, 5).await.is_empty());
}

#[tokio::test]
async fn a_job_whose_message_was_lost_is_analysed_after_the_reconciler_came_by() {
    let here = Here::idle().await;
    let (table, queues) = (here.table(), here.queues().await);
    let written = Written::submit(&table, "lost", &spec(2)).await;
    written.run(Run::FIRST, mixed).await;
    let job = written.end().await;
    let reconciler = here.reconciler().await;
    let sent = async |seconds, occasion| {
        let time = beacon_aws::clock::now() + SignedDuration::from_secs(seconds);
        reconciler.handle(ScheduleEvent { time }, occasion).await.unwrap();
        queues.state(QueueName::Completion).await.unwrap().unwrap().visible
    };
    // Its own message may be on its way.
    assert_eq!(sent(30, Occasion::Schedule).await, 0);
    assert_eq!(sent(90, Occasion::Schedule).await, 1);
    // Somebody is at it, who is dead where the process is another.
    let until = Timestamp::from_second(4_000_000_000).unwrap();
    let held = table.hold_analysis(&job, beacon_aws::clock::now(), until).await.unwrap();
    assert_eq!(held.unwrap().job.analysis.due.unwrap().tries, 1);
    assert_eq!(sent(3600, Occasion::Schedule).await, 1);
    assert!(handled(&coordinator(table.clone()), &[&job]).await.is_empty());
    assert_eq!(found(&table, &job).await, None);
    assert_eq!(sent(0, Occasion::Start).await, 2);
    assert!(handled(&coordinator(table.clone()), &[&job]).await.is_empty());
    assert!(found(&table, &job).await.is_some());
    assert_eq!(sent(7200, Occasion::Schedule).await, 2);
}

#[tokio::test]
async fn an_analysis_that_is_killed_anywhere_is_whole_afterwards_and_never_half_before() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "reference", &spec(6)).await;
    written.run(Run::FIRST, mixed).await;
    let reference = written.end().await;
    handled(&coordinator(table.clone()), &[&reference]).await;
    let whole = found(&table, &reference).await.unwrap();
    let mut came_to_its_end = false;
    for writes in 0.. {
        let written = Written::submit(&table, &format!("killed-{writes}"), &spec(6)).await;
        written.run(Run::FIRST, mixed).await;
        let job = written.end().await;
        let dies = coordinator(faulty(&here.local(), Fault::dead_after(writes)));
        handled(&dies, &[&job]).await;
        came_to_its_end = written.job().await.analysis.due.is_none();
        let seen = found(&table, &job).await;
        if let Some(seen) = &seen {
            assert_eq!(seen.denominators, whole.denominators, "after {writes} writes");
        }
        let of = table.aggregates(&job.id, job.run, QuestionIndex(0), ALL).await.unwrap();
        assert_eq!(of.len(), if seen.is_some() { 6 } else { 0 }, "after {writes} writes");
        if came_to_its_end {
            break;
        }
        // Whoever held it is dead when its message is seen again.
        assert!(handled(&later(table.clone(), 16), &[&job]).await.is_empty());
        assert_eq!(written.job().await.analysis.due, None, "after {writes} writes");
        let seen = found(&table, &job).await.unwrap();
        assert_eq!(seen.denominators, whole.denominators, "after {writes} writes");
        assert_eq!(verdicts(&table, &job.id, "eu-west").await.len(), 8);
    }
    assert!(came_to_its_end);
}

#[tokio::test]
async fn an_analysis_goes_on_where_the_one_before_was_killed() {
    let here = Here::idle().await;
    let models: Vec<String> = (0..50).map(|n| format!("m{n}")).collect();
    let mut document = spec(45);
    (document["models"], document["regions"]) = (json!(models), json!(["US", "EU"]));
    // Twenty questions of a hundred executions are stored together; none of their pairs has a row.
    let written = Written::submit(&here.table(), "on", &document).await;
    let cause = beacon_core::job::EndCause::Deadline;
    here.table()
        .close_run(&written.id, Run::FIRST, &cause, beacon_aws::clock::now())
        .await
        .unwrap();
    let job = written.end().await;
    // Held, the key, the root without leaves, whose was last, and the first of three parts; then it is over.
    let dies = coordinator(faulty(&here.local(), Fault::dead_after(5)));
    assert!(handled(&dies, &[&job]).await.is_empty());
    let fault = Fault::counting();
    assert!(handled(&later(faulty(&here.local(), fault.clone()), 16), &[&job]).await.is_empty());
    // Two parts, the findings, and what makes them count.
    assert_eq!(fault.puts(), 4);
    let denominators = found(&here.table(), &job).await.unwrap().denominators;
    assert_eq!((denominators.planned, denominators.completed), (45 * 100, 0));
    assert_eq!(letters(&here.table(), &job).await.values().sum::<u64>(), 45 * 100);
}

#[tokio::test]
async fn two_at_once_do_no_harm() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "twice", &spec(6)).await;
    written.run(Run::FIRST, mixed).await;
    let job = written.end().await;
    // To the second one the first is long dead.
    let (first, second) = (coordinator(table.clone()), later(table.clone(), 60));
    let jobs = [&job];
    let both = tokio::join!(handled(&first, &jobs), handled(&second, &jobs));
    assert_eq!(both, (Vec::new(), Vec::new()));
    assert_eq!(written.job().await.analysis.due, None);
    assert_eq!(found(&table, &job).await.unwrap().denominators.planned, 24);
    assert_eq!(letters(&table, &job).await.values().sum::<u64>(), 24);
}

#[tokio::test]
async fn a_label_changes_the_findings_and_no_row() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "labelled", &spec(6)).await;
    assert_eq!(
        table.ask_analysis(&written.id).await.unwrap(),
        AnalysisAsked::NotFinal(JobStatus::Queued)
    );
    written.run(Run::FIRST, mixed).await;
    let job = written.end().await;
    let coordinator = coordinator(table.clone());
    handled(&coordinator, &[&job]).await;
    let before = found(&table, &job).await.unwrap().denominators;
    let rows = rows(&here, &job.id).await;

    let id = ExecutionId::parse("labelled.3.us-east.0.a").unwrap();
    let (by, note) = (Some("admin".to_owned()), Some("it is none".to_owned()));
    let label = Label { verdict: Verdict::Evasive, by, at: beacon_aws::clock::now(), note };
    let labelled = table.label(&id, Some(&label)).await.unwrap();
    assert_eq!(labelled, AnalysisAsked::Asked(job.run));
    assert_eq!(table.unanalysed().await.unwrap(), std::slice::from_ref(&job.id));
    // Until then what was found stands.
    assert_eq!(found(&table, &job).await.unwrap().denominators, before);
    handled(&coordinator, &[&job]).await;

    let after = found(&table, &job).await.unwrap().denominators;
    assert_eq!((after.labelled, after.evasive), (1, before.evasive + 1));
    assert_eq!(after.answered, before.answered - 1);
    let pair = (id.question, id.model, id.sample);
    let view = verdicts(&table, &job.id, "us-east").await.remove(&pair).unwrap();
    assert_eq!((view.verdict, view.label), (Verdict::Evasive, Some(label)));
    assert_eq!(view.classifier.verdict, Verdict::Answered);
    assert_eq!(self::rows(&here, &job.id).await, rows);
    let nobody = table.ask_analysis(&JobId::new("nobody").unwrap()).await.unwrap();
    assert_eq!(nobody, AnalysisAsked::NoSuchJob);
}

/// The rows of a job as they are stored.
async fn rows(here: &Here, job: &JobId) -> Vec<BTreeMap<String, AttributeValue>> {
    let client = here.local().dynamodb();
    let mut rows = Vec::new();
    for region in ["us-east", "eu-west"] {
        let query = client.query().table_name(Local::TABLE);
        let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :rows)");
        let query = query
            .expression_attribute_values(":pk", AttributeValue::S(format!("JOB#{job}#{region}")))
            .expression_attribute_values(":rows", AttributeValue::S("Q#".to_owned()));
        let items = query.send().await.unwrap().items.unwrap();
        rows.extend(items.into_iter().map(|item| item.into_iter().collect()));
    }
    assert!(!rows.is_empty());
    rows
}
