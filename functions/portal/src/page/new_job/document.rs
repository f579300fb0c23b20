//! From the form to the specification that the API takes, and from where in the form each part of it is.

use std::collections::BTreeSet;

use beacon_aws::chain;
use beacon_core::spec::{Problem, read_question_csv};
use serde_json::{Map, Value, json};

use super::field::Field;
use super::questions::{Line, Names, lines};
use crate::form::NOT_TEXT;
use crate::input::Input;

/// Characters of a number that are told of it.
const SHOWN: usize = 80;

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
    /// The fields that hold a number, each as it was typed.
    typed: Vec<(&'static str, String)>,
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
        let mut typed = Vec::new();
        for name in numbers {
            if let Some(text) = form.text(name) {
                spec.insert(name.to_owned(), number(text));
                typed.push((name, text.chars().take(SHOWN).collect()));
            }
        }
        Self { json: spec.into(), questions: origins, models: model_origins, problems, typed }
    }

    /// Whether questions, models and regions are chosen, so that there is a job to estimate.
    pub(super) fn is_chosen(&self) -> bool {
        let is_some = |list: &str| {
            let list = self.json.get(list).and_then(Value::as_array);
            list.is_some_and(|list| !list.is_empty())
        };
        ["questions", "models", "regions"].into_iter().all(is_some)
    }

    /// Of a field of the specification: what was read, and as it was typed.
    pub(super) fn typed(&self, field: &str) -> Option<(&Value, &str)> {
        let (name, typed) = self.typed.iter().find(|(name, _)| *name == field)?;
        Some((self.json.get(*name)?, typed.as_str()))
    }

    /// The field that a problem with all questions stands at: that with which most of them can be changed at once.
    pub(super) fn asking(&self) -> Field {
        let has = |is_of: fn(&Origin) -> bool| self.questions.iter().any(is_of);
        if has(|origin| matches!(origin, Origin::Csv(_))) {
            Field::Csv
        } else if has(|origin| matches!(origin, Origin::Own(_))) {
            Field::Own
        } else {
            Field::BuiltIn
        }
    }
}

/// The CSV that was sent: the file, else the text that an earlier try of the form kept of one. A file takes the
/// place of what was kept, also where it is empty or no text.
pub(super) fn csv_of(form: &Input) -> Option<String> {
    if form.all(NOT_TEXT).next().is_some() {
        return None;
    }
    let kept = || form.text("csv").map(|text| text.replace("\r\n", "\n"));
    form.raw("csv_file").map(str::to_owned).or_else(kept)
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
        // As the findings advise where regions cannot be told from prompts.
        Some("both") => Some(json!({"place": "regional", "bare": "none"})),
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
    fn each_question_can_be_asked_with_the_place_and_without() {
        let document = Document::of(&form(&[
            ("builtin", "math_basic"),
            ("model", "m"),
            ("region", "us-east"),
            ("system_prompt", "both"),
        ]));
        let spec = parse(&document.json, &[]).unwrap().spec;
        let asked: Vec<_> =
            spec.questions.iter().map(|question| question.variant.as_str()).collect();
        assert_eq!(asked, ["bare", "place"]);
        let [bare, place] = &spec.regions[0].system[..] else { panic!("{:?}", spec.regions) };
        assert!(bare.is_none() && place.as_ref().is_some_and(|text| text.contains("the US")));
    }

    #[test]
    fn there_is_a_job_to_estimate_when_all_of_it_is_chosen() {
        let all = [("own", "Who?"), ("other_models", "m"), ("region", "us-east")];
        assert!(Document::of(&form(&all)).is_chosen());
        for left_out in 0..all.len() {
            let mut some = all.to_vec();
            some.remove(left_out);
            assert!(!Document::of(&form(&some)).is_chosen(), "{some:?}");
        }
    }

    #[test]
    fn an_empty_file_is_told_and_takes_the_place_of_an_earlier_one() {
        let kept = ("csv", "id,text\na,b\n");
        for (file, told) in [
            ("", "holds no question"),
            (" \r\n", "holds no question"),
            ("id,text\r\n", "holds no question"),
            ("id,text\nc,\"Who?\nd,What?\n", "a cell begins with a quote on line 2"),
        ] {
            let document = Document::of(&form(&[("own", "Who?"), ("csv_file", file), kept]));
            assert_eq!(document.questions, [Origin::Own(1)], "{file:?}");
            let [problem] = &document.problems[..] else { panic!("{file:?}: {document:?}") };
            assert_eq!(problem.field, "csv", "{file:?}");
            assert!(problem.message.starts_with(told), "{file:?}: {problem:?}");
        }
        // What was kept and then emptied by hand is no CSV any more.
        let document = Document::of(&form(&[("own", "Who?"), ("csv", " \r\n")]));
        assert_eq!((document.questions.len(), document.problems), (1, Vec::new()));
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
