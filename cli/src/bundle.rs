//! `beacon bundle`: a job's evidence as one file, for those who verify it elsewhere.

use std::io::{BufWriter, IsTerminal as _, Write};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::api::Api;
use crate::arguments::{Arguments, Bundle};
use crate::command::{CommandError, Done};
use crate::connect::Connection;
use crate::export::{replaced, whole};
use crate::interrupt::{INTERRUPTED, unless_interrupted};
use crate::print;

/// The API's code for a job that has ended a moment ago.
const NOT_YET: &str = "root_not_yet";
/// How long its signature is waited for: a large job's takes a minute and more.
const PATIENCE: Duration = Duration::from_secs(120);
/// Before the second look; from then on twice as long each time, up to [`LONGEST_LOOK`].
const LOOK: Duration = Duration::from_millis(100);
const LONGEST_LOOK: Duration = Duration::from_secs(3);

/// Writes the bundle to a file, or to standard output.
pub(crate) async fn bundle(arguments: &Arguments, options: &Bundle) -> Result<Done, CommandError> {
    let out = options.out.as_deref().map(|path| Ok((path, replaced(path)?)));
    let out = out.transpose().map_err(CommandError::Unwritable)?;
    if out.is_none() && std::io::stdout().is_terminal() {
        return Err(CommandError::BundleToTerminal);
    }
    let connection = Connection::for_read(arguments).await?;
    let api = &connection.api;
    // Where nobody works at it, nothing comes of waiting.
    let patience = if connection.only_reads() { Duration::ZERO } else { PATIENCE };
    let written = if let Some((path, replaced)) = out {
        let work =
            whole(path, replaced.as_ref(), async |out| pages(api, options, patience, out).await);
        unless_interrupted(work).await
    } else {
        // An interrupt ends the process: there is nothing to remove.
        let mut out = BufWriter::new(std::io::stdout());
        pages(api, options, patience, &mut out).await.map(Some)
    };
    connection.close().await;
    if written?.is_some() {
        return Ok(Done(0));
    }
    let told = format!(
        "interrupted: the bundle of {} is not written, and nothing of it is left; repeat the command",
        options.job
    );
    print::note(true, &told);
    Ok(Done(INTERRUPTED))
}

async fn pages(
    api: &Api,
    options: &Bundle,
    patience: Duration,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let mut pages = api.bundle(&options.job, options.run);
    let (until, mut look) = (Instant::now() + patience, LOOK);
    loop {
        match pages.next().await {
            Ok(page) => {
                out.write_all(&page.unwrap_or_default())?;
                break;
            }
            Err(error) if error.is(NOT_YET) && Instant::now() < until => {
                sleep(look).await;
                look = LONGEST_LOOK.min(2 * look);
                pages = api.bundle(&options.job, options.run);
            }
            Err(error) => return Err(error.into()),
        }
    }
    while let Some(page) = pages.next().await? {
        out.write_all(&page)?;
    }
    Ok(out.flush()?)
}
