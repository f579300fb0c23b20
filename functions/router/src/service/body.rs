//! The body of a request, and what is wrong with one that is none, told as the predecessor does.

use crate::calls::KeyRefused;
use beacon_core::wire::{CallKey, InferenceRequest};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// One entry of `detail`. What a field holds is not repeated where it may be a prompt.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    loc: Vec<Value>,
    msg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<Value>,
}

struct Field {
    name: &'static str,
    required: bool,
    fits: fn(&Value) -> bool,
    kind: &'static str,
    msg: &'static str,
}

/// Fields whose values are never repeated.
const PROMPTS: [&str; 2] = ["prompt", "messages"];

const STRING: (&str, &str) = ("string_type", "Input should be a valid string");
const NUMBER: (&str, &str) = ("float_type", "Input should be a valid number");
const INTEGER: (&str, &str) = ("int_type", "Input should be a valid integer, not negative");

const fn field(
    name: &'static str,
    required: bool,
    fits: fn(&Value) -> bool,
    (kind, msg): (&'static str, &'static str),
) -> Field {
    Field { name, required, fits, kind, msg }
}

const FIELDS: [Field; 10] = [
    field("model", true, Value::is_string, STRING),
    field("prompt", true, Value::is_string, STRING),
    field(
        "messages",
        false,
        |value| value.is_null() || is_chat(value),
        ("list_type", "Input should be a valid list of {role, content}"),
    ),
    field("temperature", false, Value::is_number, NUMBER),
    field("max_tokens", false, |v| v.as_u64().is_some_and(|n| u32::try_from(n).is_ok()), INTEGER),
    field("seed", false, |value| value.is_null() || value.is_u64(), INTEGER),
    field("top_p", false, |value| value.is_null() || value.is_number(), NUMBER),
    field("region_preference", false, |value| value.is_null() || value.is_string(), STRING),
    field(
        "cost_priority",
        false,
        Value::is_boolean,
        ("bool_type", "Input should be a valid boolean"),
    ),
    field("trace_id", false, |value| value.is_null() || value.is_string(), STRING),
];

/// Reads a request.
pub(super) fn parse(bytes: &[u8]) -> Result<InferenceRequest, Vec<Problem>> {
    // The derived reader would take a list for an object.
    if bytes.trim_ascii_start().starts_with(b"{")
        && let Ok(request) = serde_json::from_slice(bytes)
    {
        return Ok(request);
    }
    Err(problems(bytes))
}

fn problems(bytes: &[u8]) -> Vec<Problem> {
    let object: Map<String, Value> = match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => object,
        Ok(_other) => {
            return vec![Problem::body(
                "model_attributes_type",
                "Input should be a valid dictionary or object to extract fields from",
            )];
        }
        Err(error) => return vec![Problem::not_json(bytes, &error)],
    };
    let found: Vec<Problem> = FIELDS.iter().filter_map(|field| field.problem(&object)).collect();
    if found.is_empty() {
        vec![Problem::body("value_error", "Input could not be read: is a field given twice?")]
    } else {
        found
    }
}

impl Field {
    fn problem(&self, object: &Map<String, Value>) -> Option<Problem> {
        let loc = vec![json!("body"), json!(self.name)];
        match object.get(self.name) {
            Some(value) if (self.fits)(value) => None,
            Some(value) => {
                let input = (!PROMPTS.contains(&self.name)).then(|| value.clone());
                Some(Problem { kind: self.kind, loc, msg: self.msg, input, ctx: None })
            }
            None if self.required => {
                let mut rest = object.clone();
                rest.retain(|name, _| !PROMPTS.contains(&name.as_str()));
                let input = Some(Value::Object(rest));
                Some(Problem { kind: "missing", loc, msg: "Field required", input, ctx: None })
            }
            None => None,
        }
    }
}

impl Problem {
    fn body(kind: &'static str, msg: &'static str) -> Self {
        Self { kind, loc: vec![json!("body")], msg, input: None, ctx: None }
    }

    fn not_json(bytes: &[u8], error: &serde_json::Error) -> Self {
        let before = bytes.split_inclusive(|byte| *byte == b'\n').take(error.line() - 1);
        let offset = before.map(<[u8]>::len).sum::<usize>() + error.column().saturating_sub(1);
        Self {
            kind: "json_invalid",
            loc: vec![json!("body"), json!(offset)],
            msg: "JSON decode error",
            input: Some(json!({})),
            ctx: Some(json!({ "error": error.to_string() })),
        }
    }

    /// What is wrong, and with what.
    pub(super) fn told(&self) -> (String, &'static str) {
        let name = self.loc.last().and_then(Value::as_str).unwrap_or_default();
        (name.to_owned(), self.msg)
    }

    /// A header that is not text.
    pub(super) fn header_text(name: &str) -> Self {
        let loc = vec![json!("header"), json!(name)];
        Self { kind: STRING.0, loc, msg: STRING.1, input: None, ctx: None }
    }

    /// A header that is no key of a call.
    pub(super) fn header_key(name: &str) -> Self {
        Self::key(vec![json!("header"), json!(name)])
    }

    /// A path that names no key of a call.
    pub(super) fn path_key() -> Self {
        Self::key(vec![json!("path"), json!("key")])
    }

    fn key(loc: Vec<Value>) -> Self {
        let ctx = Some(json!({ "allowed": CallKey::ALLOWED }));
        let msg = "Input should be a valid idempotency key";
        Self { kind: "value_error", loc, msg, input: None, ctx }
    }

    /// A key that makes no call.
    pub(super) fn key_refused(name: &str, refused: KeyRefused) -> Self {
        let msg = match refused {
            KeyRefused::Conflict => {
                "The key belongs to a call with another body; another call needs another key"
            }
            KeyRefused::NothingToJoin => {
                "No call with the key runs, and none has an answer; without if-match it is made"
            }
        };
        let loc = vec![json!("header"), json!(name)];
        Self { kind: refused.code(), loc, msg, input: None, ctx: None }
    }

    /// A precondition that is not the one that is known.
    pub(super) fn header_join(name: &str) -> Self {
        let loc = vec![json!("header"), json!(name)];
        let ctx = Some(json!({ "allowed": "*" }));
        Self { kind: "value_error", loc, msg: "Input should be *", input: None, ctx }
    }

    /// A header that is not a number.
    pub(super) fn header_number(name: &str) -> Self {
        let loc = vec![json!("header"), json!(name)];
        Self { kind: INTEGER.0, loc, msg: INTEGER.1, input: None, ctx: None }
    }
}

fn is_chat(value: &Value) -> bool {
    let role = |role: &Value| matches!(role.as_str(), Some("system" | "user" | "assistant"));
    let message = |message: &Value| {
        message.get("role").is_some_and(role)
            && message.get("content").is_some_and(Value::is_string)
    };
    value.as_array().is_some_and(|messages| messages.iter().all(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(body: &str) -> Value {
        json!(parse(body.as_bytes()).unwrap_err())
    }

    #[test]
    fn a_missing_field_is_told_as_the_predecessor_does() {
        let expected = json!([{"type": "missing", "loc": ["body", "prompt"],
            "msg": "Field required", "input": {"model": "m"}}]);
        assert_eq!(detail(r#"{"model":"m"}"#), expected);
    }

    #[test]
    fn bad_json_is_told_with_its_place() {
        let told = detail("{ not-json }");
        assert_eq!(told[0]["type"], "json_invalid");
        assert_eq!(told[0]["loc"], json!(["body", 2]));
        assert_eq!(told[0]["msg"], "JSON decode error");
        assert_eq!(detail("{\n  x")[0]["loc"], json!(["body", 4]));
        assert_eq!(detail("")[0]["type"], "json_invalid");
    }

    #[test]
    fn each_field_of_the_wrong_type_is_named_and_prompts_are_not_repeated() {
        let told = detail(
            r#"{"model":5,"prompt":["secret"],"messages":"secret","temperature":"hot",
                "max_tokens":-1,"seed":1.5,"top_p":"x","region_preference":1,"cost_priority":0,
                "trace_id":{}}"#,
        );
        let fields: Vec<&str> =
            told.as_array().unwrap().iter().map(|p| p["loc"][1].as_str().unwrap()).collect();
        assert_eq!(fields, FIELDS.map(|field| field.name));
        assert!(!told.to_string().contains("secret"), "{told}");
        assert_eq!(told[0]["input"], 5);
    }

    #[test]
    fn lists_and_repeated_fields_are_refused() {
        assert_eq!(detail(r#"["m","p"]"#)[0]["type"], "model_attributes_type");
        let twice = r#"{"model":"m","prompt":"p","prompt":"p"}"#;
        assert_eq!(detail(twice)[0]["type"], "value_error");
    }

    #[test]
    fn every_list_of_problems_is_of_a_request_that_does_not_parse() {
        let chat = r#"{"model":"m","prompt":"p","messages":[{"role":"boss","content":"x"}]}"#;
        assert_eq!(detail(chat)[0]["loc"], json!(["body", "messages"]));
        let nulls = r#"{"model":"m","prompt":"p","messages":null,"seed":null,"top_p":null,
            "region_preference":null,"trace_id":null}"#;
        assert_eq!(parse(nulls.as_bytes()).unwrap().max_tokens, 500);
    }
}
