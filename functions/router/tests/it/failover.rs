//! Fail-over among the providers of one region, each scene with the number of requests it takes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::running::{Running, provider, question};
use crate::upstream::{Act, Upstream, answer, refusing, within};

/// Of the first provider.
const FIRST_BYTE: Duration = Duration::from_millis(500);

/// A cheap provider that does as told, a dear one that answers, and one of another region.
struct Scene {
    first: Upstream,
    second: Upstream,
    elsewhere: Upstream,
    router: Running,
}

impl Scene {
    async fn with(act: Act) -> Self {
        let seconds = FIRST_BYTE.as_secs_f64();
        Self::of("modal", act, &format!("first_byte_timeout_seconds = {seconds}\n")).await
    }

    async fn of(kind: &str, act: Act, more: &str) -> Self {
        let first = Upstream::start(act).await;
        let second = Upstream::start(Act::answer("second")).await;
        let elsewhere = Upstream::start(Act::answer("elsewhere")).await;
        let cheap = format!("price = {{ per_second = 0.0001 }}\n{more}");
        let dear = "price = { per_second = 1 }\n";
        let toml = provider("first", kind, "us-east", &first.url, &cheap)
            + &provider("second", "modal", "us-east", &second.url, dear)
            + &provider("elsewhere", "modal", "eu-west", &elsewhere.url, "");
        Self { first, second, elsewhere, router: Running::start(&toml).await }
    }

    async fn ask(&self) -> Value {
        self.router.infer(&question()).await
    }

    /// Requests that the first and the second got; the region that was not asked got none.
    fn requests(&self) -> (usize, usize) {
        assert_eq!(self.elsewhere.connections(), 0);
        (self.first.connections(), self.second.connections())
    }

    async fn breaker(&self) -> Value {
        self.router.provider("first").await["routes"][0]["breaker"].clone()
    }

    /// Resolves once the first provider's breaker lets a call find out.
    async fn due(&self) {
        let due = |first: &Value| first["routes"][0].get("open_ms").is_none();
        self.router.provider_when("first", due).await;
    }
}

fn error(status: u16) -> Act {
    Act::Reply(status, json!({"detail": "x"}).to_string())
}

#[tokio::test]
async fn a_dead_primary_costs_a_few_connections_and_no_answer() {
    let (second, elsewhere) =
        (Upstream::start(Act::answer("second")).await, Upstream::start(Act::Silent).await);
    let toml = provider("first", "modal", "us-east", &refusing().await, "")
        + &provider("second", "modal", "us-east", &second.url, "price = { per_second = 1 }")
        + &provider("elsewhere", "modal", "eu-west", &elsewhere.url, "");
    let router = Running::start(&toml).await;
    let mut tried = 0;
    for call in 1..=30 {
        let told = router.infer(&question()).await;
        assert_eq!(told["provider_used"], "second", "{told}");
        let attempts = told["decision"]["attempts"].as_array().unwrap();
        tried += attempts.iter().filter(|attempt| attempt["provider"] == "first").count();
        assert_eq!(second.connections(), call);
    }
    assert!((1..=5).contains(&tried), "{tried}");
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn however_many_are_dead_the_one_that_lives_is_found() {
    let alive = Upstream::start(Act::answer("alive")).await;
    let mut toml = String::new();
    for number in 0..6 {
        let name = format!("dead-{number}");
        toml += &provider(&name, "modal", "us-east", &refusing().await, "");
    }
    toml += &provider("alive", "modal", "us-east", &alive.url, "price = { per_second = 1 }");
    let router = Running::start(&toml).await;
    let told = router.infer(&question()).await;
    assert_eq!(told["response"], "alive", "{told}");
    assert_eq!(told["decision"]["attempts"].as_array().unwrap().len(), 7);
    assert_eq!(alive.connections(), 1);

    // What was sent and failed counts: three requests are enough.
    let mut failing = Vec::new();
    let mut toml = String::new();
    for number in 0..5 {
        let upstream = Upstream::start(error(503)).await;
        toml += &provider(&format!("bad-{number}"), "modal", "us-east", &upstream.url, "");
        failing.push(upstream);
    }
    let told = Running::start(&toml).await.infer(&question()).await;
    assert_eq!(told["failure"]["attempts"], 3, "{told}");
    assert_eq!(failing.iter().map(Upstream::connections).sum::<usize>(), 3);
}

#[tokio::test]
async fn a_silent_primary_is_given_up_within_its_first_byte_and_a_second() {
    let scene = Scene::with(Act::Silent).await;
    let begun = Instant::now();
    let told = scene.ask().await;
    assert!(begun.elapsed() < FIRST_BYTE + Duration::from_secs(1), "{:?}", begun.elapsed());
    let failure = &told["failure"];
    let seen = json!([failure["code"], failure["maybe_billed"], failure["attempts"]]);
    assert_eq!(seen, json!(["PROVIDER_TIMEOUT", true, 1]), "{told}");
    assert_eq!(told["error"], "no first byte within 500 ms");
    scene.first.closed().await;
    assert_eq!(scene.requests(), (1, 0));
}

#[tokio::test]
async fn a_slow_primary_may_take_its_whole_time_once_it_has_begun() {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", answer("slow").len());
    let body = answer("slow").into_bytes();
    let scene = Scene::with(Act::Drip(head.into_bytes(), body, Duration::from_millis(15))).await;
    assert_eq!(scene.ask().await["response"], "slow");
    assert_eq!(scene.requests(), (1, 0));
}

#[tokio::test]
async fn a_primary_that_stays_silent_is_left_to_one_call_an_interval() {
    let scene = Scene::with(Act::Silent).await;
    let told = scene.router.infer_all(5, &question()).await;
    assert!(told.iter().all(|told| told["error_code"] == "PROVIDER_TIMEOUT"), "{told:?}");
    assert_eq!((scene.requests(), scene.breaker().await), ((5, 0), json!("open")));
    for _call in 0..10 {
        assert_eq!(scene.ask().await["response"], "second");
    }
    let told = scene.router.infer_all(10, &question()).await;
    assert!(told.iter().all(|told| told["response"] == "second"), "{told:?}");
    assert_eq!(scene.requests(), (5, 20));

    scene.due().await;
    let told = scene.router.infer_all(20, &question()).await;
    let late = told.iter().filter(|told| told["error_code"] == "PROVIDER_TIMEOUT").count();
    assert_eq!((late, scene.requests()), (1, (6, 39)));
    // The first interval is over, the second is twice as long.
    let first = scene.router.provider("first").await;
    assert!(first["routes"][0]["open_ms"].as_u64().unwrap() > 1_000, "{first}");
    assert_eq!(scene.ask().await["response"], "second");
    assert_eq!(scene.requests(), (6, 40));
}

#[tokio::test]
async fn a_primary_that_is_back_is_used_again_within_five_seconds() {
    for act in [error(503), Act::Silent, Act::Reset] {
        let scene = Scene::with(act).await;
        scene.router.infer_all(8, &question()).await;
        scene.first.turn_to(Act::answer("first"));
        let back = Instant::now();
        let (before, _) = scene.requests();
        let mut told = scene.ask().await;
        while told["response"] != "first" {
            assert_eq!(told["response"], "second", "{told}");
            assert!(back.elapsed() < Duration::from_secs(5), "not back");
            told = scene.ask().await;
        }
        assert_eq!(scene.first.connections(), before + 1);
        assert_eq!(scene.breaker().await, "closed");
        let told = scene.router.infer_all(10, &question()).await;
        assert!(told.iter().all(|told| told["response"] == "first"), "{told:?}");
    }
}

#[tokio::test]
async fn a_few_failures_that_open_no_breaker_do_not_banish_a_primary_either() {
    let scene = Scene::with(error(500)).await;
    for _call in 0..3 {
        assert_eq!(scene.ask().await["response"], "second");
    }
    assert_eq!((scene.requests(), scene.breaker().await), ((3, 3), json!("closed")));
    scene.first.turn_to(Act::answer("first"));
    let back = Instant::now();
    while scene.ask().await["response"] != "first" {
        assert!(back.elapsed() < Duration::from_secs(5), "not back");
    }
}

#[tokio::test]
async fn a_primary_that_flaps_costs_no_answer() {
    let scene = Scene::with(error(503)).await;
    for turn in 0..40 {
        let act = if turn % 3 == 0 { Act::answer("first") } else { error(503) };
        scene.first.turn_to(act);
        let told = scene.ask().await;
        assert_eq!(told["success"], true, "{told}");
    }
    let (first, second) = scene.requests();
    // One request to each for each call, at the most.
    assert!(first <= 40 && second <= 40 && first + second >= 40, "{first} {second}");
}

#[tokio::test]
async fn when_all_fail_the_last_failure_is_told_and_then_nobody_is_asked() {
    let scene = Scene::with(error(503)).await;
    scene.second.turn_to(error(500));
    let told = scene.ask().await;
    let asked = told["decision"]["attempts"].as_array().unwrap();
    let asked: Vec<&Value> = asked.iter().map(|attempt| &attempt["provider"]).collect();
    assert_eq!(json!(asked), json!(["first", "second", "first"]));
    assert_eq!(told["error_code"], "PROVIDER_HTTP_503");
    scene.router.infer_all(10, &question()).await;
    let before = scene.requests();
    let told = scene.ask().await;
    let seen = json!([told["error_code"], told["failure"]["attempts"]]);
    assert_eq!(seen, json!(["PROVIDER_UNAVAILABLE", 0]), "{told}");
    assert!(told["error"].as_str().unwrap().contains("`first` failed lately"), "{told}");
    assert_eq!(scene.requests(), before);
    // As many as it takes to open a breaker, or were on their way by then.
    assert!(before.0 <= 13 && before.1 <= 13, "{before:?}");
}

#[tokio::test]
async fn what_a_model_answered_is_returned_as_it_is() {
    let choice = |reason: &str, message: Value| {
        json!({"choices": [{"finish_reason": reason, "message": message}]}).to_string()
    };
    let rejected = json!({"error": {"code": "content_filter", "message": "x"}}).to_string();
    let table = [
        (400, rejected, "content_filter"),
        (200, choice("content_filter", json!({"content": ""})), "content_filter"),
        (200, choice("stop", json!({"content": null, "refusal": "I cannot"})), "refusal"),
        (200, choice("stop", json!({"content": ""})), "empty"),
        (200, choice("length", json!({"content": "half an ans"})), "length"),
        (200, choice("length", json!({"content": "", "reasoning_content": "hm"})), "reasoning"),
    ];
    for (status, body, outcome) in table {
        let scene = Scene::of("openai", Act::Reply(status, body), "").await;
        for call in 1..=10 {
            let told = scene.ask().await;
            let seen = json!([told["success"], told["outcome"], told["provider_used"]]);
            assert_eq!(seen, json!([true, outcome, "first"]), "{told}");
            assert_eq!(scene.requests(), (call, 0), "{outcome}");
        }
        let first = scene.router.provider("first").await;
        let seen = json!([first["success_rate"], first["routes"][0]["state"]]);
        assert_eq!(seen, json!([1.0, "ready"]), "{outcome}");
    }
}

#[tokio::test]
async fn what_was_asked_wrongly_is_asked_once_and_says_nothing_of_the_provider() {
    for status in [400, 409, 413, 422] {
        let scene = Scene::of("openai", error(status), "").await;
        for call in 1..=10 {
            let told = scene.ask().await;
            assert_eq!(told["error_code"], format!("PROVIDER_HTTP_{status}"), "{told}");
            assert_eq!(scene.requests(), (call, 0), "{status}");
        }
        let first = scene.router.provider("first").await;
        let route = &first["routes"][0];
        let seen = json!([first["success_rate"], route["breaker"], route["state"]]);
        assert_eq!(seen, json!([1.0, "closed", "unknown"]), "{status}");
    }
}

#[tokio::test]
async fn who_turns_the_key_or_the_model_away_is_asked_once_and_then_the_next_is() {
    for status in [401, 403, 404] {
        let scene = Scene::of("openai", error(status), "").await;
        let told = scene.ask().await;
        assert_eq!(told["response"], "second", "{told}");
        assert_eq!(scene.requests(), (1, 1), "{status}");
        scene.router.infer_all(10, &question()).await;
        assert_eq!(scene.breaker().await, "closed", "{status}");
        assert_eq!(scene.second.connections(), 11, "{status}");
    }
    // Without another, once is all.
    let alone = Upstream::start(error(401)).await;
    let router = Running::start(&provider("a", "openai", "us-east", &alone.url, "")).await;
    let told = within(router.infer(&question())).await;
    assert_eq!(told["error_code"], "PROVIDER_HTTP_401");
    assert_eq!(alone.connections(), 1);
}
