//! Strict JSON: what one reader takes one way and another reader another way is refused.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use thiserror::Error;

use crate::spec::cut;

/// Bytes that are not one JSON value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JsonError {
    /// Not JSON, or more than one value, or a number that no 64-bit float holds.
    #[error("not JSON: line {line}, column {column}")]
    Malformed {
        /// From 1.
        line: usize,
        /// In bytes, from 1; 0 at the beginning of a line.
        column: usize,
    },
    /// Lists and objects within each other past what is read.
    #[error("nested too deeply: line {line}, column {column}; at most 127 levels are read")]
    TooDeep {
        /// From 1.
        line: usize,
        /// In bytes, from 1.
        column: usize,
    },
    /// An object that has a key twice.
    #[error("the key `{key}` is given twice in one object: line {line}, column {column}")]
    DuplicateKey {
        /// The key, cut to 80 characters.
        key: String,
        /// From 1, of the second.
        line: usize,
        /// In bytes, from 1, of the second's end.
        column: usize,
    },
}

/// Reads one JSON value, with nothing but white space around it.
pub fn read_json(bytes: &[u8]) -> Result<Value, JsonError> {
    let duplicate = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { duplicate: &duplicate }.deserialize(&mut reader);
    value.and_then(|value| reader.end().map(|()| value)).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        match duplicate.take() {
            Some(key) => JsonError::DuplicateKey { key, line, column },
            // The only thing that tells this error from others is its text.
            None if error.to_string().starts_with("recursion limit") => {
                JsonError::TooDeep { line, column }
            }
            None => JsonError::Malformed { line, column },
        }
    })
}

/// Builds a [`Value`] as serde does, but stops at a key that is there already.
#[derive(Clone, Copy)]
struct Strict<'a> {
    duplicate: &'a Cell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        Number::from_f64(number).map(Value::Number).ok_or_else(|| E::custom("not finite"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(self)? {
            list.push(entry);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                self.duplicate.set(Some(cut(&key)));
                return Err(A::Error::custom("duplicate key"));
            }
            object.insert(key, entries.next_value_seed(self)?);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_given_twice_is_refused_wherever_it_is() {
        let duplicate = |text: &str| read_json(text.as_bytes()).unwrap_err();
        let key = || "a".to_owned();
        assert_eq!(
            duplicate(r#"{"a":1,"a":1}"#),
            JsonError::DuplicateKey { key: key(), line: 1, column: 10 }
        );
        assert_eq!(
            duplicate("{\"x\": [0,\n {\"a\":1, \"b\":2,\n \"\\u0061\":3}]}"),
            JsonError::DuplicateKey { key: key(), line: 3, column: 9 }
        );
        let long = "k".repeat(500);
        let error = duplicate(&format!("{{\"{long}\":1,\"{long}\":2}}"));
        assert!(error.to_string().contains(&format!("`{}`", &long[..80])), "{error}");
    }

    #[test]
    fn the_same_key_in_other_objects_is_fine() {
        let text = br#"{"a":{"a":[{"a":1},{"a":1}]},"b":{"a":1}}"#;
        assert_eq!(read_json(text).unwrap(), serde_json::from_slice::<Value>(text).unwrap());
    }

    #[test]
    fn what_is_not_json_says_where() {
        for (text, line, column) in [
            ("", 1, 0),
            ("{ not-json }", 1, 3),
            ("{}\n{}", 2, 1),
            ("[1,\n 1e400]", 2, 6),
            ("[1,]", 1, 4),
            ("\"\\ud800\"", 1, 8),
        ] {
            let error = read_json(text.as_bytes()).unwrap_err();
            assert_eq!(error, JsonError::Malformed { line, column }, "{text}");
        }
        assert!(matches!(read_json(b"\"\xff\""), Err(JsonError::Malformed { .. })));
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(read_json(nested(127).as_bytes()).is_ok());
        assert!(matches!(read_json(nested(128).as_bytes()), Err(JsonError::TooDeep { .. })));
        let endless = "{\"a\":".repeat(1_000_000);
        assert!(matches!(read_json(endless.as_bytes()), Err(JsonError::TooDeep { .. })));
    }

    proptest! {
        #[test]
        fn numbers_and_texts_are_read_as_serde_reads_them(
            whole in any::<i64>(), positive in any::<u64>(), float in any::<f64>(), text in any::<String>(),
        ) {
            let value = serde_json::json!({ "n": [whole, positive, float, null, true], text: 1 });
            let bytes = value.to_string();
            let expected: Value = serde_json::from_str(&bytes).unwrap();
            prop_assert_eq!(read_json(bytes.as_bytes()).unwrap(), expected);
        }
    }
}
