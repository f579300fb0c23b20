//! The lines that the functions print on AWS, of jobs with a redelivery, a dead worker, a cancel and a
//! retry: what they add up to is what the table has.

#![expect(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "CloudWatch's values are numbers of any kind; those here are small and whole"
)]

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName as Attribute};
use beacon_aws::{
    Clock, DeadQuestions, Door, Meter, MetricLines, NewJob, QueueUrls, Queues, Submit, Table, clock,
};
use beacon_coordinator::Coordinator;
use beacon_core::cloudwatch::StackName;
use beacon_core::job::Selection;
use beacon_core::message::DispatchMessage;
use beacon_core::reconcile::Occasion;
use beacon_core::spec::parse;
use beacon_core::time_budget;
use beacon_core::{JobId, LaneId, Nonce, Region};
use beacon_dispatch::Dispatch;
use beacon_inference::{Inference, Router};
use beacon_intake::{Intake, Retry, Signing};
use beacon_reconciler::{Reconciler, ScheduleEvent};
use beacon_router::{Config, HybridRouter, RouterWay};
use beacon_tests::signed::signer;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::here::{Here, by_status};
use crate::takeover::leave_behind;

#[tokio::test]
async fn what_is_told_adds_up_to_what_the_table_has() {
    let here = Here::idle().await;
    let functions = Functions::new(&here).await;

    // One whose worker died with a row stored: over its time, then taken over. Its message comes twice.
    leave_behind(&here.table(), "alpha", None).await;
    functions.reconcile(Duration::from_secs(690)).await;
    let told = functions.told();
    assert_eq!(told.sum("ExecutionsOverTime", ""), 3.0);
    assert_eq!((told.sum("OpenJobs", ""), told.sum("StalledLanes", "")), (1.0, 0.0));
    // No job is final yet: nobody knows whether one is not what it should be.
    assert_eq!(told.values("JobsAudited", ""), [0.0]);
    assert!(told.values("StatusMismatch", "").is_empty());
    let lane = LaneId { region: Region::new("us-east").unwrap(), k: 0 };
    functions.dispatch(DispatchMessage::first(job("alpha"), lane)).await;
    functions.run(&here, "alpha", Delivery::Twice).await;

    let told = functions.told();
    assert_eq!(told.sum("GateRejections", "held"), 1.0);
    // Each of the two questions, whose message came twice.
    assert_eq!(told.sum("GateRejections", "passed") + told.sum("GateRejections", "closed"), 2.0);

    // One that is cancelled after its first question, and retried.
    functions.submit("beta").await;
    functions.step(&functions.urls.dispatch, Delivery::Once).await;
    functions.step(&functions.urls.question, Delivery::Once).await;
    functions.intake.cancel(&job("beta"), None).await.unwrap();
    functions.run(&here, "beta", Delivery::Once).await;
    let told = functions.told();
    let rows = functions.rows(&here).await;
    for (status, count) in by_status(&rows) {
        assert_eq!(told.sum("Executions", status), count as f64, "{status}");
    }
    assert!(told.sum("Executions", "cancelled") > 0.0);
    assert_eq!(told.sum("JobsFinished", "cancelled"), 1.0);

    let retried = Retry {
        selection: Selection::default(),
        by: None,
        why: None,
        request: Nonce::new("again").unwrap(),
    };
    functions.intake.retry(&job("beta"), retried).await.unwrap();
    functions.run(&here, "beta", Delivery::Once).await;
    // Every final job has its turn in one of twenty minutes.
    let now = clock::now();
    for minute in 0..20 {
        functions.reconcile_at(now + Duration::from_secs(60 * minute)).await;
    }

    let rows = functions.rows(&here).await;
    assert_told(&functions.told(), &rows);
}

/// Of two jobs that are both completed in the end.
fn assert_told(told: &Told, rows: &[Value]) {
    let completed = rows.len() as f64;
    assert_eq!(by_status(rows), BTreeMap::from([("completed", rows.len() as u64)]));
    assert_eq!(told.sum("Executions", "completed"), completed);
    for outcome in ["text", "empty", "blocked", "truncated"] {
        let count = rows.iter().filter(|row| row["outcome"] == outcome).count();
        assert_eq!(told.sum("CompletedExecutions", outcome), count as f64, "{outcome}");
    }
    let values = told.values("ExecutionDuration", "us-east").len()
        + told.values("ExecutionDuration", "eu-west").len();
    assert_eq!(values, rows.len());

    // Of us-east the price is known, except of the row of the worker that died.
    let costs: Vec<f64> = rows.iter().filter_map(|row| row["cost"].as_f64()).collect();
    assert!(!costs.is_empty() && costs.len() < rows.len(), "{costs:?}");
    assert!((told.sum("Cost", "") - costs.iter().sum::<f64>()).abs() < 1e-9);
    assert_eq!(told.sum("ExecutionsWithoutCost", ""), completed - costs.len() as f64);

    assert_eq!(told.sum("DuplicatesPrevented", ""), 1.0);
    assert_eq!(told.sum("JobsFinished", "completed"), 2.0);
    assert_eq!(told.sum("LateResultsDropped", ""), 0.0);
    assert_eq!(told.values("RegionBalance", "").last(), Some(&100.0));
    assert!(told.sum("TableWritesOk", "") > completed);
    assert_eq!(told.sum("TableWritesFailed", ""), 0.0);
    let last = |metric| told.values(metric, "").last().copied();
    assert_eq!((last("OpenJobs"), told.sum("JobsAudited", "")), (Some(0.0), 2.0));
    assert_eq!((last("StatusMismatch"), last("PassTroubles")), (Some(0.0), Some(0.0)));
    assert_eq!(told.values("PassDuration", "").len(), 21);
}

/// Whether a message comes once or again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivery {
    Once,
    Twice,
}

/// The functions as on AWS, with what they print.
struct Functions {
    dispatch: Dispatch,
    inference: Inference,
    coordinator: Coordinator,
    reconciler: Reconciler,
    intake: Intake,
    urls: QueueUrls,
    sqs: aws_sdk_sqs::Client,
    lines: Lines,
}

impl Functions {
    async fn new(here: &Here) -> Self {
        let lines = Lines::default();
        let told = MetricLines::to(StackName::new("lab").unwrap(), lines.clone());
        let table = here.table().telling(told);
        let way = RouterWay::embedded(providers(), Duration::from_secs(600), &table);
        let (urls, sqs) = (here.queue_urls().await, here.local().sqs());
        let queues = Queues::new(sqs.clone(), urls.clone(), Arc::new(Meter::off()));
        let dead = sqs.get_queue_url().queue_name("beacon-question-dead.fifo").send().await;
        let dead = DeadQuestions::new(sqs.clone(), dead.unwrap().queue_url.unwrap());
        let clock = Clock::System;
        let parts = || (table.clone(), queues.clone());
        let ((of_dispatch, dispatches), (of_inference, asks)) = (parts(), parts());
        let ((of_reconciler, anew), (of_intake, accepts)) = (parts(), parts());
        Self {
            dispatch: Dispatch { table: of_dispatch, queues: dispatches, clock },
            inference: Inference {
                table: of_inference,
                queues: asks,
                router: Router::new(way.settings, Arc::clone(&way.link)),
                signer: signer(),
                boot: None,
                clock,
            },
            coordinator: Coordinator {
                table,
                signer: signer(),
                clock,
                longest: time_budget::ANALYSIS,
            },
            reconciler: Reconciler {
                table: of_reconciler,
                queues: anew,
                dead,
                link: way.link,
                boot: None,
                clock,
            },
            intake: Intake {
                door: Arc::new(Door::on_aws(None)),
                table: of_intake,
                queues: accepts,
                router: way.probe,
                signing: Signing::new(None),
                clock,
            },
            urls,
            sqs,
            lines,
        }
    }

    /// A job of two questions, two models and two regions.
    async fn submit(&self, id: &str) {
        let document = json!({
            "questions": ["math_basic", "identity_basic"],
            "models": ["llama3.2-1b", "mistral-7b"],
            "regions": ["US", "EU"],
        });
        let spec = parse(&document, &[]).unwrap().spec;
        let table: &Table = &self.intake.table;
        let submit = table.submit(NewJob::plain(job(id), &spec), clock::now()).await.unwrap();
        assert!(matches!(submit, Submit::Created(_)));
        for lane in spec.lanes() {
            self.dispatch(DispatchMessage::first(job(id), lane)).await;
        }
    }

    async fn dispatch(&self, message: DispatchMessage) {
        self.dispatch.queues.send_dispatch(&message).await.unwrap();
    }

    async fn reconcile(&self, later: Duration) {
        self.reconcile_at(clock::now() + later).await;
    }

    async fn reconcile_at(&self, time: Timestamp) {
        let event = ScheduleEvent { time };
        self.reconciler.handle(event, Occasion::Schedule).await.unwrap();
    }

    /// Invokes what the queues feed until the job has its final status.
    async fn run(&self, here: &Here, id: &str, delivery: Delivery) {
        for _round in 0..50 {
            let QueueUrls { dispatch, question, completion } = &self.urls;
            for url in [dispatch, question, completion] {
                self.step(url, delivery).await;
            }
            if crate::here::is_final(&here.api.job(id).await) {
                return;
            }
        }
        panic!("`{id}` does not end");
    }

    /// Invokes a queue's function with the message that comes first.
    async fn step(&self, url: &str, delivery: Delivery) {
        let receive = self.sqs.receive_message().queue_url(url).max_number_of_messages(1);
        let received = receive.message_system_attribute_names(Attribute::All).send().await.unwrap();
        for message in received.messages.unwrap_or_default() {
            let response = self.invoke(url, &message).await;
            assert_eq!(response.batch_item_failures.len(), 0, "{message:?}");
            if delivery == Delivery::Twice && *url == self.urls.question {
                self.invoke(url, &message).await;
            }
            let delete = self.sqs.delete_message().queue_url(url);
            delete.receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
        }
    }

    async fn invoke(&self, url: &str, message: &Message) -> SqsBatchResponse {
        let mut event = SqsEvent::default();
        let mut record = SqsMessage::default();
        record.message_id.clone_from(&message.message_id);
        record.receipt_handle.clone_from(&message.receipt_handle);
        record.body.clone_from(&message.body);
        let attributes = message.attributes.iter().flatten();
        record.attributes =
            attributes.map(|(name, value)| (name.as_str().to_owned(), value.clone())).collect();
        event.records = vec![record];
        let QueueUrls { dispatch, question, .. } = &self.urls;
        if url == dispatch {
            self.dispatch.handle(event).await
        } else if url == question {
            Box::pin(self.inference.handle(event)).await
        } else {
            self.coordinator.handle(event).await
        }
    }

    /// All pairs of both jobs.
    async fn rows(&self, here: &Here) -> Vec<Value> {
        let (alpha, beta) = (here.api.executions("alpha").await, here.api.executions("beta").await);
        alpha.into_iter().chain(beta).collect()
    }

    fn told(&self) -> Told {
        self.lines.told()
    }
}

/// Two regions, one with a price.
fn providers() -> HybridRouter {
    let provider = |region: &str, price: &str| {
        format!(
            "[[providers]]\nname = \"lab-{region}\"\nkind = \"simulated\"\nregion = \"{region}\"\n\
             models = [\"llama3.2-1b\", \"mistral-7b\", \"qwen2.5-1.5b\"]\nseed = 7\n\
             latency_ms = [0, 0]\n{price}\n"
        )
    };
    let price = "price = { per_million_input_tokens = 100, per_million_output_tokens = 300 }";
    let toml = provider("us-east", price) + &provider("eu-west", "");
    HybridRouter::new(Config::from_toml(&toml).unwrap()).unwrap()
}

fn job(id: &str) -> JobId {
    JobId::new(id).unwrap()
}

/// What was printed.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(crate) fn told(&self) -> Told {
        Told::read(&String::from_utf8(self.0.lock().unwrap().clone()).unwrap())
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Values by metric and the value of its dimension, in the order in which they were told.
pub(crate) struct Told(BTreeMap<(String, String), Vec<f64>>);

impl Told {
    /// As `CloudWatch` Logs reads lines, each of which must be as it wants them.
    fn read(lines: &str) -> Self {
        let schema = include_str!("../../../shared/core/src/cloudwatch/emf.schema.json");
        let schema = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
        let mut told: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
        for line in lines.lines() {
            let document: Value = serde_json::from_str(line).unwrap();
            assert!(schema.is_valid(&document), "{line}");
            for directive in document["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
                assert_eq!(directive["Namespace"], "Beacon");
                let names = directive["Dimensions"][0].as_array().unwrap();
                assert_eq!((&names[0], &document["Stack"]), (&json!("Stack"), &json!("lab")));
                let of = names.get(1).map_or("", |name| {
                    let value = &document[name.as_str().unwrap()];
                    value.as_str().unwrap_or_else(|| panic!("{line}"))
                });
                for metric in directive["Metrics"].as_array().unwrap() {
                    let name = metric["Name"].as_str().unwrap();
                    let values = told.entry((name.to_owned(), of.to_owned())).or_default();
                    if let Some(many) = document[name].as_array() {
                        values.extend(many.iter().map(|value| value.as_f64().unwrap()));
                    } else {
                        values.push(document[name].as_f64().unwrap());
                    }
                }
            }
            // Nothing that grows with the jobs.
            assert!(!line.contains("alpha") && !line.contains("beta"), "{line}");
        }
        Self(told)
    }

    fn values(&self, metric: &str, of: &str) -> Vec<f64> {
        self.0.get(&(metric.to_owned(), of.to_owned())).cloned().unwrap_or_default()
    }

    pub(crate) fn sum(&self, metric: &str, of: &str) -> f64 {
        self.values(metric, of).iter().sum()
    }
}
