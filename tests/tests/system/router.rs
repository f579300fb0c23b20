//! Routers over real sockets that tell their providers properly and then do one thing wrong.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::AbortHandle;

/// What the router does with a question that it has read.
pub(crate) enum Answer {
    /// HTTP 200 with this body.
    Json(Value),
    /// This status with this body.
    Http(u16, Vec<u8>),
    /// HTTP 200, and half of the body that it announces.
    Half(Vec<u8>),
    /// HTTP 200, half of the body that it announces, and nothing more.
    Stalled(Vec<u8>),
    /// The connection is reset.
    Reset,
    /// The connection is closed without a word.
    Close,
    /// The connection stays open and nothing comes.
    Silence,
}

/// A router that runs until the test ends.
pub(crate) struct Router {
    base: String,
    task: AbortHandle,
}

impl Router {
    /// Answers each question as told; what is told sees the request's body.
    pub(crate) async fn start(answer: impl Fn(&Value) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(answer);
        let serve = async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let answer = Arc::clone(&answer);
                tokio::spawn(async move { serve(stream, &*answer).await });
            }
        };
        Self { base: format!("http://{address}"), task: tokio::spawn(serve).abort_handle() }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A router that is gone before its second list of providers has arrived. Its port stays the test's own
/// for as long as the socket lives, so that nobody else answers there.
pub(crate) fn gone_after_its_list() -> (String, TcpSocket) {
    let socket = || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket
    };
    let (listening, kept) = (socket(), socket());
    listening.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = listening.local_addr().unwrap();
    kept.bind(address).unwrap();
    let listener = listening.listen(1).unwrap();
    tokio::spawn(async move {
        // The stack asks at its start, intake at the submit.
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream, &|_: &Value| Answer::Reset).await;
        let (stream, _) = listener.accept().await.unwrap();
        drop(listener);
        serve(stream, &|_: &Value| Answer::Reset).await;
    });
    (format!("http://{address}"), kept)
}

/// An answer that a model gave.
pub(crate) fn answered(text: &str) -> Value {
    answered_in("us-east", text)
}

/// An answer that a model in this region gave.
pub(crate) fn answered_in(region: &str, text: &str) -> Value {
    json!({
        "success": true,
        "response": text,
        "provider_used": "lab",
        "inference_time": 0.1,
        "cost_estimate": 0.0,
        "finish_reason": "stop",
        "metadata": {"region": region},
    })
}

async fn serve(mut stream: TcpStream, answer: &(impl Fn(&Value) -> Answer + Sync)) {
    let Some((head, body)) = request(&mut stream).await else { return };
    let answer = if head.starts_with("GET /providers ") {
        Answer::Json(json!({"providers": [
            {"name": "lab", "type": "openai", "region": "us-east", "healthy": true},
            {"name": "lab-eu", "type": "openai", "region": "eu-west", "healthy": true},
        ]}))
    } else if head.starts_with("POST /inference ") {
        answer(&serde_json::from_slice(&body).unwrap())
    } else {
        // It remembers no call.
        Answer::Http(404, Vec::new())
    };
    let stalls = matches!(answer, Answer::Stalled(_));
    let (status, body, sent) = match answer {
        Answer::Json(value) => whole(200, value.to_string().into_bytes()),
        Answer::Http(status, body) => whole(status, body),
        Answer::Half(body) | Answer::Stalled(body) => {
            let half = body.len() / 2;
            (200, body, half)
        }
        Answer::Reset => return stream.set_zero_linger().unwrap(),
        Answer::Close => return,
        Answer::Silence => return until_the_caller_is_gone(&mut stream).await,
    };
    let head = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    // A caller that reads no more is its own affair.
    let _broken = stream.write_all(&[head.as_bytes(), &body[..sent]].concat()).await;
    if stalls {
        return until_the_caller_is_gone(&mut stream).await;
    }
    let _closed = stream.shutdown().await;
}

async fn until_the_caller_is_gone(stream: &mut TcpStream) {
    let _closed = stream.read(&mut [0]).await;
}

fn whole(status: u16, body: Vec<u8>) -> (u16, Vec<u8>, usize) {
    let sent = body.len();
    (status, body, sent)
}

/// Head and body of the one request of a connection.
pub(crate) async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        let end = read.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8(read[..end].to_vec()).unwrap();
            let body = read.split_off(end + 4);
            return Some((head.clone(), rest(stream, body, length(&head)).await?));
        }
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
}

async fn rest(stream: &mut TcpStream, mut body: Vec<u8>, length: usize) -> Option<Vec<u8>> {
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(body)
}

fn length(head: &str) -> usize {
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    };
    head.lines().find_map(header).unwrap_or(0)
}
