//! A provider that answers at once, in this process: its CPU time is nobody's who is measured.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::json;

use super::http;

/// About 300 bytes, as a short answer of a model.
pub(super) const TEXT: &str = "The subject has a long history, and what is known of it today rests on sources \
of different ages and of different quality. Most of them agree on the main events and on their \
order; they differ in how they weigh the causes. What comes next depends on decisions that nobody \
has taken yet.";

/// Calls by region.
pub(crate) type Calls = BTreeMap<String, u64>;

/// The provider, until the process ends.
#[derive(Debug)]
pub(crate) struct Mock {
    address: SocketAddr,
    calls: Arc<Mutex<Calls>>,
}

impl Mock {
    /// Listens at a free port of this machine.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let calls = Arc::<Mutex<Calls>>::default();
        let counted = Arc::clone(&calls);
        let answer = Arc::new(answer());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (counted, answer) = (Arc::clone(&counted), Arc::clone(&answer));
                // A connection that breaks is its client's affair, whose calls are counted.
                thread::spawn(move || drop(serve(stream, &counted, &answer)));
            }
        });
        Ok(Self { address, calls })
    }

    /// What to give a client of the `OpenAI` protocol as its base address.
    pub(crate) fn url(&self, region: &str) -> String {
        format!("http://{}/{region}/v1", self.address)
    }

    /// The calls since this was asked last.
    pub(crate) fn take_calls(&self) -> Calls {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn serve(stream: TcpStream, calls: &Mutex<Calls>, answer: &[u8]) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = http::read(&mut reader)? {
        let path = request.first_line.split(' ').nth(1).unwrap_or_default();
        let region = path.strip_suffix("/v1/chat/completions").unwrap_or(path);
        let region = region.trim_start_matches('/').to_owned();
        *calls.lock().unwrap_or_else(PoisonError::into_inner).entry(region).or_default() += 1;
        reader.get_mut().write_all(answer)?;
    }
    Ok(())
}

/// The whole answer, the same for every call.
pub(super) fn answer() -> Vec<u8> {
    let body = json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "mock",
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": TEXT },
            "finish_reason": "stop",
        }],
        "usage": { "prompt_tokens": 40, "completion_tokens": 60, "total_tokens": 100 },
    })
    .to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_answered_on_one_connection_and_counted_by_region() {
        let mock = Mock::start().unwrap();
        assert!(mock.url("eu-west").ends_with("/eu-west/v1"));
        let mut client = http::Client::connect(mock.address).unwrap();
        for region in ["eu-west", "us-east", "eu-west"] {
            let path = format!("/{region}/v1/chat/completions");
            let body = client.call("POST", &path, b"{}").unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["choices"][0]["message"]["content"], TEXT);
        }
        let counted = mock.take_calls();
        assert_eq!(counted, Calls::from([("eu-west".to_owned(), 2), ("us-east".to_owned(), 1)]));
        assert!(mock.take_calls().is_empty());
    }
}
