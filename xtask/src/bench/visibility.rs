//! How long after a job's last row its final status can be seen.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use beacon_core::view::{ExecutionsPage, JobView, Submitted};

use super::beacon::Beacon;
use super::error::{BenchError, io, same};
use super::http::Client;
use super::up::{Up, call};
use super::workload::{Workload, write_providers};

/// Between two looks at a job: what the measurement is fine to.
const LOOK: Duration = Duration::from_millis(2);

/// Runs small jobs one after the other through one `beacon up`, and looks at each until its status
/// is final. Milliseconds from the last row's time to the look that saw it, ascending.
pub(crate) fn lags(beacon: &Beacon<'_>, jobs: usize) -> Result<Vec<i64>, BenchError> {
    let directory = tempfile::tempdir_in(beacon.scratch).map_err(io("a scratch directory"))?;
    let providers = write_providers(directory.path(), beacon.mock)?;
    let up = Up::start(&beacon.binary, &directory.path().join("data"), &providers)?;
    let mut client = up.client()?;

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

#[expect(clippy::disallowed_methods, reason = "a time here is compared with times of rows")]
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
