//! A template's YAML as JSON, its short functions in their long form: `!Ref X` is `{"Ref": "X"}`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, json};
use serde_saphyr::Tagged;

/// The document as `CloudFormation` understands it.
pub(crate) fn read(text: &str) -> Value {
    let node: Tagged<Node> = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    long(node)
}

/// A value, its own tag beside it.
struct Node(Value);

fn long(Tagged(Node(value), tag): Tagged<Node>) -> Value {
    match tag.as_deref() {
        Some("!Ref") => json!({ "Ref": value }),
        Some("!Condition") => json!({ "Condition": value }),
        Some("!GetAtt") => {
            let of = value.as_str().and_then(|text| text.split_once('.'));
            let (of, attribute) = of.expect("a resource and its attribute");
            json!({ "Fn::GetAtt": [of, attribute] })
        }
        Some(tag) if tag.starts_with('!') => {
            Value::Object(Map::from_iter([(format!("Fn::{}", &tag[1..]), value)]))
        }
        Some(tag) => panic!("what `{tag}` means to CloudFormation is not known here"),
        None => value,
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNode).map(Self)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML that JSON can hold")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(long(item));
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, value)) = entries.next_entry::<String, _>()? {
            assert!(map.insert(name.clone(), long(value)).is_none(), "`{name}` stands there twice");
        }
        Ok(map.into())
    }
}

#[test]
fn short_functions_are_read_in_their_long_form() {
    let text = "\
A: !Ref B
C: !GetAtt D.Arn
E: !If [F, !Sub \"${G}-x\", !Ref AWS::NoValue]
H: !And
  - !Condition I
  - !Not [!Equals [!Ref J, \"\"]]
K: { L: 3, M: \"3\", N: true, O: \"true\", P: [2.5] }
";
    let long = json!({
        "A": { "Ref": "B" },
        "C": { "Fn::GetAtt": ["D", "Arn"] },
        "E": { "Fn::If": ["F", { "Fn::Sub": "${G}-x" }, { "Ref": "AWS::NoValue" }] },
        "H": { "Fn::And": [
            { "Condition": "I" },
            { "Fn::Not": [{ "Fn::Equals": [{ "Ref": "J" }, ""] }] },
        ] },
        "K": { "L": 3, "M": "3", "N": true, "O": "true", "P": [2.5] },
    });
    assert_eq!(read(text), long);
}
