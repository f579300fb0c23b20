//! A provider that answers when the test says so, and counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// A provider of the kind `modal`. It runs as long as the test.
pub(crate) struct Upstream {
    pub(crate) url: String,
    state: Arc<State>,
}

struct State {
    connections: AtomicUsize,
    arrived: Semaphore,
    go: Semaphore,
    closed: Semaphore,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let none = || Semaphore::new(0);
        let (arrived, go, closed) = (none(), none(), none());
        let state = Arc::new(State { connections: AtomicUsize::new(0), arrived, go, closed });
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = 1 + serving.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(converse(stream, number, Arc::clone(&serving)));
            }
        });
        Self { url, state }
    }

    /// A file of one provider, in us-east with the model `m`.
    pub(crate) fn providers(&self) -> String {
        format!(
            "[[providers]]\nname = \"lab\"\nkind = \"modal\"\nregion = \"us-east\"\n\
             models = [\"m\"]\nurl = \"{}\"\n",
            self.url
        )
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Resolves when one more request has been read.
    pub(crate) async fn arrived(&self) {
        self.state.arrived.acquire().await.unwrap().forget();
    }

    /// Lets one request be answered, with the number of its connection.
    pub(crate) fn answer(&self) {
        self.state.go.add_permits(1);
    }

    /// Resolves when one more connection was closed by the other side without an answer.
    pub(crate) async fn closed(&self) {
        self.state.closed.acquire().await.unwrap().forget();
    }
}

async fn converse(mut stream: TcpStream, number: usize, state: Arc<State>) {
    if read(&mut stream).await.is_none() {
        return;
    }
    state.arrived.add_permits(1);
    let mut byte = [0];
    tokio::select! {
        go = state.go.acquire() => go.unwrap().forget(),
        _end_or_reset = stream.read(&mut byte) => {
            state.closed.add_permits(1);
            return;
        }
    }
    let body = format!("{{\"success\": true, \"response\": \"answer {number}\"}}");
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    // The router may have gone.
    let _cut_short = stream.write_all((head + &body).as_bytes()).await;
}

async fn read(stream: &mut TcpStream) -> Option<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |text| text.trim().parse().unwrap());
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(())
}
