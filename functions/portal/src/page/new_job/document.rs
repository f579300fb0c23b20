//! From the form to the specification that the API takes, and from where in the form each part of it is.

use std::collections::BTreeSet;

use beacon_aws::chain;
use beacon_core::spec::{Problem, read_question_csv};
use serde_json::{Map, Value, json};

use super::field::Field;
use super::questions::{Line, Names, lines};
use crate::form::NOT_TEXT;
use crate::input::Input;

/// Where a question of the list is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    BuiltIn,
    /// A line of the person's own, from 1.
    Own(usize),
    /// A line of the CSV, from 1.
    Csv(u64),
}

impl Origin {
    pub(super) fn field(self) -> Field {
        match self {
            Self::BuiltIn => Field::BuiltIn,
            Self::Own(_) => Field::Own,
            Self::Csv(_) => Field::Csv,
        }
    }

    /// Where in the field it stands.
    pub(super) fn place(self) -> Option<String> {
        match self {
            Self::BuiltIn => None,
            Self::Own(line) => Some(format!("line {line}")),
            Self::Csv(line) => Some(format!("line {line} of the CSV")),
        }
    }
}

/// What was made of a form.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document {
    /// The specification, as right or wrong as the form.
    pub(super) json: Value,
    /// Of each entry of `questions`.
    pub(super) questions: Vec<Origin>,
    /// Of each entry of `models`.
    pub(super) models: Vec<Field>,
    /// What of the form is in no specification.
    pub(super) problems: Vec<Problem>,
}

impl Document {
    /// Of a form. What is left empty is left out, so that its default holds.
    pub(super) fn of(form: &Input) -> Self {
        let mut problems = Vec::new();
        let (questions, origins) = questions(form, &mut problems);
        let (models, model_origins) = models(form);
        let mut spec = Map::new();
        spec.insert("questions".to_owned(), questions.into());
        spec.insert("models".to_owned(), models.into());
        spec.insert("regions".to_owned(), form.all("region").collect());
        if let Some(name) = form.text("name") {
            spec.insert("name".to_owned(), name.into());
        }
        if let Some(prompt) = system_prompt(form) {
            spec.insert("system_prompt".to_owned(), prompt);
        }
        let numbers = [
            "samples",
            "temperature",
            "max_tokens",
            "questions_in_flight",
            "min_success_rate",
            "max_cost",
        ];
        for name in numbers {
            if let Some(text) = form.text(name) {
                spec.insert(name.to_owned(), number(text));
            }
        }
        Self { json: spec.into(), questions: origins, models: model_origins, problems }
    }
}

/// The CSV that was sent: the file, else the text that an earlier try of the form kept of one. A file that is no
/// text takes the place of what was kept.
pub(super) fn csv_of(form: &Input) -> Option<String> {
    if form.all(NOT_TEXT).next().is_some() {
        return None;
    }
    let file = form.raw("csv_file").filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let kept = || form.text("csv").map(|text| text.replace("\r\n", "\n"));
    file.or_else(kept)
}

fn questions(form: &Input, problems: &mut Vec<Problem>) -> (Vec<Value>, Vec<Origin>) {
    if form.all(NOT_TEXT).next().is_some() {
        let message =
            "is not UTF-8; save it as UTF-8, which spreadsheets call `CSV UTF-8`".to_owned();
        problems.push(Problem { field: "csv".to_owned(), message });
    }
    let own = lines(form.raw("own").unwrap_or_default());
    let rows = csv_of(form).map(|text| read_question_csv(&text));
    let rows = rows.transpose().unwrap_or_else(|error| {
        let message = chain(&error);
        problems.push(Problem { field: "csv".to_owned(), message });
        None
    });
    let rows = rows.unwrap_or_default();
    let mut taken: BTreeSet<String> = form.all("builtin").map(str::to_owned).collect();
    taken.extend(own.iter().filter_map(|line| line.id.clone()));
    let of_rows = rows.iter().filter_map(|row| row.question.get("id")?.as_str());
    taken.extend(of_rows.map(str::to_owned));
    let mut names = Names::default();
    let built_in = form.all("builtin").map(|id| (id.into(), Origin::BuiltIn));
    let own = own.into_iter().map(|Line { number, id, text }| {
        let id = id.unwrap_or_else(|| names.next(|name| taken.contains(name)));
        (json!({ "id": id, "text": text }), Origin::Own(number))
    });
    let rows = rows.into_iter().map(|row| (row.question, Origin::Csv(row.line)));
    built_in.chain(own).chain(rows).unzip()
}

/// Those that were chosen, and those that were named.
fn models(form: &Input) -> (Vec<Value>, Vec<Field>) {
    let chosen = form.all("model").map(|model| (model.into(), Field::Models));
    let named = form.raw("other_models").unwrap_or_default();
    let named = named.split([',', ' ', '\t', '\r', '\n']).filter(|model| !model.is_empty());
    chosen.chain(named.map(|model| (model.into(), Field::OtherModels))).unzip()
}

/// Nothing where the default is chosen, so that it stays the default.
fn system_prompt(form: &Input) -> Option<Value> {
    match form.text("system_prompt") {
        Some("text") => {
            let text = form.raw("system_text").unwrap_or_default().replace("\r\n", "\n");
            Some(text.into())
        }
        Some("regional") | None => None,
        Some(other) => Some(other.into()),
    }
}

/// A number; what is none stays a text, of which the API says what it should be.
fn number(text: &str) -> Value {
    let whole = text.parse::<u64>().ok().map(Value::from);
    let broken =
        || text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number);
    whole.or_else(broken).unwrap_or_else(|| text.into())
}

#[cfg(test)]
mod tests {
    use beacon_core::spec::{Stop, parse};

    use super::*;

    fn form(fields: &[(&str, &str)]) -> Input {
        Input::of(fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    #[test]
    fn a_form_is_the_specification_that_one_would_write() {
        let document = Document::of(&form(&[
            ("form_token", "x"),
            ("name", " A job "),
            ("builtin", "math_basic"),
            ("builtin", "taiwan_status"),
            ("own", "Who?\r\nq2: What?\r\nWhere?\r\n"),
            ("csv_file", "id,text,language,variant.short\nq3,Why?,en,Y?\n"),
            ("csv", "left of an earlier try"),
            ("model", "a"),
            ("other_models", "b,\r\nc"),
            ("region", "us-east"),
            ("region", "eu-west"),
            ("samples", "2"),
            ("system_prompt", "text"),
            ("system_text", "One.\r\nTwo."),
            ("temperature", "0.7"),
            ("max_tokens", ""),
            ("max_cost", "a lot"),
        ]));
        assert_eq!(document.problems, []);
        assert_eq!(
            document.json,
            json!({
                "name": "A job",
                "questions": [
                    "math_basic",
                    "taiwan_status",
                    {"id": "q1", "text": "Who?"},
                    {"id": "q2", "text": "What?"},
                    {"id": "q4", "text": "Where?"},
                    {"id": "q3", "text": "Why?", "language": "en", "variants": {"short": "Y?"}},
                ],
                "models": ["a", "b", "c"],
                "regions": ["us-east", "eu-west"],
                "samples": 2,
                "system_prompt": "One.\nTwo.",
                "temperature": 0.7,
                "max_cost": "a lot",
            })
        );
        let problems = parse(&document.json, &[]).unwrap_err();
        let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["max_cost"], "{problems:?}");
    }

    #[test]
    fn an_empty_form_leaves_everything_to_the_defaults() {
        let document = Document::of(&form(&[("system_prompt", "regional"), ("name", " ")]));
        assert_eq!(document.json, json!({"questions": [], "models": [], "regions": []}));
        let document = Document::of(&form(&[
            ("builtin", "math_basic"),
            ("model", "m"),
            ("region", "us-east"),
            ("system_prompt", "none"),
        ]));
        let spec = parse(&document.json, &[]).unwrap().spec;
        assert_eq!(
            (spec.regions[0].system.as_slice(), spec.stop),
            (&[None][..], Stop::RegionFailure)
        );
    }

    #[test]
    fn a_csv_that_is_none_is_told_and_the_rest_is_read() {
        let document =
            Document::of(&form(&[("builtin", "math_basic"), ("csv", "id,answer\na,b\n")]));
        assert_eq!(document.questions, [Origin::BuiltIn]);
        assert_eq!(document.problems[0].field, "csv");
        assert!(document.problems[0].message.contains("unknown column `answer`"));
        let kept = ("csv", "id,text\na,b\n");
        let document = Document::of(&form(&[("own", "Who?"), (NOT_TEXT, "csv_file"), kept]));
        assert_eq!(document.questions, [Origin::Own(1)]);
        assert!(document.problems[0].message.starts_with("is not UTF-8"));
    }
}
