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
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut waiting = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let head = head(&mut stream).await;
                let Some((status, headers, body)) = answer(&head) else {
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

/// A request's head; the first bytes where it is no HTTP.
async fn head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let read = stream.read_buf(&mut bytes).await.unwrap_or(0);
        let text = String::from_utf8_lossy(&bytes);
        if read == 0 || text.contains("\r\n\r\n") || !text.is_ascii() {
            return text.into_owned();
        }
    }
}
