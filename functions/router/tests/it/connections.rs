//! What a connection may take, and how it ends.

use std::io;
use std::time::Duration;

use beacon_router::Limits;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::running::{Running, lab, question, router};
use crate::upstream::{Act, Upstream, refusing, within};

const READY: &[u8] = b"GET /ready HTTP/1.1\r\nhost: r\r\n\r\n";
const SHORT: Duration = Duration::from_millis(50);

async fn limited(url: &str, limits: Limits) -> Running {
    Running::serving(router(&lab("openai", url, "")), |service| service.with_limits(limits)).await
}

async fn connected(router: &Running) -> TcpStream {
    TcpStream::connect(&router.address).await.unwrap()
}

/// What comes until the end of the connection, which may be a reset.
async fn rest(stream: &mut TcpStream) -> String {
    let mut told = Vec::new();
    match within(stream.read_to_end(&mut told)).await {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
    }
    String::from_utf8(told).unwrap()
}

/// One answer's head, on a connection that stays.
async fn head(stream: &mut TcpStream) -> String {
    let mut told = Vec::new();
    while !told.windows(4).any(|four| four == b"\r\n\r\n") {
        assert_ne!(within(stream.read_buf(&mut told)).await.unwrap(), 0);
    }
    String::from_utf8(told).unwrap()
}

#[tokio::test]
async fn a_head_that_does_not_end_closes_its_connection() {
    let limits = Limits { head: SHORT, ..Limits::default() };
    let router = limited(&refusing().await, limits).await;
    for begun in [&b"POST /inference HTT"[..], b"", b"GET /ready HTTP/1.1\r\nhost: r\r\nx-a: "] {
        let mut caller = connected(&router).await;
        caller.write_all(begun).await.unwrap();
        assert!(!rest(&mut caller).await.contains(" 200 "));
    }
    // An idle connection ends as well, after its answer.
    let mut caller = connected(&router).await;
    caller.write_all(READY).await.unwrap();
    assert!(rest(&mut caller).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_body_that_does_not_end_is_given_up() {
    let limits = Limits { body: SHORT, ..Limits::default() };
    let router = limited(&refusing().await, limits).await;
    for path in ["/inference", "/v1/chat/completions"] {
        let mut caller = connected(&router).await;
        let begun = format!(
            "POST {path} HTTP/1.1\r\nhost: r\r\ncontent-type: application/json\r\n\
             content-length: 100\r\n\r\n{{\"model\":"
        );
        caller.write_all(begun.as_bytes()).await.unwrap();
        assert!(rest(&mut caller).await.starts_with("HTTP/1.1 408"), "{path}");
    }
}

#[tokio::test]
async fn too_many_and_too_large_headers_are_refused() {
    let router = limited(&refusing().await, Limits::default()).await;
    let many = "x-a: 1\r\n".repeat(200);
    let large = format!("x-a: {}\r\n", "a".repeat(64 * 1024));
    for headers in [many, large] {
        let mut caller = connected(&router).await;
        let request = format!("GET /ready HTTP/1.1\r\nhost: r\r\n{headers}\r\n");
        // It may be refused before all of it is sent.
        let _cut_short = caller.write_all(request.as_bytes()).await;
        let told = rest(&mut caller).await;
        assert!(told.is_empty() || told.starts_with("HTTP/1.1 431"), "{told}");
    }
    assert_eq!(router.get("/ready").await.0, 200);
}

#[tokio::test]
async fn more_connections_than_there_is_room_for_wait() {
    let mut upstream = Upstream::start(Act::Silent).await;
    let limits = Limits { connections: 1, ..Limits::default() };
    let router = limited(&upstream.url, limits).await;
    let first = router.caller("k:1", &question()).await;
    upstream.received().await;
    let mut second = connected(&router).await;
    second.write_all(READY).await.unwrap();
    assert!(second.try_read(&mut [0]).is_err());
    drop(first);
    assert!(head(&mut second).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_draining_router_says_so_and_closes_what_is_idle() {
    let mut upstream = Upstream::start(Act::Silent).await;
    let limits = Limits { silence: Duration::from_secs(3), ..Limits::default() };
    let router = limited(&upstream.url, limits).await;
    let (mut idle, mut new, mut silent) =
        (connected(&router).await, connected(&router).await, connected(&router).await);
    idle.write_all(READY).await.unwrap();
    assert!(head(&mut idle).await.starts_with("HTTP/1.1 200"));
    let caller = router.caller("k:1", &question()).await;
    upstream.received().await;
    let stopping = tokio::spawn(router.stop());
    rest(&mut idle).await;
    new.write_all(READY).await.unwrap();
    let told = head(&mut new).await;
    assert!(told.starts_with("HTTP/1.1 503"), "{told}");
    assert!((told + &rest(&mut new).await).contains("\"draining\""));
    // One that asks for nothing does not keep the router from ending.
    assert_eq!(rest(&mut silent).await, "");
    assert!(!stopping.is_finished());
    drop(caller);
    within(stopping).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_does_not_end_in_time_is_dropped() {
    let mut upstream = Upstream::start(Act::Silent).await;
    let limits = Limits { drain: SHORT, ..Limits::default() };
    let router = limited(&upstream.url, limits).await;
    let mut caller = router.caller("k:1", &question()).await;
    upstream.received().await;
    within(router.stop()).await.unwrap();
    assert_eq!(rest(&mut caller).await, "");
    upstream.closed().await;
}

#[tokio::test]
async fn a_chat_is_dropped_when_its_caller_goes_away() {
    let mut upstream = Upstream::start(Act::Silent).await;
    let router = limited(&upstream.url, Limits::default()).await;
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    let call = tokio::spawn(router.post("/v1/chat/completions").json(&chat).send());
    upstream.received().await;
    call.abort();
    upstream.closed().await;
}
