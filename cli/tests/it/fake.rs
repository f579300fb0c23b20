//! A server that answers as a test wants.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// An HTTP server. It ends with the test.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

/// An answer: its status, further header lines and body. Without one the client waits for ever.
pub(crate) type Answer = Option<(u16, &'static str, String)>;

impl Fake {
    /// Answers each request by its head.
    pub(crate) async fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        Self::reading(move |head, _body| answer(head)).await
    }

    /// Answers each request by its head and its body.
    pub(crate) async fn reading(
        answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut waiting = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (head, body) = request(&mut stream).await;
                let Some((status, headers, body)) = answer(&head, &body) else {
                    waiting.push(stream);
                    continue;
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\
                     {headers}\r\n{body}"
                );
                // One that speaks something else hangs up first.
                let _gone = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A request's head and body; the first bytes where it is no HTTP.
async fn request(stream: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    let head = loop {
        let read = stream.read_buf(&mut bytes).await.unwrap_or(0);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        if let Some(end) = end {
            break end;
        }
        if read == 0 || !bytes.is_ascii() {
            return (String::from_utf8_lossy(&bytes).into_owned(), String::new());
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = text.split("content-length:").nth(1).and_then(|rest| rest.lines().next());
    let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
    while bytes.len() < head + length && stream.read_buf(&mut bytes).await.unwrap_or(0) > 0 {}
    let part = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
    (part(&bytes[..head]), part(&bytes[head..]))
}
