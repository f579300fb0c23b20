//! Canonical JSON (RFC 8785): each value has one text, and nothing else is read.

use beacon_core::json::{JsonError, read_json};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Bytes that are not what they should be, or not in the one form in which they may be written.
#[derive(Debug, Error)]
pub enum NotCanonical {
    /// Not JSON, or ambiguous JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Of another shape.
    #[error("not of the shape expected")]
    Shape(#[source] serde_json::Error),
    /// The same value is written otherwise in canonical JSON.
    #[error("not canonical JSON (RFC 8785): differs from it at byte {at}")]
    Bytes {
        /// From 0.
        at: usize,
    },
    /// It has no canonical form.
    #[error("cannot be written as canonical JSON")]
    Unwritable(#[source] serde_json::Error),
}

/// The one text of a value. Fails for numbers that JSON does not have.
pub fn to_canonical(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_json_canonicalizer::to_vec(value)
}

/// Reads a value from its one text: all members of the shape, no other, and no other bytes.
pub fn read_canonical<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, NotCanonical> {
    let value: T = serde_json::from_value(read_json(bytes)?).map_err(NotCanonical::Shape)?;
    let written = to_canonical(&value).map_err(NotCanonical::Unwritable)?;
    if written == bytes {
        return Ok(value);
    }
    let same = written.iter().zip(bytes).take_while(|(one, other)| one == other);
    Err(NotCanonical::Bytes { at: same.count() })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Pair {
        b: f64,
        a: String,
    }

    #[test]
    fn keys_are_sorted_at_every_level_and_nothing_is_escaped_that_need_not_be() {
        let value = json!({"b": 2, "a": [3, 1, 2], "z": {"y": 1, "x": "<&>é\u{1}"}, "é": 1.0});
        let text = String::from_utf8(to_canonical(&value).unwrap()).unwrap();
        assert_eq!(text, "{\"a\":[3,1,2],\"b\":2,\"z\":{\"x\":\"<&>é\\u0001\",\"y\":1},\"é\":1}");
    }

    #[test]
    fn one_value_has_one_text() {
        let read = |text: &str| read_canonical::<Pair>(text.as_bytes());
        assert_eq!(read(r#"{"a":"é","b":0.7}"#).unwrap(), Pair { a: "é".into(), b: 0.7 });
        for other in [
            r#"{"b":0.7,"a":"é"}"#,
            r#"{"a":"\u00e9","b":0.7}"#,
            r#"{"a":"é","b":0.70}"#,
            r#"{"a":"é","b":7e-1}"#,
            r#"{"a":"é","b":0.7,"c":1}"#,
            r#"{"a":"é", "b":0.7}"#,
            "{\"a\":\"é\",\"b\":0.7}\n",
            r#"{"a":"x","a":"é","b":0.7}"#,
            r#"{"a":"é"}"#,
            "",
        ] {
            assert!(read(other).is_err(), "{other}");
        }
        let at = read_canonical::<Value>(b"[1,1.0]").unwrap_err();
        assert!(matches!(at, NotCanonical::Bytes { at: 4 }), "{at}");
    }
}
