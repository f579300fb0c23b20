//! The fields of a new job's form, and which of them a problem of the API is about.

use beacon_core::spec::Problem;

use super::document::Document;

/// A field, or a group of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            Self::MaxTokens => "Most tokens of an answer",
            Self::InFlight => "Questions in flight in each region",
            Self::MinSuccessRate => "Lowest share that must complete",
            Self::MaxCost => "Most that providers may charge, US dollars",
        }
    }
}

/// A problem at its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// None where it fits no field.
    pub(super) field: Option<Field>,
    /// The API's name for where it is.
    pub(super) at: String,
    /// Where within the field.
    pub(super) place: Option<String>,
    pub(super) message: String,
}

impl Told {
    /// Of a problem with what was made of the form.
    pub(super) fn of(problem: &Problem, document: &Document) -> Self {
        let (head, index) = split(&problem.field);
        let (field, place) = match head {
            "questions" => match index.and_then(|index| document.questions.get(index)) {
                Some(origin) => (Some(origin.field()), origin.place()),
                None => (Some(Field::BuiltIn), None),
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
        Self { field, at: problem.field.clone(), place, message: problem.message.clone() }
    }
}

/// `questions[2].text` is of the list `questions`, and of its third entry.
fn split(field: &str) -> (&str, Option<usize>) {
    let head = field.split(['[', '.']).next().unwrap_or_default();
    let rest = field.strip_prefix(head).and_then(|rest| rest.strip_prefix('['));
    let index = rest.and_then(|rest| rest.split(']').next()?.parse().ok());
    (head, index)
}

#[cfg(test)]
mod tests {
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
            ("questions", Some(Field::BuiltIn), None),
            ("questions[0]", Some(Field::BuiltIn), None),
            ("questions[1].text", Some(Field::Own), Some("line 2")),
            ("questions[2].id", Some(Field::Own), Some("line 4")),
            ("questions[3].text", Some(Field::Csv), Some("line 2 of the CSV")),
            ("questions[4]", Some(Field::BuiltIn), None),
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
}
