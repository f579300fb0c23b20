//! A good document, changed at random: the two still agree, field by field.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::agreement::{schema_fields, server_fields, server_problems, whole, with, without};
use crate::unsayable::is_unsayable;

#[derive(Debug, Clone)]
enum Change {
    Replace(Value),
    Remove,
    AddField(String, Value),
    AddEntry(Value),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_changed_document_is_wrong_at_the_same_fields(
        changes in prop::collection::vec((any::<Index>(), change()), 1..4),
    ) {
        let document = changes.into_iter().fold(whole(), apply);
        let (schema, server) = (schema_fields(&document), server_fields(&document));
        prop_assert!(schema.is_subset(&server), "schema {schema:?}\nserver {server:?}\n{document}");
        let sayable: BTreeSet<String> = server_problems(&document)
            .into_iter()
            .filter(|problem| !is_unsayable(problem, &document))
            .map(|problem| problem.field)
            .collect();
        prop_assert!(sayable.is_subset(&schema), "schema {schema:?}\nserver {sayable:?}\n{document}");
    }
}

fn apply(document: Value, (place, change): (Index, Change)) -> Value {
    let mut pointers = Vec::new();
    collect(&document, String::new(), &mut pointers);
    if pointers.is_empty() {
        return document;
    }
    let pointer = place.get(&pointers).clone();
    match (change, document.pointer(&pointer)) {
        (Change::Replace(value), _) => with(document, &pointer, value),
        (Change::AddField(name, value), Some(Value::Object(_))) => {
            with(document, &format!("{pointer}/{name}"), value)
        }
        (Change::AddField(name, value), _) => with(document, &format!("/{name}"), value),
        (Change::AddEntry(value), Some(Value::Array(entries))) => {
            let entries = json!([entries.as_slice(), &[value]].concat());
            with(document, &pointer, entries)
        }
        (Change::Remove | Change::AddEntry(_), _) => without(document, &pointer),
    }
}

/// The pointers of everything in a document but the document itself.
fn collect(value: &Value, at: String, pointers: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value))
            .collect(),
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (name, value) in inner {
        collect(value, format!("{at}/{name}"), pointers);
    }
    if !at.is_empty() {
        pointers.push(at);
    }
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => value().prop_map(Change::Replace),
        1 => Just(Change::Remove),
        2 => (name(), value()).prop_map(|(name, value)| Change::AddField(name, value)),
        1 => value().prop_map(Change::AddEntry),
    ]
}

/// Names that no field has, and some that have nearly or, elsewhere, do; none is `file`.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-eA-E. é-]{1,12}", Just("Id".to_owned()), Just("base".to_owned()), {
        "samples|text|variants|models|name|category|expect"
    }]
}

fn value() -> impl Strategy<Value = Value> {
    let edges = [0, 1, 2, 50, 51, 90, 91, 100, 101, 10_000, 10_001, 86_400, 86_401, 1_000_000];
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        3 => prop::sample::select(edges.to_vec()).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => ((1_u64 << 53) - 1..=(1 << 53) + 1).prop_map(Value::from),
        2 => (-0.5..2.5).prop_map(Value::from),
        1 => prop::sample::select(vec![0.0, -0.0, 1.0, 90.0, 1e-6, 9e-7, 1e300]).prop_map(Value::from),
        3 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("id|text|bare|base|a b|formal|category", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    let long = prop::sample::select(vec![
        64, 65, 128, 129, 200, 201, 255, 256, 16_384, 16_385, 32_768, 32_769,
    ]);
    prop_oneof![
        4 => "[A-Za-z0-9._:/@+ \u{85}\u{feff}\u{fffe}é\u{7}\n-]{0,6}",
        2 => "[ +]?0?[0-9]{1,6}[smhd]",
        2 => long.prop_map(|length| "x".repeat(length)),
        1 => "US| eu |us-east|asia|math_basic| math_basic|regional|none|never|unreachable",
    ]
}
