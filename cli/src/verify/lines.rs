//! A file line by line, of which no more than a line is held.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use beacon_evidence::bundle::MAX_LINE_BYTES;

use super::VerifyError;

/// What stands for standard input.
const STDIN: &str = "-";

/// The lines of a file.
pub(super) struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    line: Vec<u8>,
}

/// One of them.
#[derive(Debug)]
pub(super) enum Line<'a> {
    /// With its line feed, if it has one.
    Whole(&'a [u8]),
    /// Longer than any that Beacon writes.
    TooLong,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, VerifyError> {
        let reader: Box<dyn BufRead> = if path == Path::new(STDIN) {
            Box::new(BufReader::new(std::io::stdin()))
        } else {
            let file = File::open(path);
            Box::new(BufReader::new(file.map_err(|source| unreadable(path, source))?))
        };
        Ok(Self { path: path.to_owned(), reader, line: Vec::new() })
    }

    /// None behind the last.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>, VerifyError> {
        self.line.clear();
        let most = MAX_LINE_BYTES as u64 + 1;
        let mut reader = self.reader.as_mut().take(most);
        let read = reader.read_until(b'\n', &mut self.line);
        read.map_err(|source| unreadable(&self.path, source))?;
        Ok(match self.line.len() {
            0 => None,
            bytes if bytes > MAX_LINE_BYTES => Some(Line::TooLong),
            _ => Some(Line::Whole(&self.line)),
        })
    }

    /// Whether there is another.
    pub(super) fn are_more(&mut self) -> Result<bool, VerifyError> {
        let more = self.reader.fill_buf().map(|bytes| !bytes.is_empty());
        more.map_err(|source| unreadable(&self.path, source))
    }
}

fn unreadable(path: &Path, source: std::io::Error) -> VerifyError {
    VerifyError::Unreadable { path: path.to_owned(), source }
}
