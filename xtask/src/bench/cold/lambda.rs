//! What a function meets at its start, on loopback: the runtime API, and Secrets Manager.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::error::{self, BenchError};

/// The request for an event, as it is documented at
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
const NEXT: &str = "GET /2018-06-01/runtime/invocation/next ";
/// Longer than any start takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The runtime API, which has no event for anybody.
#[derive(Debug)]
pub(super) struct Runtime {
    listener: TcpListener,
    /// Where it listens.
    pub(super) address: String,
}

impl Runtime {
    pub(super) fn listen() -> Result<Self, BenchError> {
        let (listener, address) = listen().map_err(error::io("a port for the runtime API"))?;
        Ok(Self { listener, address })
    }

    /// Starts a program; how long it takes to ask for its first event. Then it is ended.
    pub(super) fn until_asked(
        &self,
        program: &'static str,
        command: &mut Command,
    ) -> Result<Duration, BenchError> {
        let begun = Instant::now();
        let mut child = command.spawn().map_err(error::io(program))?;
        let asked = self.asked(begun).map(|line| (begun.elapsed(), line));
        let _ended = (child.kill(), child.wait());
        let (took, line) = asked.map_err(error::io("a function's request for an event"))?;
        if line.starts_with(NEXT) {
            return Ok(took);
        }
        let expected = NEXT.to_owned();
        Err(BenchError::Wrong { what: "a function's first request", expected, found: line })
    }

    /// The first line of the next request.
    fn asked(&self, begun: Instant) -> io::Result<String> {
        self.listener.set_nonblocking(true)?;
        let stream = loop {
            match self.listener.accept() {
                Ok((stream, _)) => break stream,
                Err(none) if none.kind() == io::ErrorKind::WouldBlock => {
                    if begun.elapsed() > PATIENCE {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    thread::sleep(LOOK);
                }
                Err(error) => return Err(error),
            }
        };
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line)
    }
}

/// Between two looks for a connection: what the measurement is fine to.
const LOOK: Duration = Duration::from_micros(50);

/// A Secrets Manager, which has a secret for everybody.
#[derive(Debug)]
pub(super) struct SecretsManager {
    /// Where it listens.
    pub(super) address: String,
}

impl SecretsManager {
    /// Answers until the program ends.
    pub(super) fn start() -> Result<Self, BenchError> {
        let (listener, address) = listen().map_err(error::io("a port for Secrets Manager"))?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A function that was ended in the middle of a request needs no answer.
                let _lost = answer(stream);
            }
        });
        Ok(Self { address })
    }
}

fn answer(stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
    }
    let mut asked = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut asked)?;
    let asked: Value = serde_json::from_slice(&asked).unwrap_or_default();
    let secret = match asked["SecretId"].as_str() {
        Some("beacon/tokens") => json!({"BEACON_ADMIN_TOKENS": "token-of-the-benchmark"}),
        Some(_) | None => json!({"PROVIDER_API_KEY": "key-of-the-benchmark"}),
    };
    let body = json!({"Name": asked["SecretId"], "SecretString": secret.to_string()}).to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\n";
    write!(reader.into_inner(), "{head}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn listen() -> io::Result<(TcpListener, String)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    Ok((listener, address))
}
