//! A call that the router still has when its worker asks no more: it is stopped, and counted.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::here::Here;

/// How often each was asked for.
#[derive(Debug, Default)]
struct Asked {
    calls: AtomicUsize,
    stops: AtomicUsize,
}

/// A router whose answers break off while it says that the call runs.
fn router(asked: Arc<Asked>) -> axum::Router {
    let of_call = Arc::clone(&asked);
    let call = async move || {
        of_call.calls.fetch_add(1, Ordering::Relaxed);
        let broken = Err(std::io::Error::other("broken off"));
        Response::new(Body::from_stream(stream::iter([Ok("{"), broken])))
    };
    let look = async |Path(key): Path<String>| {
        axum::Json(json!({
            "key": key, "state": "running", "maybe_billed": 0, "remembers_since_ms": 0,
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

#[tokio::test]
async fn what_the_router_still_runs_is_stopped_before_its_row_is_written() {
    let asked = Arc::new(Asked::default());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = router(Arc::clone(&asked));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });

    let here = Here::with_router(&base).await;
    let spec = json!({
        "id": "j", "questions": [{"id": "q", "text": "?"}], "models": ["m"], "regions": ["US"],
    });
    let view = here.api.run(&spec).await;
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
