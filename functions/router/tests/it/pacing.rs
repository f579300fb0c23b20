//! Providers that ask to be asked more slowly, and declared rates: how many requests they get.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::running::{Running, lab, now_ms, provider, question};
use crate::upstream::{Act, Upstream};

fn throttled(status: u16, headers: &str) -> Act {
    Act::http(status, headers, "{}")
}

fn codes(told: &[Value]) -> Vec<&str> {
    told.iter().map(|told| told["error_code"].as_str().unwrap_or("none")).collect()
}

/// So far from now, as HTTP writes dates.
fn date_in_ms(ms: u64) -> String {
    let at = jiff::Timestamp::from_millisecond(i64::try_from(now_ms() + ms).unwrap()).unwrap();
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[tokio::test]
async fn what_a_provider_asks_to_wait_is_waited_in_all_its_forms() {
    let forms: [fn() -> String; 4] = [
        || "retry-after: 1\r\n".to_owned(),
        || "retry-after-ms: 700\r\nretry-after: 60\r\n".to_owned(),
        || "x-ms-retry-after-ms: 700\r\n".to_owned(),
        // Dates are of whole seconds: of two, more than one is left.
        || format!("retry-after: {}\r\n", date_in_ms(2_000)),
    ];
    for (number, form) in forms.iter().enumerate() {
        for status in [429, 503] {
            let headers = form();
            let upstream = Upstream::in_turn([throttled(status, &headers), Act::answer("4")]).await;
            let router = Running::start(&lab("modal", &upstream.url, "")).await;
            let begun = Instant::now();
            let told = router.infer(&question()).await;
            assert_eq!(told["response"], "4", "{told}");
            assert!(begun.elapsed() >= Duration::from_millis(600), "{number} {status} {headers}");
            assert_eq!(upstream.connections(), 2, "{number} {status}");
        }
    }
}

#[tokio::test]
async fn a_wait_that_does_not_fit_is_not_begun() {
    let upstream = Upstream::start(throttled(429, "retry-after: 30\r\n")).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let told = router.infer_in_ms(5_000, &question()).await;
    let seen = json!([told["error_code"], told["failure"]["retryable"]]);
    assert_eq!(seen, json!(["PROVIDER_HTTP_429", true]), "{told}");
    let told = router.infer_in_ms(5_000, &question()).await;
    let failure = &told["failure"];
    let seen = json!([failure["code"], failure["maybe_billed"], failure["attempts"]]);
    assert_eq!(seen, json!(["PROVIDER_RATE_LIMITED", false, 0]), "{told}");
    assert!(told["timings"]["total_ms"].as_f64().unwrap() < 2_000.0, "{told}");
    assert_eq!(upstream.connections(), 1);
    let throttled_ms = router.provider("lab").await["routes"][0]["throttled_ms"].clone();
    assert!((20_000..=30_000).contains(&throttled_ms.as_u64().unwrap()), "{throttled_ms}");
}

#[tokio::test]
async fn a_storm_of_callers_makes_no_storm_of_requests() {
    let upstream = Upstream::start(throttled(429, "retry-after: 30\r\n")).await;
    let router = Running::start(&lab("modal", &upstream.url, "concurrency = 4\n")).await;
    let asked = (0..100).map(|_| router.infer_in_ms(5_000, &question()));
    let told = futures_util::future::join_all(asked).await;
    let throttled = codes(&told).iter().filter(|code| **code == "PROVIDER_HTTP_429").count();
    let kept = codes(&told).iter().filter(|code| **code == "PROVIDER_RATE_LIMITED").count();
    assert_eq!(throttled + kept, 100, "{:?}", codes(&told));
    assert_eq!(upstream.connections(), throttled);
    assert!((1..=4).contains(&throttled), "{throttled}");
    let route = &router.provider("lab").await["routes"][0];
    assert_eq!(json!([route["breaker"], route["state"]]), json!(["closed", "unknown"]));
}

#[tokio::test]
async fn those_that_were_on_their_way_together_slow_the_rest_down_once() {
    let upstream = Upstream::start(throttled(429, "retry-after-ms: 300\r\n")).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let asked = router.infer_all(16, &question());
    let calm = async {
        upstream.until(|traffic| traffic.connections >= 16).await;
        upstream.turn_to(Act::answer("4"));
    };
    let (told, ()) = tokio::join!(asked, calm);
    assert!(told.iter().all(|told| told["response"] == "4"), "{:?}", codes(&told));
    let requests = upstream.connections();
    assert!((32..=40).contains(&requests), "{requests}");
}

#[tokio::test]
async fn back_pressure_with_a_time_never_opens_a_breaker() {
    for status in [429, 503] {
        let upstream = Upstream::start(throttled(status, "retry-after-ms: 1\r\n")).await;
        let router = Running::start(&lab("modal", &upstream.url, "")).await;
        for _call in 0..2 {
            let told = router.infer(&question()).await;
            assert_eq!(told["error_code"], format!("PROVIDER_HTTP_{status}"), "{told}");
        }
        assert_eq!(upstream.connections(), 6);
        assert_eq!(router.provider("lab").await["routes"][0]["breaker"], "closed");
    }
}

#[tokio::test]
async fn another_of_the_region_is_asked_while_one_is_throttled() {
    let first = Upstream::start(throttled(429, "retry-after: 60\r\n")).await;
    let second = Upstream::start(Act::answer("second")).await;
    let elsewhere = Upstream::start(Act::answer("elsewhere")).await;
    let toml = provider("first", "modal", "us-east", &first.url, "")
        + &provider("second", "modal", "us-east", &second.url, "price = { per_second = 1 }")
        + &provider("elsewhere", "modal", "eu-west", &elsewhere.url, "");
    let router = Running::start(&toml).await;
    for _call in 0..20 {
        let told = router.infer(&question()).await;
        assert_eq!(told["response"], "second", "{told}");
        assert!(told["timings"]["waited_ms"].as_f64().unwrap() < 1_000.0, "{told}");
    }
    assert_eq!((first.connections(), second.connections()), (1, 20));
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_throttled_model_slows_no_other_of_its_provider() {
    let upstream = Upstream::start(throttled(429, "retry-after: 60\r\n")).await;
    let toml = lab("modal", &upstream.url, "concurrency = 1\n").replace("\"m\"", "\"m\", \"n\"");
    let router = Running::start(&toml).await;
    router.infer_in_ms(3_000, &question()).await;
    upstream.turn_to(Act::answer("4"));
    // One call waits for the rate of the first model, and holds nothing that the other needs.
    let waiting = router.anybody(&question()).await;
    let mut other = question();
    other["model"] = json!("n");
    for _call in 0..5 {
        assert_eq!(router.infer_in_ms(3_000, &other).await["response"], "4");
    }
    assert_eq!(upstream.connections(), 6);
    drop(waiting);
}

#[tokio::test]
async fn declared_requests_a_minute_are_kept() {
    let upstream = Upstream::start(Act::answer("4")).await;
    let router = Running::start(&lab("modal", &upstream.url, "requests_per_minute = 3\n")).await;
    let asked = (0..20).map(|_| router.infer_in_ms(3_000, &question()));
    let told = futures_util::future::join_all(asked).await;
    let kept = codes(&told).iter().filter(|code| **code == "PROVIDER_RATE_LIMITED").count();
    assert_eq!((upstream.connections(), kept), (3, 17), "{:?}", codes(&told));
    assert_eq!(told.iter().filter(|told| told["success"] == true).count(), 3);
    let kept = told.iter().find(|told| told["success"] == false).unwrap();
    assert!(kept["error"].as_str().unwrap().contains("the provider's rate"), "{kept}");
    assert_eq!(kept["failure"]["attempts"], 0);
}

#[tokio::test]
async fn declared_tokens_a_minute_are_kept_and_what_is_used_corrects_what_was_thought() {
    // Each call may use 500 tokens and a few for the question.
    let rate = "tokens_per_minute = 1300\n";
    let upstream = Upstream::start(Act::answer("4")).await;
    let router = Running::start(&lab("modal", &upstream.url, rate)).await;
    for (call, expected) in [true, true, false, false].into_iter().enumerate() {
        let told = router.infer_in_ms(3_000, &question()).await;
        assert_eq!(told["success"], expected, "{call}: {told}");
    }
    assert_eq!(upstream.connections(), 2);

    let completion = json!({"usage": {"prompt_tokens": 10, "completion_tokens": 10},
        "choices": [{"finish_reason": "stop", "message": {"content": "4"}}]});
    let upstream = Upstream::json(completion).await;
    let router = Running::start(&lab("openai", &upstream.url, rate)).await;
    for _call in 0..20 {
        assert_eq!(router.infer_in_ms(3_000, &question()).await["success"], true);
    }
    assert_eq!(upstream.connections(), 20);
}

#[tokio::test]
async fn a_rate_leaves_the_rest_to_another_provider() {
    let (first, second) =
        (Upstream::start(Act::answer("first")).await, Upstream::start(Act::answer("second")).await);
    let toml = provider("first", "modal", "us-east", &first.url, "requests_per_minute = 5\n")
        + &provider("second", "modal", "us-east", &second.url, "price = { per_second = 1 }");
    let router = Running::start(&toml).await;
    let told = router.infer_all(15, &question()).await;
    assert!(told.iter().all(|told| told["success"] == true), "{:?}", codes(&told));
    assert_eq!((first.connections(), second.connections()), (5, 10));
}
