//! What is chosen from: questions, models and regions.

use beacon_core::builtin::QUESTIONS;
use beacon_core::spec::limit;
use maud::{Markup, html};

use super::Form;
use crate::form::Size;
use crate::page::new_job::document::csv_of;
use crate::page::new_job::field::Field;
use crate::page::new_job::offered::place;
use crate::page::words::{count, outside};

impl Form<'_> {
    pub(super) fn questions(&self) -> Markup {
        let chosen: Vec<&str> = self.values.all("builtin").collect();
        let mut categories: Vec<&str> = Vec::new();
        for question in QUESTIONS {
            if !categories.contains(&question.category) {
                categories.push(question.category);
            }
        }
        let kept = csv_of(self.values).filter(|csv| !csv.trim().is_empty());
        html! {
            (self.group(Field::BuiltIn, &html! {
                @for category in categories {
                    div class="choices" role="group" aria-label=(category_name(category)) {
                        p class="hint" aria-hidden="true" { (category_name(category)) }
                        @for question in QUESTIONS.iter().filter(|one| one.category == category) {
                            label class="box" {
                                input type="checkbox" name="builtin" value=(question.id)
                                    checked[chosen.contains(&question.id)];
                                span {
                                    (question.text) " " code { (question.id) }
                                    @if !question.expect.is_empty() {
                                        " " span class="hint" {
                                            "a right answer holds " (question.expect.join(" or "))
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }))
            (self.area(Field::Own, 5, &html! {
                "Each is called " code { "q1" } ", " code { "q2" } " and so on, or as the line says: "
                code { "capital: What is the capital of Peru?" }
            }))
            div class="field" {
                label for=(Field::Csv.id()) { (Field::Csv.label()) }
                input type="file" id=(Field::Csv.id()) name="csv_file" accept=".csv,text/csv"
                    aria-describedby=(self.described(Field::Csv)) aria-invalid=[self.invalid(Field::Csv)];
                p class="hint" id={ (Field::Csv.id()) "-hint" } {
                    "Columns: " code { "id" } ", " code { "text" } ", " code { "category" } ", "
                    code { "language" } ", " code { "expect" } " and " code { "variant.NAME" } ". In UTF-8. All \
                    questions of a job are at most " (count(limit::QUESTIONS as u64)) ", each variant counted, and "
                    (Size(limit::SPEC_BYTES).to_string()) " with what is told of them."
                }
                (self.problems(Field::Csv))
                @if let Some(csv) = kept {
                    details {
                        summary { "The CSV that you sent" }
                        label for="csv" { "It is sent again unless another file is chosen" }
                        textarea id="csv" name="csv" rows="8" spellcheck="false" { "\n" (csv) }
                    }
                }
            }
        }
    }

    pub(super) fn models(&self) -> Markup {
        let chosen: Vec<&str> = self.values.all("model").collect();
        html! {
            (self.group(Field::Models, &html! {
                @if self.offered.models.is_empty() {
                    p class="hint" { "No provider says which models it serves: name them below." }
                }
                div class="choices" {
                    @for model in &self.offered.models {
                        label class="box" {
                            input type="checkbox" name="model" value=(model.id)
                                checked[chosen.contains(&&*model.id)];
                            span {
                                strong { (outside(&model.id)) } " "
                                span class="hint" {
                                    @if model.regions.is_empty() { "served by nobody now" }
                                    @else { "in " (outside(&model.regions.join(", "))) }
                                    @if model.simulated { " · ▲ simulated: its answers are made up" }
                                }
                            }
                        }
                    }
                }
                @for (provider, region) in &self.offered.silent {
                    p class="hint" {
                        (outside(provider)) " in " (outside(region))
                        " does not say which models it serves: name them below."
                    }
                }
            }))
            (self.area(Field::OtherModels, 2, &html! {
                "Ids as the router’s file of providers names them, with blanks or commas between them."
            }))
        }
    }

    pub(super) fn regions(&self) -> Markup {
        let chosen: Vec<&str> = self.values.all("region").collect();
        self.group(Field::Regions, &html! {
            @if self.offered.regions.is_empty() { p class="hint" { "No provider names a region." } }
            div class="choices" {
                @for region in &self.offered.regions {
                    label class="box" {
                        input type="checkbox" name="region" value=(region)
                            checked[chosen.contains(&&**region)];
                        span {
                            (outside(region))
                            @if let Some(place) = place(region) { " " span class="hint" { (place) } }
                        }
                    }
                }
            }
        })
    }
}

fn category_name(category: &str) -> &str {
    match category {
        "control_questions" => "Controls",
        "bias_detection" => "Bias",
        "cultural_perspective" => "Culture",
        other => other,
    }
}
