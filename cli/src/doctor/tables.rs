//! Where rows are kept: the table on AWS, or the data directory.

use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use beacon_infra::{Aws, DataDir, chain, schema};
use tokio::time::{Instant, timeout};

use super::check::Check;
use super::needs::skipped;
use super::patience::{Patience, detached, seconds};

const TABLE: &str = "table";
const DIRECTORY: &str = "data directory";
const SPACE: &str = "free space";
/// A request to AWS with the SDK's own retries.
pub(crate) const AWS: Duration = Duration::from_secs(4);
/// A disk that takes longer is not one to work on.
const DISK: Duration = Duration::from_secs(3);
/// What is written to see whether it can be.
const PROBE: &str = "doctor-probe";
const PROBE_BYTES: usize = 1024 * 1024;
/// Below this the next job may not fit.
const LEAST_SPACE: u64 = 100 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;

/// The table on AWS.
pub(crate) async fn table(aws: &Aws, name: &str, patience: Patience) -> Check {
    let begun = Instant::now();
    let limit = patience.at_most(AWS);
    let region = aws.region().unwrap_or("none set");
    let client = aws.dynamodb();
    let check = match timeout(limit, schema::flaws(&client, name)).await {
        Err(_elapsed) => Check::failed(
            TABLE,
            format!(
                "DescribeTable of `{name}` in region {region}: no answer within {}",
                seconds(limit)
            ),
            AWS_FIX,
        ),
        Ok(Err(error)) => {
            let detail = format!("DescribeTable of `{name}` in region {region}: {}", chain(&error));
            Check::failed(TABLE, detail, AWS_FIX)
        }
        Ok(Ok(flaws)) if flaws.is_empty() => Check::ok(
            TABLE,
            format!("`{name}` in region {region} is active, with its keys and indexes"),
        ),
        Ok(Ok(flaws)) if flaws.contains(&schema::TableFlaw::Missing) => Check::failed(
            TABLE,
            format!("the table `{name}` does not exist in region {region}"),
            "correct BEACON_TABLE or AWS_REGION, or deploy the table",
        ),
        Ok(Ok(flaws)) => {
            let flaws: Vec<String> = flaws.iter().map(ToString::to_string).collect();
            let detail = format!("the table `{name}` in region {region}: {}", flaws.join("; "));
            let fix = "wait until it is active, or correct BEACON_TABLE: it may be another's table";
            Check::failed(TABLE, detail, fix)
        }
    };
    check.since(begun)
}

pub(crate) const AWS_FIX: &str =
    "correct AWS_REGION, AWS_ENDPOINT_URL and the credentials, or the way to AWS from here";

/// The data directory of a local stack: it can be written, and has room.
pub(crate) async fn directory(path: &Path, patience: Patience) -> Vec<Check> {
    let begun = Instant::now();
    let limit = patience.at_most(DISK);
    let owned = path.to_owned();
    let shown = path.display();
    let Some(probed) = detached(limit, move || probe(&owned)).await else {
        let detail = format!("`{shown}`: the disk took longer than {}", seconds(limit));
        let fix = "look whether the disk hangs, or choose another directory with --data";
        let written = Check::failed(DIRECTORY, detail, fix).after(limit);
        let space = skipped(SPACE, &written);
        return std::iter::once(written).chain(space).collect();
    };
    let written = match probed.written {
        Ok(()) if probed.existed => Check::ok(DIRECTORY, format!("`{shown}` can be written")),
        Ok(()) => Check::ok(DIRECTORY, format!("`{shown}` does not exist, and can be made")),
        Err(error) => not_written(path, &error),
    };
    vec![written.since(begun), space(path, probed.free)]
}

/// Who works on the data directory.
pub(crate) fn running(path: &Path) -> Check {
    let (name, shown) = ("data in use", path.display());
    match DataDir::running(path) {
        None => Check::not_applicable(name, format!("no Beacon runs on `{shown}`")),
        Some(running) => {
            let made_up = if running.simulated { ", SIMULATED providers" } else { "" };
            let (api, router, pid) = (running.api, running.router, running.pid);
            let detail =
                format!("by the Beacon at http://{api} (process {pid}), router {router}{made_up}");
            Check::ok(name, detail)
        }
    }
}

struct Probed {
    existed: bool,
    written: io::Result<()>,
    free: io::Result<u64>,
}

/// Writes to a directory and leaves it as it was.
fn probe(path: &Path) -> Probed {
    let absent = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let made: Vec<PathBuf> = path.ancestors().take_while(absent).map(Path::to_owned).collect();
    let written = std::fs::create_dir_all(path).and_then(|()| write_probe(path));
    let there = path.ancestors().find(|path| path.exists()).unwrap_or_else(|| Path::new("."));
    let free = rustix::fs::statvfs(there)
        .map(|of| of.f_bavail.saturating_mul(of.f_frsize))
        .map_err(io::Error::from);
    for directory in &made {
        // One that somebody has begun to use meanwhile stays.
        let _in_use = std::fs::remove_dir(directory);
    }
    Probed { existed: made.is_empty(), written, free }
}

fn write_probe(directory: &Path) -> io::Result<()> {
    let path = directory.join(PROBE);
    let written = std::fs::File::create(&path).and_then(|mut file| {
        file.write_all(&vec![0; PROBE_BYTES])?;
        file.sync_all()
    });
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => written.and(Err(error)),
        Ok(()) | Err(_) => written,
    }
}

fn not_written(path: &Path, error: &io::Error) -> Check {
    let shown = path.display();
    if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        let detail = format!("`{shown}` cannot be written: no space left on device");
        return Check::failed(DIRECTORY, detail, MAKE_ROOM);
    }
    let fix = "let this user write there, or choose another directory with --data";
    Check::failed(DIRECTORY, format!("`{shown}` cannot be written: {error}"), fix)
}

const MAKE_ROOM: &str = "make room there, or choose another directory with --data";

fn space(path: &Path, free: io::Result<u64>) -> Check {
    let shown = path.display();
    match free {
        Err(error) => Check::not_applicable(SPACE, format!("`{shown}` does not tell it: {error}")),
        Ok(free) if free < LEAST_SPACE => {
            let (free, least) = (free / MIB, LEAST_SPACE / MIB);
            let detail = format!("{free} MiB are free at `{shown}`, fewer than {least}");
            Check::failed(SPACE, detail, MAKE_ROOM)
        }
        Ok(free) => Check::ok(SPACE, format!("{} MiB", free / MIB)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::Status;

    #[test]
    fn little_room_is_a_failure() {
        let path = Path::new("data");
        assert_eq!(space(path, Ok(LEAST_SPACE)).status, Status::Ok);
        let little = space(path, Ok(LEAST_SPACE - 1));
        assert_eq!(little.status, Status::Failed);
        assert!(little.detail.contains("99 MiB"), "{little:?}");
    }

    #[test]
    fn a_directory_that_is_not_there_yet_is_not_there_afterwards() {
        let place = tempfile::TempDir::new().unwrap();
        let path = place.path().join("some/where");
        let probed = probe(&path);
        assert!(probed.written.is_ok() && !probed.existed);
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
