//! The load, made by a process of its own.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::upstream::Counts;
use super::wire::{Connection, Message};
use super::{HOLD, INSTANT, REGION, runtime};
use crate::bench::error::{BenchError, io, json as bad_json};
use crate::bench::limits::percentile;
use crate::bench::mock;
use crate::bench::process::Family;
use crate::bench::table;

/// Bytes of the prompt.
const PROMPT_BYTES: usize = 1024;
/// Longer than any answer takes, also of one who is overrun.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at the upstream.
const LOOK: Duration = Duration::from_millis(5);

/// What to do to whom.
#[derive(Debug, Clone, Args)]
pub(crate) struct Load {
    #[command(subcommand)]
    pub(crate) kind: Kind,
    /// Who is called.
    #[arg(long, global = true, default_value = "127.0.0.1:0")]
    pub(crate) address: SocketAddr,
    /// The path of the calls.
    #[arg(long, global = true, default_value = "/")]
    pub(crate) path: String,
}

/// The kinds of load.
#[derive(Debug, Clone, clap::Subcommand)]
pub(crate) enum Kind {
    /// So many connections, each of which asks again as soon as it has its answer.
    Steady {
        #[arg(long)]
        connections: usize,
        #[arg(long)]
        seconds: u64,
    },
    /// So many calls at a time, which the upstream holds; ends when all are answered.
    Held {
        #[arg(long)]
        calls: usize,
    },
    /// Calls that the upstream holds and whose connections are then closed, in waves.
    Cancelled {
        #[arg(long)]
        calls: usize,
        #[arg(long)]
        wave: usize,
        /// Who holds them.
        #[arg(long)]
        upstream: SocketAddr,
    },
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Calls with the right answer.
    pub(crate) answered: u64,
    /// Calls without it.
    pub(crate) errors: u64,
    /// The first of these.
    pub(crate) error: Option<String>,
    /// Calls answered before the time was over, by the seconds of it.
    pub(crate) per_second: f64,
    /// Of a call, microseconds.
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// Seconds of the load's own CPU time.
    pub(crate) cpu_seconds: f64,
}

/// Makes the load, and says what came of it.
pub(crate) fn run(load: &Load) -> Result<(), BenchError> {
    let mut outcome = runtime()?.block_on(async {
        match &load.kind {
            Kind::Steady { connections, seconds } => steady(load, *connections, *seconds).await,
            Kind::Held { calls } => {
                let calls = (0..*calls).map(|_| once(load.address, request(load, HOLD)));
                Ok(summed(calls).await)
            }
            Kind::Cancelled { calls, wave, upstream } => {
                cancelled(load, *calls, *wave, *upstream).await
            }
        }
    })?;
    outcome.cpu_seconds = Family::of(std::process::id()).cpu.as_secs_f64();
    table::say(&serde_json::to_string(&outcome).map_err(bad_json("the outcome"))?);
    Ok(())
}

/// What one connection has had.
#[derive(Debug, Default)]
struct Had {
    nanoseconds: Vec<i64>,
    in_time: u64,
    error: Option<String>,
}

async fn steady(load: &Load, connections: usize, seconds: u64) -> Result<Outcome, BenchError> {
    let (begun, time) = (Instant::now(), Duration::from_secs(seconds));
    let calls = (0..connections).map(|_| {
        let (address, request) = (load.address, request(load, INSTANT));
        async move {
            let mut had = Had::default();
            let ended = timeout(time + PATIENCE, repeat(address, &request, begun, time, &mut had));
            had.error = match ended.await {
                Ok(ended) => ended.err().map(|error| error.to_string()),
                Err(_elapsed) => Some("no answer in time".to_owned()),
            };
            had
        }
    });
    Ok(summed(calls).await.over(time))
}

/// Asks until the time is over, and at least once.
async fn repeat(
    address: SocketAddr,
    request: &[u8],
    begun: Instant,
    time: Duration,
    had: &mut Had,
) -> io::Result<()> {
    let mut connection = Connection::open(address).await?;
    loop {
        let sent = Instant::now();
        connection.send(request).await?;
        let answer = connection.read().await?;
        let nanoseconds = i64::try_from(sent.elapsed().as_nanos()).unwrap_or(i64::MAX);
        right(answer.as_ref())?;
        had.nanoseconds.push(nanoseconds);
        if begun.elapsed() >= time {
            return Ok(());
        }
        had.in_time += 1;
    }
}

/// Asks once, and waits for the answer however long it takes.
async fn once(address: SocketAddr, request: Vec<u8>) -> Had {
    let mut had = Had::default();
    let ended = timeout(PATIENCE, async {
        let mut connection = Connection::open(address).await?;
        connection.send(&request).await?;
        right(connection.read().await?.as_ref())
    });
    match ended.await {
        Ok(Ok(())) => had.nanoseconds.push(0),
        Ok(Err(error)) => had.error = Some(error.to_string()),
        Err(_elapsed) => had.error = Some("no answer in time".to_owned()),
    }
    had
}

/// Calls are cancelled when the upstream has all of a wave, so that each is one that it held.
async fn cancelled(
    load: &Load,
    calls: usize,
    wave: usize,
    upstream: SocketAddr,
) -> Result<Outcome, BenchError> {
    let mut control = Connection::open(upstream).await.map_err(io("the upstream"))?;
    let mut cancelled = 0;
    while cancelled < calls {
        let size = wave.min(calls - cancelled);
        let wanted = counts(&mut control).await?.begun + u64::try_from(size).unwrap_or(u64::MAX);
        let mut open = Vec::new();
        for _call in 0..size {
            let mut connection = Connection::open(load.address).await.map_err(io("the gateway"))?;
            connection.send(&request(load, HOLD)).await.map_err(io("the gateway"))?;
            open.push(connection);
        }
        let all = async {
            while counts(&mut control).await?.begun < wanted {
                tokio::time::sleep(LOOK).await;
            }
            Ok(())
        };
        timeout(PATIENCE, all).await.unwrap_or_else(|_elapsed| {
            let (expected, found) = (format!("{size} calls"), "fewer".to_owned());
            Err(BenchError::Wrong { what: "calls that the upstream holds", expected, found })
        })?;
        drop(open);
        cancelled += size;
    }
    let answered = u64::try_from(cancelled).unwrap_or(u64::MAX);
    Ok(Outcome { answered, ..Outcome::default() })
}

async fn counts(control: &mut Connection) -> Result<Counts, BenchError> {
    control.send(b"GET /counts HTTP/1.1\r\n\r\n").await.map_err(io("the upstream"))?;
    let answer = control.read().await.map_err(io("the upstream"))?;
    let body = answer.map(|answer| answer.body).unwrap_or_default();
    serde_json::from_slice(body).map_err(bad_json("the upstream's counts"))
}

/// All of them at once.
async fn summed(
    calls: impl Iterator<Item = impl Future<Output = Had> + Send + 'static>,
) -> Outcome {
    let mut tasks: JoinSet<Had> = calls.collect();
    let (mut outcome, mut nanoseconds, mut in_time) = (Outcome::default(), Vec::new(), 0);
    while let Some(had) = tasks.join_next().await {
        let had = had.unwrap_or_else(|_panicked| Had {
            error: Some("the load failed".to_owned()),
            ..Had::default()
        });
        outcome.errors += u64::from(had.error.is_some());
        outcome.error = outcome.error.or(had.error);
        nanoseconds.extend(had.nanoseconds);
        in_time += had.in_time;
    }
    nanoseconds.sort_unstable();
    outcome.answered = u64::try_from(nanoseconds.len()).unwrap_or(u64::MAX);
    outcome.per_second = crate::bench::limits::count(in_time);
    [outcome.p50_us, outcome.p99_us] = [50, 99].map(|percent| {
        let nanoseconds = u64::try_from(percentile(&nanoseconds, percent)).unwrap_or_default();
        Duration::from_nanos(nanoseconds).as_secs_f64() * 1e6
    });
    outcome
}

impl Outcome {
    fn over(self, time: Duration) -> Self {
        Self { per_second: self.per_second / time.as_secs_f64().max(1.0), ..self }
    }
}

fn right(answer: Option<&Message<'_>>) -> io::Result<()> {
    let Some(answer) = answer else { return Err(io::ErrorKind::UnexpectedEof.into()) };
    if !answer.first_line.starts_with(b"HTTP/1.1 200") {
        return Err(io::Error::other(String::from_utf8_lossy(answer.first_line).into_owned()));
    }
    if str::from_utf8(answer.body).is_ok_and(|body| body.contains(mock::TEXT)) {
        Ok(())
    } else {
        Err(io::Error::other("an answer without the upstream's text"))
    }
}

/// The same for every gateway and for the upstream itself.
fn request(load: &Load, model: &str) -> Vec<u8> {
    let prompt = "Tell what is known. ".chars().cycle().take(PROMPT_BYTES).collect::<String>();
    let body = json!({
        "model": model,
        "messages": [{ "role": "user", "content": prompt }],
        "temperature": 0.1,
        "max_tokens": 256,
    })
    .to_string();
    let path = &load.path;
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         x-beacon-region: {REGION}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<'a>(first_line: &'a str, body: &'a str) -> Message<'a> {
        Message { first_line: first_line.as_bytes(), body: body.as_bytes() }
    }

    #[test]
    fn only_a_success_with_the_text_is_the_right_answer() {
        let text = format!("{{\"response\":\"{}\"}}", mock::TEXT);
        assert!(right(Some(&message("HTTP/1.1 200 OK", &text))).is_ok());
        assert!(right(Some(&message("HTTP/1.1 200 OK", "{}"))).is_err());
        assert!(right(Some(&message("HTTP/1.1 500 Oh", &text))).is_err());
        assert!(right(None).is_err());
    }
}
