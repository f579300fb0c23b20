//! The directory of a report: its four files, and nobody else's.

use std::fs::{DirBuilder, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use beacon_analysis::manifest::{FORMAT, Manifest};
use beacon_analysis::report::Embeddings;
use beacon_core::spec::limit;
use serde::Deserialize;
use tempfile::NamedTempFile;

use super::build::{JobFile, Written};
use super::problem::ReportError;
use crate::export::{UNFINISHED, beside, is_abandoned};
use crate::print;

/// The pairs.
pub(super) const EXPORT: &str = "export.jsonl";
/// The job.
pub(super) const JOB: &str = "job.json";
/// The report.
const HTML: &str = "index.html";
/// The same.
const MARKDOWN: &str = "report.md";
const OURS: [&str; 4] = [EXPORT, JOB, HTML, MARKDOWN];

/// More bytes than job.json has: a specification's texts, half of their characters escaped, its prompts for
/// each region, and as much again as the texts for all the rest.
const MAX_JOB: u64 = (3 * limit::TEXT_BYTES + limit::REGIONS * limit::SPEC_BYTES) as u64;

/// A directory that a report of one job may be written to.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// It was not there before.
    is_new: bool,
    /// Files in it that were never whole.
    unfinished: Vec<PathBuf>,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_new {
            // One with a report in it stays.
            let _not_empty = std::fs::remove_dir(&self.path);
        }
    }
}

impl Folder {
    /// Makes the directory if need be. One that holds anything but an earlier report of the same job is
    /// refused.
    pub(super) fn of(path: &Path, manifest: &Manifest) -> Result<Self, ReportError> {
        let failed = |act| ReportError::file(path, act);
        let absolute = std::path::absolute(path).map_err(failed("found"))?;
        let mut folder = Self { path: absolute, is_new: !path.exists(), unfinished: Vec::new() };
        // Answers are nobody else's to read unless their owner says so.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(failed("made"))?;
        let mut is_empty = true;
        for entry in std::fs::read_dir(path).map_err(failed("read"))? {
            let name = entry.map_err(failed("read"))?.file_name();
            let name = name.to_string_lossy();
            is_empty &= name.starts_with(UNFINISHED);
            if OURS.iter().any(|ours| name.ends_with(&format!("-{ours}"))) {
                folder.unfinished.extend(name.starts_with(UNFINISHED).then(|| path.join(&*name)));
            }
            if !OURS.contains(&&*name) && !name.starts_with(UNFINISHED) {
                return Err(stranger(path, &name));
            }
        }
        let job = path.join(JOB);
        if is_empty {
            folder.remove_left_behind();
            return Ok(folder);
        }
        if !job.exists() {
            // Files of these names are not a report's alone.
            let there = OURS.into_iter().find(|name| path.join(name).exists());
            return Err(stranger(path, there.unwrap_or_default()));
        }
        let theirs = read_job(&job)?.manifest;
        let (theirs_is, ours_is) = (identity(&theirs), identity(manifest));
        if theirs_is == ours_is {
            folder.remove_left_behind();
            return Ok(folder);
        }
        let (path, created) = (path.to_owned(), theirs.job.created_at);
        Err(ReportError::OtherReport { folder: path, theirs: theirs.job.job_id, created })
    }

    /// Removes what a process that was killed had begun.
    fn remove_left_behind(&self) {
        for file in self.unfinished.iter().filter(|file| is_abandoned(file)) {
            // One that stays does no harm.
            let _stays = std::fs::remove_file(file);
        }
    }

    /// A file that takes its place when the whole report is there.
    pub(super) fn unfinished(&self, name: &str) -> Result<NamedTempFile, ReportError> {
        let path = self.path.join(name);
        beside(&path).map_err(ReportError::file(path, "written"))
    }

    /// job.json, which takes its place with the others.
    pub(super) fn unfinished_job(&self, job: &JobFile) -> Result<NamedTempFile, ReportError> {
        let file = self.unfinished(JOB)?;
        let mut out = BufWriter::new(file.as_file());
        let written = print::pretty(&mut out, job).and_then(|()| out.flush());
        written.map_err(ReportError::file(self.path.join(JOB), "written"))?;
        drop(out);
        Ok(file)
    }

    /// Puts all files in their places, each of them whole.
    pub(super) fn put(
        &self,
        written: &Written,
        data: Vec<(&'static str, NamedTempFile)>,
    ) -> Result<PathBuf, ReportError> {
        let mut files = data;
        for (name, text) in [(MARKDOWN, &written.markdown), (HTML, &written.html)] {
            let mut file = self.unfinished(name)?;
            let written = file.write_all(text.as_bytes());
            written.map_err(ReportError::file(self.path.join(name), "written"))?;
            files.push((name, file));
        }
        for (name, file) in files {
            let path = self.path.join(name);
            let put = file.persist(&path).map_err(|unmoved| unmoved.error);
            put.map_err(ReportError::file(path, "written"))?;
        }
        Ok(self.path.join(HTML))
    }
}

/// Which job a report is of: the same id may be another job's elsewhere.
fn identity(manifest: &Manifest) -> (&str, &str, jiff::Timestamp) {
    let job = &manifest.job;
    (job.job_id.as_str(), &manifest.spec_sha256.0, job.created_at)
}

fn stranger(folder: &Path, name: &str) -> ReportError {
    ReportError::Stranger { folder: folder.to_owned(), name: name.to_owned() }
}

/// What job.json holds beside the manifest.
#[derive(Deserialize)]
struct Beside {
    format: Option<String>,
    #[serde(default)]
    embeddings: Option<Embeddings>,
}

/// Reads job.json. Beside its text nothing but what is returned is held: a value of any shape, or one that is
/// flattened, would hold it once more.
pub(super) fn read_job(path: &Path) -> Result<JobFile, ReportError> {
    let failed = || ReportError::file(path, "read");
    let mut text = Vec::new();
    let file = File::open(path).map_err(failed())?;
    file.take(MAX_JOB + 1).read_to_end(&mut text).map_err(failed())?;
    if text.len() as u64 > MAX_JOB {
        return Err(ReportError::TooLong { path: path.to_owned(), most: MAX_JOB });
    }
    let not_a_job = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        ReportError::NotAJob { path: path.to_owned(), line, column }
    };
    let Beside { format, embeddings } = serde_json::from_slice(&text).map_err(not_a_job)?;
    match format {
        Some(form) if form != FORMAT => {
            let form = form.chars().take(80).collect();
            Err(ReportError::Form { path: path.to_owned(), form })
        }
        Some(_) | None => {
            let manifest: Manifest = serde_json::from_slice(&text).map_err(not_a_job)?;
            Ok(JobFile { manifest, embeddings })
        }
    }
}
