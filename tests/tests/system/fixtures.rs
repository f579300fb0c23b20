//! The events of `tests/fixtures`, with which docs/local-lambda.md invokes the functions: one job on its
//! way from function to function. The authorizer's is handled by its own tests.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use aws_sdk_sqs::types::Message;
use beacon_aws::{Clock, DeadQuestions, Door, Tokens};
use beacon_coordinator::Coordinator;
use beacon_core::message::QuestionMessage;
use beacon_core::reconcile::Occasion;
use beacon_core::time_budget;
use beacon_dispatch::Dispatch;
use beacon_inference::{Inference, Router};
use beacon_intake::{Intake, Signing};
use beacon_portal::Portal;
use beacon_query::Query;
use beacon_reconciler::Reconciler;
use beacon_router::RouterWay;
use beacon_tests::signed::signer;
use lambda_http::{Body, Response};
use serde_json::Value;
use tempfile::TempDir;

use crate::here::{Here, simulated_router};

const DISPATCH: &str = include_str!("../../fixtures/dispatch.json");
const INFERENCE: &str = include_str!("../../fixtures/inference.json");
const COORDINATOR: &str = include_str!("../../fixtures/coordinator.json");
const RECONCILER: &str = include_str!("../../fixtures/reconciler.json");
const INTAKE: &str = include_str!("../../fixtures/intake.json");
const QUERY: &str = include_str!("../../fixtures/query.json");
const PORTAL: &str = include_str!("../../fixtures/portal.json");

#[tokio::test]
async fn each_event_is_handled_by_its_function() {
    let here = Here::idle().await;
    let (table, queues, clock) = (here.table(), here.queues().await, Clock::System);
    let directory = TempDir::new().unwrap();
    let router = simulated_router(directory.path(), ["[0, 0]"; 3]);
    let way = RouterWay::embedded(router, Duration::from_secs(600), &table);
    let door = Arc::new(Door::on_aws(None));

    let intake = Intake {
        door: Arc::clone(&door),
        table: table.clone(),
        queues: queues.clone(),
        router: way.probe.clone(),
        signing: Signing::new(None),
        clock,
    };
    let accepted = intake.handle(lambda_http::request::from_str(INTAKE).unwrap()).await;
    assert_eq!(accepted.status(), 202, "{accepted:?}");
    assert_eq!(json(&accepted)["job_id"], "fixture-1");

    let dispatch = Dispatch { table: table.clone(), queues: queues.clone(), clock };
    assert_all_done(&dispatch.handle(event(DISPATCH)).await);
    let [us, eu] = as_sent(&here).await;
    let question = |message: &str| timeless(serde_json::from_str(message).unwrap());
    let mut first = event(INFERENCE);
    assert_eq!(question(us.body().unwrap()), question(first.records[0].body.as_deref().unwrap()));

    let inference = Inference {
        table: table.clone(),
        queues: queues.clone(),
        router: Router::new(way.settings.clone(), Arc::clone(&way.link)),
        signer: signer(),
        boot: None,
        clock,
    };
    // A worker keeps its message to itself while it works, so the handle must be a real one.
    first.records[0].receipt_handle = us.receipt_handle;
    let mut second = event(INFERENCE);
    (second.records[0].receipt_handle, second.records[0].body) = (eu.receipt_handle, eu.body);
    for event in [first, second] {
        assert_all_done(&Box::pin(inference.handle(event)).await);
    }

    let coordinator = Coordinator {
        table: table.clone(),
        signer: signer(),
        clock,
        longest: time_budget::ANALYSIS,
    };
    assert_all_done(&coordinator.handle(event(COORDINATOR)).await);

    let found = here.local().sqs().get_queue_url().queue_name("beacon-question-dead.fifo");
    let dead = found.send().await.unwrap().queue_url.unwrap();
    let reconciler = Reconciler {
        table: table.clone(),
        queues,
        dead: DeadQuestions::new(here.local().sqs(), dead),
        link: way.link,
        boot: None,
        clock,
    };
    let scheduled = serde_json::from_str(RECONCILER).unwrap();
    Box::pin(reconciler.handle(scheduled, Occasion::Schedule)).await.unwrap();

    let query = Query { door, table, router: Some(way.probe), settings: Vec::new() };
    let shown = query.handle(lambda_http::request::from_str(QUERY).unwrap()).await;
    let job = &json(&shown)["jobs"][0];
    assert_eq!(
        (&job["job_id"], &job["status"]),
        (&"fixture-1".into(), &"completed".into()),
        "{job}"
    );
    assert_eq!(job["counts"]["completed"], 2, "{job}");

    let portal = Portal::new(Tokens::default(), 600, Arc::new(query), Some(Arc::new(intake)));
    let led = portal.handle(lambda_http::request::from_str(PORTAL).unwrap()).await;
    let to = led.headers()["location"].to_str().unwrap();
    assert_eq!((led.status().as_u16(), to), (303, "/sign-in"), "{led:?}");
}

fn event(fixture: &str) -> SqsEvent {
    serde_json::from_str(fixture).unwrap()
}

fn assert_all_done(response: &SqsBatchResponse) {
    assert!(response.batch_item_failures.is_empty(), "{response:?}");
}

fn json(response: &Response<Body>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

/// What dispatch sent for the lanes in us-east and eu-west.
async fn as_sent(here: &Here) -> [Message; 2] {
    let (client, urls) = (here.local().sqs(), here.queue_urls().await);
    let mut sent: Vec<Message> = Vec::new();
    while sent.len() < 2 {
        let receive = client.receive_message().queue_url(&urls.question).wait_time_seconds(20);
        let received = receive.max_number_of_messages(10).send().await.unwrap();
        sent.extend(received.messages.unwrap());
    }
    sent.sort_by_key(|message| !message.body().unwrap().contains("us-east"));
    sent.try_into().unwrap()
}

/// Without the deadline, which is its job's.
fn timeless(message: QuestionMessage) -> QuestionMessage {
    QuestionMessage { deadline: jiff::Timestamp::UNIX_EPOCH, ..message }
}
