//! A provider that does what a test tells it, byte for byte.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

/// What an upstream does once it has read a request.
#[derive(Clone)]
pub(crate) enum Act {
    Reply(u16, String),
    /// Bytes on the wire as they are, then the end of the connection.
    Raw(Vec<u8>),
    /// The connection is reset.
    Reset,
    /// Nothing, until the other side goes away.
    Silent,
    /// The reply, once the test says so.
    Held(Arc<Notify>, String),
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

pub(crate) struct Upstream {
    pub(crate) url: String,
    connections: Arc<AtomicUsize>,
    received: mpsc::UnboundedReceiver<Received>,
    closed: Arc<Notify>,
}

impl Upstream {
    pub(crate) async fn start(act: Act) -> Self {
        Self::in_turn([act]).await
    }

    /// Another act for each connection; the last is repeated.
    pub(crate) async fn in_turn(acts: impl IntoIterator<Item = Act>) -> Self {
        let acts: Vec<Act> = acts.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, received) = mpsc::unbounded_channel();
        let (connections, closed) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let upstream =
            Self { url, connections: connections.clone(), received, closed: closed.clone() };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let act = acts[number.min(acts.len() - 1)].clone();
                tokio::spawn(converse(stream, act, sender.clone(), closed.clone()));
            }
        });
        upstream
    }

    pub(crate) async fn json(body: Value) -> Self {
        Self::start(Act::Reply(200, body.to_string())).await
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) async fn received(&mut self) -> Received {
        within(self.received.recv()).await.unwrap()
    }

    /// Resolves when a silent upstream has seen the other side go away.
    pub(crate) async fn closed(&self) {
        within(self.closed.notified()).await;
    }
}

/// A test that waits for what never comes fails instead of hanging.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.unwrap()
}

/// The address of a port on which nobody listens.
pub(crate) async fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn converse(
    mut stream: TcpStream,
    act: Act,
    sender: mpsc::UnboundedSender<Received>,
    closed: Arc<Notify>,
) {
    let Some(request) = read(&mut stream).await else { return };
    // A test that has seen enough has dropped its end.
    let _test_is_over = sender.send(request);
    let bytes = match act {
        Act::Reply(status, body) => reply(status, &body),
        Act::Raw(bytes) => bytes,
        Act::Reset => return stream.set_zero_linger().unwrap(),
        Act::Silent => {
            let _end_or_reset = stream.read(&mut [0]).await;
            closed.notify_one();
            return;
        }
        Act::Held(go, body) => {
            go.notified().await;
            reply(200, &body)
        }
    };
    // The router may stop reading before the end.
    let _cut_short = stream.write_all(&bytes).await;
}

fn reply(status: u16, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\nlocation: /elsewhere\r\n\
         connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    while bytes.len() < end + length {
        stream.read_buf(&mut bytes).await.ok()?;
    }
    let body = serde_json::from_slice(&bytes[end..]).unwrap_or(Value::Null);
    Some(Received { path, headers, body })
}
