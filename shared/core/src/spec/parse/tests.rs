//! Specifications, good and bad.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn the_main_job_is_72_executions_in_3_lanes() {
    let submission = parse(&main_job(), &[]).unwrap();
    let spec = submission.spec;
    assert_eq!(spec.expected(), 72);
    assert_eq!(spec.lanes().count(), 3);
    assert_eq!(spec.regions[2].asked, "ASIA");
    assert!(spec.regions[2].system[0].as_ref().unwrap().contains("based in Asia."));
    let sampling = Sampling { temperature: 0.1, max_tokens: 500, seed: None, top_p: None };
    assert_eq!(spec.sampling, sampling);
    assert_eq!((spec.stop, spec.stop_after), (Stop::RegionFailure, 3));
    assert!(submission.warnings.is_empty());
}

#[test]
fn duplicates_are_folded_with_a_warning_each() {
    let mut document = main_job();
    document["regions"] = json!(["US", "us-east", " Us ", "EU"]);
    document["models"] = json!(["mistral-7b", "mistral-7b"]);
    document["questions"] = json!(["math_basic", "math_basic"]);
    let Submission { spec, warnings, .. } = parse(&document, &[]).unwrap();
    assert_eq!((spec.regions.len(), spec.models.len(), spec.questions.len()), (2, 1, 1));
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    assert!(
        warnings.iter().any(|warning| warning.contains("`us-east` is the same region as `US`"))
    );
}

#[test]
fn everything_wrong_is_reported_at_once_by_field() {
    let document = json!({
        "id": "no spaces",
        "questions": ["nope", {"id": "q"}, {"id": "q/", "text": " "}, 7, {"file": "x.csv"}],
        "models": [],
        "regions": ["mars", 3],
        "samples": 0,
        "temperature": "hot",
        "max_tokens": 1.5,
        "min_success_rate": 2,
        "stop": "sometimes",
        "timeout": "25h",
        "colour": "red",
    });
    let problems = parse(&document, &[]).unwrap_err();
    let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
    for field in [
        "id",
        "questions[0]",
        "questions[1].text",
        "questions[2].id",
        "questions[2].text",
        "questions[3]",
        "questions[4].file",
        "models",
        "regions[0]",
        "regions[1]",
        "samples",
        "temperature",
        "max_tokens",
        "min_success_rate",
        "stop",
        "timeout",
        "colour",
    ] {
        assert!(fields.contains(&field), "{field} is not in {fields:?}");
    }
}

#[test]
fn variants_and_named_prompts_multiply() {
    let document = json!({
        "questions": [{"id": "q", "text": "Q?", "variants": {"formal": "Pray, Q?"}}],
        "models": ["m"],
        "regions": ["US"],
        "system_prompt": {"place": "regional", "bare": "none", "own": "In {place}."},
    });
    let spec = parse(&document, &[]).unwrap().spec;
    let names: Vec<&str> = spec.questions.iter().map(|entry| entry.variant.as_str()).collect();
    assert_eq!(names, ["bare", "own", "place", "formal/bare", "formal/own", "formal/place"]);
    let sent = |index: usize| spec.prompt(&spec.questions[index], &spec.regions[0].region);
    assert_eq!(sent(0).unwrap().system, None);
    assert_eq!(sent(4).unwrap().system, Some("In the US."));
    assert_eq!(sent(4).unwrap().question, "Pray, Q?");
}

#[test]
fn what_is_expected_is_kept_as_texts_with_every_variant() {
    let document = json!({
        "questions": [
            "math_basic", "geography_basic", "identity_basic",
            {"id": "q", "text": "Q?", "expect": [49, " river ", "49", 0.5],
             "variants": {"formal": "Pray, Q?"}},
        ],
        "models": ["m"], "regions": ["US"], "system_prompt": "none",
    });
    let spec = parse(&document, &[]).unwrap().spec;
    let expected: Vec<&[String]> = spec.questions.iter().map(|entry| &entry.expect[..]).collect();
    let own: &[&str] = &["49", "river", "0.5"];
    assert_eq!(expected, [&["4", "four"][..], &["Paris"], &[], own, own]);
}

#[test]
fn without_a_map_a_variant_keeps_its_own_name() {
    let document = json!({
        "questions": [{"id": "q", "text": "Q?", "variants": {"formal": "Pray, Q?"}}],
        "models": ["m"], "regions": ["US"], "system_prompt": "none",
    });
    let spec = parse(&document, &[]).unwrap().spec;
    let names: Vec<&str> = spec.questions.iter().map(|entry| entry.variant.as_str()).collect();
    assert_eq!(names, ["base", "formal"]);
}

#[test]
fn a_regional_prompt_needs_a_place_and_a_declared_region_none() {
    let lab = Region::new("lab-1").unwrap();
    let mut document = main_job();
    document["regions"] = json!(["lab-1"]);
    let problems = parse(&document, std::slice::from_ref(&lab)).unwrap_err();
    assert_eq!(problems[0].field, "system_prompt");
    document["system_prompt"] = json!("none");
    assert_eq!(parse(&document, &[lab]).unwrap().spec.regions.len(), 1);
}

#[test]
fn a_variant_and_a_prompt_that_share_a_name_are_refused() {
    let document = json!({
        "questions": [{"id": "q", "text": "Q?", "variants": {"bare": "Pray, Q?"}}],
        "models": ["m"], "regions": ["US"], "system_prompt": {"base": "none", "bare": "B"},
    });
    // base × bare is `bare`, and bare × base is `bare/base`: no clash.
    assert!(parse(&document, &[]).is_ok());
}

#[test]
fn sizes_are_bounded() {
    let many = |count: usize| (0..count).map(|n| format!("m{n}")).collect::<Vec<_>>();
    let questions: Vec<_> =
        (0..10_001).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect();
    for (field, value) in [
        ("models", json!(many(51))),
        ("questions", json!(questions)),
        ("samples", json!(101)),
        ("questions_in_flight", json!(31)),
        ("samples", json!(67)),
        ("min_regions", json!(4)),
    ] {
        let mut document = main_job();
        document[field] = value;
        let problems = parse(&document, &[]).unwrap_err();
        assert!(problems.iter().any(|problem| problem.field == field), "{field}: {problems:?}");
    }
}

#[test]
fn timeouts_are_seconds_or_have_a_unit() {
    for (given, seconds) in [(json!(90), 90), (json!("90s"), 90), (json!("2h"), 7200)] {
        let mut document = main_job();
        document["timeout"] = given;
        assert_eq!(parse(&document, &[]).unwrap().spec.timeout_seconds, Some(seconds));
    }
    for wrong in [json!("h"), json!("é"), json!(""), json!(0), json!(-1), json!("1d")] {
        let mut document = main_job();
        document["timeout"] = wrong.clone();
        assert!(parse(&document, &[]).is_err(), "{wrong}");
    }
}

#[test]
fn what_the_table_or_the_queues_refuse_is_refused_at_the_door() {
    for (field, value) in [
        ("temperature", json!(1e-200)),
        ("top_p", json!(1e-7)),
        ("min_success_rate", json!(1e-300)),
        ("questions", json!([{"id": "q", "text": "a\u{FFFF}b"}])),
        ("system_prompt", json!("a\u{FFFE}b")),
    ] {
        let mut document = main_job();
        document[field] = value;
        assert!(parse(&document, &[]).is_err(), "{field}");
    }
    let mut document = main_job();
    document["temperature"] = json!(0);
    document["questions"] = json!([{"id": "q", "text": "tab\t, lines\r\n and 四川 are text"}]);
    assert!(parse(&document, &[]).is_ok());
}

#[test]
fn control_characters_are_named_and_refused_in_every_text() {
    let question = |field: &str| {
        let mut question = json!({"id": "q", "text": "?", "category": "c", "language": "en"});
        question[field] = json!("a\u{0}b");
        json!([question])
    };
    for (place, field, value) in [
        ("name", "name", json!("a\u{0}b")),
        ("questions[0].text", "questions", question("text")),
        ("questions[0].category", "questions", question("category")),
        ("questions[0].language", "questions", question("language")),
        ("system_prompt", "system_prompt", json!("a\u{0}b")),
        ("system_prompt.x", "system_prompt", json!({"x": "a\u{0}b"})),
    ] {
        let mut document = main_job();
        document[field] = value;
        let message = "holds the control character U+0000".to_owned();
        let problem = Problem { field: place.to_owned(), message };
        assert_eq!(parse(&document, &[]).unwrap_err(), [problem]);
    }
}

#[test]
fn a_long_name_is_cut_in_the_field_of_its_problem() {
    let mut document = main_job();
    let mut variants = serde_json::Map::new();
    variants.insert("v".repeat(10_000), json!("?"));
    document["questions"] = json!([{"id": "q", "text": "?", "variants": variants}]);
    document["system_prompt"] = variants.into();
    for problem in parse(&document, &[]).unwrap_err() {
        assert!(problem.field.len() < 200, "{}", problem.field);
    }
}

#[test]
fn an_unknown_field_without_a_name_has_one_in_its_problem() {
    let mut document = main_job();
    document[""] = json!(1);
    assert_eq!(parse(&document, &[]).unwrap_err()[0].field, "\"\"");
}

#[test]
fn contradicting_questions_are_told_where_the_first_is() {
    let mut document = main_job();
    document["questions"] = json!([
        "math_basic", "math_basic", {"id": "q", "text": "1"}, {"id": "q", "text": "2"},
    ]);
    let problems = parse(&document, &[]).unwrap_err();
    assert_eq!(problems[0].field, "questions[3]");
    assert!(problems[0].message.contains("given at questions[2] with"), "{problems:?}");
}

#[test]
fn multiplied_texts_are_bounded_before_they_are_built() {
    let prompts: serde_json::Map<_, _> =
        (0..50).map(|n| (format!("p{n}"), json!(format!("prompt {n}")))).collect();
    let text = "x".repeat(32 * 1024);
    let questions: Vec<_> = (0..50).map(|n| json!({"id": format!("q{n}"), "text": text})).collect();
    let mut document = main_job();
    document["questions"] = json!(questions);
    document["system_prompt"] = prompts.into();
    let problems = parse(&document, &[]).unwrap_err();
    assert!(problems.iter().any(|problem| problem.message.contains("bytes")), "{problems:?}");
}

#[test]
fn lanes_are_never_more_than_questions() {
    let mut document = main_job();
    document["questions_in_flight"] = json!(20);
    assert_eq!(parse(&document, &[]).unwrap().spec.lanes_per_region, 8);
}

proptest! {
    #[test]
    fn any_json_is_accepted_or_refused_with_a_reason(
        field in "[a-z_]{1,20}|id|questions|models|regions|samples|system_prompt|timeout|stop",
        value in any_json(),
    ) {
        let mut document = main_job();
        document[field] = value;
        if let Err(problems) = parse(&document, &[]) {
            prop_assert!(!problems.is_empty());
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,8}|id|text|variants|file", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn main_job() -> Value {
    json!({
        "name": "Bias detection",
        "questions": [
            "math_basic", "geography_basic", "identity_basic", "tiananmen_neutral",
            "taiwan_status", "hongkong_2019", "greatest_invention", "greatest_leader",
        ],
        "models": ["llama3.2-1b", "mistral-7b", "qwen2.5-1.5b"],
        "regions": ["US", "EU", "ASIA"],
    })
}
