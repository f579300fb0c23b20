//! What people and the classifier say of a job's answers.

use beacon_core::verdict::{Verdict, VerdictView};
use serde_json::{Value, json};

use crate::arguments::{Arguments, Classify, Label};
use crate::command::{CommandError, Done};
use crate::connect::Connection;
use crate::findings::{Rest, stored, tell};
use crate::print;

/// Gives an answer a person's verdict, or takes it back.
pub(crate) async fn label(arguments: &Arguments, options: &Label) -> Result<Done, CommandError> {
    let connection = Connection::for_change(arguments)?;
    let view = connection.api.label(&options.execution, &body(options)).await?;
    print::done(arguments.json, &view, &told(&options.execution, &view))?;
    Ok(Done(0))
}

fn body(options: &Label) -> Value {
    let Label { execution: _, verdict, note, withdraw: _ } = options;
    let verdict = verdict.map(Verdict::from);
    match note {
        Some(note) => json!({ "verdict": verdict, "note": note }),
        None => json!({ "verdict": verdict }),
    }
}

fn told(execution: &str, view: &VerdictView) -> String {
    let machine = view.classifier.verdict;
    let execution = print::one_line(execution);
    match &view.label {
        Some(label) => {
            let by = label.by.as_deref().map_or_else(String::new, |by| format!(" (token {by})"));
            let by = print::one_line(&by);
            format!(
                "{execution} is {}, says a person{by}; the classifier says {machine}",
                label.verdict
            )
        }
        None => format!("{execution} is {machine}, as the classifier says"),
    }
}

/// Has a job's answers judged anew by the rules of the Beacon that runs, and waits for the findings.
pub(crate) async fn classify(
    arguments: &Arguments,
    options: &Classify,
) -> Result<Done, CommandError> {
    let connection = Connection::for_change(arguments)?;
    let accepted = connection.api.classify(&options.job).await?;
    if options.no_wait {
        let (job, rules) = (&accepted.job_id, &accepted.rules);
        let told = format!("job {job}: its answers are judged anew by the rules {rules}");
        print::done(arguments.json, &accepted, &print::one_line(&told))?;
        return Ok(Done(0));
    }
    let view = connection.api.job(&options.job).await?;
    let found = stored(arguments, &connection, &view).await?;
    if arguments.json {
        print::json(&found)?;
    } else {
        let (job, rules) = (&options.job, &found.rules);
        let told = format!("job {job}: its answers are judged by the rules {rules}");
        print::note(false, &print::one_line(&told));
        tell(&found.summary, Rest::Json);
    }
    Ok(Done(0))
}
