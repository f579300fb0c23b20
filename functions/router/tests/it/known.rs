//! What the router tells of a call afterwards, how it is stopped, and what is forgotten.

use std::fs;
use std::path::Path;
use std::time::Duration;

use beacon_core::wire::{CallKey, CallState, InferenceRequest};
use beacon_router::{CallContext, Clock, Config, HybridRouter};
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tokio::time::{Instant, advance};

use crate::running::{Running, keyed, lab, question, router};
use crate::upstream::{Act, Upstream, refusing, within};

const KEY: &str = "job.0.us-east.0.llama3~2E2-1b:1";
const AT: &str = "/inference/job.0.us-east.0.llama3~2E2-1b:1";

fn answering() -> Act {
    Act::Reply(200, json!({"success": true, "response": "4"}).to_string())
}

fn key(text: &str) -> CallKey {
    CallKey::new(text).unwrap()
}

fn request() -> InferenceRequest {
    serde_json::from_value(question()).unwrap()
}

/// A simulated router that never answers and writes down what it is asked.
fn hanging(path: &Path) -> HybridRouter {
    let path = path.to_str().unwrap();
    router(&format!(
        "call_log = {path:?}\n[[providers]]\nname = \"s\"\nkind = \"simulated\"\n\
         region = \"us-east\"\nmodels = [\"m\"]\nlatency_ms = [0, 0]\n\
         script = [{{ match = \"2+2\", behaviour = \"hang\" }}]\n"
    ))
}

/// A view's state and maybe-billed, and whether a beginning, an end and a response are there.
fn shape(view: &Value) -> Value {
    let there = |name: &str| view.get(name).is_some();
    assert!(view["remembers_since_ms"].is_u64(), "{view}");
    json!([
        view["state"],
        view["maybe_billed"],
        there("begun_ms"),
        there("ended_ms"),
        there("response")
    ])
}

#[tokio::test]
async fn a_call_is_unknown_then_running_then_done() {
    let mut upstream = Upstream::in_turn([Act::Silent, answering()]).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let (status, view) = router.get(AT).await;
    assert_eq!((status, shape(&view)), (404, json!(["unknown", 0, false, false, false])));
    assert_eq!(view["key"], KEY);

    let waiting = router.caller(KEY, &question()).await;
    upstream.received().await;
    let (status, view) = router.get(AT).await;
    assert_eq!((status, shape(&view)), (200, json!(["running", 0, true, false, false])));
    assert!(view["begun_ms"].as_u64() >= view["remembers_since_ms"].as_u64(), "{view}");
    drop(waiting);
    upstream.closed().await;

    let (_, told) = router.infer_with("k:2", &question()).await;
    let (status, view) = router.get("/v1/inference/k%3A2").await;
    assert_eq!((status, shape(&view)), (200, json!(["done", 0, true, true, true])));
    assert_eq!((&view["response"], &view["key"]), (&told, &json!("k:2")));
}

#[tokio::test]
async fn a_call_that_is_stopped_ends_at_once_for_all_and_for_good() {
    let mut upstream = Upstream::start(Act::Silent).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let asked = || router.post("/inference").header("idempotency-key", KEY).json(&question());
    let waiting = [tokio::spawn(asked().send()), tokio::spawn(asked().send())];
    upstream.received().await;
    let (status, view) = router.delete(AT).await;
    assert_eq!((status, shape(&view)), (200, json!(["stopped", 1, true, true, false])));
    upstream.closed().await;
    let (_, again) = router.infer_with(KEY, &question()).await;
    let mut all = vec![again];
    for waiting in waiting {
        all.push(within(waiting).await.unwrap().unwrap().json().await.unwrap());
    }
    for told in all {
        assert_eq!(
            (&told["success"], &told["error_code"]),
            (&json!(false), &json!("CALL_STOPPED"))
        );
        let failure = &told["failure"];
        let seen = ["maybe_billed", "retryable", "stage", "attempts"].map(|name| &failure[name]);
        assert_eq!(json!(seen), json!([true, false, "provider_request", 1]));
    }
    assert_eq!(router.delete(AT).await, (200, view.clone()));
    assert_eq!(router.get(AT).await, (200, view));
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn once_a_stop_is_answered_nothing_of_the_call_runs() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.jsonl");
    let router = hanging(&path);
    let (request, context) = (request(), keyed(KEY));
    let mut waiting = Box::pin(router.infer(&request, &context));
    assert!((&mut waiting).now_or_never().is_none());
    // Nobody polls the one who waits.
    assert_eq!(within(router.stop(&key(KEY))).await.state, CallState::Stopped);
    let log = fs::read_to_string(&path).unwrap();
    assert!(log.lines().last().unwrap().contains("\"dropped\""), "{log}");
    let told = within(waiting).await.unwrap();
    assert_eq!(told.error_code.as_deref(), Some("CALL_STOPPED"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_that_come_and_go_at_once_never_make_two_requests_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.jsonl");
    let router = hanging(&path);
    let callers = (0..8).map(|caller| {
        let router = router.clone();
        tokio::spawn(async move {
            for turn in 0..200 {
                let (request, context) = (request(), keyed(KEY));
                let mut waiting = Box::pin(router.infer(&request, &context));
                assert!((&mut waiting).now_or_never().is_none());
                for _ in 0..(caller * turn) % 7 {
                    tokio::task::yield_now().await;
                }
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        within(caller).await.unwrap();
    }
    let log = fs::read_to_string(&path).unwrap();
    let events: Vec<_> = log.lines().map(|line| line.contains("\"begin\"")).collect();
    let alternate = events.chunks(2).all(|pair| pair == [true, false]);
    assert!(alternate && !events.is_empty(), "{log}");
    assert_eq!(router.look(&key(KEY)).await.state, CallState::Dropped);
    let stopped = within(router.stop(&key(KEY))).await;
    let begun = u32::try_from(events.len() / 2).unwrap();
    assert_eq!((stopped.state, stopped.maybe_billed), (CallState::Stopped, begun));
}

#[tokio::test]
async fn a_call_that_is_done_stays_done_when_it_is_stopped() {
    let upstream = Upstream::start(answering()).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let (_, told) = router.infer_with(KEY, &question()).await;
    let (status, view) = router.delete(AT).await;
    assert_eq!((status, shape(&view)), (200, json!(["done", 0, true, true, true])));
    assert_eq!(view["response"], told);
    assert_eq!(router.infer_with(KEY, &question()).await, (200, told));
}

#[tokio::test]
async fn a_call_that_was_dropped_is_not_made_anew_once_it_is_stopped() {
    let mut upstream = Upstream::start(Act::Silent).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let caller = router.caller(KEY, &question()).await;
    upstream.received().await;
    drop(caller);
    assert_eq!(router.ended(KEY).await["state"], "dropped");
    let (_, view) = router.delete(AT).await;
    assert_eq!(shape(&view), json!(["stopped", 1, true, true, false]));
    let (_, told) = router.infer_with(KEY, &question()).await;
    let seen = json!([told["error_code"], told["failure"]["maybe_billed"]]);
    assert_eq!(seen, json!(["CALL_STOPPED", true]));
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_call_that_comes_after_its_stop_is_never_sent() {
    let upstream = Upstream::start(answering()).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let (status, view) = router.delete(AT).await;
    assert_eq!((status, shape(&view)), (200, json!(["stopped", 0, false, true, false])));
    let (status, told) = router.infer_with(KEY, &question()).await;
    let failure = &told["failure"];
    let seen = json!([status, failure["code"], failure["maybe_billed"], failure["attempts"]]);
    assert_eq!(seen, json!([200, "CALL_STOPPED", false, 0]));
    assert_eq!(router.get(AT).await, (200, view));
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_router_that_is_given_a_clock_waits_by_the_runtimes() {
    let clock = Clock::Runtime { origin_ms: 1000, began: Instant::now() };
    let toml = "[[providers]]\nname = \"s\"\nkind = \"simulated\"\nregion = \"us-east\"\n\
                models = [\"m\"]\nlatency_ms = [60000, 60000]\n";
    let router = HybridRouter::with_clock(Config::from_toml(toml).unwrap(), clock).unwrap();
    let context = CallContext { deadline_ms: Some(11_000), ..keyed(KEY) };
    let told = router.infer(&request(), &context).await.unwrap();
    assert_eq!(told.error.as_deref(), Some("no answer within 9300 ms"));
    assert_eq!(told.failure.unwrap().timestamp.as_deref(), Some("1970-01-01T00:00:10Z"));
    let view = router.look(&key(KEY)).await;
    assert_eq!((view.begun_ms, view.ended_ms), (Some(1000), Some(10_300)));
}

#[tokio::test(start_paused = true)]
async fn a_call_is_forgotten_after_a_day_of_the_routers_clock() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let clock = Clock::Runtime { origin_ms: 1000, began: Instant::now() };
    let config = Config::from_toml_with(&lab("modal", &refusing().await, ""), |_| None);
    let router = HybridRouter::with_clock(config.unwrap(), clock).unwrap();
    advance(Duration::from_millis(1)).await;
    router.stop(&key("k:1")).await;
    let view = router.look(&key("k:1")).await;
    assert_eq!((view.ended_ms, view.remembers_since_ms), (Some(1001), 1000));
    advance(Duration::from_millis(DAY_MS - 1)).await;
    assert_eq!(router.look(&key("k:1")).await, view);
    advance(Duration::from_millis(1)).await;
    let view = router.look(&key("k:1")).await;
    assert_eq!((view.state, view.remembers_since_ms), (CallState::Unknown, 1002));
}

#[tokio::test]
async fn answers_are_kept_up_to_sixty_four_mebibytes() {
    let router = router(
        "[[providers]]\nname = \"s\"\nkind = \"simulated\"\nregion = \"us-east\"\n\
         models = [\"m\"]\nlatency_ms = [0, 0]\n\
         script = [{ match = \"2+2\", behaviour = { size_bytes = 262144 } }]\n",
    );
    let keys: Vec<String> = (0..256).map(|number| format!("k:{number}")).collect();
    for key in &keys {
        assert!(router.infer(&request(), &keyed(key)).await.unwrap().success);
    }
    let (first, last) = (router.look(&key(&keys[0])).await, router.look(&key(&keys[255])).await);
    assert_eq!((first.state, last.state), (CallState::Unknown, CallState::Done));
    let second = router.look(&key(&keys[1])).await;
    assert_eq!(second.state, CallState::Done);
    assert!(first.remembers_since_ms <= second.begun_ms.unwrap() + 1, "{first:?}");
}
