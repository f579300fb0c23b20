//! A job's data to keep: what there is, and its parts.

mod content;
mod parts;

use beacon_core::JobId;
use beacon_core::seal::KeyId;
use beacon_evidence::key::PublicKey;
use maud::{Markup, html};

use self::content::Part;
use super::heading::{self, Tab};
use crate::Portal;
use crate::address::{Address, File};
use crate::answer::{Answer, Page, PageError};
use crate::input::Input;
use crate::visit::Visit;

/// Characters of a job's id in a file's name.
const ID_CHARACTERS: usize = 80;

impl Portal {
    /// What can be downloaded.
    pub(crate) async fn files(&self, visit: &Visit, id: &JobId) -> Result<Answer, PageError> {
        let seen = self.seen(id).await?;
        let job = seen.view(visit.now);
        let is_analysed = self.query.table.analysis(id, job.run).await?.is_some();
        let is_final = job.status.is_final();
        // A root of an earlier run has a bundle while the job runs again.
        let root = self.query.table.latest_root(id).await?;
        let key = match &root {
            Some(root) => self.key_of(root.root.body.key_id).await?,
            None => None,
        };
        let bundle = match root {
            Some(_) => Bundle::There,
            None if !is_final => Bundle::NotEnded,
            None if seen.job.analysis.due.is_some() => Bundle::Soon,
            None => Bundle::Never,
        };
        let body = html! {
            (heading::of(visit, &job, Tab::Files))
            section class="files" aria-labelledby="files-heading" {
                h2 id="files-heading" { "Files" }
                @if !is_final {
                    p class="hint" {
                        "The job has not ended: what is downloaded now holds its pending executions as such."
                    }
                }
                div class="cards" {
                    @for file in File::ALL {
                        section class="card" aria-label=(title(file)) {
                            (offer(id, file, missing(file, is_final, is_analysed, bundle)))
                            @if let Some(key) = key.filter(|_| file == File::Bundle) { (signed_with(&key)) }
                        }
                    }
                }
                p id="download" class="hint" role="status" {}
            }
        };
        Ok(Answer::Page(Page::new(format!("Files · {}", job.name), body).simulated(job.simulated)))
    }

    /// A public key that is known here.
    async fn key_of(&self, id: KeyId) -> Result<Option<PublicKey>, PageError> {
        let known = self.query.published_keys().await?.keys.into_iter();
        Ok(known.map(|key| key.public_key).find(|key| key.id() == id))
    }

    /// A file, or a part of one; or the page that leads from part to part.
    pub(crate) async fn download(
        &self,
        visit: &Visit,
        id: &JobId,
        file: File,
    ) -> Result<Answer, PageError> {
        if visit.parameters.raw("parts").is_some() {
            return self.parts(visit, id, file).await;
        }
        let part = Part::read(&visit.parameters)?;
        let content = self.content(visit, id, file, &part).await?;
        let next = content.next.map(|next| address(id, file, next.fields()));
        let name = name(id, file, visit.parameters.text("number"));
        Ok(Answer::File { name, content_type: content_type(file), content: content.text, next })
    }
}

/// Of a file with these fields behind its address.
fn address(id: &JobId, file: File, fields: Vec<(String, String)>) -> String {
    format!("{}{}", Address::Download(id.clone(), file), Input::of(fields).query())
}

/// As it is kept; a part but the first says which it is.
fn name(id: &JobId, file: File, number: Option<&str>) -> String {
    let job: String = id.as_str().chars().take(ID_CHARACTERS).collect();
    match number.and_then(|number| number.parse::<u32>().ok()).filter(|number| *number > 1) {
        Some(number) => format!("{job}-part-{number}-{}", file.name()),
        None => format!("{job}-{}", file.name()),
    }
}

fn content_type(file: File) -> &'static str {
    match file {
        File::Jsonl | File::Bundle => "application/jsonl",
        File::Csv => "text/csv; charset=utf-8",
        File::Report => "text/html; charset=utf-8",
    }
}

/// Whether a job has a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bundle {
    There,
    /// Not before the job has ended.
    NotEnded,
    /// Whoever analyses the job signs for it before.
    Soon,
    /// An earlier release ended it.
    Never,
}

/// Why a file is not there; nothing where it is.
fn missing(file: File, is_final: bool, is_analysed: bool, bundle: Bundle) -> Option<&'static str> {
    match (file, bundle) {
        (File::Jsonl | File::Csv, _) | (File::Bundle, Bundle::There) => None,
        (File::Report, _) if is_analysed => None,
        (File::Report, _) if is_final => Some("It is there when the answers are analysed."),
        (File::Report, _) => {
            Some("It is there when the job has ended and its answers are analysed.")
        }
        (File::Bundle, Bundle::NotEnded) => {
            Some("It is there when the job has ended and was signed for.")
        }
        (File::Bundle, Bundle::Soon) => {
            Some("The job is being signed for; it is there in some seconds.")
        }
        (File::Bundle, Bundle::Never) => {
            Some("There is none: the job ended under a release of Beacon that signed nothing.")
        }
    }
}

fn offer(id: &JobId, file: File, missing: Option<&str>) -> Markup {
    html! {
        h3 { (title(file)) }
        p { (told(file)) }
        @if let Some(missing) = missing {
            p class="hint" { (missing) }
        } @else {
            p {
                a class="button" href=(Address::Download(id.clone(), file)) data-file=(name(id, file, None))
                    data-parts=[has_parts(file).then(|| parts::first(id, file))] {
                    "Download " (file.name())
                }
            }
            @if has_parts(file) {
                noscript {
                    p class="hint" {
                        "Without scripts a large file comes in parts: this link is the first. "
                        a href=(parts::first(id, file)) { "Part by part" }
                    }
                }
            }
        }
    }
}

/// What whoever checks the bundle needs beside it.
fn signed_with(key: &PublicKey) -> Markup {
    html! {
        p { "Signed with the key whose public half is " code { (key) } ". On any machine, offline:" }
        p { code { "beacon verify bundle.jsonl --key " (key) } }
        p class="hint" {
            "Publish the public key where readers know that it is yours: one that comes with the bundle shows only "
            "that the two belong together."
        }
    }
}

/// Whether it may be larger than one answer.
fn has_parts(file: File) -> bool {
    match file {
        File::Jsonl | File::Csv | File::Bundle => true,
        File::Report => false,
    }
}

fn title(file: File) -> &'static str {
    match file {
        File::Report => "Report",
        File::Csv => "Table (CSV)",
        File::Jsonl => "All data (JSON lines)",
        File::Bundle => "Evidence bundle",
    }
}

fn told(file: File) -> Markup {
    match file {
        File::Report => html! {
            "The findings as one page that needs nothing else: charts, tables, limits, and the answers to the most "
            "divergent questions where they are not too many. " code { "beacon report" } " writes one with more."
        },
        File::Csv => html! {
            "A row for each execution, for spreadsheets. Cells that a spreadsheet would run begin with "
            code { "'" } "; where every character counts, take the JSON lines."
        },
        File::Jsonl => html! {
            "A line for each execution, with everything that is known of it. Reports are made from this form; "
            code { "beacon export" } " writes the same bytes."
        },
        File::Bundle => html! {
            "Signed receipts with prompts and answers: " code { "beacon verify" }
            " checks it with the public key alone."
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_for_its_job_and_part() {
        let id = JobId::new("j").unwrap();
        let named = |number| name(&id, File::Csv, number);
        assert_eq!(named(None), "j-executions.csv");
        assert_eq!(named(Some("1")), "j-executions.csv");
        assert_eq!(named(Some("2")), "j-part-2-executions.csv");
        assert_eq!(named(Some("\"; x=")), "j-executions.csv");
        let long = JobId::new("x".repeat(255)).unwrap();
        assert!(name(&long, File::Bundle, None).len() < 120);
    }

    #[test]
    fn what_is_not_there_says_why() {
        for file in File::ALL {
            assert_eq!(missing(file, true, true, Bundle::There), None, "{file:?}");
        }
        let why = |bundle, is_final| missing(File::Bundle, is_final, true, bundle).unwrap();
        assert!(missing(File::Report, true, false, Bundle::There).unwrap().contains("analysed"));
        assert!(why(Bundle::NotEnded, false).contains("was signed for"));
        assert!(why(Bundle::Soon, true).contains("being signed for"));
        assert!(why(Bundle::Never, true).contains("signed nothing"));
        assert_eq!(missing(File::Csv, false, false, Bundle::NotEnded), None);
        assert_eq!(missing(File::Bundle, false, false, Bundle::There), None);
    }
}
