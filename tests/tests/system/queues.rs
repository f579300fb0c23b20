//! Queues that lose everything, and queues that say everything more than once.

use std::time::Duration;

use beacon_aws::clock;
use beacon_core::lane::{Lane, LaneState};
use beacon_core::message::{Asks, PAGE};
use beacon_core::reconcile::Occasion;
use beacon_core::{DispatchNumber, ExecutionId, JobId, Position};
use beacon_reconciler::ScheduleEvent;

use serde_json::{Value, json};

use crate::here::{Here, eventually, ids, is_final, main_job, sum};

/// Looks at a job that stands still after which the reconciler is called.
const LOOKS: usize = 50;
/// Later than the longest time for which a lane may stand still without being looked after.
const LATER: Duration = Duration::from_mins(13);

#[tokio::test]
async fn a_job_whose_queues_were_all_emptied_is_finished_by_the_reconciler() {
    let here = Here::simulated("[150, 300]").await;
    let (status, _) = here.api.submit(&main_job("purged")).await;
    assert_eq!(status, 202);
    eventually("questions in flight, and some behind them", async || {
        let calls = here.calls();
        (calls.begun().len() >= 18 && calls.in_flight() >= 6).then_some(())
    })
    .await;
    let client = here.local().sqs();
    let urls = here.queue_urls().await;
    for url in [&urls.dispatch, &urls.question, &urls.completion] {
        client.purge_queue().queue_url(url).send().await.unwrap();
    }
    // The open questions end by themselves; then nobody is left who would go on.
    eventually("nothing in flight", async || (here.calls().in_flight() == 0).then_some(())).await;
    let lanes = here.lanes("purged").await;
    assert!(lanes.iter().any(|lane| lane.state == LaneState::Open), "{lanes:?}");

    let reconciler = here.reconciler().await;
    let (mut begun, mut looks) = (0, 0);
    eventually("a final status", async || {
        // Again only where nothing came of the time before.
        let stands_still = here.calls().begun().len() == begun;
        looks = if stands_still { looks + 1 } else { 0 };
        begun = here.calls().begun().len();
        if looks == LOOKS {
            let event = ScheduleEvent { time: clock::now() + LATER };
            reconciler.handle(event, Occasion::Schedule).await.unwrap();
            looks = 0;
        }
        is_final(&here.api.job("purged").await).then_some(())
    })
    .await;
    assert_ran_once(&here, "purged").await;
}

#[tokio::test]
async fn questions_that_are_sent_three_times_are_asked_once() {
    let here = Here::simulated("[20, 60]").await;
    let (status, _) = here.api.submit(&main_job("repeated")).await;
    assert_eq!(status, 202);
    repeat_first_pages(&here, "repeated").await;
    assert_ran_once(&here, "repeated").await;
    here.calls().assert_each_once(72);
    // The repeats that are left are received, and change nothing.
    let client = here.local().sqs();
    let url = here.queue_urls().await.question;
    let view = here.api.job("repeated").await;
    eventually("an empty queue", async || {
        use aws_sdk_sqs::types::QueueAttributeName as Name;
        let attributes = client.get_queue_attributes().queue_url(&url);
        let attributes = attributes.attribute_names(Name::All).send().await.unwrap();
        let attributes = attributes.attributes.unwrap();
        let left = [Name::ApproximateNumberOfMessages, Name::ApproximateNumberOfMessagesNotVisible];
        left.iter().all(|name| attributes[name] == "0").then_some(())
    })
    .await;
    here.calls().assert_each_once(72);
    assert_eq!(here.api.job("repeated").await, view);
}

#[tokio::test]
async fn a_lane_of_several_pages_is_asked_in_order_whatever_is_repeated() {
    const QUESTIONS: u32 = PAGE + 30;
    let here = Here::simulated("[0, 0]").await;
    let question = |n| json!({"id": format!("q{n}"), "text": format!("What is {n}?")});
    let spec = json!({
        "id": "long",
        "questions": (0..QUESTIONS).map(question).collect::<Vec<Value>>(),
        "models": ["mistral-7b"],
        "regions": ["US"],
    });
    let (status, submitted) = here.api.submit(&spec).await;
    assert_eq!((status, &submitted["expected_executions"]), (202, &QUESTIONS.into()));
    // The repeats of the first page come between it and the second.
    repeat_first_pages(&here, "long").await;
    let view = here.api.final_job("long").await;
    assert_eq!(view["counts"]["completed"], QUESTIONS, "{view}");
    let calls = here.calls();
    calls.assert_each_once(QUESTIONS as usize);
    let asked: Vec<u32> =
        calls.begun().iter().map(|id| ExecutionId::parse(id).unwrap().question.0).collect();
    assert_eq!(asked, (0..QUESTIONS).collect::<Vec<u32>>());
}

/// Sends the first page of every lane twice more.
async fn repeat_first_pages(here: &Here, job: &str) {
    let job = JobId::new(job).unwrap();
    let (table, queues) = (here.table(), here.queues().await);
    let (stored, lanes) = table.job_and_lanes(&job).await.unwrap().unwrap();
    let spec = table.spec(&stored).await.unwrap();
    for number in [7, 8] {
        for lane in &lanes {
            let lane = Lane { dispatch_number: DispatchNumber(number), ..lane.clone() };
            let asks = Asks { job: &stored, spec: &spec, lane: &lane, work: None, prices: None };
            queues.send_questions(asks.page(Position(0), 0)).await.unwrap();
        }
    }
}

async fn assert_ran_once(here: &Here, job: &str) {
    let view = here.api.final_job(job).await;
    assert_eq!((&view["status"], &view["counts"]["completed"]), (&"completed".into(), &72.into()));
    assert_eq!(sum(&view["counts"]), 72);
    let rows = here.api.executions(job).await;
    assert_eq!(ids(&rows).len(), 72);
    assert!(rows.iter().all(|row| row["status"] == "completed"));
}
