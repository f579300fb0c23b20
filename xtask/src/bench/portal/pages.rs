//! The pages that are asked for, and what of the job each request is for.

use super::{ENDED, HALF, MODELS, QUESTIONS, REGIONS, model};

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    /// As the table calls it.
    pub(super) name: &'static str,
    /// The address of a request by its number.
    pub(super) address: fn(u32) -> String,
    /// Whether a person may open it first; not so a part of one, or a file.
    pub(super) is_whole: bool,
    /// Whether there is a limit to its time; a file takes what it holds.
    pub(super) has_limit: bool,
}

const fn whole(name: &'static str, address: fn(u32) -> String) -> Page {
    Page { name, address, is_whole: true, has_limit: true }
}

const fn file(name: &'static str, address: fn(u32) -> String) -> Page {
    Page { name, address, is_whole: false, has_limit: false }
}

/// All of them, those of the job that has ended, of the one half way, and of none.
pub(super) const PAGES: &[Page] = &[
    whole("the job", |n| format!("/jobs/{ENDED}{}", page(n))),
    whole("the job, half way", |n| format!("/jobs/{HALF}{}", page(n))),
    Page {
        is_whole: false,
        ..whole("an update of it", |n| format!("/jobs/{HALF}/live{}", page(n)))
    },
    whole("where answers diverge", |n| format!("/jobs/{ENDED}/matrix{}", page(n))),
    whole("… of a region", |n| {
        format!("/jobs/{ENDED}/matrix?region={}&page={}", region(n), n / 10 % 5 + 1)
    }),
    whole("… of a model", |n| {
        format!("/jobs/{ENDED}/matrix?model={}&page={}", model(n % MODELS), n / 10 % 5 + 1)
    }),
    whole("… of a verdict", |n| format!("/jobs/{ENDED}/matrix?verdict=R&page={}", n % 9 + 1)),
    whole("… half way", |n| format!("/jobs/{HALF}/matrix{}", page(n))),
    whole("a question", |n| format!("/jobs/{ENDED}/questions/{}", n % QUESTIONS)),
    whole("… half way", |n| format!("/jobs/{HALF}/questions/{}", n % QUESTIONS)),
    whole("two answers side by side", |n| {
        let with = execution(n, "eu-west");
        format!("{}&with={with}", compared(n))
    }),
    whole("three answers side by side", |n| {
        let (one, other) = (execution(n, "eu-west"), execution(n, "asia-pacific"));
        format!("{}&with={one}&with={other}", compared(n))
    }),
    whole("findings", |_| format!("/jobs/{ENDED}/findings")),
    whole("files", |_| format!("/jobs/{ENDED}/files")),
    whole("an answer", |n| format!("/executions/{}", execution(n, region(n)))),
    whole("whether to retry one", |n| format!("/executions/{}/retry", failed(n))),
    whole("whether to cancel", |_| format!("/jobs/{HALF}/cancel")),
    whole("whether to retry", |_| format!("/jobs/{ENDED}/retry")),
    whole("jobs", |_| "/".to_owned()),
    whole("the form of a new job", |_| "/new?key=bench".to_owned()),
    whole("the system", |_| "/system".to_owned()),
    file("executions as JSON lines, the first part", |_| {
        format!("/jobs/{ENDED}/files/executions.jsonl")
    }),
    file("… as a table, the first part", |_| format!("/jobs/{ENDED}/files/executions.csv")),
    file("receipts, the first part", |_| format!("/jobs/{ENDED}/files/bundle.jsonl")),
    file("the report", |_| format!("/jobs/{ENDED}/files/report.html")),
];

/// Some page of the questions; beyond the last is the last.
fn page(number: u32) -> String {
    format!("?page={}", number % 70 + 1)
}

fn region(number: u32) -> &'static str {
    let at = usize::try_from(number).unwrap_or_default() % REGIONS.len();
    REGIONS.get(at).copied().unwrap_or_default()
}

/// A pair of the job, another question and model for another number.
fn execution(number: u32, region: &str) -> String {
    let (question, model) = (number % QUESTIONS, model(number % MODELS));
    format!("{ENDED}.{question}.{region}.0.{model}")
}

/// A pair that failed, as the program that writes the job has them fail: one in fifty.
fn failed(number: u32) -> String {
    let pairs = (number..).map(|number| execution(number, region(number)));
    let fails = |id: &String| id.bytes().map(usize::from).sum::<usize>().is_multiple_of(50);
    pairs.take(10_000).find(fails).unwrap_or_default()
}

fn compared(number: u32) -> String {
    let baseline = execution(number, "us-east");
    format!("/jobs/{ENDED}/questions/{}?baseline={baseline}", number % QUESTIONS)
}
