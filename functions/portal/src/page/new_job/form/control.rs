//! Fields with their label, hint and problems, each bound to the others.

use maud::{Markup, html};

use super::{DEFAULTS, Form};
use crate::page::new_job::field::Field;

impl Form<'_> {
    /// A line of text.
    pub(super) fn text(&self, field: Field, hint: &str) -> Markup {
        line(self, field, "text", hint)
    }

    /// A number. It is a text to the browser, so that the API says what is wrong with it.
    pub(super) fn number(&self, field: Field, hint: &str) -> Markup {
        let default = DEFAULTS.iter().find(|(one, _)| *one == field);
        let unless = match default {
            Some((_, default)) => format!("{hint}. {default} unless told otherwise."),
            None => format!("{hint} unless told otherwise."),
        };
        line(self, field, "decimal", &unless)
    }

    /// Some lines of text.
    pub(super) fn area(&self, field: Field, rows: u8, hint: &Markup) -> Markup {
        let id = field.id();
        html! {
            div class="field" {
                label for=(id) { (field.label()) }
                textarea id=(id) name=(id) rows=(rows) dir="auto" spellcheck="false"
                    aria-describedby=(self.described(field)) aria-invalid=[self.invalid(field)] {
                    // A browser takes the first line's end for none.
                    "\n" (self.values.raw(id).unwrap_or_default())
                }
                p class="hint" id={ (id) "-hint" } { (hint) }
                (self.problems(field))
            }
        }
    }

    /// Some fields that are one choice.
    pub(super) fn group(&self, field: Field, content: &Markup) -> Markup {
        let is_wrong = self.invalid(field).is_some();
        let described = is_wrong.then(|| format!("{}-problem", field.id()));
        html! {
            fieldset id=(field.id()) tabindex="-1" aria-describedby=[described] {
                legend { (field.label()) }
                (self.problems(field))
                (content)
            }
        }
    }

    /// What is wrong with a field.
    pub(super) fn problems(&self, field: Field) -> Markup {
        let mut about = self.told.iter().filter(|told| told.field == Some(field)).peekable();
        if about.peek().is_none() {
            return html! {};
        }
        html! {
            ul class="field-error" id={ (field.id()) "-problem" } {
                @for told in about { li { (told.shown()) } }
            }
        }
    }

    /// The ids of what describes a field.
    pub(super) fn described(&self, field: Field) -> String {
        let id = field.id();
        match self.invalid(field) {
            Some(_) => format!("{id}-hint {id}-problem"),
            None => format!("{id}-hint"),
        }
    }

    /// `true` where something is wrong with it.
    pub(super) fn invalid(&self, field: Field) -> Option<&'static str> {
        self.told.iter().any(|told| told.field == Some(field)).then_some("true")
    }
}

fn line(form: &Form<'_>, field: Field, mode: &str, hint: &str) -> Markup {
    let id = field.id();
    html! {
        div class="field" {
            label for=(id) { (field.label()) }
            input id=(id) name=(id) type="text" inputmode=(mode) autocomplete="off"
                value=(form.values.raw(id).unwrap_or_default())
                aria-describedby=(form.described(field)) aria-invalid=[form.invalid(field)];
            p class="hint" id={ (id) "-hint" } { (hint) }
            (form.problems(field))
        }
    }
}
