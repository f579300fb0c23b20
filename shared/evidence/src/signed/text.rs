//! The text of a document that is signed.

use serde_json::{Map, Number, Value};

/// How whole numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integers {
    /// With all their digits.
    Exact,
    /// As the nearest 64-bit float.
    Double,
}

/// What HTML and JavaScript read otherwise.
const ESCAPES: [(char, &str); 5] = [
    ('<', "\\u003c"),
    ('>', "\\u003e"),
    ('&', "\\u0026"),
    ('\u{2028}', "\\u2028"),
    ('\u{2029}', "\\u2029"),
];

/// A document without these of its members.
pub(super) fn text(
    document: &Map<String, Value>,
    without: &[&str],
    integers: Integers,
) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    let members = document.iter().filter(|(name, _)| !without.contains(&name.as_str()));
    write_object(members, integers, &mut text)?;
    Ok(text)
}

/// The same text as Go writes it by default; none where that is the same. These characters stand only in
/// keys and texts, where each may be escaped.
pub(super) fn escaped(text: &str) -> Option<String> {
    if !text.contains(ESCAPES.map(|(character, _)| character)) {
        return None;
    }
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match ESCAPES.iter().find(|(other, _)| *other == character) {
            Some((_, escape)) => escaped.push_str(escape),
            None => escaped.push(character),
        }
    }
    Some(escaped)
}

/// A map has its members in the order of their keys' bytes.
fn write_object<'a>(
    members: impl Iterator<Item = (&'a String, &'a Value)>,
    integers: Integers,
    out: &mut String,
) -> Result<(), serde_json::Error> {
    out.push('{');
    for (index, (name, value)) in members.enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&serde_json::to_string(name)?);
        out.push(':');
        write(value, integers, out)?;
    }
    out.push('}');
    Ok(())
}

fn write(value: &Value, integers: Integers, out: &mut String) -> Result<(), serde_json::Error> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number_text(number, integers)?),
        Value::String(text) => out.push_str(&serde_json::to_string(text)?),
        Value::Array(entries) => {
            out.push('[');
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(entry, integers, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => write_object(members.iter(), integers, out)?,
    }
    Ok(())
}

fn number_text(number: &Number, integers: Integers) -> Result<String, serde_json::Error> {
    match (integers, number.as_f64()) {
        (Integers::Exact, _) if !number.is_f64() => Ok(number.to_string()),
        (Integers::Exact | Integers::Double, Some(float)) => {
            serde_json_canonicalizer::to_string(&float)
        }
        (Integers::Exact | Integers::Double, None) => Ok(number.to_string()),
    }
}
