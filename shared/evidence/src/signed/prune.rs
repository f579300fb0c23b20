//! What the predecessor's runner leaves out of what it signs.

use serde_json::{Map, Value};

/// The members that say something. Lists stay as they are, with all that is in them.
pub(super) fn pruned(members: &Map<String, Value>, without: &[&str]) -> Map<String, Value> {
    let members = members.iter().filter(|(name, _)| !without.contains(&name.as_str()));
    members.filter_map(|(name, value)| Some((name.clone(), said(value)?))).collect()
}

fn said(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Number(number) if number.as_f64() == Some(0.0) => None,
        Value::Object(members) => {
            let members = pruned(members, &[]);
            if members.is_empty() { None } else { Some(Value::Object(members)) }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Some(value.clone())
        }
    }
}
