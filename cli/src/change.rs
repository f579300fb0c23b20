//! Commands that change a job that is there.

use serde_json::{Map, Value};

use crate::arguments::{Arguments, Cancel, Retry};
use crate::command::{CommandError, Done};
use crate::connect::Connection;
use crate::print;
use crate::watch::{Shows, Watched, watch};

/// Cancels a job, and waits until nothing of it runs. That it is cancelled then is what was asked for.
pub(crate) async fn cancel(arguments: &Arguments, options: &Cancel) -> Result<Done, CommandError> {
    let connection = Connection::for_change(arguments)?;
    let accepted = connection.api.cancel(&options.job).await?;
    let told =
        format!("job {} is cancelling; it was {}", accepted.job_id, accepted.previous_status);
    if !options.no_wait {
        print::note(arguments.json, &told);
        let watched = watch(arguments, connection, &options.job, Shows::Results).await?;
        return Ok(match watched {
            Watched::Ended(_) => Done(0),
            Watched::Interrupted => watched.into(),
        });
    }
    print::done(arguments.json, &accepted, &told)?;
    Ok(Done(0))
}

/// Begins a new run of a job, and follows it.
pub(crate) async fn retry(arguments: &Arguments, options: &Retry) -> Result<Done, CommandError> {
    let connection = Connection::for_change(arguments)?;
    let accepted = connection.api.retry(&options.job, &asked(options)).await?;
    let (job, run, executions) = (&accepted.job_id, accepted.run, accepted.executions);
    let told = format!("job {job}, run {run}: {executions} executions are asked anew");
    if !options.no_wait {
        print::note(arguments.json, &told);
        let watched = watch(arguments, connection, &options.job, Shows::Report).await?;
        return Ok(watched.into());
    }
    print::done(arguments.json, &accepted, &told)?;
    Ok(Done(0))
}

/// The request's body; what is not given selects everything.
fn asked(options: &Retry) -> Value {
    let Retry { job: _, region, model, question, reason, no_wait: _ } = options;
    let lists = [("regions", region), ("models", model), ("questions", question)];
    let given = lists.into_iter().filter(|(_, names)| !names.is_empty());
    let mut body: Map<String, Value> =
        given.map(|(name, names)| (name.to_owned(), names.clone().into())).collect();
    body.extend(reason.iter().map(|reason| ("reason".to_owned(), reason.clone().into())));
    body.into()
}
