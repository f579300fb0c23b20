//! The form of a new job, its estimate, and submitting it.

mod document;
mod estimate;
mod field;
mod form;
mod offered;
mod questions;

use beacon_aws::ApiError;
use beacon_core::JobId;
use beacon_core::idempotency::IdempotencyKey;
use beacon_core::prompt::hex;
use beacon_core::spec::{Problem, limit};
use beacon_core::view::Submitted;
use beacon_intake::{Estimated, Intake};
use lambda_http::http::StatusCode;
use maud::{Markup, html};

use self::document::Document;
use self::field::Told;
use self::form::Form;
use self::offered::Offered;
use super::{error, shown};
use crate::Portal;
use crate::address::Address;
use crate::answer::{Answer, Page, PageError};
use crate::form::{NoForm, Size};
use crate::input::Input;
use crate::visit::Visit;

/// For whoever fills in a form. What is of use to whoever runs the router is logged.
const NO_ROUTER: &str = "The router does not answer. It knows which models are served where, so that no job can be \
    submitted or estimated now.";

/// Why a form made no job.
#[derive(Debug, Default)]
struct Refusal {
    /// What is wrong with fields.
    problems: Vec<Problem>,
    /// What is wrong with none of them.
    told: Option<String>,
    /// The job that the form made before, with other content.
    made_before: Option<JobId>,
    status: StatusCode,
}

impl Refusal {
    /// In the API's own words.
    fn of(error: ApiError) -> Self {
        let status = error.status();
        let refusal = Self { status, ..Self::default() };
        if let ApiError::InvalidSpec(problems)
        | ApiError::InvalidJobSpec(problems)
        | ApiError::NotServed(problems)
        | ApiError::NoPrice(problems) = error
        {
            return Self { problems, ..refusal };
        }
        if let ApiError::KeyConflict(job) = error {
            return Self { made_before: Some(job), ..refusal };
        }
        Self { told: Some(told(error)), ..refusal }
    }
}

impl Portal {
    /// The form, with what the address says filled in.
    pub(crate) async fn new_job(&self, visit: &Visit) -> Result<Answer, PageError> {
        let intake = self.intake()?;
        if intake.requires_signatures() {
            return Ok(Answer::Page(Page::new("New job", signed())));
        }
        // The key stands in the address, so that whoever comes back to the form has the same one.
        let key = visit.parameters.raw("key");
        let known = key.and_then(|key| Some((key, IdempotencyKey::new(key).ok()?)));
        let Some((key, known)) = known else {
            let with_key = visit.parameters.with("key", Some(&fresh_key()));
            return Ok(Answer::Redirect(format!("{}{}", Address::New, with_key.query())));
        };
        let offered = match intake.providers().await {
            Ok(providers) => Offered::of(&providers),
            Err(error) => return Ok(Answer::Page(unreachable(error, &visit.parameters))),
        };
        let made = self.query.table.job(&known.job_id()).await?;
        let document = Document::of(&visit.parameters);
        let estimated = if document.is_chosen() {
            Some(match estimated(intake, &document).await {
                Ok(estimated) => estimate::shown_of(&estimated),
                Err(refusal) => missing(&refusal, &document),
            })
        } else {
            None
        };
        let form = Form::new(visit, &visit.parameters, &offered, key.to_owned());
        let form = form.made(made.map(|job| job.id)).estimated(estimated);
        Ok(Answer::Page(form.page(StatusCode::OK)))
    }

    /// Makes a job of the form, or shows it again with what is wrong; or, where that was asked, with what the
    /// job would use.
    pub(crate) async fn submit(&self, visit: &Visit) -> Result<Answer, PageError> {
        let intake = self.intake()?;
        let document = Document::of(&visit.form);
        let key = visit.form.raw("key").unwrap_or_default();
        let known = IdempotencyKey::new(key).map_err(|problem| PageError::Parameter {
            name: "key",
            problem: problem.to_string(),
        })?;
        let (estimated, refusal) = if visit.form.text("action") == Some("estimate") {
            match estimated(intake, &document).await {
                Ok(estimated) => (Some(estimated), None),
                Err(refusal) => (None, Some(refusal)),
            }
        } else {
            match self.made(intake, &document, &known, visit).await {
                Ok(submitted) => return Ok(made(&submitted)),
                // Only its key was spent before: what it holds has an estimate all the same.
                Err(refusal) if refusal.made_before.is_some() => {
                    (estimated(intake, &document).await.ok(), Some(refusal))
                }
                Err(refusal) => (None, Some(refusal)),
            }
        };
        // What cannot be listed now is asked for by name.
        let offered = intake.providers().await.map(|providers| Offered::of(&providers));
        let offered = offered.unwrap_or_default();
        let is_spent = refusal.as_ref().is_some_and(|refusal| refusal.made_before.is_some());
        let key = if is_spent { fresh_key() } else { key.to_owned() };
        let status = refusal.as_ref().map_or(StatusCode::OK, |refusal| refusal.status);
        let form = Form::new(visit, &visit.form, &offered, key);
        let form = match refusal {
            Some(refusal) => form.refused(refusal, &document),
            None => form,
        };
        let form = form.estimated(estimated.as_ref().map(estimate::shown_of));
        Ok(Answer::Page(form.page(status)))
    }

    /// What the job of the form would use: the part of the form's page that says so.
    pub(crate) async fn estimate(&self, visit: &Visit) -> Result<Answer, PageError> {
        let intake = self.intake()?;
        let document = Document::of(&visit.form);
        // The portal's script leaves a large file out while the form is being filled in.
        let is_whole = visit.form.text("csv_left_out").is_none();
        let part = match estimated(intake, &document).await {
            Ok(estimated) if is_whole => estimate::shown_of(&estimated),
            Ok(estimated) => {
                html! { (estimate::without_csv()) (estimate::shown_of(&estimated)) }
            }
            Err(mut refusal) => {
                refusal.problems.retain(|problem| is_whole || problem.field != "questions");
                let is_told = !refusal.problems.is_empty() || refusal.told.is_some();
                html! {
                    @if !is_whole { (estimate::without_csv()) }
                    @if is_told { (missing(&refusal, &document)) }
                }
            }
        };
        Ok(Answer::Part(part))
    }

    async fn made(
        &self,
        intake: &Intake,
        document: &Document,
        key: &IdempotencyKey,
        visit: &Visit,
    ) -> Result<Submitted, Refusal> {
        if !document.problems.is_empty() {
            // With them the others are told, and nothing is made.
            return Err(estimated(intake, document).await.err().unwrap_or_default());
        }
        check_size(document)?;
        let by = Some(visit.caller.name.clone());
        let submitted = intake.submit_document(&document.json, Some(key), by).await;
        submitted.map_err(Refusal::of)
    }
}

async fn estimated(intake: &Intake, document: &Document) -> Result<Estimated, Refusal> {
    check_size(document)?;
    let asked = intake.estimate(&document.json).await.map_err(Refusal::of);
    if document.problems.is_empty() {
        return asked;
    }
    let mut refusal = asked.err().unwrap_or_default();
    if refusal.told.is_none() {
        refusal.status = StatusCode::BAD_REQUEST;
    }
    // Without the questions that could not be read the list may be empty.
    refusal.problems.retain(|problem| problem.field != "questions");
    refusal.problems.splice(0..0, document.problems.iter().cloned());
    Err(refusal)
}

fn missing(refusal: &Refusal, document: &Document) -> Markup {
    estimate::missing(&Told::all(&refusal.problems, document), refusal.told.as_deref())
}

fn check_size(document: &Document) -> Result<(), Refusal> {
    let most = limit::SPEC_BYTES;
    if document.json.to_string().len() <= most {
        return Ok(());
    }
    let size = Size(most);
    let message = format!(
        "are more than {size} with what is told of them, the most of one job; make several jobs of them, or \
         shorten them"
    );
    let problems = vec![Problem { field: "questions".to_owned(), message }];
    Err(Refusal { problems, status: StatusCode::PAYLOAD_TOO_LARGE, ..Refusal::default() })
}

/// What is wrong with no field, for whoever fills in a form. What is for whoever runs this Beacon is logged.
fn told(error: ApiError) -> String {
    let is_router = matches!(error, ApiError::RouterUnavailable { .. });
    let told = error::told(&error.into());
    if is_router { NO_ROUTER.to_owned() } else { told }
}

/// The way to the job that was made; by a page that says what was folded or capped, where something was.
fn made(submitted: &Submitted) -> Answer {
    let job = Address::Job(submitted.id.clone());
    if submitted.warnings.is_empty() {
        return Answer::Redirect(job.to_string());
    }
    let body = html! {
        section class="empty" {
            h1 { "The job is submitted" }
            p role="status" { "Some of what the form said was folded or capped:" }
            ul { @for warning in &submitted.warnings { li { (shown(warning)) } } }
            p { a class="button" href=(job) { "To the job" } }
        }
    };
    Answer::Page(Page::new("The job is submitted", body))
}

/// A key of a form that nobody else has: sent twice, the form makes one job.
fn fresh_key() -> String {
    format!("portal-{}", hex(&rand::random::<[u8; 16]>()))
}

/// Only who has a trusted key can submit here.
fn signed() -> Markup {
    html! {
        section class="empty" {
            h1 { "New job" }
            p { "This Beacon accepts signed specifications alone, and a browser has no key to sign with." }
            p {
                "Write the specification to a file, sign it with " code { "beacon sign" }
                ", and submit it with " code { "beacon submit" } ". It stands among the jobs then."
            }
            p { a class="button" href=(Address::Jobs) { "To the jobs" } }
        }
    }
}

/// Nothing is accepted until the router answers.
fn unreachable(error: ApiError, parameters: &Input) -> Page {
    let status = error.status();
    let body = html! {
        section class="empty" {
            h1 { "New job" }
            p class="problem" role="alert" { (shown(&told(error))) }
            p {
                a class="button" href={ (Address::New) (parameters.query()) } { "Try again" } " "
                a href=(Address::System) { "How the system is" }
            }
        }
    };
    Page { status, ..Page::new("New job", body) }
}

/// A form that was not read, as far as it goes: nothing of it can be shown again.
pub(crate) fn not_read(refusal: NoForm) -> Page {
    let is_too_large = matches!(refusal, NoForm::TooLarge { .. });
    let title = if is_too_large { "The form is too large" } else { "Nothing was submitted" };
    let body = html! {
        section class="empty" {
            h1 { (title) }
            p class="problem" role="alert" { (refusal.to_string()) " What was filled in is not kept." }
            @if is_too_large {
                p {
                    "All questions of a job are at most " (Size(limit::SPEC_BYTES).to_string()) ". Make several jobs of a larger file, each \
                     with some of its rows, or shorten the texts."
                }
            }
            p {
                a class="button" href=(Address::New) { "Back to the form" } " "
                a href=(Address::Jobs) { "To the jobs" }
            }
        }
    };
    Page { status: refusal.status(), ..Page::new(title, body) }
}
