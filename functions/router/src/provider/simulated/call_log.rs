//! A record of every simulated call that survives the death of the process.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;

use super::super::Call;
use crate::clock::Clock;
use crate::config::ConfigError;

/// A file to which one JSON line is appended for each beginning and end of a call. Each line is
/// one unbuffered write, so that what began before a `kill -9` is there after it.
#[derive(Debug)]
pub(crate) struct CallLog {
    file: File,
    clock: Clock,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Begin,
    End,
    /// The caller went away, or the time was up.
    Dropped,
}

#[derive(Serialize)]
struct Line<'a> {
    event: Event,
    key: Option<&'a str>,
    model: &'a str,
    region: &'a str,
    at_ms: u64,
}

/// A call that has begun. Dropped before its end, it says so.
#[derive(Debug)]
pub(super) struct InFlight<'a> {
    log: &'a CallLog,
    call: Call<'a>,
    ended: bool,
}

impl CallLog {
    /// Opens the file for appending.
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Self, ConfigError> {
        let opened = OpenOptions::new().create(true).append(true).open(path);
        let opened = opened.map(|file| Self { file, clock });
        opened.map_err(|source| ConfigError::CallLog { path: path.to_owned(), source })
    }

    pub(super) fn begin<'a>(&'a self, call: &Call<'a>) -> InFlight<'a> {
        self.write(Event::Begin, call);
        InFlight { log: self, call: *call, ended: false }
    }

    fn write(&self, event: Event, call: &Call<'_>) {
        let mut line = super::super::json(&Line {
            event,
            key: call.idempotency_key,
            model: &call.request.model,
            region: call.region.as_str(),
            at_ms: self.clock.now_ms(),
        });
        line.push(b'\n');
        if let Err(error) = (&self.file).write_all(&line) {
            tracing::error!(error = %error, "the call log cannot be written");
        }
    }
}

impl InFlight<'_> {
    pub(super) fn end(mut self) {
        self.ended = true;
        self.log.write(Event::End, &self.call);
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.log.write(Event::Dropped, &self.call);
        }
    }
}
