//! What a client of `OpenAI`'s API asks, as an inference. What would change the answer and cannot be
//! passed on is refused by its name; values are never repeated, as they may be prompts.

use beacon_core::wire::{ChatMessage, InferenceRequest, Role};
use serde_json::{Map, Value};

/// A request that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) param: Option<String>,
    pub(super) code: &'static str,
    pub(super) message: String,
}

type Object = Map<String, Value>;

const UNSUPPORTED_PARAMETER: &str = "unsupported_parameter";
const UNSUPPORTED_VALUE: &str = "unsupported_value";
const INVALID_VALUE: &str = "invalid_value";
const INVALID_TYPE: &str = "invalid_type";
const MISSING: &str = "missing_required_parameter";

/// What is passed on.
const PASSED_ON: [&str; 7] =
    ["model", "messages", "temperature", "max_tokens", "max_completion_tokens", "seed", "top_p"];

type ChangesNothing = fn(&Value) -> bool;

/// What changes nothing, and the values of others with which they change nothing.
const NEUTRAL: [(&str, ChangesNothing); 21] = [
    ("user", |_| true),
    ("metadata", |_| true),
    ("safety_identifier", |_| true),
    ("prompt_cache_key", |_| true),
    ("store", |value| value == false),
    ("stream", |value| value == false),
    ("n", |value| value == 1),
    ("stop", is_empty),
    ("tools", is_empty),
    ("functions", is_empty),
    // Without tools there is nothing to choose.
    ("tool_choice", |value| value == "none" || value == "auto"),
    ("function_call", |value| value == "none" || value == "auto"),
    ("parallel_tool_calls", Value::is_boolean),
    ("response_format", |value| value == &serde_json::json!({"type": "text"})),
    ("modalities", |value| value == &serde_json::json!(["text"])),
    ("logprobs", |value| value == false),
    ("top_logprobs", |value| value == 0),
    ("logit_bias", is_empty),
    ("frequency_penalty", |value| value.as_f64() == Some(0.0)),
    ("presence_penalty", |value| value.as_f64() == Some(0.0)),
    ("service_tier", |value| value == "auto" || value == "default"),
];

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

/// Reads a request. The region comes from its header.
pub(super) fn parse(bytes: &[u8], region: Option<String>) -> Result<InferenceRequest, Refused> {
    let Ok(Value::Object(mut object)) = serde_json::from_slice(bytes) else {
        let message = "the body must be a JSON object".to_owned();
        return Err(Refused { param: None, code: "invalid_json", message });
    };
    // To `OpenAI` null is the same as nothing.
    object.retain(|_name, value| !value.is_null());
    object.iter().try_for_each(|(name, value)| known(name, value))?;
    let messages = messages(&object)?;
    Ok(InferenceRequest {
        model: model(&object)?,
        // Made of the messages where a provider takes none.
        prompt: String::new(),
        messages: Some(messages),
        temperature: number(&object, "temperature", 2.0)?.unwrap_or(InferenceRequest::TEMPERATURE),
        max_tokens: max_tokens(&object)?.unwrap_or(InferenceRequest::MAX_TOKENS),
        seed: seed(&object)?,
        top_p: number(&object, "top_p", 1.0)?,
        region_preference: region,
        cost_priority: true,
        trace_id: None,
    })
}

fn known(name: &str, value: &Value) -> Result<(), Refused> {
    if PASSED_ON.contains(&name) {
        return Ok(());
    }
    match NEUTRAL.iter().find(|(neutral, _)| *neutral == name) {
        Some((_, changes_nothing)) if changes_nothing(value) => Ok(()),
        Some(("stream", _)) => {
            let message = "answers are not streamed: leave `stream` out, or say false";
            Err(refused("stream", UNSUPPORTED_VALUE, message))
        }
        Some(_) => {
            let message = format!(
                "`{name}` with this value would change the answer, and cannot be passed on"
            );
            Err(refused(name, UNSUPPORTED_VALUE, message))
        }
        None => {
            let message = format!("`{}` is not supported", shortened(name));
            Err(refused(&shortened(name), UNSUPPORTED_PARAMETER, message))
        }
    }
}

fn refused(param: &str, code: &'static str, message: impl Into<String>) -> Refused {
    Refused { param: Some(param.to_owned()), code, message: message.into() }
}

/// A name that the client made up.
fn shortened(name: &str) -> String {
    name.chars().take(80).collect()
}

fn model(object: &Object) -> Result<String, Refused> {
    match object.get("model") {
        Some(Value::String(model)) if !model.is_empty() => Ok(model.clone()),
        Some(_) => Err(refused("model", INVALID_TYPE, "`model` must be a model's id")),
        None => Err(refused("model", MISSING, "`model` is missing")),
    }
}

fn number(object: &Object, name: &'static str, most: f64) -> Result<Option<f64>, Refused> {
    let Some(value) = object.get(name) else { return Ok(None) };
    match value.as_f64() {
        Some(number) if (0.0..=most).contains(&number) => Ok(Some(number)),
        Some(_) | None => {
            let message = format!("`{name}` must be a number from 0 to {most}");
            Err(refused(name, INVALID_VALUE, message))
        }
    }
}

fn seed(object: &Object) -> Result<Option<u64>, Refused> {
    let Some(value) = object.get("seed") else { return Ok(None) };
    let message = "`seed` must be an integer, not negative";
    value.as_u64().map(Some).ok_or_else(|| refused("seed", INVALID_VALUE, message))
}

/// Under its name, or under its old one.
fn max_tokens(object: &Object) -> Result<Option<u32>, Refused> {
    let read = |name: &'static str| {
        let Some(value) = object.get(name) else { return Ok(None) };
        let number = value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
        let message = format!("`{name}` must be an integer of at least 1");
        number.map(Some).ok_or_else(|| refused(name, INVALID_VALUE, message))
    };
    match (read("max_completion_tokens")?, read("max_tokens")?) {
        (Some(one), Some(other)) if one != other => {
            let message = "`max_tokens` and `max_completion_tokens` differ: leave one out";
            Err(refused("max_tokens", INVALID_VALUE, message))
        }
        (one, other) => Ok(one.or(other)),
    }
}

fn messages(object: &Object) -> Result<Vec<ChatMessage>, Refused> {
    let list = match object.get("messages") {
        Some(Value::Array(list)) if !list.is_empty() => list,
        Some(_) => {
            let message = "`messages` must be a list of at least one message";
            return Err(refused("messages", INVALID_TYPE, message));
        }
        None => return Err(refused("messages", MISSING, "`messages` is missing")),
    };
    list.iter().enumerate().map(|(at, value)| message(&format!("messages[{at}]"), value)).collect()
}

fn message(at: &str, value: &Value) -> Result<ChatMessage, Refused> {
    let Some(object) = value.as_object() else {
        return Err(refused(at, INVALID_TYPE, format!("`{at}` must be {{role, content}}")));
    };
    let others = object.iter().filter(|(_, value)| !value.is_null());
    if let Some((name, _)) =
        others.into_iter().find(|(name, _)| !matches!(name.as_str(), "role" | "content"))
    {
        let param = format!("{at}.{}", shortened(name));
        let message = format!("`{param}` is not supported");
        return Err(refused(&param, UNSUPPORTED_PARAMETER, message));
    }
    let role = match object.get("role").and_then(Value::as_str) {
        // Newer models' word for the same.
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some(_) | None => {
            let message = format!("`{at}.role` must be system, developer, user or assistant");
            return Err(refused(&format!("{at}.role"), UNSUPPORTED_VALUE, message));
        }
    };
    Ok(ChatMessage { role, content: content(&format!("{at}.content"), object.get("content"))? })
}

/// A text, or parts that are texts, put together as the common servers do.
fn content(at: &str, value: Option<&Value>) -> Result<String, Refused> {
    match value {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(parts)) if !parts.is_empty() => {
            let texts = parts.iter().enumerate().map(|(part, value)| text(at, part, value));
            Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n"))
        }
        Some(_) | None => {
            let message = format!("`{at}` must be a text, or a list of parts that are texts");
            Err(refused(at, INVALID_TYPE, message))
        }
    }
}

fn text<'a>(at: &str, part: usize, value: &'a Value) -> Result<&'a str, Refused> {
    let is_text = value.get("type").is_some_and(|kind| kind == "text");
    let text = value.get("text").and_then(Value::as_str).filter(|_| is_text);
    text.ok_or_else(|| {
        let param = format!("{at}[{part}]");
        let message = format!("`{param}` must be a part of type text");
        refused(&param, UNSUPPORTED_VALUE, message)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(more: &Value) -> Result<InferenceRequest, Refused> {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Why?"}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        parse(body.to_string().as_bytes(), Some("EU".to_owned()))
    }

    #[test]
    fn what_is_asked_is_passed_on() {
        let messages = json!([{"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Why"},
                {"type": "text", "text": "this?"}]},
            {"role": "assistant", "content": "So.", "refusal": null},
            {"role": "user", "content": "And?"}]);
        let request = parsed(&json!({"messages": messages, "temperature": 0.7, "seed": 7,
            "max_completion_tokens": 64, "top_p": 0.5}))
        .unwrap();
        let message = |role, content: &str| ChatMessage { role, content: content.to_owned() };
        let expected = InferenceRequest {
            model: "m".to_owned(),
            prompt: String::new(),
            messages: Some(vec![
                message(Role::System, "Be brief."),
                message(Role::User, "Why\nthis?"),
                message(Role::Assistant, "So."),
                message(Role::User, "And?"),
            ]),
            temperature: 0.7,
            max_tokens: 64,
            seed: Some(7),
            top_p: Some(0.5),
            region_preference: Some("EU".to_owned()),
            cost_priority: true,
            trace_id: None,
        };
        assert_eq!(request, expected);
    }

    #[test]
    fn what_is_left_out_is_as_in_an_inference() {
        let request = parsed(&json!({"seed": null, "max_tokens": null})).unwrap();
        let plain: InferenceRequest =
            serde_json::from_value(json!({"model": "m", "prompt": ""})).unwrap();
        assert_eq!(InferenceRequest { messages: None, region_preference: None, ..request }, plain);
    }

    #[test]
    fn what_changes_nothing_is_accepted() {
        let harmless = json!({"user": "u", "metadata": {"a": "b"}, "store": false, "stream": false,
            "n": 1, "stop": [], "tools": [], "tool_choice": "none", "parallel_tool_calls": true,
            "response_format": {"type": "text"}, "logprobs": false, "logit_bias": {},
            "frequency_penalty": 0, "presence_penalty": 0.0, "service_tier": "auto",
            "safety_identifier": "s", "prompt_cache_key": "k", "modalities": ["text"],
            "top_logprobs": 0, "function_call": "none", "functions": [], "stop_this": null,
            "max_tokens": 5, "max_completion_tokens": 5});
        assert_eq!(parsed(&harmless).unwrap().max_tokens, 5);
    }

    #[test]
    fn what_would_change_the_answer_is_refused_by_name() {
        let table = [
            (json!({"stream": true}), "stream", UNSUPPORTED_VALUE),
            (json!({"n": 2}), "n", UNSUPPORTED_VALUE),
            (json!({"tools": [{"type": "function"}]}), "tools", UNSUPPORTED_VALUE),
            (
                json!({"response_format": {"type": "json_object"}}),
                "response_format",
                UNSUPPORTED_VALUE,
            ),
            (json!({"logprobs": true}), "logprobs", UNSUPPORTED_VALUE),
            (json!({"stop": "secret"}), "stop", UNSUPPORTED_VALUE),
            (json!({"frequency_penalty": 0.1}), "frequency_penalty", UNSUPPORTED_VALUE),
            (json!({"store": true}), "store", UNSUPPORTED_VALUE),
            (json!({"reasoning_effort": "high"}), "reasoning_effort", UNSUPPORTED_PARAMETER),
            (json!({"top_k": 40}), "top_k", UNSUPPORTED_PARAMETER),
            (json!({"temperature": 2.1}), "temperature", INVALID_VALUE),
            (json!({"temperature": "secret"}), "temperature", INVALID_VALUE),
            (json!({"top_p": -0.1}), "top_p", INVALID_VALUE),
            (json!({"seed": -1}), "seed", INVALID_VALUE),
            (json!({"max_tokens": 0}), "max_tokens", INVALID_VALUE),
            (json!({"max_tokens": 1, "max_completion_tokens": 2}), "max_tokens", INVALID_VALUE),
            (json!({"max_completion_tokens": 1.5}), "max_completion_tokens", INVALID_VALUE),
            (json!({"model": 5}), "model", INVALID_TYPE),
            (json!({"model": null}), "model", MISSING),
            (json!({"messages": null}), "messages", MISSING),
            (json!({"messages": []}), "messages", INVALID_TYPE),
            (json!({"messages": "secret"}), "messages", INVALID_TYPE),
        ];
        for (more, param, code) in table {
            let refused = parsed(&more).unwrap_err();
            assert_eq!((refused.param.as_deref(), refused.code), (Some(param), code), "{more}");
            assert!(!refused.message.contains("secret"), "{refused:?}");
        }
    }

    #[test]
    fn a_message_that_cannot_be_passed_on_is_named() {
        let image = json!([{"type": "text", "text": "secret"}, {"type": "image_url"}]);
        let table = [
            (json!("secret"), "messages[1]"),
            (json!({"role": "tool", "content": "secret"}), "messages[1].role"),
            (json!({"content": "secret"}), "messages[1].role"),
            (json!({"role": "user"}), "messages[1].content"),
            (json!({"role": "user", "content": []}), "messages[1].content"),
            (json!({"role": "user", "content": image}), "messages[1].content[1]"),
            (json!({"role": "user", "content": "secret", "name": "Al"}), "messages[1].name"),
            (
                json!({"role": "assistant", "content": "s", "tool_calls": []}),
                "messages[1].tool_calls",
            ),
        ];
        for (message, param) in table {
            let messages = json!([{"role": "user", "content": "Why?"}, message]);
            let refused = parsed(&json!({"messages": messages})).unwrap_err();
            assert_eq!(refused.param.as_deref(), Some(param), "{refused:?}");
            assert!(!refused.message.contains("secret"), "{refused:?}");
        }
    }

    #[test]
    fn other_bodies_are_refused() {
        for body in ["", "[]", "{ no }", "\"secret\""] {
            let refused = parse(body.as_bytes(), None).unwrap_err();
            assert_eq!((refused.param, refused.code), (None, "invalid_json"), "{body}");
        }
    }
}
