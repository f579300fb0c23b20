//! Both opinions on a document, in the same words.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use beacon_core::spec::{Problem, parse, schema};
use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use jsonschema::{ValidationError, Validator};
use serde_json::{Value, json};

static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::draft202012::new(&schema()).unwrap());

/// A good document in which every field stands.
pub(crate) fn whole() -> Value {
    json!({
        "id": "whole",
        "name": "Everything",
        "questions": ["math_basic", {
            "id": "border",
            "text": "Where does the border run?",
            "category": "bias_detection",
            "language": "en",
            "expect": ["river", 49],
            "variants": {"formal": "Please describe where the border runs."},
        }],
        "models": ["llama3.2-1b", "mistral-7b"],
        "regions": ["US", "EU"],
        "samples": 2,
        "system_prompt": {"place": "regional", "bare": "none"},
        "temperature": 0.5,
        "max_tokens": 100,
        "seed": 7,
        "top_p": 0.9,
        "questions_in_flight": 2,
        "min_success_rate": 0.5,
        "min_regions": 2,
        "stop": "never",
        "stop_after": 5,
        "timeout": "15m",
        "max_cost": 2.5,
        "public_key": "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
        "signature": "not verified here",
        "metadata": {"timestamp": "2026-01-31T12:00:00Z", "nonce": "dO1BsdmbZ5930siOm6tAWA"},
    })
}

/// The fields at which the schema finds the document wrong, named as the server names them.
pub(crate) fn schema_fields(document: &Value) -> BTreeSet<String> {
    VALIDATOR.iter_errors(document).flat_map(|error| fields_of(&error)).collect()
}

/// What the server finds wrong.
pub(crate) fn server_problems(document: &Value) -> Vec<Problem> {
    parse(document, &[]).err().unwrap_or_default()
}

/// The fields of [`server_problems`].
pub(crate) fn server_fields(document: &Value) -> BTreeSet<String> {
    server_problems(document).into_iter().map(|problem| problem.field).collect()
}

/// A missing or unknown field is named itself, not the object that it belongs to.
fn fields_of(error: &ValidationError<'_>) -> Vec<String> {
    let mut path = String::new();
    for segment in error.instance_path().segments() {
        match segment {
            LocationSegment::Property(name) => path = below(&path, &name),
            LocationSegment::Index(index) => write!(path, "[{index}]").unwrap(),
        }
    }
    let kind = error.kind();
    if let ValidationErrorKind::Required { property } = kind {
        vec![below(&path, property.as_str().unwrap())]
    } else if let ValidationErrorKind::AdditionalProperties { unexpected } = kind {
        unexpected.iter().map(|name| below(&path, name)).collect()
    } else if let ValidationErrorKind::PropertyNames { error } = kind {
        vec![below(&path, error.instance().as_str().unwrap())]
    } else if path.is_empty() {
        vec!["specification".to_owned()]
    } else {
        vec![path]
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The document with another value at a JSON pointer whose parent exists.
pub(crate) fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = split(pointer);
    match document.pointer_mut(parent) {
        Some(Value::Object(object)) => {
            object.insert(key, value);
        }
        Some(Value::Array(list)) => list[key.parse::<usize>().unwrap()] = value,
        _ => panic!("nothing stands at {parent}"),
    }
    document
}

/// The document without what stands at a JSON pointer.
pub(crate) fn without(mut document: Value, pointer: &str) -> Value {
    let (parent, key) = split(pointer);
    match document.pointer_mut(parent) {
        Some(Value::Object(object)) => {
            object.remove(&key).unwrap();
        }
        Some(Value::Array(list)) => {
            list.remove(key.parse().unwrap());
        }
        _ => panic!("nothing stands at {parent}"),
    }
    document
}

fn split(pointer: &str) -> (&str, String) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    (parent, key.replace("~1", "/").replace("~0", "~"))
}
