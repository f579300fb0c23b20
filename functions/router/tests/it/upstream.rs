//! A provider that does what a test tells it, byte for byte.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::sleep;

/// What an upstream does once it has read a request.
#[derive(Clone)]
pub(crate) enum Act {
    Reply(u16, String),
    /// Bytes on the wire as they are, then the end of the connection.
    Raw(Vec<u8>),
    /// Bytes at once, then more of them, a byte at a time with this between.
    Drip(Vec<u8>, Vec<u8>, Duration),
    /// Bytes on the wire, then nothing until the other side goes away.
    Stall(Vec<u8>),
    /// Bytes on the wire, then a reset.
    Cut(Vec<u8>),
    /// The connection is reset.
    Reset,
    /// Nothing, until the other side goes away.
    Silent,
    /// The reply, once the test says so; nothing if the other side goes away before.
    Held(Arc<Notify>, String),
    /// The reply after this time.
    Late(Duration, u16, String),
}

impl Act {
    /// The answer of an endpoint of kind `modal`.
    pub(crate) fn answer(text: &str) -> Self {
        Self::Reply(200, answer(text))
    }

    /// A status with headers, each ended by CR LF, and a body.
    pub(crate) fn http(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\n{headers}\
             connection: close\r\n\r\n{body}"
        );
        Self::Raw(text.into_bytes())
    }
}

/// What an endpoint of kind `modal` answers with.
pub(crate) fn answer(text: &str) -> String {
    json!({"success": true, "response": text}).to_string()
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

/// What was counted of an upstream's connections.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traffic {
    pub(crate) connections: usize,
    /// Not answered yet, and not gone.
    pub(crate) open: usize,
    /// The most that ever were open at once.
    pub(crate) most_open: usize,
}

pub(crate) struct Upstream {
    pub(crate) url: String,
    acts: Arc<Mutex<VecDeque<Act>>>,
    traffic: watch::Receiver<Traffic>,
    received: mpsc::UnboundedReceiver<Received>,
    closed: Arc<Notify>,
}

impl Upstream {
    pub(crate) async fn start(act: Act) -> Self {
        Self::in_turn([act]).await
    }

    /// Another act for each connection; the last is repeated.
    pub(crate) async fn in_turn(acts: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::listen(listener, acts)
    }

    /// The same on a port that is bound already.
    pub(crate) fn listen(listener: TcpListener, acts: impl IntoIterator<Item = Act>) -> Self {
        let acts = Arc::new(Mutex::new(acts.into_iter().collect::<VecDeque<Act>>()));
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, received) = mpsc::unbounded_channel();
        let (counts, traffic) = watch::channel(Traffic::default());
        let closed = Arc::new(Notify::new());
        let upstream = Self { url, acts: acts.clone(), traffic, received, closed: closed.clone() };
        let counts = Arc::new(counts);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let open = Open::new(counts.clone());
                let act = next(&mut acts.lock().unwrap());
                tokio::spawn(converse(stream, act, sender.clone(), closed.clone(), open));
            }
        });
        upstream
    }

    pub(crate) async fn json(body: Value) -> Self {
        Self::start(Act::Reply(200, body.to_string())).await
    }

    /// From the next connection on it does this.
    pub(crate) fn turn_to(&self, act: Act) {
        *self.acts.lock().unwrap() = VecDeque::from([act]);
    }

    pub(crate) fn connections(&self) -> usize {
        self.traffic().connections
    }

    pub(crate) fn traffic(&self) -> Traffic {
        *self.traffic.borrow()
    }

    /// Resolves once its connections are so.
    pub(crate) async fn until(&self, so: impl FnMut(&Traffic) -> bool) -> Traffic {
        let mut traffic = self.traffic.clone();
        *within(traffic.wait_for(so)).await.unwrap()
    }

    pub(crate) async fn received(&mut self) -> Received {
        within(self.received.recv()).await.unwrap()
    }

    /// What arrived and was not looked at yet.
    pub(crate) fn all_received(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.received.try_recv().ok()).collect()
    }

    /// Resolves when a silent upstream has seen the other side go away.
    pub(crate) async fn closed(&self) {
        within(self.closed.notified()).await;
    }
}

fn next(acts: &mut VecDeque<Act>) -> Act {
    if acts.len() > 1 { acts.pop_front().unwrap() } else { acts[0].clone() }
}

/// A connection that is open, counted until it is dropped.
struct Open(Arc<watch::Sender<Traffic>>);

impl Open {
    fn new(counts: Arc<watch::Sender<Traffic>>) -> Self {
        counts.send_modify(|traffic| {
            traffic.connections += 1;
            traffic.open += 1;
            traffic.most_open = traffic.most_open.max(traffic.open);
        });
        Self(counts)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|traffic| traffic.open -= 1);
    }
}

/// A test that waits for what never comes fails instead of hanging.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.unwrap()
}

/// The address of a port on which nobody listens, and on which nobody else can begin to.
pub(crate) async fn refusing() -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    // It is taken until the tests are over.
    Box::leak(Box::new(socket));
    url
}

async fn converse(
    mut stream: TcpStream,
    act: Act,
    sender: mpsc::UnboundedSender<Received>,
    closed: Arc<Notify>,
    open: Open,
) {
    let Some(request) = read(&mut stream).await else { return };
    // A test that has seen enough has dropped its end.
    let _test_is_over = sender.send(request);
    let bytes = match act {
        Act::Reply(status, body) => reply(status, &body),
        Act::Raw(bytes) => bytes,
        Act::Reset => return stream.set_zero_linger().unwrap(),
        Act::Drip(at_once, bytes, between) => {
            let _cut_short = stream.write_all(&at_once).await;
            for byte in bytes {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                sleep(between).await;
            }
            return;
        }
        Act::Stall(bytes) => {
            let _cut_short = stream.write_all(&bytes).await;
            return gone(&mut stream, &closed).await;
        }
        Act::Cut(bytes) => {
            let _cut_short = stream.write_all(&bytes).await;
            return stream.set_zero_linger().unwrap();
        }
        Act::Silent => return gone(&mut stream, &closed).await,
        Act::Held(go, body) => {
            tokio::select! {
                () = go.notified() => reply(200, &body),
                () = gone(&mut stream, &closed) => return,
            }
        }
        Act::Late(after, status, body) => {
            sleep(after).await;
            reply(status, &body)
        }
    };
    drop(open);
    // The router may stop reading before the end.
    let _cut_short = stream.write_all(&bytes).await;
}

async fn gone(stream: &mut TcpStream, closed: &Notify) {
    let _end_or_reset = stream.read(&mut [0]).await;
    closed.notify_one();
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
    let mut first = lines.next().unwrap().split(' ').map(str::to_owned);
    let (method, path) = (first.next().unwrap(), first.next().unwrap());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    while bytes.len() < end + length {
        stream.read_buf(&mut bytes).await.ok()?;
    }
    let body = serde_json::from_slice(&bytes[end..]).unwrap_or(Value::Null);
    Some(Received { method, path, headers, body })
}
