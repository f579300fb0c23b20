//! Results that are to be had elsewhere: asked for until they are there, and never posted again.

use serde_json::{Value, json};

use crate::running::{KEY, Running, lab, provider, question};
use crate::upstream::{Act, Received, Upstream, refusing};

const KEYED: &str = "api_key_env = \"LAB_KEY\"\n";

/// The answer that sends on to this place.
fn sent_on(status: u16, location: &str) -> Act {
    Act::http(status, &format!("location: {location}\r\n"), "")
}

fn taken() -> Act {
    sent_on(303, "/result?id=7")
}

fn lines(received: &[Received]) -> Vec<String> {
    received.iter().map(|received| format!("{} {}", received.method, received.path)).collect()
}

/// What was asked of an upstream that does this, and what was told.
async fn asked(acts: impl IntoIterator<Item = Act>, more: &str) -> (Vec<Received>, Value) {
    let mut upstream = Upstream::in_turn(acts).await;
    let router = Running::start(&lab("modal", &upstream.url, more)).await;
    let told = router.infer(&question()).await;
    (upstream.all_received(), told)
}

#[tokio::test]
async fn a_result_is_asked_for_where_it_is_until_it_is_there() {
    let acts = [taken(), sent_on(303, "/later"), Act::answer("4")];
    let (received, told) = asked(acts, KEYED).await;
    assert_eq!(lines(&received), ["POST /", "GET /result?id=7", "GET /later"]);
    assert_eq!(told["response"], "4", "{told}");
    assert_eq!(told["decision"]["attempts"].as_array().unwrap().len(), 1);
    for request in &received {
        assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
        assert_eq!(request.headers["x-trace-id"], received[0].headers["x-trace-id"]);
    }
    assert_eq!(received[1].body, Value::Null);
}

#[tokio::test]
async fn a_result_whose_connection_is_lost_is_asked_for_again() {
    let cut = Act::Cut(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"succ".to_vec());
    let (received, told) = asked([taken(), Act::Reset, cut, Act::answer("4")], "").await;
    assert_eq!(lines(&received)[1..], ["GET /result?id=7"; 3]);
    assert_eq!(received[0].method, "POST");
    assert_eq!(told["response"], "4", "{told}");
}

#[tokio::test]
async fn a_result_that_is_not_to_be_had_just_now_is_asked_of_nobody_else() {
    let busy = [429, 502, 503, 504].map(|status| Act::Reply(status, String::new()));
    let acts = [taken()].into_iter().chain(busy).chain([Act::answer("4")]);
    let (mut first, second) = (Upstream::in_turn(acts).await, Upstream::start(Act::Silent).await);
    let toml = provider("first", "modal", "us-east", &first.url, "")
        + &provider("second", "modal", "us-east", &second.url, "");
    let router = Running::start(&toml).await;
    let told = router.infer(&question()).await;
    let lines = lines(&first.all_received());
    assert_eq!((lines[0].as_str(), lines.len()), ("POST /", 6), "{lines:?}");
    assert_eq!(lines[1..], ["GET /result?id=7"; 5]);
    assert_eq!((&told["provider_used"], &told["response"]), (&json!("first"), &json!("4")));
    assert_eq!(second.connections(), 0);
}

#[tokio::test]
async fn a_request_that_was_taken_and_came_to_nothing_is_made_by_nobody_else() {
    for status in [404, 410, 500] {
        let mut first = Upstream::in_turn([taken(), Act::Reply(status, String::new())]).await;
        let second = Upstream::start(Act::answer("second")).await;
        let toml = provider("first", "modal", "us-east", &first.url, "")
            + &provider("second", "modal", "us-east", &second.url, "");
        let told = Running::start(&toml).await.infer(&question()).await;
        let failure = &told["failure"];
        let seen = json!([failure["code"], failure["maybe_billed"], failure["attempts"]]);
        assert_eq!(seen, json!([format!("PROVIDER_HTTP_{status}"), true, 1]), "{told}");
        assert_eq!(lines(&first.all_received()), ["POST /", "GET /result?id=7"]);
        assert_eq!(second.connections(), 0, "{status}");
    }
}

#[tokio::test]
async fn a_result_that_never_comes_ends_with_the_time_for_the_whole() {
    let (received, told) = asked([taken()], "timeout_seconds = 1.5\n").await;
    let seen = json!([told["error_code"], told["failure"]["maybe_billed"]]);
    assert_eq!(seen, json!(["PROVIDER_TIMEOUT", true]), "{told}");
    assert_eq!(received.iter().filter(|received| received.method == "POST").count(), 1);
    assert!((2..=4).contains(&received.len()), "{received:?}");
}

#[tokio::test]
async fn nothing_is_sent_to_another_host() {
    let other = Upstream::start(Act::answer("stolen")).await;
    let port = other.url.rsplit(':').next().unwrap().to_owned();
    let places = [
        format!("{}/result", other.url),
        format!("//127.0.0.1:{port}/result"),
        format!("http://localhost:{port}/result"),
        format!("https://127.0.0.1:{port}/result"),
    ];
    for place in places {
        for (status, maybe_billed) in [(303, true), (307, false), (308, false)] {
            let (received, told) = asked([sent_on(status, &place)], KEYED).await;
            let failure = &told["failure"];
            let seen = json!([failure["code"], failure["http_status"], failure["maybe_billed"]]);
            assert_eq!(seen, json!(["PROVIDER_REDIRECT", status, maybe_billed]), "{told}");
            assert_eq!(lines(&received), ["POST /"], "{status} {place}");
            assert!(!told.to_string().contains(&port), "{told}");
        }
    }
    // After the request was taken, it may be charged for, wherever its result is said to be.
    let acts = [taken(), sent_on(307, &other.url)];
    let (received, told) = asked(acts, KEYED).await;
    assert_eq!(lines(&received), ["POST /", "GET /result?id=7"]);
    let seen = json!([told["error_code"], told["failure"]["maybe_billed"]]);
    assert_eq!(seen, json!(["PROVIDER_REDIRECT", true]), "{told}");
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn another_provider_is_asked_only_when_the_first_did_not_take_the_request() {
    let nowhere = refusing().await;
    for (status, requests) in [(307, 1), (303, 0)] {
        let first = Upstream::start(sent_on(status, &nowhere)).await;
        let second = Upstream::start(Act::answer("second")).await;
        let toml = provider("first", "modal", "us-east", &first.url, "")
            + &provider("second", "modal", "us-east", &second.url, "");
        Running::start(&toml).await.infer(&question()).await;
        assert_eq!((first.connections(), second.connections()), (1, requests), "{status}");
    }
}

#[tokio::test]
async fn a_request_is_sent_on_to_another_place_of_the_same_host_with_all_it_holds() {
    for status in [307, 308] {
        let (received, told) = asked([sent_on(status, "/there"), Act::answer("4")], KEYED).await;
        assert_eq!(lines(&received), ["POST /", "POST /there"]);
        assert_eq!(received[0].body, received[1].body);
        assert_eq!(received[1].headers["authorization"], format!("Bearer {KEY}"));
        assert_eq!(told["response"], "4");
    }
}

#[tokio::test]
async fn a_request_that_is_sent_on_for_ever_is_given_up() {
    let (received, told) = asked([sent_on(307, "/round")], "").await;
    assert_eq!(told["error_code"], "PROVIDER_HTTP_307", "{told}");
    assert_eq!(received.len(), 4);
}

#[tokio::test]
async fn a_place_that_is_none_is_not_looked_for() {
    for act in [Act::http(303, "", ""), sent_on(303, "http://[")] {
        let (received, told) = asked([act], "").await;
        assert_eq!(told["error_code"], "PROVIDER_HTTP_303");
        assert_eq!(told["failure"]["maybe_billed"], true);
        assert_eq!(received.len(), 1);
    }
    for status in [301, 302] {
        let (received, told) = asked([sent_on(status, "/there")], "").await;
        assert_eq!(told["error_code"], format!("PROVIDER_HTTP_{status}"));
        assert_eq!(received.len(), 1);
    }
}

#[tokio::test]
async fn a_key_whose_request_was_taken_gets_its_result_and_no_other_request() {
    let mut upstream = Upstream::in_turn([taken(), Act::Silent, Act::answer("4")]).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let caller = router.caller("key:1", &question()).await;
    let (post, get) = (upstream.received().await, upstream.received().await);
    drop(caller);
    assert_eq!(router.ended("key:1").await["state"], "dropped");
    let (_, told) = router.infer_with("key:1", &question()).await;
    let again = upstream.received().await;
    assert_eq!(lines(&[post, get, again]), ["POST /", "GET /result?id=7", "GET /result?id=7"]);
    assert_eq!((&told["response"], &told["earlier_maybe_billed"]), (&json!("4"), &Value::Null));
}
