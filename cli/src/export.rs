//! A job's pairs, streamed out of Beacon page by page: no more than a page of them is held.

use std::ffi::OsStr;
use std::fs::{File, FileType, Metadata, Permissions};
use std::io::{BufWriter, ErrorKind, IsTerminal as _, Write};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use beacon_analysis::export::{Csv, Screen};
use beacon_core::view::ExecutionView;
use tempfile::NamedTempFile;
use thiserror::Error;

use crate::api::Api;
use crate::arguments::{Arguments, Export, Format};
use crate::command::{CommandError, Done};
use crate::connect::Connection;
use crate::interrupt::{INTERRUPTED, unless_interrupted};
use crate::print;

/// Why a file was not written.
#[derive(Debug, Error)]
pub(crate) enum Unwritable {
    #[error("`{path}` cannot be written")]
    Failed {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "`{path}` is {is}, and --out replaces files only: name another file, or leave --out out and send \
         standard output there"
    )]
    NoFile { path: PathBuf, is: &'static str },
}

/// Where pairs go, in their form.
#[derive(Debug)]
pub(crate) enum Rows<W: Write> {
    Jsonl(W),
    Csv(Csv<W>),
}

impl<W: Write> Rows<W> {
    /// CSV has its header before any row.
    fn new(format: Format, out: W, screen: Screen) -> std::io::Result<Self> {
        Ok(match format {
            Format::Jsonl => Self::Jsonl(out),
            Format::Csv => Self::Csv(Csv::new(out, screen)?),
        })
    }

    fn write(&mut self, view: &ExecutionView) -> std::io::Result<()> {
        match self {
            Self::Jsonl(out) => print::line(out, view),
            Self::Csv(csv) => csv.write(view),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Jsonl(out) => out.flush(),
            Self::Csv(csv) => csv.flush(),
        }
    }
}

/// `beacon export`.
pub(crate) async fn export(arguments: &Arguments, options: &Export) -> Result<Done, CommandError> {
    let out = options.out.as_deref().map(|path| Ok((path, replaced(path)?)));
    let out = out.transpose().map_err(CommandError::Unwritable)?;
    let connection = Connection::for_read(arguments).await?;
    let exported = match out {
        Some((path, replaced)) => {
            unless_interrupted(to_file(&connection.api, options, path, replaced.as_ref())).await
        }
        // An interrupt ends the process: there is nothing to remove.
        None => to_stdout(&connection.api, options).await.map(Some),
    };
    connection.close().await;
    if exported?.is_some() {
        return Ok(Done(0));
    }
    let told = format!(
        "interrupted: the export of {} is not written, and nothing of it is left; repeat the command",
        options.job
    );
    print::note(true, &told);
    Ok(Done(INTERRUPTED))
}

/// The file that is there already. Anything else would be lost if a file took its place.
pub(crate) fn replaced(path: &Path) -> Result<Option<Metadata>, Unwritable> {
    let there = match std::fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Unwritable::Failed { path: path.to_owned(), source }),
    };
    match kind(there.file_type()) {
        None => Ok(Some(there)),
        Some(is) => Err(Unwritable::NoFile { path: path.to_owned(), is }),
    }
}

/// What is no regular file.
fn kind(of: FileType) -> Option<&'static str> {
    if of.is_file() {
        None
    } else if of.is_dir() {
        Some("a directory")
    } else if of.is_symlink() {
        Some("a symbolic link")
    } else if of.is_fifo() {
        Some("a pipe")
    } else {
        Some("a device or a socket")
    }
}

async fn to_stdout(api: &Api, options: &Export) -> Result<(), CommandError> {
    let stdout = std::io::stdout();
    let screen = if stdout.is_terminal() { Screen::Terminal } else { Screen::None };
    let mut rows = Rows::new(options.format, BufWriter::new(stdout), screen)?;
    stream(api, &options.job, &mut rows).await
}

async fn to_file(
    api: &Api,
    options: &Export,
    path: &Path,
    replaced: Option<&Metadata>,
) -> Result<(), CommandError> {
    whole(path, replaced, async |out| {
        stream(api, &options.job, &mut Rows::new(options.format, out, Screen::None)?).await
    })
    .await
}

/// Writes a file whole or not at all, in the place of the one that is there.
pub(crate) async fn whole(
    path: &Path,
    replaced: Option<&Metadata>,
    write: impl AsyncFnOnce(&mut BufWriter<&File>) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let unwritable = |source| Unwritable::Failed { path: path.to_owned(), source };
    let file = beside(path).map_err(unwritable)?;
    if let Some(replaced) = replaced {
        file.as_file().set_permissions(replaced.permissions()).map_err(unwritable)?;
    }
    match write(&mut BufWriter::new(file.as_file())).await {
        Err(CommandError::Output(source)) => return Err(unwritable(source).into()),
        written => written?,
    }
    file.persist(path).map_err(|error| unwritable(error.error))?;
    Ok(())
}

/// Writes all pairs of a job as JSON lines.
pub(crate) async fn jsonl(api: &Api, job: &str, out: impl Write) -> Result<(), CommandError> {
    stream(api, job, &mut Rows::Jsonl(out)).await
}

async fn stream<W: Write>(api: &Api, job: &str, rows: &mut Rows<W>) -> Result<(), CommandError> {
    let mut pages = api.executions(job);
    while let Some(page) = pages.next().await? {
        for execution in &page.executions {
            rows.write(execution)?;
        }
    }
    Ok(rows.flush()?)
}

/// How the name of a file begins that is not whole yet.
pub(crate) const UNFINISHED: &str = ".beacon-";

/// A file that takes another's place when it is whole, and is gone where it never is.
pub(crate) fn beside(path: &Path) -> std::io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    };
    let name = path.file_name().unwrap_or(OsStr::new("file"));
    let mut builder = tempfile::Builder::new();
    let suffix = format!("-{}", name.display());
    // As for any new file, the umask decides.
    builder.prefix(UNFINISHED).suffix(&suffix).permissions(Permissions::from_mode(0o666));
    let file = builder.tempfile_in(folder)?;
    // Where files cannot be locked, those of a process that was killed are left.
    let _unlocked = file.as_file().try_lock();
    Ok(file)
}

/// Whether nobody writes any more what [`beside`] began: the lock ends with its process.
pub(crate) fn is_abandoned(unfinished: &Path) -> bool {
    let is_file = std::fs::symlink_metadata(unfinished).is_ok_and(|there| there.is_file());
    is_file && File::open(unfinished).is_ok_and(|file| file.try_lock().is_ok())
}
