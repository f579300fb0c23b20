//! What both gateways ask: a process that answers at once, or holds a call until it is told to.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::wire::Connection;
use crate::bench::error::{BenchError, io, json};
use crate::bench::http::Client;
use crate::bench::mock;
use crate::bench::table;

/// The first part of a path where calls are held.
const HOLD: &[u8] = b"POST /hold/";
const COUNTS: &[u8] = b"GET /counts ";
const RELEASE: &[u8] = b"POST /release ";

/// Calls that are held or were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Since the process began.
    pub(crate) begun: u64,
    /// Whose connection is open and that have no answer.
    pub(crate) running: u64,
}

#[derive(Debug, Default)]
struct Counted {
    begun: AtomicU64,
    running: AtomicU64,
}

/// Says where it listens, and serves until the process ends.
pub(crate) fn serve() -> Result<(), BenchError> {
    let runtime = super::runtime()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(io("a port"))?;
        table::say(&listener.local_addr().map_err(io("a port"))?.to_string());
        let (release, _) = watch::channel(());
        let (release, counted) = (Arc::new(release), Arc::<Counted>::default());
        let answer: Arc<[u8]> = mock::answer().into();
        loop {
            let (stream, _) = listener.accept().await.map_err(io("a connection"))?;
            let connection =
                connection(stream, Arc::clone(&counted), Arc::clone(&release), Arc::clone(&answer));
            // One that breaks is its client's affair, whose calls are counted.
            tokio::spawn(async move { drop(connection.await) });
        }
    })
}

async fn connection(
    stream: TcpStream,
    counted: Arc<Counted>,
    release: Arc<watch::Sender<()>>,
    answer: Arc<[u8]>,
) -> io::Result<()> {
    let mut connection = Connection::new(stream)?;
    while let Some(request) = connection.read().await? {
        let line = request.first_line;
        if line.starts_with(HOLD) {
            let mut released = release.subscribe();
            let _running = Running::begin(Arc::clone(&counted));
            tokio::select! {
                _ = released.changed() => {}
                () = connection.closed() => return Ok(()),
            }
            connection.send(&answer).await?;
        } else if line.starts_with(COUNTS) {
            let body = serde_json::to_string(&counted.now())?;
            connection.send(plain(&body).as_bytes()).await?;
        } else if line.starts_with(RELEASE) {
            release.send_replace(());
            connection.send(plain("null").as_bytes()).await?;
        } else {
            connection.send(&answer).await?;
        }
    }
    Ok(())
}

fn plain(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
}

impl Counted {
    fn now(&self) -> Counts {
        let [begun, running] =
            [&self.begun, &self.running].map(|number| number.load(Ordering::Relaxed));
        Counts { begun, running }
    }
}

/// A call that is held, until it is dropped.
struct Running(Arc<Counted>);

impl Running {
    fn begin(counted: Arc<Counted>) -> Self {
        counted.begun.fetch_add(1, Ordering::Relaxed);
        counted.running.fetch_add(1, Ordering::Relaxed);
        Self(counted)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The process, as the benchmark holds it.
#[derive(Debug)]
pub(super) struct Upstream {
    child: Child,
    pub(super) address: SocketAddr,
    control: Client,
}

impl Upstream {
    pub(super) fn start() -> Result<Self, BenchError> {
        let program = std::env::current_exe().map_err(io("this program"))?;
        let mut command = Command::new(program);
        command.args(["bench", "router-upstream"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(io("the upstream"))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(io("the upstream"))?;
        }
        let address = line.trim().parse().map_err(|_invalid| BenchError::Wrong {
            what: "what the upstream says",
            expected: "an address".to_owned(),
            found: line,
        })?;
        let control = Client::connect(address).map_err(io("the upstream"))?;
        Ok(Self { child, address, control })
    }

    /// The base address of a client of the `OpenAI` protocol, for each kind of call.
    pub(super) fn url(&self, model: &str) -> String {
        format!("http://{}/{model}/v1", self.address)
    }

    pub(super) fn counts(&mut self) -> Result<Counts, BenchError> {
        let answer = self.control.call("GET", "/counts", &[]).map_err(io("the upstream"))?;
        serde_json::from_slice(&answer).map_err(json("the upstream's counts"))
    }

    /// Answers what is held now.
    pub(super) fn release(&mut self) -> Result<(), BenchError> {
        self.control.call("POST", "/release", &[]).map(drop).map_err(io("the upstream"))
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // It ends only so.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
