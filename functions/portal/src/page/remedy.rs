//! What a person can do about a failure.

use beacon_core::failure::{Failure, FailureCode};
use beacon_core::job::NoRun;
use maud::{Markup, html};

use super::words::outside;

const PROVIDER_HTTP: &str = "PROVIDER_HTTP_";
const TOO_SLOW: &str = "The provider was too slow, and may have charged: retry when it is less busy, or let the \
    router wait longer for it.";
const TOO_LONG: &str = "Lower max_tokens in a new job: longer answers are not kept.";
const ASK_SLOWER: &str = "The provider asks to be asked more slowly: retry later, or lower its concurrency in the providers’ file.";
const FAILED: &str = "The provider failed: System shows how each is; retry when it is well.";
const SEE_MESSAGE: &str = "See the message; if asking again may help, retry.";

/// What the router reports by a code of its own; a test holds it against the router's list.
const REPORTED: [(&str, &str); 13] = [
    (
        "PROVIDER_UNAVAILABLE",
        "Nobody serves the model in the region, or who does is down: System shows how each is. Retry when one is well.",
    ),
    (
        "DEADLINE_EXCEEDED",
        "There was not enough time left for the call, so it was not sent: retry when the provider is less busy.",
    ),
    (
        "PROVIDER_BUSY",
        "The provider had no room in time: retry when it is less busy, or raise its concurrency or \
         queue_timeout_seconds.",
    ),
    (
        "PROVIDER_RATE_LIMITED",
        "What the providers’ file allows a minute was used up: retry later, or allow more where the provider does.",
    ),
    (
        "PROVIDER_REDIRECT",
        "The provider points to another host, where nothing is sent: mend its address in the providers’ file; then \
         retry.",
    ),
    (
        "PROVIDER_UNREACHABLE",
        "No connection to the provider came about: start it, or mend its address in the providers’ file; then retry.",
    ),
    (
        "PROVIDER_CONNECTION_LOST",
        "The connection broke off, and the answer may have been charged for; retry.",
    ),
    ("PROVIDER_TIMEOUT", TOO_SLOW),
    (
        "PROVIDER_RESPONSE_PARSE_ERROR",
        "What answers at the provider’s address cannot be read: mend its kind or its address in the providers’ file; \
         then retry.",
    ),
    ("PROVIDER_RESPONSE_TOO_LARGE", TOO_LONG),
    ("CALL_STOPPED", "Somebody stopped the call; a retry asks again."),
    (
        "ROUTER_TABLE_UNAVAILABLE",
        "The table that the routers share did not answer: see their log; retry when it does.",
    ),
    ("PROVIDER_EXECUTION_FAILED", SEE_MESSAGE),
];

/// A sentence on what to do about failures of this code, in a job that is never run again where that says why.
pub(crate) fn of_failure(code: &FailureCode, never_again: Option<NoRun>) -> &'static str {
    match never_again {
        None | Some(NoRun::NotFinal(_)) => of_code(code),
        Some(NoRun::TooMany) => {
            "The job has had as many runs as a job has: mend what the message names, and submit it anew."
        }
        Some(NoRun::CostSpent(_)) => {
            "The job has spent its max_cost: mend what the message names, and submit it anew with a higher one."
        }
    }
}

/// The same, of a job that is asked again.
fn of_code(code: &FailureCode) -> &'static str {
    match code {
        FailureCode::RouterUnreachable
        | FailureCode::RouterDns
        | FailureCode::RouterConnectTimeout => {
            "Start the router, or mend its address (System shows whether it answers); then retry."
        }
        FailureCode::RouterTls => {
            "Mend the router's certificate or its address (https or http); then retry."
        }
        FailureCode::RouterFirstByteTimeout | FailureCode::RouterTimeout => {
            "The provider was too slow: retry when it is less busy, or give the router more time."
        }
        FailureCode::RouterConnectionLost => {
            "The connection broke off, and the answer may have been charged for; retry."
        }
        FailureCode::RouterHttp(_) | FailureCode::RouterError => {
            "See the message: the router refuses or fails. Mend what it names; then retry."
        }
        FailureCode::RouterJsonError | FailureCode::RouterUnexpectedShape => {
            "What answers at the router's address is not a router of a version known here; mend the address."
        }
        FailureCode::ResponseTooLarge => TOO_LONG,
        FailureCode::RegionMismatch => {
            "The provider served another region than asked, so nothing it said counts; mend its configuration."
        }
        FailureCode::PromptMismatch => {
            "The provider received another prompt than was sent, so nothing it said counts; mend the provider."
        }
        FailureCode::WorkerPanic | FailureCode::WorkerCrashed => {
            "A fault of Beacon's own: the log of the inference function has it. Then retry."
        }
        FailureCode::ResultNotStorable => "The table refused the row: see the log; then retry.",
        FailureCode::QuestionLost | FailureCode::DeadLetter => {
            "The queue lost the question: see its dead-letter queue and the log; then retry."
        }
        FailureCode::JobCancelled => "Somebody cancelled the job; a retry asks what is left.",
        FailureCode::JobDeadline => {
            "The job's time was up; a retry asks what is left, with as much time again."
        }
        FailureCode::JobStopped => {
            "The job's own rule stopped it: mend what failed before, then a retry asks what is left."
        }
        FailureCode::Reported(_) => of_reported(&code.to_string()),
    }
}

/// Of the router's own codes. What a provider calls its failures, its message explains.
fn of_reported(code: &str) -> &'static str {
    if let Some(Ok(status)) = code.strip_prefix(PROVIDER_HTTP).map(str::parse::<u16>) {
        return of_status(status);
    }
    REPORTED.iter().find(|(reported, _)| *reported == code).map_or(SEE_MESSAGE, |(_, told)| told)
}

/// Of the status that a provider answered with.
fn of_status(status: u16) -> &'static str {
    match status {
        401 | 403 | 407 => {
            "The provider refuses the key: mend it in the router's configuration; then retry."
        }
        402 => "The provider wants to be paid first: settle its account; then retry.",
        404 | 410 => {
            "The provider does not know the model or the address: mend them in the providers’ file; then retry."
        }
        413 => "The question is longer than the provider takes: shorten it in a new job.",
        429 | 529 => ASK_SLOWER,
        303 | 408 | 504 | 522 | 524 => TOO_SLOW,
        400..=499 => {
            "The provider refuses the request: the message may say why. Mend what it names, in a new job where it is \
             of the question."
        }
        500.. => FAILED,
        ..400 => {
            "What answers is no provider of the kind that was named: mend the providers’ file; then retry."
        }
    }
}

/// Whether asking again may help, in words.
pub(crate) fn again(failure: &Failure, never_again: Option<NoRun>) -> &'static str {
    match (failure.retryable, never_again) {
        (true, None) => "asking again may help",
        (true, Some(_)) => "asking again might help, but not in this job",
        (false, _) => "asking again will not help by itself",
    }
}

/// Whose failure it is, as far as that is known.
pub(crate) fn provider(failure: &Failure) -> Markup {
    match &failure.provider_id {
        Some(id) => outside(id.as_str()),
        // A call that was cut off may have been at one.
        None if failure.attempts > 0 || failure.maybe_billed => {
            html! { span class="hint" { "not known" } }
        }
        None => html! { span class="hint" { "none was chosen" } },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn told(code: &str) -> &'static str {
        of_code(&FailureCode::try_from(code.to_owned()).unwrap())
    }

    /// Texts between quotes or backticks that are written as codes are.
    fn codes(text: &str, quote: char) -> impl Iterator<Item = &str> {
        let is_code = |text: &&str| {
            text.contains('_') && text.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        };
        text.split(quote).skip(1).step_by(2).filter(is_code)
    }

    #[test]
    fn every_code_that_the_router_reports_has_an_entry() {
        let known: BTreeSet<&str> = REPORTED.iter().map(|(code, _)| *code).collect();
        assert_eq!(known.len(), REPORTED.len());
        let written = include_str!("../../../router/src/failure.rs");
        let written = written.split("impl fmt::Display for FailureCode").nth(1).unwrap();
        let written = written.split("impl FailureCode").next().unwrap();
        assert!(written.contains("PROVIDER_HTTP_{status}"));
        assert_eq!(codes(written, '"').collect::<BTreeSet<_>>(), known);
        let listed = include_str!("../../../../docs/router.md");
        let listed = listed.split("\n## Codes\n").nth(1).unwrap();
        let listed = listed.split("\n## ").next().unwrap();
        assert_eq!(codes(listed, '`').collect::<BTreeSet<_>>(), known);
    }

    #[test]
    fn what_to_do_is_told_of_a_code_and_not_of_its_letters() {
        for (code, says) in [
            ("MODEL_CRASH", SEE_MESSAGE),
            ("CONTEXT_TOO_LONG", SEE_MESSAGE),
            ("RATE_OF_4290", SEE_MESSAGE),
            ("PROVIDER_HTTP_429", ASK_SLOWER),
            ("PROVIDER_HTTP_401", "refuses the key"),
            ("PROVIDER_HTTP_400", "refuses the request"),
            ("PROVIDER_HTTP_422", "refuses the request"),
            ("PROVIDER_HTTP_404", "does not know the model"),
            ("PROVIDER_HTTP_413", "shorten it"),
            ("PROVIDER_HTTP_408", TOO_SLOW),
            ("PROVIDER_HTTP_504", TOO_SLOW),
            ("PROVIDER_HTTP_500", FAILED),
            ("PROVIDER_HTTP_302", "no provider of the kind"),
            ("PROVIDER_TIMEOUT", TOO_SLOW),
            ("PROVIDER_RESPONSE_TOO_LARGE", TOO_LONG),
            ("PROVIDER_RESPONSE_PARSE_ERROR", "cannot be read"),
        ] {
            assert!(told(code).contains(says), "{code}: {}", told(code));
        }
    }
}
