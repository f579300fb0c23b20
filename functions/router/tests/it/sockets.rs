//! Servers that misbehave on the wire: what is told, how often they are asked, and that they are
//! used again once they behave.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;

use crate::running::{Running, lab, question};
use crate::upstream::{Act, Upstream, answer, within};

/// Of the providers of these tests.
const TIMES: &str = "first_byte_timeout_seconds = 0.3\ntimeout_seconds = 0.6\n";
const BETWEEN: Duration = Duration::from_millis(20);

struct Case {
    what: &'static str,
    act: Act,
    code: &'static str,
}

fn case(what: &'static str, act: Act, code: &'static str) -> Case {
    Case { what, act, code }
}

fn raw(text: &str) -> Act {
    Act::Raw(text.as_bytes().to_vec())
}

/// An answer whose head says this.
fn whole(head: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{}", answer("4")).into_bytes()
}

fn slow() -> [Case; 5] {
    const LATE: &str = "PROVIDER_TIMEOUT";
    let length = answer("4").len();
    let sound = whole(&format!("content-length: {length}"));
    let continued = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100);
    [
        case("silent", Act::Silent, LATE),
        case("slow head", Act::Drip(Vec::new(), sound.clone(), BETWEEN), LATE),
        case("half a head", Act::Stall(sound[..20].to_vec()), LATE),
        case("half a body", Act::Stall(sound[..sound.len() - 5].to_vec()), LATE),
        case("100 for ever", Act::Stall(continued), LATE),
    ]
}

fn broken() -> [Case; 12] {
    const LOST: &str = "PROVIDER_CONNECTION_LOST";
    const UNREADABLE: &str = "PROVIDER_RESPONSE_PARSE_ERROR";
    let length = answer("4").len();
    let sound = whole(&format!("content-length: {length}"));
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n";
    let two = whole(&format!("content-length: {length}\r\ncontent-length: 3"));
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let large = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n{{}}", "x".repeat(1024 * 1024));
    [
        case("half an answer", Act::Raw(sound[..sound.len() - 5].to_vec()), LOST),
        case("half a head, then the end", Act::Raw(sound[..20].to_vec()), LOST),
        case("a head, then a reset", Act::Cut(format!("{head}\r\n").into_bytes()), LOST),
        case("half a body, then a reset", Act::Cut(sound[..sound.len() - 5].to_vec()), LOST),
        case("a length that is too long", Act::Raw(whole("content-length: 1000")), LOST),
        case("a length that is too short", Act::Raw(whole("content-length: 5")), UNREADABLE),
        case("two lengths", Act::Raw(two), LOST),
        case("a length that is none", Act::Raw(whole("content-length: many")), LOST),
        case("half the chunks", raw(&format!("{chunks}5\r\n{{\"tex")), LOST),
        case("a chunk that is none", raw(&format!("{chunks}zz\r\n{{}}\r\n0\r\n\r\n")), LOST),
        case("a page", Act::Reply(200, "<html><body>Welcome</body></html>".to_owned()), UNREADABLE),
        case("an endless head", raw(&large), LOST),
    ]
}

/// Both kinds, after each other: the failure, then an answer of the same provider.
#[tokio::test]
async fn what_may_have_been_answered_is_told_and_never_asked_again() {
    let list = [json!([]), json!([{"text": "4"}]), json!("4"), json!(4), Value::Null];
    let lists = list.map(|list| {
        let act = Act::Reply(200, list.to_string());
        case("no object", act, "PROVIDER_RESPONSE_PARSE_ERROR")
    });
    for Case { what, act, code } in slow().into_iter().chain(broken()).chain(lists) {
        let upstream = Upstream::start(act).await;
        let router = Running::start(&lab("modal", &upstream.url, TIMES)).await;
        let told = router.infer(&question()).await;
        let failure = &told["failure"];
        let seen = json!([failure["code"], failure["maybe_billed"], failure["attempts"]]);
        assert_eq!(seen, json!([code, true, 1]), "{what}: {told}");
        assert_eq!(upstream.connections(), 1, "{what}");
        upstream.turn_to(Act::answer("well again"));
        let told = router.infer(&question()).await;
        assert_eq!(told["response"], "well again", "{what}: {told}");
        assert_eq!(upstream.connections(), 2, "{what}");
    }
}

#[tokio::test]
async fn a_body_that_drips_ends_with_the_time_for_the_whole() {
    let (head, body) = (whole("content-length: 1000000"), b" ".repeat(10_000));
    let upstream = Upstream::start(Act::Drip(head, body, Duration::from_millis(2))).await;
    let router = Running::start(&lab("modal", &upstream.url, TIMES)).await;
    let told = within(router.infer(&question())).await;
    let seen = json!([told["error_code"], told["error"], told["failure"]["maybe_billed"]]);
    assert_eq!(seen, json!(["PROVIDER_TIMEOUT", "no answer within 600 ms", true]));
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn interim_answers_and_chunks_are_no_misbehaviour() {
    let sound = answer("4");
    let chunked = format!(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n\
         HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{sound}\r\n0\r\n\r\n",
        sound.len()
    );
    let upstream = Upstream::start(raw(&chunked)).await;
    let router = Running::start(&lab("modal", &upstream.url, TIMES)).await;
    assert_eq!(router.infer(&question()).await["response"], "4");
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_burst_of_server_errors_is_outlasted_three_times_at_the_most() {
    let error = |status| Act::Reply(status, json!({"detail": "x"}).to_string());
    let upstream = Upstream::in_turn([error(500), error(503), Act::answer("4")]).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    let told = router.infer(&question()).await;
    assert_eq!(told["response"], "4");
    let codes: Vec<&Value> = told["decision"]["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| &attempt["code"])
        .collect();
    assert_eq!(json!(codes), json!(["PROVIDER_HTTP_500", "PROVIDER_HTTP_503", null]));
    assert!(told["timings"]["waited_ms"].as_f64().unwrap() >= 600.0, "{told}");
    assert_eq!(upstream.connections(), 3);

    // What a proxy says that stopped waiting may hide an answer.
    for status in [502, 504, 524] {
        let upstream = Upstream::start(error(status)).await;
        let router = Running::start(&lab("modal", &upstream.url, "")).await;
        assert_eq!(router.infer(&question()).await["failure"]["maybe_billed"], true);
        assert_eq!(upstream.connections(), 1, "{status}");
    }
}

#[tokio::test]
async fn an_error_within_an_answer_is_asked_again_only_if_it_passes() {
    let error = |code: &str| {
        let body = json!({"error": {"message": "x", "type": code, "code": code}});
        Act::Reply(200, body.to_string())
    };
    let sound = json!({"choices": [{"finish_reason": "stop", "message": {"content": "4"}}]});
    let sound = Act::Reply(200, sound.to_string());
    for (code, requests) in [("overloaded_error", 2), ("invalid_request_error", 1)] {
        let upstream = Upstream::in_turn([error(code), sound.clone()]).await;
        let router = Running::start(&lab("openai", &upstream.url, "")).await;
        let told = router.infer(&question()).await;
        assert_eq!(told["success"], requests == 2, "{told}");
        assert_eq!(upstream.connections(), requests, "{code}");
    }
}

#[tokio::test]
async fn a_black_hole_is_left_after_the_time_to_connect() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let _full = fill(address).await;
    let more = "connect_timeout_seconds = 0.1\n";
    let router = Running::start(&lab("modal", &format!("http://{address}"), more)).await;
    let told = within(router.infer(&question())).await;
    let failure = &told["failure"];
    let seen = json!([failure["code"], failure["maybe_billed"], failure["attempts"]]);
    assert_eq!(seen, json!(["PROVIDER_UNREACHABLE", false, 3]), "{told}");
    assert_eq!(told["error"], "no connection to the provider in time");
    assert_eq!(told["cost_estimate"], 0.0);
}

/// Takes all places in which a connection may wait to be accepted.
async fn fill(address: SocketAddr) -> Vec<TcpStream> {
    let mut all = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(500), TcpStream::connect(address)).await
    {
        all.push(stream.unwrap());
    }
    all
}

/// Answers on a connection that stays, and what it does with the second request there.
async fn keep_alive(answers: usize) -> (String, mpsc::UnboundedReceiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, number, answers, sender.clone()));
        }
    });
    (url, requests)
}

/// Tells the number of the connection with each request that has begun to arrive.
async fn serve(
    mut stream: TcpStream,
    number: usize,
    answers: usize,
    sender: mpsc::UnboundedSender<usize>,
) -> io::Result<()> {
    let body = answer("4");
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    for count in 0.. {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"}") {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
            if count == answers {
                break;
            }
        }
        let _test_is_over = sender.send(number);
        if count == answers {
            return stream.set_zero_linger();
        }
        stream.write_all((head.clone() + &body).as_bytes()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_that_is_lost_with_a_second_request_is_not_asked_again() {
    let (url, mut requests) = keep_alive(1).await;
    let router = Running::start(&lab("modal", &url, "")).await;
    assert_eq!(router.infer(&question()).await["response"], "4");
    let told = router.infer(&question()).await;
    let seen = json!([told["error_code"], told["failure"]["maybe_billed"]]);
    assert_eq!(seen, json!(["PROVIDER_CONNECTION_LOST", true]), "{told}");
    // The third goes out on a new one.
    assert_eq!(router.infer(&question()).await["response"], "4");
    let seen: Vec<usize> = std::iter::from_fn(|| requests.try_recv().ok()).collect();
    assert_eq!(seen, [0, 0, 1]);
}

#[tokio::test]
async fn a_connection_that_was_closed_between_two_requests_costs_none() {
    let upstream = Upstream::start(raw(&format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}",
        answer("4").len(),
        answer("4")
    )))
    .await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    for call in 1..=20 {
        let told = router.infer(&question()).await;
        assert_eq!(told["response"], "4", "{told}");
        assert_eq!(upstream.connections(), call);
        // Another call of the router's, in which it can see the end of the connection.
        router.get("/health").await;
    }
}

#[tokio::test]
async fn connections_are_kept_between_calls() {
    let (url, mut requests) = keep_alive(100).await;
    let router = Running::start(&lab("modal", &url, "")).await;
    for _call in 0..20 {
        assert_eq!(router.infer(&question()).await["response"], "4");
    }
    let seen: Vec<usize> = std::iter::from_fn(|| requests.try_recv().ok()).collect();
    assert_eq!(seen, [0; 20]);
}
