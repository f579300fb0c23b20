//! Calls that a provider takes at a time, and the queue before it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::running::{Running, lab, provider, question};
use crate::upstream::{Act, Upstream, answer, within};

/// A provider that answers when told, one call for each telling.
async fn held(more: &str) -> (Upstream, Arc<Notify>, Running) {
    let go = Arc::new(Notify::new());
    let upstream = Upstream::start(Act::Held(go.clone(), answer("4"))).await;
    let router = Running::start(&lab("modal", &upstream.url, more)).await;
    (upstream, go, router)
}

async fn queued(router: &Running, count: usize) {
    router.provider_when("lab", |lab| lab["queued"] == count).await;
}

fn numbered(number: usize) -> Value {
    json!({"model": "m", "prompt": number.to_string(), "region_preference": "us-east"})
}

#[tokio::test]
async fn no_more_calls_are_made_at_once_than_allowed_nor_wait_than_may() {
    let (upstream, go, router) =
        held("concurrency = 2\nqueue = 3\nqueue_timeout_seconds = 19\n").await;
    let asked = router.infer_all(20, &question());
    let release = async {
        upstream.until(|traffic| traffic.open == 2).await;
        let lab = router.provider_when("lab", |lab| lab["queued"] == 3).await;
        assert_eq!(lab["in_flight"], 2);
        let depth = router.metric("beacon_router_queue_depth{provider=\"lab\"}").await;
        assert!((depth - 3.0).abs() < f64::EPSILON, "{depth}");
        for count in 2..=5 {
            upstream.until(|traffic| traffic.connections >= count && traffic.open > 0).await;
            go.notify_one();
        }
        upstream.until(|traffic| traffic.connections == 5).await;
        go.notify_one();
    };
    let (told, ()) = tokio::join!(asked, release);
    let busy: Vec<&Value> = told.iter().filter(|told| told["success"] == false).collect();
    assert_eq!(busy.len(), 15);
    for busy in busy {
        let failure = &busy["failure"];
        let seen = json!([failure["code"], failure["maybe_billed"], failure["attempts"]]);
        assert_eq!(seen, json!(["PROVIDER_BUSY", false, 0]), "{busy}");
        assert!(busy["error"].as_str().unwrap().contains("3 calls already wait"), "{busy}");
    }
    let traffic = upstream.traffic();
    assert_eq!((traffic.connections, traffic.most_open, traffic.open), (5, 2, 0));
    queued(&router, 0).await;
    assert_eq!(router.provider("lab").await["in_flight"], 0);
}

#[tokio::test]
async fn those_who_wait_are_served_in_the_order_they_came() {
    let (mut upstream, go, router) = held("concurrency = 1\nqueue = 10\n").await;
    let mut callers = vec![router.anybody(&numbered(0)).await];
    upstream.until(|traffic| traffic.open == 1).await;
    for number in 1..=6 {
        callers.push(router.anybody(&numbered(number)).await);
        queued(&router, number).await;
    }
    for number in 0..=6 {
        assert_eq!(upstream.received().await.body["prompt"], number.to_string());
        go.notify_one();
    }
    upstream.until(|traffic| traffic.open == 0).await;
    assert_eq!((upstream.traffic().connections, upstream.traffic().most_open), (7, 1));
}

#[tokio::test]
async fn who_waits_longer_than_allowed_is_told_and_nothing_is_sent() {
    let (upstream, go, router) =
        held("concurrency = 1\nqueue = 5\nqueue_timeout_seconds = 0.2\n").await;
    let first = router.infer(&question());
    let others = async {
        upstream.until(|traffic| traffic.open == 1).await;
        let told = router.infer_all(3, &question()).await;
        go.notify_one();
        told
    };
    let (first, others) = within(async { tokio::join!(first, others) }).await;
    assert_eq!(first["response"], "4");
    for told in others {
        let seen = json!([told["error_code"], told["failure"]["attempts"], told["error"]]);
        let message = "not sent: the provider had no free slot within 200 ms";
        assert_eq!(seen, json!(["PROVIDER_BUSY", 0, message]));
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn who_goes_leaves_the_place_in_the_queue() {
    let (mut upstream, go, router) = held("concurrency = 1\nqueue = 1\n").await;
    let _first = router.anybody(&numbered(0)).await;
    upstream.until(|traffic| traffic.open == 1).await;
    for number in 1..=5 {
        let waiting = router.anybody(&numbered(number)).await;
        queued(&router, 1).await;
        assert_eq!(router.infer(&numbered(100)).await["error_code"], "PROVIDER_BUSY");
        drop(waiting);
        queued(&router, 0).await;
    }
    let last = router.infer(&numbered(6));
    let release = async {
        queued(&router, 1).await;
        go.notify_one();
        upstream.until(|traffic| traffic.connections == 2).await;
        go.notify_one();
    };
    let (last, ()) = tokio::join!(last, release);
    assert_eq!(last["response"], "4");
    let prompts: Vec<Value> =
        upstream.all_received().iter().map(|received| received.body["prompt"].clone()).collect();
    assert_eq!(prompts, ["0", "6"]);
}

#[tokio::test]
async fn a_place_is_free_again_however_a_call_ends() {
    let more = "concurrency = 1\nqueue = 0\nfirst_byte_timeout_seconds = 0.3\n";
    let upstream = Upstream::start(Act::Silent).await;
    let router = Running::start(&lab("modal", &upstream.url, more)).await;
    let caller = router.anybody(&question()).await;
    upstream.until(|traffic| traffic.open == 1).await;
    assert_eq!(router.infer(&question()).await["error_code"], "PROVIDER_BUSY");
    drop(caller);
    router.provider_when("lab", |lab| lab["in_flight"] == 0).await;
    let codes = [Act::Silent, Act::Reset, Act::Reply(400, String::new()), Act::answer("4")];
    for (act, code) in codes.into_iter().zip(["TIMEOUT", "CONNECTION_LOST", "HTTP_400", ""]) {
        upstream.turn_to(act);
        let told = router.infer(&question()).await;
        let expected =
            if code.is_empty() { Value::Null } else { json!(format!("PROVIDER_{code}")) };
        assert_eq!(told["error_code"], expected, "{told}");
    }
    assert_eq!(upstream.connections(), 5);
}

#[tokio::test]
async fn a_busy_provider_leaves_the_rest_to_another_of_the_region() {
    let go = Arc::new(Notify::new());
    let first = Upstream::start(Act::Held(go.clone(), answer("first"))).await;
    let second = Upstream::start(Act::answer("second")).await;
    let toml = provider("first", "modal", "us-east", &first.url, "concurrency = 1\n")
        + &provider("second", "modal", "us-east", &second.url, "price = { per_second = 1 }");
    let router = Running::start(&toml).await;
    let asked = router.infer(&question());
    let others = async {
        first.until(|traffic| traffic.open == 1).await;
        let told = router.infer_all(10, &question()).await;
        go.notify_one();
        told
    };
    let (told, others) = tokio::join!(asked, others);
    assert_eq!(told["response"], "first");
    assert!(others.iter().all(|told| told["response"] == "second"), "{others:?}");
    assert_eq!((first.connections(), second.connections()), (1, 10));
}

#[tokio::test]
async fn all_models_of_a_provider_share_its_places() {
    let upstream = Upstream::start(Act::Late(Duration::from_millis(20), 200, answer("4"))).await;
    let toml = lab("modal", &upstream.url, "concurrency = 3\n").replace("\"m\"", "\"m\", \"n\"");
    let router = Running::start(&toml).await;
    let mut other = question();
    other["model"] = json!("n");
    let (one, two) = within(async {
        tokio::join!(router.infer_all(15, &question()), router.infer_all(15, &other))
    })
    .await;
    assert!(one.iter().chain(&two).all(|told| told["response"] == "4"), "{one:?} {two:?}");
    assert_eq!((upstream.connections(), upstream.traffic().most_open), (30, 3));
}
