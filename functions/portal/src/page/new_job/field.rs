//! The fields of a new job's form, and which of them a problem of the API is about.

use beacon_core::spec::Problem;
use maud::{Markup, html};

use super::document::Document;
use crate::page::shown;

/// A field, or a group of them, in the form's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Name,
    BuiltIn,
    Own,
    Csv,
    Models,
    OtherModels,
    Regions,
    Samples,
    SystemPrompt,
    Temperature,
    MaxTokens,
    InFlight,
    MinSuccessRate,
    MaxCost,
}

impl Field {
    /// Its element's id, and its name where it is one field.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::BuiltIn => "builtin",
            Self::Own => "own",
            Self::Csv => "csv_file",
            Self::Models => "model",
            Self::OtherModels => "other_models",
            Self::Regions => "region",
            Self::Samples => "samples",
            Self::SystemPrompt => "system_prompt",
            Self::Temperature => "temperature",
            Self::MaxTokens => "max_tokens",
            Self::InFlight => "questions_in_flight",
            Self::MinSuccessRate => "min_success_rate",
            Self::MaxCost => "max_cost",
        }
    }

    /// As people call it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::BuiltIn => "Questions that come with Beacon",
            Self::Own => "Your own questions, one a line",
            Self::Csv => "Questions of a CSV file",
            Self::Models => "Models",
            Self::OtherModels => "Other models",
            Self::Regions => "Regions",
            Self::Samples => "Samples",
            Self::SystemPrompt => "System prompt",
            Self::Temperature => "Temperature",
            Self::MaxTokens => "Longest answer, tokens",
            Self::InFlight => "Questions in flight in each region",
            Self::MinSuccessRate => "Share of executions that must complete",
            Self::MaxCost => "Limit of what providers charge, US dollars",
        }
    }
}

/// A problem at its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// None where it fits no field.
    pub(super) field: Option<Field>,
    /// Where within the field.
    pub(super) place: Option<String>,
    /// Of what is there: the API's name for a part of it; of what fits no field, its name for the whole.
    part: Option<String>,
    message: String,
}

impl Told {
    /// Of all problems with what was made of the form, in the form's order.
    pub(super) fn all(problems: &[Problem], document: &Document) -> Vec<Self> {
        let mut all: Vec<Self> =
            problems.iter().map(|problem| Self::of(problem, document)).collect();
        all.sort_by_key(|told| (told.field.is_none(), told.field));
        all
    }

    fn of(problem: &Problem, document: &Document) -> Self {
        let (head, index, part) = split(&problem.field);
        let (field, place) = match head {
            "questions" => match index.and_then(|index| document.questions.get(index)) {
                Some(origin) => (Some(origin.field()), origin.place()),
                None => (Some(document.asking()), None),
            },
            "models" => {
                let origin = index.and_then(|index| document.models.get(index));
                (Some(origin.copied().unwrap_or(Field::Models)), None)
            }
            "csv" => (Some(Field::Csv), None),
            "name" => (Some(Field::Name), None),
            "regions" => (Some(Field::Regions), None),
            "samples" => (Some(Field::Samples), None),
            "system_prompt" => (Some(Field::SystemPrompt), None),
            "temperature" => (Some(Field::Temperature), None),
            "max_tokens" => (Some(Field::MaxTokens), None),
            "questions_in_flight" => (Some(Field::InFlight), None),
            "min_success_rate" => (Some(Field::MinSuccessRate), None),
            "max_cost" => (Some(Field::MaxCost), None),
            _ => (None, None),
        };
        let part = if field.is_none() { Some(problem.field.as_str()) } else { part };
        let part = part.map(str::to_owned);
        Self { field, place, part, message: as_typed(problem, document) }
    }

    /// What is wrong, in the API's words, and where in the field it is.
    pub(super) fn shown(&self) -> Markup {
        html! {
            @if let Some(place) = &self.place { (place) ": " }
            @if let Some(part) = &self.part { code { (shown(part)) } " " }
            (shown(&self.message))
        }
    }

    /// The same behind the name of its field.
    pub(super) fn named(&self) -> Markup {
        html! {
            @if let Some(field) = self.field { (field.label()) ": " }
            (self.shown())
        }
    }
}

/// `questions[2].text` is of the list `questions`, of its third entry, and of the part `text` of that.
fn split(field: &str) -> (&str, Option<usize>, Option<&str>) {
    let head = field.split(['[', '.']).next().unwrap_or_default();
    let rest = field.strip_prefix(head).unwrap_or_default();
    let (index, rest) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((index, rest)) => (index.parse().ok(), rest),
        None => (None, rest),
    };
    (head, index, rest.strip_prefix('.'))
}

/// The API's words, with a number as it was typed: JSON knows it otherwise, `-1.0` for `-1` and `1e+20` for what has
/// twenty noughts.
fn as_typed(problem: &Problem, document: &Document) -> String {
    let told = document.typed(&problem.field).and_then(|(read, typed)| {
        let rest = problem.message.strip_prefix(&format!("is {read};"))?;
        Some(format!("is {typed};{rest}"))
    });
    told.unwrap_or_else(|| problem.message.clone())
}

#[cfg(test)]
mod tests {
    use beacon_core::spec::parse;

    use super::*;
    use crate::input::Input;

    fn form(fields: &[(&str, &str)]) -> Input {
        Input::of(fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    #[test]
    fn each_problem_stands_at_the_field_that_it_is_about() {
        let document = Document::of(&form(&[
            ("builtin", "math_basic"),
            ("own", "\nWhat is it?\r\n\r\nb: Why?\r\n"),
            ("csv", "id,text\nc,How?\n"),
            ("model", "a"),
            ("other_models", "b, c"),
        ]));
        for (field, at, place) in [
            ("questions", Some(Field::Csv), None),
            ("questions[0]", Some(Field::BuiltIn), None),
            ("questions[1].text", Some(Field::Own), Some("line 2")),
            ("questions[2].id", Some(Field::Own), Some("line 4")),
            ("questions[3].text", Some(Field::Csv), Some("line 2 of the CSV")),
            ("questions[4]", Some(Field::Csv), None),
            ("models", Some(Field::Models), None),
            ("models[0]", Some(Field::Models), None),
            ("models[2]", Some(Field::OtherModels), None),
            ("regions[1]", Some(Field::Regions), None),
            ("samples", Some(Field::Samples), None),
            ("system_prompt", Some(Field::SystemPrompt), None),
            ("max_cost", Some(Field::MaxCost), None),
            ("min_regions", None, None),
            ("specification", None, None),
        ] {
            let (problem, message) = (field.to_owned(), "m".to_owned());
            let told = Told::of(&Problem { field: problem, message }, &document);
            assert_eq!((told.field, told.place.as_deref()), (at, place), "{field}");
        }
    }

    #[test]
    fn a_problem_with_all_questions_stands_where_most_of_them_are_from() {
        let problem = Problem { field: "questions".to_owned(), message: "m".to_owned() };
        for (fields, at) in [
            (&[][..], Field::BuiltIn),
            (&[("builtin", "math_basic")][..], Field::BuiltIn),
            (&[("builtin", "math_basic"), ("own", "Why?")][..], Field::Own),
            (&[("own", "Why?"), ("csv", "id,text\nc,How?\n")][..], Field::Csv),
        ] {
            let told = Told::of(&problem, &Document::of(&form(fields)));
            assert_eq!(told.field, Some(at), "{fields:?}");
        }
    }

    #[test]
    fn problems_are_told_in_the_order_of_the_form_and_a_field_once() {
        let document = Document::of(&form(&[
            ("own", "same: Why?\nsame: How?"),
            ("samples", "-1"),
            ("temperature", "99999999999999999999"),
            ("max_tokens", "1e9"),
            ("questions_in_flight", "many"),
        ]));
        let problems = parse(&document.json, &[]).unwrap_err();
        let told = Told::all(&problems, &document);
        let told: Vec<_> = told.iter().map(|told| told.named().into_string()).collect();
        assert_eq!(
            told,
            [
                "Your own questions, one a line: line 2: question id `same` was given at questions[0] with \
                 other content",
                "Models: is empty; must list at least one model",
                "Regions: is empty; must list at least one region",
                "Samples: is -1; must be a whole number from 1 to 100",
                "Temperature: is 99999999999999999999; must be 0 or a number from 0.000001 to 2",
                "Longest answer, tokens: is 1e9; must be a whole number from 1 to 1000000",
                "Questions in flight in each region: is `many`; must be a whole number from 1 to 90",
            ]
        );
        let problem = |field: &str| Problem { field: field.to_owned(), message: "m".to_owned() };
        let told =
            Told::all(&[problem("min_regions"), problem("questions[1].expect[0]")], &document);
        let told: Vec<_> = told.iter().map(|told| told.named().into_string()).collect();
        assert_eq!(
            told,
            [
                "Your own questions, one a line: line 2: <code>expect[0]</code> m",
                "<code>min_regions</code> m",
            ]
        );
    }
}
