//! What the API answers and takes, asked for as values from within the process: it is the same.

use std::sync::Arc;
use std::time::Duration;

use beacon_aws::{ApiError, Clock, Door, ListedJob, NewJob, RouterProbe, clock, fresh_nonce};
use beacon_core::idempotency::IdempotencyKey;
use beacon_core::job::JobStatus;
use beacon_core::spec::parse;
use beacon_core::view::{Health, PairRetryStatus};
use beacon_core::{ExecutionId, JobId, LaneId, QuestionIndex};
use beacon_evidence::key::SecretKey;
use beacon_evidence::trust::TrustList;
use beacon_intake::{Intake, Signing};
use beacon_query::{NoProviders, Query, StalledLane, jobs_cursor, manifest_of, read_jobs_cursor};
use beacon_router::RouterWay;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::here::{Here, answered, eventually, main_job, simulated_router};
use crate::retry::{Lab, spec};

fn query(here: &Here, router: Option<RouterProbe>) -> Query {
    let door = Arc::new(Door::on_aws(None));
    Query { door, table: here.table(), router, settings: Vec::new() }
}

async fn intake(here: &Here, router: RouterProbe, trusted: Option<TrustList>) -> Intake {
    Intake {
        door: Arc::new(Door::on_aws(None)),
        table: here.table(),
        queues: here.queues().await,
        router,
        signing: Signing::new(trusted),
        clock: Clock::System,
    }
}

fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap()
}

#[tokio::test]
async fn what_is_read_is_what_the_api_answers() {
    let here = Here::simulated("[0, 0]").await;
    for id in ["before", "j"] {
        here.api.run(&main_job(id)).await;
    }
    here.api.findings("j").await;
    let (query, job) = (query(&here, None), JobId::new("j").unwrap());

    let first = query.jobs_page(None, 1).await.unwrap();
    assert_eq!(value(&first), here.api.get("jobs?limit=1").await);
    let cursor = first.cursor.unwrap();
    let after = read_jobs_cursor(&cursor).unwrap();
    assert_eq!((&after.job, jobs_cursor(&after)), (&job, cursor.clone()));
    let second = query.jobs_page(Some(&after), 1).await.unwrap();
    assert_eq!(value(&second), here.api.get(&format!("jobs?limit=1&cursor={cursor}")).await);
    assert!(matches!(read_jobs_cursor("j"), Err(ApiError::InvalidParameter { .. })));

    let of = query.specified_job(&job).await.unwrap();
    let all = here.api.executions("j").await;
    let mut paged = Vec::new();
    let mut cursor = None;
    loop {
        let page = query.executions_page(&of, cursor.as_deref(), 50).await.unwrap();
        assert_eq!((page.limit, page.total), (50, 72));
        paged.extend(page.executions.iter().map(value));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, all);
    assert!(query.executions_page(&of, Some("x"), 50).await.is_err());

    let mut pairs = Vec::new();
    for prompts in &of.spec.regions {
        for (from, until) in [(0, 3), (3, 3), (3, 1_000), (8, 9)] {
            let (from, until) = (QuestionIndex(from), QuestionIndex(until));
            let read = query.pairs_of(&of.source(), &prompts.region, from, until).await.unwrap();
            pairs.extend(read.iter().map(value));
        }
    }
    assert_eq!(pairs, all);

    let id = ExecutionId::parse(all[5]["id"].as_str().unwrap()).unwrap();
    let one = query.one_execution(&id).await.unwrap();
    assert_eq!(value(&one), here.api.get(&format!("executions/{id}")).await);
    let of_job = here.api.get("jobs/j/manifest").await;
    let manifest = value(&manifest_of(&of, clock::now()));
    for field in ["format", "software", "job", "spec_sha256"] {
        assert_eq!(manifest[field], of_job[field], "{field}");
    }
    let (ended, _) = query.analysed(&job).await.unwrap();
    assert_eq!(ended.status, JobStatus::Completed);
}

#[tokio::test]
async fn evidence_is_what_the_api_answers() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("j")).await;
    let (query, job) = (query(&here, None), JobId::new("j").unwrap());
    let id = ExecutionId::parse("j.3.eu-west.0.mistral-7b").unwrap();
    let of = query.specified_job(&job).await.unwrap();
    let receipt = query.receipt_of_execution(&id).await.unwrap();
    let (root, proof) =
        eventually("a root", async || query.proof_of_receipt(&of.source(), &receipt).await.ok())
            .await;
    let text =
        async |path: &str| answered(here.api.request("GET", &format!("/api/v1/{path}"))).await.text;
    assert_eq!(root.canonical(), text("transparency/root?job_id=j").await.into_bytes());
    let of_id = format!("transparency/proof?execution_id={id}");
    assert_eq!(proof.canonical(), text(&of_id).await.into_bytes());
    let shown = text(&format!("executions/{id}/receipt")).await;
    assert_eq!(receipt.canonical(), shown.into_bytes());
    let keys = query.published_keys().await.unwrap();
    assert_eq!(value(&keys), here.api.get("keys").await);
    assert!(keys.ring().is_ok());

    let page = query.bundle_page(&job, None, None).await.unwrap();
    assert_eq!((page.run, page.next), (root.signed_root.body.run, None));
    assert_eq!(page.lines, text("jobs/j/bundle").await);
    let rest = query.bundle_page(&job, Some(page.run), Some("2.0.0")).await.unwrap();
    assert_eq!(rest.lines, text("jobs/j/bundle?run=1&cursor=2.0.0").await);
    assert!(page.lines.ends_with(&rest.lines) && rest.lines.len() < page.lines.len());
}

#[tokio::test]
async fn parts_that_are_not_there_are_told() {
    let here = Here::idle().await;
    let without = query(&here, None);
    assert!(matches!(without.providers().await, Err(NoProviders::NoRouter)));
    assert_eq!(without.health_view().await.status, Health::Degraded);
    let empty = query(&here, Some(RouterProbe::embedded(Vec::new)));
    assert_eq!(empty.providers().await.unwrap(), []);

    // Nobody works at it, and it was accepted an hour ago.
    let (id, new) = (JobId::new("old").unwrap(), JobId::new("new").unwrap());
    let specified = parse(&spec("old"), &[]).unwrap().spec;
    let since = Timestamp::from_second(clock::now().as_second() - 3600).unwrap();
    for (id, at) in [(&id, since), (&new, clock::now())] {
        here.table().submit(NewJob::plain(id.clone(), &specified), at).await.unwrap();
    }
    let found = without.stalled().await.unwrap();
    assert_eq!((found.looked_at, found.open), (2, 2));
    let mut stalled = found.lanes;
    stalled.sort_by(|a, b| a.lane.cmp(&b.lane));
    let mut lanes: Vec<LaneId> = specified.lanes().collect();
    lanes.sort();
    let all = lanes.into_iter().map(|lane| StalledLane { job: id.clone(), lane, since });
    assert_eq!(stalled, all.collect::<Vec<_>>());
    let listed = ListedJob { job: id, created_at: since };
    assert_eq!(read_jobs_cursor(&jobs_cursor(&listed)).unwrap(), listed);
}

#[tokio::test]
async fn a_document_is_estimated_and_submitted_as_the_api_does() {
    let here = Here::simulated("[0, 0]").await;
    let directory = TempDir::new().unwrap();
    let router = simulated_router(directory.path(), ["[0, 0]"; 3]);
    let probe = RouterWay::embedded(router, Duration::from_secs(600), &here.table()).probe;
    let intake = intake(&here, probe.clone(), None).await;
    assert!(!intake.requires_signatures());
    assert_eq!(intake.providers().await.unwrap().len(), 3);

    let mut document = main_job("j");
    document["regions"] = json!(["US", "us-east"]);
    let estimated = intake.estimate(&document).await.unwrap();
    assert_eq!((estimated.spec.regions.len(), estimated.warnings.len()), (1, 1), "{estimated:?}");
    assert_eq!(here.api.get("jobs").await["jobs"], json!([]), "nothing is written");

    let key = IdempotencyKey::new("once").unwrap();
    let by = || Some("a person".to_owned());
    let submitted = intake.submit_document(&document, Some(&key), by()).await.unwrap();
    assert_eq!((submitted.job_id.as_str(), submitted.existing), ("j", false));
    assert_eq!(submitted.warnings, estimated.warnings);
    let again = intake.submit_document(&document, Some(&key), by()).await.unwrap();
    assert!(again.existing);
    let job = here.api.final_job("j").await;
    assert_eq!(job["cost"]["estimated"], value(&estimated.estimate));
    assert_eq!(job["expected"], submitted.expected_executions);

    document["samples"] = json!(2);
    let other = intake.submit_document(&document, None, None).await;
    assert!(matches!(other, Err(ApiError::Conflict(_))), "{other:?}");
    document["models"] = json!(["nobody-has-it"]);
    for refused in [
        intake.estimate(&document).await.map(|_| ()),
        intake.submit_document(&document, None, None).await.map(|_| ()),
    ] {
        assert!(matches!(refused, Err(ApiError::NotServed(_))), "{refused:?}");
    }
    let nothing = intake.estimate(&json!({})).await;
    assert!(matches!(nothing, Err(ApiError::InvalidSpec(_))), "{nothing:?}");
    assert_eq!(here.api.get("jobs").await["jobs"].as_array().unwrap().len(), 1);

    let trusted = SecretKey::new(&[1; 32]).public();
    let list = json!([{"kid": trusted.id(), "public_key": trusted, "status": "active"}]);
    let list = TrustList::read(list.to_string().as_bytes()).unwrap();
    let strict = self::intake(&here, probe, Some(list)).await;
    assert!(strict.requires_signatures());
    let unsigned = strict.submit_document(&main_job("unsigned"), None, None).await;
    assert!(matches!(unsigned, Err(ApiError::Unverified { key_id: None, .. })), "{unsigned:?}");
}

#[tokio::test]
async fn one_execution_is_asked_anew() {
    let lab = Lab::dead().await;
    let here = Here::with_router(lab.base()).await;
    here.api.run(&spec("j")).await;
    lab.asked();
    lab.repair();
    let intake = intake(&here, RouterProbe::embedded(Vec::new), None).await;
    let failed = ExecutionId::parse("j.1.eu-west.0.a").unwrap();
    let nonce = fresh_nonce();
    let reply = intake.retry_execution(&failed, None, nonce).await.unwrap();
    assert_eq!((reply.status, reply.retry_attempt), (PairRetryStatus::Retrying, 1));
    here.api.final_job("j").await;
    assert_eq!(lab.asked(), [("eu-west".into(), "a".into(), "1?".into())]);
    let reply = intake.retry_execution(&failed, None, fresh_nonce()).await.unwrap();
    assert_eq!(reply.status, PairRetryStatus::Completed);
    assert!(lab.asked().is_empty());
    for (missing, job_is_there) in
        [("j.9.eu-west.0.a", true), ("j.1.mars.0.a", true), ("x.1.eu-west.0.a", false)]
    {
        let id = ExecutionId::parse(missing).unwrap();
        match intake.retry_execution(&id, None, fresh_nonce()).await {
            Err(ApiError::NoSuchExecution(_)) => assert!(job_is_there, "{missing}"),
            Err(ApiError::NoSuchJob(_)) => assert!(!job_is_there, "{missing}"),
            other => panic!("{missing}: {other:?}"),
        }
    }
}
