//! What the router tells of calls whose answers broke off: that it still has them, or, later, what
//! became of them.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use beacon_aws::clock;
use beacon_core::reconcile::Occasion;
use beacon_reconciler::ScheduleEvent;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::here::{Here, answered};

/// How often each was asked for.
#[derive(Debug, Default)]
struct Asked {
    calls: AtomicUsize,
    stops: AtomicUsize,
}

/// What a router tells that is asked what became of a call: its state; nothing where it is empty.
type Told = Arc<Mutex<&'static str>>;

/// A router whose answers break off.
fn router(asked: Arc<Asked>, told: Told) -> axum::Router {
    let of_call = Arc::clone(&asked);
    let call = async move || {
        of_call.calls.fetch_add(1, Ordering::Relaxed);
        let broken = Err(std::io::Error::other("broken off"));
        Response::new(Body::from_stream(stream::iter([Ok("{"), broken])))
    };
    let look = async move |Path(key): Path<String>| {
        let state = *told.lock().unwrap();
        let maybe_billed = u32::from(state == "dropped");
        axum::Json(json!({
            "key": key, "state": state, "maybe_billed": maybe_billed, "remembers_since_ms": 0,
        }))
    };
    let stop = async move |Path(key): Path<String>| {
        asked.stops.fetch_add(1, Ordering::Relaxed);
        axum::Json(json!({
            "key": key, "state": "stopped", "maybe_billed": 1, "remembers_since_ms": 0,
        }))
    };
    let providers = async || {
        axum::Json(json!({"providers": [
            {"name": "lab", "type": "openai", "region": "us-east", "healthy": true},
        ]}))
    };
    axum::Router::new()
        .route("/providers", get(providers))
        .route("/inference", post(call))
        .route("/inference/{key}", get(look).delete(stop))
}

/// A stack with such a router, and what it runs on.
async fn here(asked: &Arc<Asked>, told: &Told) -> (Here, JoinSet<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = router(Arc::clone(asked), Arc::clone(told));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (Here::with_router(&base).await, tasks)
}

fn spec() -> Value {
    json!({"id": "j", "questions": [{"id": "q", "text": "?"}], "models": ["m"], "regions": ["US"]})
}

#[tokio::test]
async fn what_became_of_a_call_is_learnt_after_its_job_has_ended() {
    let (asked, told) = (Arc::default(), Arc::new(Mutex::new("")));
    let (here, _router) = here(&asked, &told).await;
    let view = here.api.run(&spec()).await;
    assert_eq!((&view["status"], &view["maybe_billed"]), (&"failed".into(), &1.into()), "{view}");
    let bills = async || {
        let debug = here.api.request("GET", "/debug/jobs/j");
        answered(debug).await.json()["bills"].clone()
    };
    let reconciler = here.reconciler().await;
    let pass = async || {
        let event = ScheduleEvent { time: clock::now() };
        reconciler.handle(event, Occasion::Schedule).await.unwrap();
    };
    pass().await;
    assert_eq!(bills().await[0]["fate"], "unknown");
    *told.lock().unwrap() = "dropped";
    pass().await;
    assert_eq!(bills().await[0]["fate"], "given_up");
    assert_eq!(here.api.job("j").await, view);
}

#[tokio::test]
async fn what_the_router_still_runs_is_stopped_before_its_row_is_written() {
    let (asked, told) = (Arc::default(), Arc::new(Mutex::new("running")));
    let (here, _router) = here(&asked, &told).await;
    let view = here.api.run(&spec()).await;
    assert_eq!((&view["status"], &view["maybe_billed"]), (&"failed".into(), &1.into()), "{view}");
    let counts =
        |asked: &Asked| (asked.calls.load(Ordering::Relaxed), asked.stops.load(Ordering::Relaxed));
    assert_eq!(counts(&asked), (3, 1));
    let rows = here.api.executions("j").await;
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((&row["failure"]["maybe_billed"], &row["attempts"]), (&true.into(), &3.into()));

    let retried = here.api.change("jobs/j/retry", &Value::Null).await;
    assert_eq!(retried.status, 202, "{retried:?}");
    let view = here.api.final_job("j").await;
    assert_eq!((&view["run"], counts(&asked)), (&2.into(), (6, 2)), "{view}");
}
