//! A router that cannot be reached: each reason is a code of its own, in the row and in the log.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::place::{Place, eventually};
use crate::up::Up;

#[tokio::test]
async fn a_name_without_an_address_is_asked_for_three_times() {
    assert_failure("http://no-such-host.invalid", "ROUTER_DNS", true).await;
}

#[tokio::test]
async fn a_port_without_tls_is_not_asked_again() {
    let address = plain_http().await;
    assert_failure(&format!("https://{address}"), "ROUTER_TLS", false).await;
}

/// A job is accepted and begun with a good router, and goes on with one at this address.
async fn assert_failure(router: &str, code: &str, retryable: bool) {
    let place = Place::new();
    let up = Up::start(&place, &["--providers", &place.providers("[600000, 600000]")]).await;
    up.submit(&json!({
        "id": "unsent",
        "questions": [{"id": "q", "text": "Q?"}],
        "models": ["llama3.2-1b"],
        "regions": ["US"],
    }))
    .await;
    eventually("a call", async || (place.calls().begun().len() == 1).then_some(())).await;
    up.kill().await;

    let mut command = place.command(&["up", "--listen", "127.0.0.1:0", "--json"]);
    command.env("HYBRID_ROUTER_URL", router);
    let up = Up::spawn(command, &place).await;
    let view = up.final_job("unsent").await;
    assert_eq!((&view["status"], &view["counts"]["failed"]), (&"failed".into(), &1.into()));
    let rows = up.executions("unsent").await;
    let failure = &rows[0]["failure"];
    assert_eq!((&failure["code"], &failure["stage"]), (&code.into(), &"router_connect".into()));
    assert_eq!(
        (&failure["retryable"], &failure["maybe_billed"]),
        (&retryable.into(), &false.into())
    );
    assert!(failure["message"].as_str().unwrap().contains(router), "{failure}");
    assert_eq!(failure["attempts"], if retryable { 3 } else { 1 }, "{failure}");
    up.end_with("TERM").await;

    let log = std::fs::read_to_string(place.path("up.log")).unwrap();
    let fast = log.lines().find(|line| line.contains("suspiciously fast failure")).unwrap();
    for field in [
        "job_id=unsent",
        "run=1",
        "region=us-east",
        "model_id=llama3.2-1b",
        "question_id=q",
        "holder=",
        "duration_ms=",
        "reason=\"",
        code,
    ] {
        assert!(fast.contains(field), "{field}: {fast}");
    }
}

/// A server that answers every request, be it no request at all.
async fn plain_http() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _hello = stream.read(&mut [0; 4096]).await;
            let _sent = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    address
}
