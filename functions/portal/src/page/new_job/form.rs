//! The form of a new job as a page.

mod choices;
mod control;

use beacon_core::JobId;
use beacon_core::builtin::QUESTIONS;
use beacon_core::prompt::REGIONAL;
use beacon_core::spec::limit;
use lambda_http::http::StatusCode;
use maud::{Markup, html};

use super::document::Document;
use super::field::{Field, Told};
use super::offered::Offered;
use super::{Refusal, estimate};
use crate::address::Address;
use crate::answer::Page;
use crate::input::Input;
use crate::layout::form_token;
use crate::page::shown;
use crate::page::words::{count, counted};
use crate::visit::Visit;

/// The defaults of a specification, as people read them. A test holds them against those that are applied.
pub(super) const DEFAULTS: [(Field, &str); 5] = [
    (Field::Samples, "1"),
    (Field::Temperature, "0.1"),
    (Field::MaxTokens, "500"),
    (Field::InFlight, "1"),
    (Field::MinSuccessRate, "0.67"),
];

/// A form with what was filled in, and what became of it.
#[derive(Debug)]
pub(super) struct Form<'a> {
    visit: &'a Visit,
    values: &'a Input,
    offered: Offered,
    key: String,
    /// The job that was made with this key.
    made: Option<JobId>,
    told: Vec<Told>,
    refusal: Refusal,
    /// What the job would use, or why that is not known.
    estimated: Option<Markup>,
}

impl<'a> Form<'a> {
    /// One that was not sent yet. Sent twice with this key it makes one job.
    pub(super) fn new(visit: &'a Visit, values: &'a Input, offered: &Offered, key: String) -> Self {
        let offered = offered.with(values.all("model"), values.all("region"));
        let (told, refusal) = (Vec::new(), Refusal::default());
        Self { visit, values, offered, key, made: None, told, refusal, estimated: None }
    }

    /// The same, of which this job was made already, if any was.
    pub(super) fn made(self, made: Option<JobId>) -> Self {
        Self { made, ..self }
    }

    /// The same with its problems at the fields that they are about.
    pub(super) fn refused(self, refusal: Refusal, document: &Document) -> Self {
        let told = Told::all(&refusal.problems, document);
        Self { told, refusal, ..self }
    }

    /// The same with what its job would use, or why that is not known, as far as either was looked at.
    pub(super) fn estimated(self, estimated: Option<Markup>) -> Self {
        Self { estimated, ..self }
    }

    pub(super) fn page(&self, status: StatusCode) -> Page {
        let wrong = self.is_refused();
        let title = if wrong { "Nothing was submitted · New job" } else { "New job" };
        Page { status, ..Page::new(title, self.body()) }
    }

    fn is_refused(&self) -> bool {
        let Refusal { told, made_before, .. } = &self.refusal;
        !self.told.is_empty() || told.is_some() || made_before.is_some()
    }

    fn body(&self) -> Markup {
        html! {
            h1 { "New job" }
            (self.summary())
            (self.made_already())
            (self.example())
            form id="new-job" class="new-job" method="post" action=(Address::New)
                enctype="multipart/form-data" novalidate {
                (form_token(self.visit))
                input type="hidden" name="key" value=(self.key);
                (self.text(Field::Name, "For people, in lists of jobs. It may be left empty."))
                (self.questions())
                (self.models())
                (self.regions())
                (self.number(Field::Samples, "How often each model is asked each question in each region, 1 to 100"))
                (self.more())
                (self.estimate())
                p class="actions" {
                    button type="submit" name="action" value="submit" class="primary" { "Submit the job" } " "
                    button type="submit" name="action" value="estimate" class="quiet" { "Estimate" }
                }
            }
        }
    }

    /// The way to a form that is filled in, for who comes for the first time.
    fn example(&self) -> Markup {
        if self.values.text("builtin").is_some() || self.is_refused() {
            return html! {};
        }
        let Some((models, regions)) = self.offered.together() else { return html! {} };
        let is_all = (models.len(), regions.len())
            == (self.offered.models.len(), self.offered.regions.len());
        let asked = if is_all {
            "every model and every region".to_owned()
        } else {
            let [models, regions] = [(&models, "model"), (&regions, "region")]
                .map(|(some, of)| counted(some.len() as u64, of));
            format!("{models} in {regions}: each is served in each of them")
        };
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let questions = QUESTIONS.iter().map(|question| field("builtin", question.id));
        let models = models.into_iter().map(|model| field("model", model));
        let regions = regions.into_iter().map(|region| field("region", region));
        let name = std::iter::once(field("name", "Bias detection"));
        let filled = Input::of(name.chain(questions).chain(models).chain(regions).collect());
        html! {
            p {
                a href={ (Address::New) (filled.query()) } { "Fill in the example job" }
                ": the questions that come with Beacon, " (asked) "."
            }
        }
    }

    /// What becomes of the form of a job that is there, for who comes back to it.
    fn made_already(&self) -> Markup {
        let Some(job) = &self.made else { return html! {} };
        let anew = self.visit.parameters.with("key", None);
        html! {
            p class="notice" id="made" role="status" {
                "This form has made the job " a href=(Address::Job(job.clone())) { (job) }
                ", and makes no second one. For another job there is "
                a href={ (Address::New) (anew.query()) } { "a new form" } "."
            }
        }
    }

    /// What is wrong, with links to the fields; it gets the focus.
    fn summary(&self) -> Markup {
        if !self.is_refused() {
            return html! {};
        }
        let Refusal { told, made_before, .. } = &self.refusal;
        html! {
            div class="problem" id="problems" role="alert" tabindex="-1" autofocus {
                h2 { "Nothing was submitted" }
                @if let Some(job) = made_before {
                    p {
                        "This form was sent before with other content, as the job "
                        a href=(Address::Job(job.clone())) { (job) }
                        ". Nothing of that job has changed. Sent again, the form makes another job."
                    }
                }
                @if let Some(told) = told { p { (shown(told)) } }
                @if !self.told.is_empty() {
                    ul {
                        @for told in &self.told {
                            li {
                                @if let Some(field) = told.field {
                                    a href={ "#" (field.id()) } { (field.label()) } ": "
                                }
                                (told.shown())
                            }
                        }
                    }
                }
            }
        }
    }

    /// What most jobs leave as it is; open where something of it is wrong or was changed.
    fn more(&self) -> Markup {
        let fields = [
            Field::SystemPrompt,
            Field::Temperature,
            Field::MaxTokens,
            Field::InFlight,
            Field::MinSuccessRate,
            Field::MaxCost,
        ];
        let is_wrong = |field: &Field| self.told.iter().any(|told| told.field == Some(*field));
        let is_given = |field: &Field| {
            let value = self.values.text(field.id());
            value.is_some_and(|value| value != "regional")
        };
        let open = fields.iter().any(|field| is_wrong(field) || is_given(field));
        html! {
            details class="more" open[open] {
                summary { "More options" }
                (self.system_prompt())
                (self.number(Field::Temperature, "0 to 2"))
                (self.number(Field::MaxTokens, &format!(
                    "1 to {}; a longer answer is cut off there",
                    count(limit::MAX_TOKENS)
                )))
                (self.number(Field::InFlight, &format!(
                    "1 to {most}, and at most {most} in all regions together",
                    most = limit::LANES
                )))
                (self.number(
                    Field::MinSuccessRate,
                    "0 to 1; a job of which less has completed in the end is called failed"
                ))
                (self.number(
                    Field::MaxCost,
                    "The job stops when its providers have charged so much. No limit"
                ))
            }
        }
    }

    fn system_prompt(&self) -> Markup {
        let chosen = self.values.text("system_prompt").unwrap_or("regional");
        let choice = |value: &str, told: &Markup| {
            html! {
                label class="box" {
                    input type="radio" name="system_prompt" value=(value) checked[chosen == value];
                    span { (told) }
                }
            }
        };
        self.group(Field::SystemPrompt, &html! {
            div class="choices" {
                (choice("regional", &html! {
                    "Regional, as usual: " q { (REGIONAL) }
                }))
                (choice("none", &html! { "None: the question alone is sent" }))
                (choice("both", &html! {
                    "Regional and none, each question under both: twice as many executions, and a difference \
                     between regions can be told from one between prompts"
                }))
                (choice("text", &html! { "The text below" }))
            }
            div class="field" {
                label for="system_text" { "Text of the system prompt" }
                textarea id="system_text" name="system_text" rows="3" dir="auto" aria-describedby="system_text-hint" {
                    "\n" (self.values.raw("system_text").unwrap_or_default())
                }
                p class="hint" id="system_text-hint" {
                    code { "{place}" } " in it stands for the region’s place, such as the US or Europe."
                }
            }
        })
    }

    /// What the job would use. It is a part of its own, which the browser asks for as the form changes.
    fn estimate(&self) -> Markup {
        html! {
            section id="estimate" class="estimate" aria-labelledby="estimate-heading" {
                h2 id="estimate-heading" { "What it will use" }
                div id="estimated" aria-live="polite" hx-post=(Address::Estimate)
                    hx-trigger="input delay:300ms from:#new-job" hx-target="this" hx-swap="innerMorph"
                    hx-sync="this:replace" {
                    @match &self.estimated {
                        Some(estimated) => (estimated),
                        None if !self.told.is_empty() || self.refusal.told.is_some() => (estimate::missing(
                            &self.told,
                            self.refusal.told.as_deref(),
                        )),
                        None => p class="hint" {
                            "What the job would use and cost stands here once questions, models and regions are \
                             chosen. " strong { "Estimate" } " works it out too, and without JavaScript nothing else \
                             does."
                        },
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use beacon_core::spec::parse;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_defaults_that_are_shown_are_those_that_are_applied() {
        let minimal = json!({"questions": ["math_basic"], "models": ["m"], "regions": ["US"]});
        let mut said = minimal.clone();
        for (field, value) in DEFAULTS {
            said[field.id()] = serde_json::from_str(value).unwrap();
        }
        assert_eq!(parse(&said, &[]).unwrap(), parse(&minimal, &[]).unwrap());
        let mut regional = minimal.clone();
        regional["system_prompt"] = "regional".into();
        assert_eq!(parse(&regional, &[]).unwrap(), parse(&minimal, &[]).unwrap());
    }
}
