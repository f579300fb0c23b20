//! Reading JSON field by field, so that everything wrong is reported at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::limit;

/// One thing wrong with a specification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Where, such as `questions[3].text`.
    pub field: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

/// Collects problems and warnings on the way through a document.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
}

/// Problems reported at most; a document with more is as wrong as one with these.
const MAX_PROBLEMS: usize = 100;

impl Findings {
    pub(super) fn problem(&mut self, field: impl Into<String>, message: impl Into<String>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem { field: field.into(), message: message.into() });
        }
    }

    /// Whether more problems would not be told.
    pub(super) fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    pub(super) fn warn(&mut self, message: impl Into<String>) {
        if self.warnings.len() < MAX_PROBLEMS {
            self.warnings.push(message.into());
        }
    }
}

/// An object whose fields are taken one by one; what nobody takes is unknown.
pub(super) struct Fields<'a> {
    path: String,
    /// None stands for an object without fields.
    object: Option<&'a Map<String, Value>>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The object at `path` (empty for the whole document), or a problem.
    pub(super) fn of(value: &'a Value, path: &str, findings: &mut Findings) -> Option<Self> {
        if let Value::Object(object) = value {
            Some(Self { path: path.to_owned(), object: Some(object), known: Vec::new() })
        } else {
            let field = if path.is_empty() { "specification" } else { path };
            findings.problem(field, format!("is {}; must be an object", kind(value)));
            None
        }
    }

    /// The object that is the body of a request.
    pub(super) fn of_body(value: &'a Value) -> Result<Self, Vec<Problem>> {
        let Value::Object(object) = value else {
            let message = format!("is {}; must be an object", kind(value));
            return Err(vec![Problem { field: "body".to_owned(), message }]);
        };
        Ok(Self { path: String::new(), object: Some(object), known: Vec::new() })
    }

    pub(super) fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The field's value; absent where it is missing or null.
    pub(super) fn take(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.object?.get(name).filter(|value| !value.is_null())
    }

    /// The object that is the field's value; one without fields where it is missing or wrong.
    pub(super) fn object(&mut self, name: &'static str, findings: &mut Findings) -> Self {
        let path = self.path(name);
        let object = self.take(name).and_then(|value| Self::of(value, &path, findings));
        object.unwrap_or(Self { path, object: None, known: Vec::new() })
    }

    /// Reports the fields that nobody took.
    pub(super) fn finish(self, findings: &mut Findings) {
        let given = self.object.into_iter().flat_map(Map::keys);
        for name in given.filter(|name| !self.known.contains(&name.as_str())) {
            // A problem is never without a field.
            let shown = if name.is_empty() { "\"\"".to_owned() } else { cut(name) };
            findings.problem(
                self.path(&shown),
                format!("unknown field; known are {}", self.known.join(", ")),
            );
        }
    }

    pub(super) fn text(
        &mut self,
        name: &'static str,
        max_bytes: usize,
        findings: &mut Findings,
    ) -> Option<String> {
        let value = self.take(name)?;
        text(value, &self.path(name), max_bytes, findings)
    }

    /// A whole number of the range; the default where the field is missing or wrong.
    pub(super) fn whole(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<u64>,
        findings: &mut Findings,
    ) -> Option<u64> {
        let value = self.take(name)?;
        let number = value.as_u64().filter(|number| range.contains(number));
        if number.is_none() {
            let (low, high) = (range.start(), range.end());
            findings.problem(
                self.path(name),
                format!("is {}; must be a whole number from {low} to {high}", shown(value)),
            );
        }
        number
    }

    /// A number of the range; the default where the field is missing or wrong.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<f64>,
        findings: &mut Findings,
    ) -> Option<f64> {
        let value = self.take(name)?;
        // The table stores no number that is nearer to nought than this.
        let storable = |number: &f64| *number == 0.0 || number.abs() >= limit::SMALLEST_FRACTION;
        let number = value.as_f64().filter(|number| range.contains(number) && storable(number));
        if number.is_none() {
            let high = range.end();
            findings.problem(
                self.path(name),
                format!("is {}; must be 0 or a number from 0.000001 to {high}", shown(value)),
            );
        }
        number
    }
}

/// A text that is not blank and not too long.
pub(super) fn text(
    value: &Value,
    path: &str,
    max_bytes: usize,
    findings: &mut Findings,
) -> Option<String> {
    let Value::String(text) = value else {
        findings.problem(path, format!("is {}; must be a text", kind(value)));
        return None;
    };
    if text.trim().is_empty() {
        findings.problem(path, "is blank; must hold a text");
        return None;
    }
    if text.len() > max_bytes {
        let length = text.len();
        findings.problem(path, format!("is {length} bytes long; at most {max_bytes} are allowed"));
        return None;
    }
    // Queues refuse them.
    if text.contains(['\u{FFFE}', '\u{FFFF}']) {
        findings.problem(path, "holds U+FFFE or U+FFFF, which are no characters");
        return None;
    }
    if let Some(control) = text.chars().find(|c| c.is_control() && !"\t\n\r".contains(*c)) {
        let code = u32::from(control);
        findings.problem(path, format!("holds the control character U+{code:04X}"));
        return None;
    }
    Some(text.clone())
}

/// A list that is not empty.
pub(super) fn list<'a>(
    value: Option<&'a Value>,
    path: &str,
    of: &str,
    findings: &mut Findings,
) -> &'a [Value] {
    match value {
        Some(Value::Array(entries)) if !entries.is_empty() => entries,
        Some(Value::Array(_)) => {
            findings.problem(path, format!("is empty; must list at least one {of}"));
            &[]
        }
        Some(other) => {
            findings.problem(path, format!("is {}; must be a list of {of}s", kind(other)));
            &[]
        }
        None => {
            findings.problem(path, format!("is missing; must list at least one {of}"));
            &[]
        }
    }
}

/// What kind of JSON a value is, for people.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A value for an error message: numbers and short texts as they are, the rest by kind.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("`{}`", cut(text)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
    }
}

/// The beginning of a text, for error messages.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
