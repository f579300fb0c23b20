//! Good documents at the edges, accepted by both.

use std::collections::BTreeSet;

use beacon_core::region::Region;
use beacon_core::spec::{limit, parse};
use serde_json::{Map, Value, json};

use crate::agreement::{schema_fields, server_problems, whole, with, without};

fn assert_both_accept(document: &Value, what: &str) {
    let what: String = what.chars().take(120).collect();
    assert_eq!(schema_fields(document), BTreeSet::new(), "the schema, {what}");
    assert_eq!(server_problems(document), [], "the server, {what}");
}

fn table() -> Vec<(&'static str, Value)> {
    let twice = |name: &str| vec![name.to_owned(); 60];
    let models: Vec<String> = (0..50).map(|n| format!("m{n}")).collect();
    let prompts = (0..50).map(|n| (format!("p{n}"), json!("none")));
    let names = json!({"A-Z_a-z.0-9": "none", "x".repeat(64): "regional", "base": "none"});
    let variants = json!({"A-Z_a-z.0-9": "Where?", "x".repeat(64): "Where?"});
    vec![
        ("/id", json!("AZ_az-09")),
        ("/id", json!("x".repeat(255))),
        ("/name", json!("x".repeat(200))),
        // Not white space to the server, but to ECMAScript's `\s`.
        ("/name", json!("\u{feff}")),
        ("/name", json!("\t四川 and \u{1f30d} are texts\r\n")),
        ("/questions/0", json!(" math_basic\n")),
        ("/questions/1/id", json!("A-Z_a-z.0-9")),
        ("/questions/1/id", json!("x".repeat(128))),
        ("/questions/1/text", json!("x".repeat(32 * 1024))),
        ("/questions/1/category", json!("x".repeat(200))),
        ("/questions/1/language", json!("x".repeat(200))),
        ("/questions/1/expect", json!(vec!["x".repeat(200); 20])),
        ("/questions/1/expect", json!([" river\n", 0, -1.5, 1e300, "\u{feff}"])),
        ("/questions/1/variants", json!({})),
        ("/questions/1/variants", variants),
        ("/questions/1/variants/formal", json!("x".repeat(32 * 1024))),
        ("/models/0", json!("A-Z_a-z.0-9:/@+")),
        ("/models/0", json!("x".repeat(128))),
        ("/models/0", json!(" \u{2028}\u{2003}mistral-7b\u{3000}\n")),
        ("/models", json!(models)),
        ("/models", json!(twice("mistral-7b"))),
        ("/regions", json!([" Us ", "EUROPE", "asia-southeast"])),
        ("/regions", json!(["US", "us-east", "USA", "eu"])),
        ("/system_prompt", json!("x".repeat(16 * 1024))),
        ("/system_prompt", json!("regional")),
        ("/system_prompt", json!("none")),
        ("/system_prompt", Value::Object(prompts.collect::<Map<_, _>>())),
        ("/system_prompt", names),
        ("/system_prompt/bare", json!("x".repeat(16 * 1024))),
        ("/samples", json!(1)),
        ("/samples", json!(100)),
        ("/temperature", json!(0)),
        ("/temperature", json!(0.0)),
        ("/temperature", json!(-0.0)),
        ("/temperature", json!(1e-6)),
        ("/temperature", json!(2)),
        ("/top_p", json!(0)),
        ("/top_p", json!(1e-6)),
        ("/top_p", json!(1.0)),
        ("/min_success_rate", json!(0)),
        ("/min_success_rate", json!(1)),
        ("/max_tokens", json!(1)),
        ("/max_tokens", json!(1_000_000)),
        ("/seed", json!(0)),
        ("/seed", json!(1_u64 << 53)),
        ("/questions_in_flight", json!(1)),
        ("/questions_in_flight", json!(45)),
        ("/min_regions", json!(1)),
        ("/stop", json!("region_failure")),
        ("/stop", json!("unreachable")),
        ("/stop_after", json!(1)),
        ("/stop_after", json!(10_000)),
        ("/timeout", json!(1)),
        ("/timeout", json!(86_400)),
        ("/metadata", json!({})),
        ("/max_cost", json!(1e-6)),
        ("/max_cost", json!(1_000_000)),
    ]
}

#[test]
fn documents_at_the_edges_are_accepted_by_both() {
    assert_both_accept(&whole(), "as it is");
    for (pointer, value) in table() {
        let what = format!("{pointer}: {value}");
        let mut document = whole();
        if pointer == "/models" {
            document["samples"] = json!(1);
        }
        assert_both_accept(&with(document, pointer, value), &what);
    }
}

#[test]
fn every_timeout_within_a_day_is_accepted_by_both_and_no_other() {
    let day = 24 * 60 * 60;
    for (unit, seconds) in [("s", 1), ("m", 60), ("h", 3600)] {
        let most = day / seconds;
        let near = (1..=most).step_by(if unit == "s" { 997 } else { 1 });
        for number in near.chain([1, 9, 10, 999, 1000, 9999, 10_000, most - 1, most]) {
            if number <= most {
                for text in [format!("{number}{unit}"), format!(" +00{number}{unit}\n")] {
                    assert_both_accept(&with(whole(), "/timeout", json!(text)), &text);
                }
            }
        }
        for number in [0, most + 1, most + 9, most + 100, most * 10, most * 100] {
            let document = with(whole(), "/timeout", json!(format!("{number}{unit}")));
            assert_eq!(schema_fields(&document), BTreeSet::from(["timeout".to_owned()]));
            assert_eq!(server_problems(&document).len(), 1, "{number}{unit}");
        }
    }
}

#[test]
fn null_is_a_field_left_out_to_both() {
    let optional = [
        "/id",
        "/name",
        "/samples",
        "/system_prompt",
        "/temperature",
        "/max_tokens",
        "/seed",
        "/top_p",
        "/questions_in_flight",
        "/min_success_rate",
        "/min_regions",
        "/stop",
        "/stop_after",
        "/timeout",
        "/max_cost",
        "/public_key",
        "/signature",
        "/metadata",
        "/metadata/timestamp",
        "/metadata/nonce",
        "/questions/1/category",
        "/questions/1/language",
        "/questions/1/expect",
        "/questions/1/variants",
    ];
    for pointer in optional {
        assert_both_accept(&with(whole(), pointer, Value::Null), pointer);
        assert_both_accept(&without(whole(), pointer), pointer);
    }
}

#[test]
fn an_alias_beside_its_region_is_no_region_more_to_both() {
    let labs: Vec<Region> = (0..49).map(|n| Region::new(format!("lab-{n}")).unwrap()).collect();
    let mut regions: Vec<&str> = labs.iter().map(Region::as_str).collect();
    regions.extend(["us-east", "us"]);
    let mut document = whole();
    document["regions"] = json!(regions);
    document["system_prompt"] = json!("none");
    document["questions_in_flight"] = json!(1);
    assert_eq!(schema_fields(&document), BTreeSet::new());
    assert_eq!(parse(&document, &labs).unwrap().spec.regions.len(), limit::REGIONS);
}
