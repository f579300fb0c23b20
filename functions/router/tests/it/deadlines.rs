//! The caller's deadline: every answer comes half a second before it, and what cannot end in time is
//! not begun.

use std::sync::Arc;
use std::time::Duration;

use beacon_router::{CallContext, Clock, Config, HybridRouter};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::running::{Running, lab, now_ms, provider, question};
use crate::upstream::{Act, Upstream, answer, within};

/// What is told of a deadline so far away, half a second before it.
async fn in_time(router: &Running, ms: u64) -> Value {
    let deadline = now_ms() + ms;
    let told = router.infer_in_ms(ms, &question()).await;
    let now = now_ms();
    assert!(now + 500 <= deadline, "{} ms too late: {told}", now + 500 - deadline);
    told
}

fn seen(told: &Value) -> Value {
    let failure = &told["failure"];
    json!([failure["code"], failure["maybe_billed"], failure["attempts"]])
}

#[tokio::test]
async fn a_silent_provider_is_left_before_the_deadline() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{".to_vec();
    for act in [Act::Silent, Act::Stall(half)] {
        let upstream = Upstream::start(act).await;
        let router = Running::start(&lab("modal", &upstream.url, "")).await;
        let told = in_time(&router, 1_500).await;
        assert_eq!(seen(&told), json!(["PROVIDER_TIMEOUT", true, 1]), "{told}");
        upstream.closed().await;
        assert_eq!(upstream.connections(), 1);
        // That a caller has little time says nothing of the provider.
        let lab = router.provider("lab").await;
        let state = json!([lab["success_rate"], lab["routes"][0]["state"]]);
        assert_eq!(state, json!([1.0, "unknown"]), "{lab}");
    }
}

#[tokio::test]
async fn hasty_callers_open_no_breaker() {
    let upstream = Upstream::start(Act::Silent).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let asked: Vec<_> = (0..30).map(|_| in_time(&router, 1_500)).collect();
    futures_util::future::join_all(asked).await;
    upstream.turn_to(Act::answer("4"));
    assert_eq!(router.infer(&question()).await["response"], "4");
    assert_eq!(upstream.connections(), 31);
}

#[tokio::test]
async fn a_wait_for_a_place_ends_before_the_deadline() {
    let go = Arc::new(Notify::new());
    let upstream = Upstream::start(Act::Held(go.clone(), answer("4"))).await;
    let router = Running::start(&lab("modal", &upstream.url, "concurrency = 1\n")).await;
    let first = router.infer(&question());
    let second = async {
        upstream.until(|traffic| traffic.open == 1).await;
        let told = in_time(&router, 1_500).await;
        go.notify_one();
        told
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first["response"], "4");
    assert_eq!(seen(&second), json!(["PROVIDER_BUSY", false, 0]), "{second}");
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_wait_for_the_rate_or_for_another_who_waits_ends_before_the_deadline() {
    let upstream = Upstream::start(Act::answer("4")).await;
    let router = Running::start(&lab("modal", &upstream.url, "requests_per_minute = 1\n")).await;
    assert_eq!(router.infer(&question()).await["response"], "4");
    // One who can wait has the turn; those behind must be told in time all the same.
    let patient = router.anybody(&question()).await;
    let waits = async {
        for _time in 0..3 {
            let told = in_time(&router, 1_500).await;
            assert_eq!(seen(&told), json!(["PROVIDER_RATE_LIMITED", false, 0]), "{told}");
        }
    };
    within(waits).await;
    drop(patient);
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_wait_for_a_model_that_wakes_ends_before_the_deadline() {
    let upstream = Upstream::start(Act::Silent).await;
    let router = Running::start(&lab("modal", &upstream.url, "cold_start_seconds = 100\n")).await;
    let wakes = router.anybody(&question()).await;
    upstream.until(|traffic| traffic.open == 1).await;
    let told = in_time(&router, 1_500).await;
    assert_eq!(seen(&told), json!(["DEADLINE_EXCEEDED", false, 0]), "{told}");
    assert!(told["error"].as_str().unwrap().contains("still being loaded"), "{told}");
    assert_eq!(upstream.connections(), 1);
    drop(wakes);
}

#[tokio::test]
async fn a_pause_between_two_attempts_ends_before_the_deadline() {
    let error = |after| Act::Late(Duration::from_millis(after), 503, String::new());
    // The second attempt ends when little is left: less than the pause before a third.
    let upstream = Upstream::in_turn([error(0), error(60)]).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let told = in_time(&router, 1_100).await;
    assert_eq!(told["success"], false, "{told}");
    assert_eq!(told["failure"]["attempts"], upstream.connections());
    assert!(upstream.connections() <= 2, "{told}");
}

#[tokio::test]
async fn polling_for_a_result_ends_before_the_deadline() {
    let taken = Act::http(303, "location: /result\r\n", "");
    let upstream = Upstream::start(taken).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let told = in_time(&router, 2_500).await;
    assert_eq!(seen(&told), json!(["PROVIDER_TIMEOUT", true, 1]), "{told}");
    assert!((2..=4).contains(&upstream.connections()), "{}", upstream.connections());
}

#[tokio::test]
async fn a_call_that_takes_longer_than_is_left_is_not_begun() {
    let act = Act::Late(Duration::from_millis(500), 200, answer("slow"));
    let (slow, fast) = (Upstream::start(act).await, Upstream::start(Act::answer("fast")).await);
    let router = Running::start(&lab("modal", &slow.url, "")).await;
    assert_eq!(router.infer(&question()).await["response"], "slow");
    let told = in_time(&router, 1_100).await;
    assert_eq!(seen(&told), json!(["DEADLINE_EXCEEDED", false, 0]), "{told}");
    assert!(told["error"].as_str().unwrap().contains("at the least"), "{told}");
    assert_eq!(slow.connections(), 1);
    assert_eq!(in_time(&router, 3_000).await["response"], "slow");
    assert_eq!(slow.connections(), 2);

    // Another provider that is fast enough is asked instead.
    let toml = provider("slow", "modal", "us-east", &slow.url, "")
        + &provider("fast", "modal", "us-east", &fast.url, "price = { per_second = 1 }");
    let router = Running::start(&toml).await;
    assert_eq!(router.infer(&question()).await["response"], "slow");
    assert_eq!(in_time(&router, 1_100).await["response"], "fast");
    assert_eq!((slow.connections(), fast.connections()), (3, 1));
}

#[tokio::test]
async fn a_second_attempt_at_another_provider_keeps_the_deadline_too() {
    let error = Act::Late(Duration::from_millis(100), 503, String::new());
    let (first, second) = (Upstream::start(error).await, Upstream::start(Act::Silent).await);
    let toml = provider("first", "modal", "us-east", &first.url, "")
        + &provider("second", "modal", "us-east", &second.url, "price = { per_second = 1 }");
    let router = Running::start(&toml).await;
    let told = in_time(&router, 1_500).await;
    assert_eq!(seen(&told), json!(["PROVIDER_TIMEOUT", true, 2]), "{told}");
    assert_eq!((first.connections(), second.connections()), (1, 1));
}

/// Three attempts of their longest time each would be twenty-one minutes.
#[tokio::test(start_paused = true)]
async fn all_attempts_and_waits_together_take_ten_minutes_at_the_most() {
    let clock = Clock::Runtime { origin_ms: 1_000, began: Instant::now() };
    let toml = "[[providers]]\nname = \"s\"\nkind = \"simulated\"\nregion = \"us-east\"\n\
                models = [\"m\"]\nlatency_ms = [250000, 250000]\n\
                script = [{ match = \"\", behaviour = { http_status = 503 } }]\n";
    let router = HybridRouter::with_clock(Config::from_toml(toml).unwrap(), clock).unwrap();
    let request = serde_json::from_value(question()).unwrap();
    let began = Instant::now();
    let told = router.infer(&request, &CallContext::default()).await.unwrap();
    let failure = told.failure.unwrap();
    assert_eq!((failure.code.as_str(), failure.attempts), ("PROVIDER_TIMEOUT", Some(3)));
    assert!(began.elapsed() <= Duration::from_secs(600), "{:?}", began.elapsed());
}
