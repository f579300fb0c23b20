//! `beacon report`: a job's findings as files, made from its export and its job.json alone.

pub(crate) mod build;
mod folder;
mod problem;
pub(crate) mod source;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use beacon_analysis::findings::Findings;
use beacon_core::QuestionIndex;
use beacon_core::view::JobView;
use serde::Serialize;
use tempfile::NamedTempFile;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::arguments::{Arguments, Report};
use crate::command::{CommandError, Done};
use crate::connect::Connection;
use crate::embeddings::Endpoint;
use crate::export::jsonl;
use crate::findings::{Rest, Wanted, ended_job, ready, tell};
use crate::interrupt::{INTERRUPTED, unless_interrupted};
use crate::print;
use build::{Computed, JobFile, Written};
use folder::{EXPORT, Folder, JOB, read_job};
use problem::Origin;
pub(crate) use problem::ReportError;

/// A report that is there.
#[derive(Debug, Serialize)]
pub(crate) struct Made {
    /// Its page.
    pub(crate) report: PathBuf,
    /// What it says.
    pub(crate) findings: Findings,
}

/// `beacon report`.
pub(crate) async fn report(arguments: &Arguments, options: &Report) -> Result<Done, CommandError> {
    let made = match (&options.from, &options.job) {
        (Some(from), _) => unless_interrupted(again(from, &options.out)).await?,
        (None, Some(job)) => {
            let endpoint = Endpoint::of(options)?;
            let connection = Connection::for_read(arguments).await?;
            let work = async {
                let view = ended_job(arguments, &connection, job).await?;
                of_job(arguments, &connection, &view, &options.out, endpoint).await
            };
            let made = unless_interrupted(work).await;
            connection.close().await;
            made?
        }
        // The grammar asks for one of the two.
        (None, None) => return Ok(Done(CommandError::BAD_INPUT)),
    };
    let Some(made) = made else {
        let told =
            "interrupted: the report is not written, and no file of it is left; repeat the command";
        print::note(true, told);
        return Ok(Done(INTERRUPTED));
    };
    if arguments.json {
        print::json(&made)?;
    } else {
        tell(&made.findings.summary, Rest::Report);
        print::note(false, &format!("report: {}", made.report.display()));
    }
    Ok(Done(0))
}

/// Exports a job that has ended, and writes its report beside the export.
pub(crate) async fn of_job(
    arguments: &Arguments,
    connection: &Connection,
    view: &JobView,
    out: &Path,
    endpoint: Option<Endpoint>,
) -> Result<Made, CommandError> {
    let (api, job) = (&connection.api, view.job_id.as_str());
    ready(arguments, connection, view, Wanted::ForReport).await?;
    let manifest = api.manifest(job).await?;
    if manifest.job.run != view.run || !manifest.job.status.is_final() {
        return Err(ReportError::Retried(view.job_id.clone()).into());
    }
    let folder = Folder::of(out, &manifest)?;
    let export = folder.unfinished(EXPORT)?;
    let written = jsonl(api, job, BufWriter::new(export.as_file())).await;
    written.map_err(|error| {
        if let CommandError::Output(source) = error {
            ReportError::file(out.join(EXPORT), "written")(source).into()
        } else {
            error
        }
    })?;
    if api.job(job).await?.run != manifest.job.run {
        return Err(ReportError::Retried(manifest.job.job_id).into());
    }
    let (origin, job) = (Origin::Job(view.job_id.clone()), JobFile { manifest, embeddings: None });
    let (written, job) = build(export.path(), origin, job, endpoint).await?;
    let job_file = folder.unfinished_job(&job)?;
    let report = folder.put(&written, vec![(EXPORT, export), (JOB, job_file)])?;
    Ok(Made { report, findings: written.findings })
}

/// Writes a report anew from a directory that holds one.
async fn again(from: &Path, out: &Path) -> Result<Made, CommandError> {
    let (export, job) = (from.join(EXPORT), from.join(JOB));
    let read = read_job(&job)?;
    let folder = Folder::of(out, &read.manifest)?;
    let (written, _job) = build(&export, Origin::Folder(from.to_owned()), read, None).await?;
    let mut data = Vec::new();
    if !is_same(from, out)? {
        for (name, path) in [(EXPORT, &export), (JOB, &job)] {
            let file = folder.unfinished(name)?;
            copy(path, &file).await?;
            data.push((name, file));
        }
    }
    let report = folder.put(&written, data)?;
    Ok(Made { report, findings: written.findings })
}

fn is_same(from: &Path, out: &Path) -> Result<bool, ReportError> {
    let real = |path: &Path| path.canonicalize().map_err(ReportError::file(path, "found"));
    Ok(real(from)? == real(out)?)
}

/// Copies into an open file, so that one which was removed meanwhile does not come back.
async fn copy(from: &Path, to: &NamedTempFile) -> Result<(), ReportError> {
    let mut to = to.as_file().try_clone().map_err(ReportError::file(from, "copied"))?;
    let path = from.to_owned();
    let copied = spawn_blocking(move || std::io::copy(&mut File::open(path)?, &mut to));
    copied
        .await
        .map_err(|_panic| ReportError::Panic)?
        .map_err(ReportError::file(from, "copied"))?;
    Ok(())
}

/// Computes and writes, on a thread of its own: whoever waits for it can be interrupted. Where an endpoint
/// is given the job has its embeddings afterwards.
async fn build(
    export: &Path,
    origin: Origin,
    mut job: JobFile,
    endpoint: Option<Endpoint>,
) -> Result<(Written, JobFile), CommandError> {
    let (export, runtime) = (export.to_owned(), Handle::current());
    let built = spawn_blocking(move || {
        let mut computed = Computed::new(&export, &origin, &job.manifest)?;
        if let Some(endpoint) = endpoint {
            let questions: Vec<QuestionIndex> =
                computed.findings.questions.iter().map(|finding| finding.question).collect();
            let embed = endpoint.embed(&mut computed.source, &job.manifest.spec, questions);
            job.embeddings = Some(runtime.block_on(embed)?);
        }
        let written = computed.write(job.embeddings.as_ref())?;
        Ok::<_, CommandError>((written, job))
    });
    built.await.map_err(|_panic| ReportError::Panic)?
}
