//! Damage to a JSON document: any of its values, at any depth, becomes something else.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// One change to the value that an index finds.
#[derive(Debug, Clone)]
enum Change {
    Replace(Value),
    Remove,
    /// Once more in its list, or under another key.
    Repeat(String),
    Rename(String),
    /// Into the object or list.
    Add(String, Value),
    /// Into so many lists.
    Nest(usize),
    /// A list of so many entries, all different.
    Many(usize),
}

/// One of the documents after none to four changes.
pub(crate) fn mutated(seeds: &[Value]) -> impl Strategy<Value = Value> + use<> {
    let changes = prop::collection::vec((any::<Index>(), change()), 0..5);
    (select(seeds.to_vec()), changes).prop_map(|(mut document, changes)| {
        for (at, change) in changes {
            apply(&mut document, at, change);
        }
        document
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        8 => any_json().prop_map(Change::Replace),
        4 => Just(Change::Remove),
        3 => key().prop_map(Change::Repeat),
        3 => key().prop_map(Change::Rename),
        5 => (key(), any_json()).prop_map(|(key, value)| Change::Add(key, value)),
        1 => (1_usize..400).prop_map(Change::Nest),
        1 => select(vec![51, 91, 201, 1001]).prop_map(Change::Many),
    ]
}

fn apply(document: &mut Value, at: Index, change: Change) {
    let mut pointers = Vec::new();
    collect(document, String::new(), &mut pointers);
    let pointer = at.get(&pointers);
    let Some(node) = document.pointer_mut(pointer) else { return };
    match change {
        Change::Replace(value) => *node = value,
        Change::Nest(levels) => {
            *node = (0..levels).fold(node.take(), |inner, _| Value::Array(vec![inner]));
        }
        Change::Many(count) => {
            let texts = at.index(2) == 0;
            let entry = |n: usize| {
                if texts {
                    json!(format!("m{n}"))
                } else {
                    json!({"id": format!("q{n}"), "text": "?"})
                }
            };
            *node = (0..count).map(entry).collect();
        }
        Change::Add(key, value) => match node {
            Value::Object(object) => drop(object.insert(key, value)),
            Value::Array(list) => list.push(value),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => *node = value,
        },
        Change::Remove => drop(take(document, pointer)),
        Change::Repeat(key) => {
            let copy = node.clone();
            put(document, pointer, key, copy);
        }
        Change::Rename(key) => {
            if let Some(value) = take(document, pointer) {
                put(document, pointer, key, value);
            }
        }
    }
}

/// The pointer of every value in the document.
fn collect(value: &Value, pointer: String, found: &mut Vec<String>) {
    let mut below = |key: &str, value: &Value| {
        let key = key.replace('~', "~0").replace('/', "~1");
        collect(value, format!("{pointer}/{key}"), found);
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| below(key, value)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| below(&index.to_string(), value));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found.push(pointer);
}

fn take(document: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, key) = pointer.rsplit_once('/')?;
    match document.pointer_mut(parent)? {
        Value::Object(object) => object.remove(&key.replace("~1", "/").replace("~0", "~")),
        Value::Array(list) => Some(list.remove(key.parse().ok()?)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn put(document: &mut Value, beside: &str, key: String, value: Value) {
    let parent = beside.rsplit_once('/').and_then(|(parent, _)| document.pointer_mut(parent));
    match parent {
        Some(Value::Object(object)) => drop(object.insert(key, value)),
        Some(Value::Array(list)) => list.push(value),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {}
    }
}

/// Any JSON, with a liking for what means something and for what breaks readers.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => word().prop_map(Value::from),
        3 => select(numbers()),
        2 => text().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => (0.0_f64..2.0).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..4)
                .prop_map(|fields| Value::Object(Map::from_iter(fields))),
        ]
    })
}

fn numbers() -> Vec<Value> {
    let wholes = [0, 1, 2, 3, 50, 100, 101, 10_000, 600_000_000_000, u64::MAX];
    let parts =
        [-0.0, 0.5, 1.0, 1e-6, 1e-7, 5e-324, 1e308, -1.0, 6e11, 18_446_744_073_709_551_616.0];
    wholes.map(Value::from).into_iter().chain(parts.map(Value::from)).collect()
}

fn word() -> impl Strategy<Value = &'static str> {
    select(vec![
        "US",
        "EU",
        "  eu-west ",
        "asia",
        "lab-1",
        "mars",
        "math_basic",
        "taiwan_status",
        "llama3.2-1b",
        "Mistral 7B Instruct",
        "regional",
        "none",
        "In {place}.",
        "never",
        "90s",
        "25h",
        "v1",
        "1.0",
        "bias-detection",
        "hybrid",
        "base",
        "a/b",
        "no spaces",
        "",
    ])
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<String>(),
        1 => "[\\PC]{0,40}",
        2 => select(vec!["\0", "a\0b", "\u{FFFE}", "\u{FFFF}", "\u{202E}evil", "\u{7F}", "\u{85}",
            "\t\r\n", "e\u{301}", "\u{1F468}\u{200D}\u{1F469}", "İ", "\u{FEFF}", "四川"])
            .prop_map(str::to_owned),
        1 => (select(vec!['a', 'é', '\u{0}', '\u{1F600}', ' ']), select(vec![81, 201, 16_385, 40_000]))
            .prop_map(|(c, count)| c.to_string().repeat(count)),
    ]
}

fn key() -> impl Strategy<Value = String> {
    let known = select(vec![
        "id",
        "jobspec_id",
        "name",
        "questions",
        "models",
        "regions",
        "samples",
        "system_prompt",
        "text",
        "variants",
        "category",
        "expect",
        "file",
        "seed",
        "top_p",
        "stop",
        "timeout",
        "min_regions",
        "min_success_rate",
        "questions_in_flight",
        "benchmark",
        "constraints",
        "metadata",
        "input",
        "data",
        "prompt",
        "hash",
        "container",
        "image",
        "version",
        "runs",
        "model",
        "model_name",
        "provider",
        "max_cost",
        "providers",
        "jobspec",
        "target_regions",
        "signature",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => text()]
}
