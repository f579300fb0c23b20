//! Analyses that are made again: of another run, beside each other, and for another job's sake.

use beacon_aws::Table;
use beacon_core::execution::Outcome;
use beacon_core::job::{Job, RetryRequest, Selection, retry};
use beacon_core::verdict::{Judgement, Label, RulesVersion, Verdict};
use beacon_core::{ExecutionId, ModelId, Nonce, QuestionIndex, Region, Run, Sample};
use beacon_infra::Local;
use beacon_tests::written::{Written, answered};

use crate::analysis::{coordinator, handled, mixed, spec, verdicts};
use crate::faulty::{Fault, faulty};
use crate::here::Here;

pub(crate) async fn retried(table: &Table, job: &Job) {
    let asked = RetryRequest {
        selection: Selection::default(),
        executions: 1,
        by: None,
        why: None,
        request: Nonce::new("again").unwrap(),
    };
    let write = retry(job, asked, beacon_aws::clock::now()).unwrap();
    table.write_job(&job.id, &write).await.unwrap();
}

#[tokio::test]
async fn a_retry_is_analysed_as_a_run_of_its_own() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "retried", &spec(6)).await;
    written.run(Run::FIRST, mixed).await;
    let first = written.end().await;
    let coordinator = coordinator(table.clone());
    retried(&table, &first).await;
    let again = written.job().await;
    assert_eq!(again.analysis.due, None);
    assert!(table.unanalysed().await.unwrap().is_empty());
    // The message of the first run's end is late.
    assert!(handled(&coordinator, &[&first]).await.is_empty());
    assert_eq!(table.findings(&first.id, Run::FIRST).await.unwrap(), None);

    written.run(again.run, |_| answered(Outcome::Text, "Four.")).await;
    let second = written.end().await;
    assert!(handled(&coordinator, &[&first]).await.is_empty());
    let found = table.findings(&second.id, second.run).await.unwrap().unwrap();
    assert_eq!((found.run, found.denominators.failed), (Run(2), 0));
    assert_eq!(found.denominators.completed, 24);
    // The pair that failed has the verdict of the row that it has now.
    let of_eu = verdicts(&table, &second.id, "eu-west").await;
    let pair = (QuestionIndex(2), ModelId::new("b").unwrap(), Sample(0));
    assert_eq!(of_eu[&pair].verdict, Verdict::Answered);
    assert_eq!(table.findings(&second.id, Run::FIRST).await.unwrap(), None);
}

#[tokio::test]
async fn of_a_job_that_is_retried_while_it_is_analysed_no_findings_are_stored() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "meanwhile", &spec(6)).await;
    written.run(Run::FIRST, mixed).await;
    let job = written.end().await;
    let (beside, seen) = (table.clone(), job.clone());
    let fault = Fault::happening(move || Box::pin(async move { retried(&beside, &seen).await }));
    assert!(handled(&coordinator(faulty(&here.local(), fault)), &[&job]).await.is_empty());
    assert_eq!(written.job().await.run, Run(2));
    assert_eq!(table.findings(&job.id, Run::FIRST).await.unwrap(), None);
    assert!(table.unanalysed().await.unwrap().is_empty());
    assert_eq!(table.open_jobs().await.unwrap(), [job.id]);
}

#[tokio::test]
async fn what_is_asked_for_while_it_is_analysed_is_analysed_after() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "asked", &spec(6)).await;
    written.run(Run::FIRST, mixed).await;
    let job = written.end().await;
    let (beside, id) = (table.clone(), job.id.clone());
    let fault = Fault::happening(move || {
        Box::pin(async move {
            beside.ask_analysis(&id).await.unwrap();
        })
    });
    assert!(handled(&coordinator(faulty(&here.local(), fault.clone())), &[&job]).await.is_empty());
    let after = written.job().await.analysis;
    assert_eq!((after.asked, after.due), (1, None));
    assert_eq!(table.analysis(&job.id, job.run).await.unwrap().unwrap().asked, 1);
    // The key, the leaves and the root of the first time stand, as do the twelve judgements; aggregates,
    // findings and the rest come twice.
    assert_eq!(fault.puts(), 3 + 12 + 2 * 3);
}

#[tokio::test]
async fn a_label_given_while_it_is_analysed_is_in_the_findings_at_the_end() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "meanwhile", &spec(6)).await;
    written.run(Run::FIRST, mixed).await;
    let job = written.end().await;
    let (beside, id) = (table.clone(), ExecutionId::parse("meanwhile.3.us-east.0.a").unwrap());
    let at = beacon_aws::clock::now();
    let label = Label { verdict: Verdict::Evasive, by: None, at, note: None };
    // The rows and labels are read by then.
    let fault = Fault::happening(move || {
        Box::pin(async move {
            beside.label(&id, Some(&label)).await.unwrap();
        })
    });
    assert!(handled(&coordinator(faulty(&here.local(), fault)), &[&job]).await.is_empty());
    let after = written.job().await.analysis;
    assert_eq!((after.asked, after.due), (1, None));
    let found = table.findings(&job.id, job.run).await.unwrap().unwrap();
    assert_eq!((found.denominators.labelled, found.denominators.evasive), (1, 1));
}

#[tokio::test]
async fn an_analysis_that_has_seen_less_replaces_none_that_has_seen_more() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "late", &spec(2)).await;
    written.run(Run::FIRST, mixed).await;
    let job = written.end().await;
    let coordinator = coordinator(table.clone());
    handled(&coordinator, &[&job]).await;
    let stored = async || {
        let of = table.analysis(&job.id, job.run).await.unwrap().unwrap();
        (of, table.findings(&job.id, job.run).await.unwrap().unwrap())
    };
    let (earlier, mut late) = stored().await;
    table.ask_analysis(&job.id).await.unwrap();
    // Whoever read the job before has no leave to begin.
    let now = beacon_aws::clock::now();
    assert_eq!(table.hold_analysis(&job, now, now).await.unwrap(), None);
    handled(&coordinator, &[&written.job().await]).await;
    let newer = stored().await;
    assert_eq!((earlier.asked, newer.0.asked), (0, 1));
    late.summary = vec!["It is late.".to_owned()];
    table.put_analysis(&job.id, earlier, &late).await.unwrap();
    assert_eq!(stored().await, newer);
}

#[tokio::test]
async fn a_job_that_cannot_be_analysed_keeps_no_other_from_its_end() {
    let here = Here::idle().await;
    let table = here.table();
    let bad = Written::submit(&table, "a-bad-one", &spec(2)).await;
    let good = Written::submit(&table, "good", &spec(2)).await;
    for job in [&bad, &good] {
        job.run(Run::FIRST, mixed).await;
    }
    let (client, bad_job) = (here.local().dynamodb(), bad.job().await);
    let spec_key = format!("SPEC#{}#00000", bad_job.spec_hash.0);
    let text = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
    let delete = client.delete_item().table_name(Local::TABLE).key("sk", text(spec_key));
    delete.key("pk", text("JOB#a-bad-one".to_owned())).send().await.unwrap();

    let coordinator = coordinator(table.clone());
    assert!(handled(&coordinator, &[&bad_job, &good.job().await]).await.is_empty());
    let (bad_job, good_job) = (bad.job().await, good.job().await);
    assert!(bad_job.status.is_final() && good_job.status.is_final());
    assert!(table.findings(&good_job.id, good_job.run).await.unwrap().is_some());
    let due = bad_job.analysis.due.unwrap();
    assert_eq!((due.tries, due.held_until), (1, None));
}

#[tokio::test]
async fn judgements_of_fewer_rows_never_replace_those_of_more() {
    let here = Here::idle().await;
    let table = here.table();
    let (id, region) = (beacon_core::JobId::new("late").unwrap(), Region::new("eu-west").unwrap());
    let judgement =
        |verdict| Judgement { verdict, confidence: 0.25, review: true, evidence: Vec::new() };
    let pair = |model: &str, run, verdict| {
        (ModelId::new(model).unwrap(), Sample(0), Run(run), judgement(verdict))
    };
    let old = RulesVersion("2026-01-01".to_owned());
    let new = RulesVersion("2026-11-26".to_owned());
    let more = [pair("a", 1, Verdict::Refused), pair("b", 2, Verdict::Answered)];
    let put = async |rules: &RulesVersion, run, question, judged: &[_]| {
        let (by, question) = ((rules, Run(run)), QuestionIndex(question));
        table.put_judgements(&id, &region, question, by, judged).await.unwrap();
    };
    // What a retry completed is of its run; what it found completed is of the run before.
    put(&new, 3, 1, &more).await;
    put(&new, 2, 1, &more[..1]).await;
    put(&new, 2, 1, &more[1..]).await;
    put(&old, 4, 1, &[pair("a", 2, Verdict::Evasive)]).await;
    put(&old, 1, 2, &[pair("a", 1, Verdict::Evasive)]).await;
    let told = verdicts(&table, &id, "eu-west").await;
    let told: Vec<_> =
        told.iter().map(|(pair, view)| (pair.0.0, pair.1.as_str(), view.verdict)).collect();
    let expected =
        [(1, "a", Verdict::Refused), (1, "b", Verdict::Answered), (2, "a", Verdict::Evasive)];
    assert_eq!(told, expected);
}
