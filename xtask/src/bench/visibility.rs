//! How long after a job's last row its final status can be seen.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use beacon_core::view::{ExecutionsPage, JobView, Submitted};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::beacon::Beacon;
use super::error::{BenchError, io, json, same};
use super::http::Client;
use super::workload::{Workload, write_providers};

/// Between two looks at a job: what the measurement is fine to.
const LOOK: Duration = Duration::from_millis(2);

/// Runs small jobs one after the other through one `beacon up`, and looks at each until its status
/// is final. Milliseconds from the last row's time to the look that saw it, ascending.
pub(crate) fn lags(beacon: &Beacon<'_>, jobs: usize) -> Result<Vec<i64>, BenchError> {
    let directory = tempfile::tempdir_in(beacon.scratch).map_err(io("a scratch directory"))?;
    let providers = write_providers(directory.path(), beacon.mock)?;
    let mut command = beacon.command(&directory.path().join("data"));
    command.args(["up", "--listen", "127.0.0.1:0", "--providers"]).arg(&providers);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut up = Up(command.spawn().map_err(io("beacon up"))?);
    let mut client = Client::connect(up.api()?).map_err(io("the API"))?;

    let spec = Workload::SMALL.spec().to_string();
    let mut lags = Vec::with_capacity(jobs);
    for _job in 0..jobs {
        let submitted: Submitted = call(&mut client, "POST", "/api/v1/jobs", spec.as_bytes())?;
        lags.push(lag(&mut client, submitted.job_id.as_str())?);
    }
    lags.sort_unstable();
    Ok(lags)
}

fn lag(client: &mut Client, job: &str) -> Result<i64, BenchError> {
    let path = format!("/api/v1/jobs/{job}");
    let view: JobView = loop {
        let view: JobView = call(client, "GET", &path, &[])?;
        if view.status.is_final() {
            break view;
        }
        thread::sleep(LOOK);
    };
    let seen_ms = now_ms();
    let expected = Workload::SMALL.executions();
    same("completed executions", &expected, &view.counts.completed)?;
    let page: ExecutionsPage = call(client, "GET", &format!("{path}/executions/all"), &[])?;
    let rows = page.executions.iter().filter_map(|execution| execution.row.as_ref());
    let last = rows.map(|row| row.completed_at.as_millisecond()).max();
    Ok(seen_ms - last.unwrap_or_default())
}

fn call<T: DeserializeOwned>(
    client: &mut Client,
    method: &str,
    path: &str,
    body: &[u8],
) -> Result<T, BenchError> {
    let answer = client.call(method, path, body).map_err(io("the API"))?;
    serde_json::from_slice(&answer).map_err(json("an answer of the API"))
}

#[expect(clippy::disallowed_methods, reason = "a time here is compared with times of rows")]
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A Beacon that ends with this value; killing it loses nothing.
#[derive(Debug)]
struct Up(Child);

impl Up {
    /// Where its API listens, which it says when it does.
    fn api(&mut self) -> Result<SocketAddr, BenchError> {
        #[derive(Deserialize)]
        struct Running {
            api: SocketAddr,
        }
        let mut line = String::new();
        if let Some(output) = self.0.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(io("beacon up"))?;
        }
        let running: Running = serde_json::from_str(&line).map_err(json("what beacon up says"))?;
        Ok(running.api)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It may have ended by itself, which the calls have told.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}
