//! The router inside the worker: a whole job, what the table then knows of its calls, and calls that
//! are protected or not made.

use std::sync::Arc;

use beacon_aws::{Meter, SharedCalls, Table};
use beacon_core::ExecutionId;
use beacon_core::bill::call_key;
use beacon_core::wire::{CallKey, CallState, InferenceRequest};
use beacon_infra::Local;
use beacon_router::{CallContext, Config, HybridRouter};
use serde_json::json;

use crate::here::{Here, by_status, eventually, ids, is_final, main_job, within};

#[tokio::test]
async fn a_whole_job_with_the_router_inside_the_worker() {
    let here = Here::embedded("[0, 0]").await;
    let view = here.api.run(&main_job("j")).await;
    assert_eq!((&view["status"], &view["counts"]["completed"]), (&json!("completed"), &json!(72)));
    let executions = here.api.executions("j").await;
    assert_eq!(ids(&executions).len(), 72);
    assert_eq!(here.calls().begun().len(), 72);

    // Another router answers from the table.
    let elsewhere = SharedCalls::new(here.table());
    for row in &executions {
        let id = ExecutionId::parse(row["id"].as_str().unwrap()).unwrap();
        let now_ms = u64::try_from(beacon_aws::clock::now().as_millisecond()).unwrap();
        let view = elsewhere.look(&call_key(&id, 1), now_ms).await.unwrap();
        assert_eq!(view.state, CallState::Done, "{row}");
        assert_eq!(view.response.unwrap().response.as_deref(), row["response"].as_str());
    }
}

#[tokio::test]
async fn a_cancel_drops_the_calls_of_a_router_inside_the_worker() {
    let here = Here::embedded("[600000, 600000]").await;
    let (status, _) = here.api.submit(&main_job("j")).await;
    assert_eq!(status, 202);
    eventually("nine calls in flight", async || (here.calls().in_flight() == 9).then_some(()))
        .await;
    here.api.change("jobs/j/cancel", &serde_json::Value::Null).await;
    let view = here.api.final_job("j").await;
    assert!(is_final(&view) && view["status"] == "cancelled", "{view}");
    assert_eq!(here.calls().in_flight(), 0);
    let executions = here.api.executions("j").await;
    assert_eq!(by_status(&executions)["cancelled"], 72);
}

fn simulated_in_us_east() -> HybridRouter {
    let toml = "[[providers]]\nname = \"lab\"\nkind = \"simulated\"\nregion = \"us-east\"\n\
                models = [\"m\"]\nseed = 7\nlatency_ms = [0, 0]\n";
    HybridRouter::new(Config::from_toml(toml).unwrap()).unwrap()
}

#[tokio::test]
async fn without_its_table_a_router_makes_no_call_with_a_key_and_every_other() {
    let nobody = "http://127.0.0.1:9".to_owned();
    let local = Local { dynamodb: nobody.clone(), sqs: nobody };
    let table = Table::new(local.dynamodb(), Local::TABLE.to_owned(), Arc::new(Meter::off()));
    let router = simulated_in_us_east().with_shared_calls(SharedCalls::new(table));
    let request = json!({"model": "m", "prompt": "?", "region_preference": "us-east"});
    let request: InferenceRequest = serde_json::from_value(request).unwrap();
    let key = CallKey::new("k:1").unwrap();
    let keyed = CallContext { idempotency_key: Some(key.clone()), ..CallContext::default() };
    let told = within(router.infer(&request, &keyed)).await.unwrap();
    let failure = told.failure.unwrap();
    assert_eq!(failure.code, "ROUTER_TABLE_UNAVAILABLE");
    assert_eq!((failure.retryable, failure.maybe_billed), (Some(true), Some(false)));
    let told = within(router.infer(&request, &CallContext::default())).await.unwrap();
    assert!(told.success, "{told:?}");
    // Others may have had the call: nothing that was sent earlier is known not to have arrived.
    let before = u64::try_from(beacon_aws::clock::now().as_millisecond()).unwrap();
    let view = within(router.look(&key)).await;
    assert!(view.remembers_since_ms >= before);
}
