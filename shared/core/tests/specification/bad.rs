//! Bad documents: one rule broken in each, found by both at the same field.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::agreement::{schema_fields, server_fields, whole, with, without};

fn assert_both_find(document: &Value, field: &str, what: &str) {
    let expected = BTreeSet::from([field.to_owned()]);
    assert_eq!(schema_fields(document), expected, "the schema, {what}");
    assert_eq!(server_fields(document), expected, "the server, {what}");
}

/// A pointer into the good document, what stands there instead, and the field that is then wrong.
fn table() -> Vec<(&'static str, Value, &'static str)> {
    let mut table = texts();
    table.extend(lists());
    table.extend(prompts());
    table.extend(numbers());
    table
}

fn texts() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("/id", json!(7), "id"),
        ("/id", json!(""), "id"),
        ("/id", json!("no spaces"), "id"),
        ("/id", json!("dots.are.not"), "id"),
        ("/id", json!("x".repeat(256)), "id"),
        ("/name", json!(7), "name"),
        ("/name", json!(""), "name"),
        ("/name", json!(" \t\u{a0}\u{3000}"), "name"),
        ("/name", json!("NUL \u{0}"), "name"),
        ("/id", json!("cross-region"), "id"),
        ("/questions/1/text", json!("bell \u{7}"), "questions[1].text"),
        ("/models/0", json!("\u{85}mistral-7b"), "models[0]"),
        ("/name", json!("x".repeat(201)), "name"),
        ("/name", json!("a\u{fffe}b"), "name"),
        ("/questions/0", json!("nope"), "questions[0]"),
        ("/questions/0", json!("Math_Basic"), "questions[0]"),
        ("/questions/0", json!(""), "questions[0]"),
        ("/questions/0", json!(7), "questions[0]"),
        ("/questions/0", Value::Null, "questions[0]"),
        ("/questions/0", json!(["math_basic"]), "questions[0]"),
        ("/questions/0", json!({"file": 7}), "questions[0].file"),
        ("/questions/0", json!({"file": "questions.txt"}), "questions[0].file"),
        ("/questions/0", json!({"file": ".csv"}), "questions[0].file"),
        ("/questions/1/id", json!(7), "questions[1].id"),
        ("/questions/1/id", Value::Null, "questions[1].id"),
        ("/questions/1/id", json!("a/b"), "questions[1].id"),
        ("/questions/1/id", json!("x".repeat(129)), "questions[1].id"),
        ("/questions/1/text", json!(7), "questions[1].text"),
        ("/questions/1/text", Value::Null, "questions[1].text"),
        ("/questions/1/text", json!(" "), "questions[1].text"),
        ("/questions/1/text", json!("x".repeat(32 * 1024 + 1)), "questions[1].text"),
        ("/questions/1/text", json!("a\u{ffff}b"), "questions[1].text"),
        ("/questions/1/category", json!(7), "questions[1].category"),
        ("/questions/1/category", json!("x".repeat(201)), "questions[1].category"),
        ("/questions/1/language", json!(["en"]), "questions[1].language"),
        ("/questions/1/language", json!(""), "questions[1].language"),
        ("/questions/1/expect", json!("river"), "questions[1].expect"),
        ("/questions/1/expect", json!(4), "questions[1].expect"),
        ("/questions/1/expect", json!({"en": "river"}), "questions[1].expect"),
        ("/questions/1/expect", json!([]), "questions[1].expect"),
        ("/questions/1/expect", json!(vec!["x"; 21]), "questions[1].expect"),
        ("/questions/1/expect/0", json!(""), "questions[1].expect[0]"),
        ("/questions/1/expect/0", json!(" \t"), "questions[1].expect[0]"),
        ("/questions/1/expect/1", Value::Null, "questions[1].expect[1]"),
        ("/questions/1/expect/1", json!(true), "questions[1].expect[1]"),
        ("/questions/1/expect/1", json!([49]), "questions[1].expect[1]"),
        ("/questions/1/expect/1", json!("x".repeat(201)), "questions[1].expect[1]"),
        ("/questions/1/expect/1", json!("bell \u{7}"), "questions[1].expect[1]"),
        ("/questions/1/colour", json!("red"), "questions[1].colour"),
        ("/questions/1/variants", json!("formal"), "questions[1].variants"),
        ("/questions/1/variants", json!(["formal"]), "questions[1].variants"),
        ("/questions/1/variants/formal", json!(7), "questions[1].variants.formal"),
        ("/questions/1/variants/formal", Value::Null, "questions[1].variants.formal"),
        ("/questions/1/variants/formal", json!(" "), "questions[1].variants.formal"),
        ("/questions/1/variants/a b", json!("Where?"), "questions[1].variants.a b"),
        ("/questions/1/variants/a~1b", json!("Where?"), "questions[1].variants.a/b"),
        ("/questions/1/variants/base", json!("Where?"), "questions[1].variants.base"),
        (
            "/questions/1/variants/formal",
            json!("x".repeat(32 * 1024 + 1)),
            "questions[1].variants.formal",
        ),
        ("/stop", json!("sometimes"), "stop"),
        ("/stop", json!("Never"), "stop"),
        ("/stop", json!(false), "stop"),
        ("/colour", json!("red"), "colour"),
        ("/colour", Value::Null, "colour"),
        ("/Models", json!(["m"]), "Models"),
    ]
}

fn lists() -> Vec<(&'static str, Value, &'static str)> {
    let many = |name: &str| (0..51).map(|n| format!("{name}{n}")).collect::<Vec<_>>();
    vec![
        ("/questions", json!([]), "questions"),
        ("/questions", Value::Null, "questions"),
        ("/questions", json!("math_basic"), "questions"),
        ("/questions", json!({"id": "q", "text": "?"}), "questions"),
        ("/signature", json!(""), "signature"),
        ("/signature", json!(7), "signature"),
        ("/public_key", json!({}), "public_key"),
        ("/public_key", json!("x".repeat(201)), "public_key"),
        ("/metadata", json!("now"), "metadata"),
        ("/metadata/timestamp", json!(1_758_027_324), "metadata.timestamp"),
        ("/metadata/nonce", json!(" "), "metadata.nonce"),
        ("/metadata/created_by", json!("me"), "metadata.created_by"),
        ("/models", json!([]), "models"),
        ("/models", Value::Null, "models"),
        ("/models", json!("mistral-7b"), "models"),
        ("/models/1", json!(7), "models[1]"),
        ("/models/1", Value::Null, "models[1]"),
        ("/models/1", json!(" "), "models[1]"),
        ("/models/1", json!("two words"), "models[1]"),
        ("/models/1", json!("x".repeat(129)), "models[1]"),
        ("/regions", json!([]), "regions"),
        ("/regions", Value::Null, "regions"),
        ("/regions", json!({"US": true}), "regions"),
        ("/regions/1", json!(7), "regions[1]"),
        ("/regions/1", json!(""), "regions[1]"),
        ("/regions/1", json!("x".repeat(201)), "regions[1]"),
        // Of fewer samples, so that models × samples are not too many as well.
        ("/models", json!(many("m")), "models"),
    ]
}

fn prompts() -> Vec<(&'static str, Value, &'static str)> {
    let named = |count: usize| {
        let named = (0..count).map(|n| (format!("p{n}"), json!("none")));
        Value::Object(named.collect::<Map<_, _>>())
    };
    vec![
        ("/system_prompt", json!(7), "system_prompt"),
        ("/system_prompt", json!(true), "system_prompt"),
        ("/system_prompt", json!(["regional"]), "system_prompt"),
        ("/system_prompt", json!(""), "system_prompt"),
        ("/system_prompt", json!("x".repeat(16 * 1024 + 1)), "system_prompt"),
        ("/system_prompt", json!("a\u{fffe}b"), "system_prompt"),
        ("/system_prompt", json!({}), "system_prompt"),
        ("/system_prompt", named(51), "system_prompt"),
        ("/system_prompt/bare", json!(7), "system_prompt.bare"),
        ("/system_prompt/bare", Value::Null, "system_prompt.bare"),
        ("/system_prompt/bare", json!(" "), "system_prompt.bare"),
        ("/system_prompt/bare", json!("x".repeat(16 * 1024 + 1)), "system_prompt.bare"),
        ("/system_prompt/bare", json!("a\u{ffff}b"), "system_prompt.bare"),
        ("/system_prompt/a b", json!("none"), "system_prompt.a b"),
        ("/system_prompt/a~1b", json!("none"), "system_prompt.a/b"),
        ("/system_prompt/", json!("none"), "system_prompt."),
    ]
}

fn numbers() -> Vec<(&'static str, Value, &'static str)> {
    let mut table = Vec::new();
    for (pointer, field, low, high) in [
        ("/samples", "samples", 1, 100),
        ("/max_tokens", "max_tokens", 1, 1_000_000),
        ("/seed", "seed", 0, 1_i64 << 53),
        ("/questions_in_flight", "questions_in_flight", 1, 90),
        ("/min_regions", "min_regions", 1, 50),
        ("/stop_after", "stop_after", 1, 10_000),
        ("/timeout", "timeout", 1, 24 * 60 * 60),
    ] {
        let wrong =
            [json!(low - 1), json!(high + 1), json!(1.5), json!("x"), json!([]), json!(true)];
        table.extend(wrong.map(|wrong| (pointer, wrong, field)));
    }
    for (pointer, field, high) in [
        ("/temperature", "temperature", 2),
        ("/top_p", "top_p", 1),
        ("/min_success_rate", "min_success_rate", 1),
    ] {
        let over = f64::from(high) + 0.001;
        let wrong = [json!(-0.1), json!(over), json!(9e-7), json!("0.5"), json!({}), json!(false)];
        table.extend(wrong.map(|wrong| (pointer, wrong, field)));
    }
    for wrong in [json!(0), json!(-1), json!(9e-7), json!(1_000_001), json!("5"), json!([])] {
        table.push(("/max_cost", wrong, "max_cost"));
    }
    for wrong in [
        "",
        "90",
        "s",
        "0s",
        "-5s",
        "1.5h",
        "1d",
        "90 s",
        "1h30m",
        "86401s",
        "90000s",
        "100000s",
        "1441m",
        "1500m",
        "10000m",
        "25h",
        "30h",
        "100h",
        "1H",
        "é",
        "5\u{20ac}",
    ] {
        table.push(("/timeout", json!(wrong), "timeout"));
    }
    table
}

#[test]
fn a_wrong_value_is_found_by_both_at_its_field() {
    for (pointer, value, field) in table() {
        let mut document = whole();
        if matches!(field, "models" | "min_regions" | "samples" | "questions_in_flight") {
            // So that nothing multiplied out is too much as well.
            document["samples"] = json!(1);
        }
        let what: String = format!("{pointer}: {value}").chars().take(120).collect();
        let document = with(document, pointer, value);
        if ["samples", "questions_in_flight", "min_regions"].contains(&field) {
            assert!(schema_fields(&document).contains(field), "the schema, {what}");
            assert!(server_fields(&document).contains(field), "the server, {what}");
        } else {
            assert_both_find(&document, field, &what);
        }
    }
}

#[test]
fn a_missing_field_is_found_by_both_under_its_own_name() {
    for (pointer, field) in [
        ("/questions", "questions"),
        ("/models", "models"),
        ("/regions", "regions"),
        ("/questions/1/id", "questions[1].id"),
        ("/questions/1/text", "questions[1].text"),
    ] {
        let mut document = whole();
        document["min_regions"] = Value::Null;
        assert_both_find(&without(document, pointer), field, pointer);
    }
}

#[test]
fn what_is_no_object_is_found_by_both() {
    for document in [Value::Null, json!(7), json!("math_basic"), json!([whole()])] {
        assert_both_find(&document, "specification", &document.to_string());
    }
}

#[test]
fn more_regions_than_there_may_be_are_found_by_both() {
    let names: Vec<String> = (0..51).map(|n| format!("lab-{n}")).collect();
    let declared: Vec<_> =
        names.iter().map(|name| beacon_core::region::Region::new(name.as_str()).unwrap()).collect();
    let mut document = whole();
    document["regions"] = json!(names);
    document["system_prompt"] = json!("none");
    document["questions_in_flight"] = json!(1);
    assert_eq!(schema_fields(&document), BTreeSet::from(["regions".to_owned()]));
    let problems = beacon_core::spec::parse(&document, &declared).unwrap_err();
    assert!(problems.iter().any(|problem| problem.field == "regions"), "{problems:?}");
}

#[test]
fn all_that_is_wrong_is_found_by_both_at_once() {
    let document = json!({
        "id": "no spaces",
        "questions": ["nope", {"id": "q"}, {"id": "q/", "text": " "}, 7, {"file": "x.txt"}],
        "models": ["m", "", 3],
        "regions": [3],
        "samples": 0,
        "temperature": "hot",
        "stop": "sometimes",
        "timeout": "25h",
        "colour": "red",
    });
    assert_eq!(schema_fields(&document), server_fields(&document));
    assert_eq!(schema_fields(&document).len(), 15);
}
